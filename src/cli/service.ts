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
   * answer: both name the address that was tried, and why.
   */
  ask(request: ServiceRequest): Promise<unknown>;
  /** Reads an answer. @throws WorkerError `Unmapped` where it is none of this version's, or somebody else's who listens there. */
  read<Read>(schema: z.ZodType<Read>, answer: unknown): Read;
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
    read(schema, answer) {
      const read = schema.safeParse(answer);
      if (read.success) return read.data;
      const message = `${publicUrl} answered what this command does not understand: is that this service, and of the same version?`;
      throw new WorkerError("Unmapped", message);
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
  const { status, code } = error.context;
  const why = String(code ?? error.message);
  const said = status === undefined ? `did not answer: ${reasons[why] ?? why}` : `answered ${status}: ${why}`;
  return new WorkerError(error.kind, `${url} ${said}`, { cause: error });
}

/** What the codes of a connection that failed mean for people. PUBLIC_URL says where the service is. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there (ECONNREFUSED); is the service running, and is PUBLIC_URL its address?",
  ENOTFOUND: "there is no such host (ENOTFOUND); is PUBLIC_URL its address?",
  EAI_AGAIN: "its name could not be looked up (EAI_AGAIN)",
  ETIMEDOUT: `not within ${timeoutMs / 1_000} seconds (ETIMEDOUT)`,
  timeout: `not within ${timeoutMs / 1_000} seconds`,
};
