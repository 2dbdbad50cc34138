import { randomBytes } from "node:crypto";
import { isLoopback } from "../../lib/agents.ts";
import { isWorkerError } from "../../lib/errors.ts";
import { createHttp } from "../../lib/http.ts";
import { z } from "zod";
import type { Check } from "../checks.ts";
import type { Tools } from "../parts.ts";
import type { Found } from "../report.ts";

const answerSchema = z.object({ status: z.literal("live"), echo: z.string() });

/** Whether `PUBLIC_URL` leads to us: who answers there has to say a nonce back by a key that only this service has. */
export function publicUrlCheck(tools: Tools): Check {
  return {
    check: "PUBLIC_URL",
    peer: "this service",
    run: async (signal) => [await led(tools, signal), ...reachableBy(tools)],
  };
}

async function led({ config, transport }: Tools, signal: AbortSignal): Promise<Found> {
  const { publicUrl, signingKeys } = config;
  const nonce = randomBytes(24).toString("base64url");
  const http = createHttp({ peer: "PUBLIC_URL", baseUrl: publicUrl, transport });
  const [path, query] = ["/health/live", { nonce }];
  try {
    const { body } = await http({ method: "GET", path, route: path, query, signal });
    const answer = answerSchema.safeParse(body).data;
    if (answer === undefined) return strange(publicUrl, "it does not answer as this service does");
    if (signingKeys.isEcho(nonce, answer.echo)) return { is: "fine", says: `${publicUrl} leads to this service` };
    return {
      is: "attention",
      says: `at ${publicUrl} answers a service with other URL_SIGNING_KEYS`,
      todo: "give this command and the service the same URL_SIGNING_KEYS, or let PUBLIC_URL lead to this service",
    };
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    const { status, code } = error.context;
    if (typeof status === "number" && code !== "not-json" && status >= 500)
      return { ...strange(publicUrl, `it answers ${status}`), is: "unreachable" };
    if (typeof status === "number") return strange(publicUrl, `it answers ${status}`);
    return {
      is: "unreachable",
      says: `nobody answers at ${publicUrl} (${String(code)})`,
      todo: "start the service; if it runs, see where PUBLIC_URL leads, as seen from this machine",
    };
  }
}

function strange(publicUrl: string, what: string): Found {
  return {
    is: "attention",
    says: `somebody else stands at ${publicUrl}: ${what}`,
    todo: "let the proxy pass /health/live and the callback paths on to the web process, without what PUBLIC_URL has behind its host",
  };
}

/** PSPs call from outside, and over TLS; those that are on this machine as well (a sandbox) do not mind. */
function reachableBy({ config }: Tools): readonly Found[] {
  const { protocol, hostname } = new URL(config.publicUrl);
  const local = config.targets.every(({ settings }) => isLoopback(URL.parse(settings.apiUrl)?.hostname ?? ""));
  if (local) return [];
  if (isLoopback(hostname))
    return [
      {
        is: "attention",
        says: `${config.publicUrl} is this machine alone: no PSP can call it`,
        todo: "set PUBLIC_URL to the address at which the service is called from outside",
      },
    ];
  if (protocol === "https:") return [];
  return [
    {
      is: "attention",
      says: `${config.publicUrl} is without TLS: PSPs call https alone, and signed URLs travel in the open`,
      todo: "put a proxy with a certificate in front, and https into PUBLIC_URL",
    },
  ];
}
