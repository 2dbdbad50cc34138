import { processEnvironment, serviceFrom } from "../config.ts";
import { isWorkerError, WorkerError } from "../lib/errors.ts";
import { createHttp } from "../lib/http.ts";
import type { CodeOf } from "../lib/judgement.ts";
import type { LooseJson } from "../lib/json.ts";
import { createTransport } from "../lib/transport.ts";
import { z } from "zod";
import { Usage } from "./command.ts";

/** What is asked of the running service. */
export interface ServiceRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** What is `undefined` is left out; of a list each stands for itself. */
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: LooseJson;
}

/** The running service, as an operator speaks to it: the engine may belong to its process, so that no command opens it itself. */
export interface Service {
  /** Where it is, for people. */
  readonly url: string;
  /**
   * What it answers.
   * @throws Usage where it does not take the admin token or does not understand what is asked, WorkerError `Unreachable` where it does not
   * answer: both name the address that was tried.
   */
  ask(request: ServiceRequest): Promise<unknown>;
}

/** A ledger of 90 days takes its time. */
const timeoutMs = 60_000;

/** The service at `PUBLIC_URL`, with the first of `ADMIN_TOKEN`. @throws Usage, ConfigError */
export function openService(): Service {
  const environment = processEnvironment();
  const { publicUrl, adminToken: token } = serviceFrom(environment);
  if (token === undefined) throw new Usage("ADMIN_TOKEN is not set: the service answers operators only");
  const headers = { authorization: `Bearer ${token}` };
  const transport = createTransport({ proxies: environment });
  const http = createHttp({ peer: "norce-psp-worker", baseUrl: publicUrl, headers, timeoutMs, codeOf, transport });
  return {
    url: publicUrl,
    async ask({ method, path, query = {}, body }) {
      const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
      try {
        const request = { method, path, route: path, query: Object.fromEntries(given) };
        return (await http({ ...request, ...(body === undefined ? {} : { body }) })).body;
      } catch (error) {
        throw inPlainWords(error, publicUrl);
      }
    },
  };
}

/** What it says in its own words. */
const codeOf: CodeOf = (body) => ({ code: refusalSchema.safeParse(body).data?.message, supportId: undefined });
const refusalSchema = z.object({ message: z.string().max(500) });

function inPlainWords(error: unknown, url: string): unknown {
  if (isWorkerError(error, "Unauthorized")) return new Usage(`${url} does not take this ADMIN_TOKEN`);
  if (isWorkerError(error, "Refused")) return new Usage(`${url}: ${String(error.context["code"] ?? error.message)}`);
  if (!isWorkerError(error)) return error;
  return new WorkerError(error.kind, `${url} did not answer: ${error.message}`, { cause: error });
}
