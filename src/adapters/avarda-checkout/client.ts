import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { liveAt, probeBy } from "../../lib/probe.ts";
import { readAs, readOrNull } from "../../lib/read.ts";
import type { AskContext, Authority, Http, Json, LookContext, ProbeResult } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { answerSchema, type Purchase, type Snapshot, tokenSchema } from "./schema.ts";

/** What Avarda can be told after the purchase, as the last part of the path says it. */
export type Call = "order" | "return" | "refund" | "refundRemaining" | "cancel";

const route = "/api/partner/payments/{purchaseId}";
const tokenRoute = "/api/partner/tokens";
/** How long Avarda's `orderReference` may be (docs/psp/avarda.md, g). */
export const referenceLength = 20;
/** How long a token lives, and what is taken for it where Avarda does not say. */
const tokenSeconds = 3_600;
const unsaidSeconds = tokenSeconds / 2;

/** What Avarda says now; `null` where it does not know the purchase, which usually means the credentials of another currency. */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const question = { path: pathOf`/api/partner/payments/${reference}`, route, signal: context.signal };
  const purchase = await readOrNull(httpFrom(context), question, answerSchema, "an Avarda purchase");
  if (purchase === null) return null;
  const { reviewedSince } = context.memory;
  return { ...(typeof reviewedSince === "string" ? { reviewedSince } : {}), purchase };
}

/** Tells Avarda what happened to the purchase. 204 and an empty body mean that it is done. @throws WorkerError */
export async function tell(
  context: LookContext<Config>,
  { purchaseId }: Purchase,
  call: Call,
  body: Readonly<Record<string, Json>>,
): Promise<void> {
  const payment = pathOf`/api/partner/payments/${purchaseId}`;
  await httpFrom(context)({
    method: "POST",
    path: `${payment}/${call}`,
    route: `${route}/${call}`,
    body,
    signal: context.signal,
  });
}

/** Asks for a token, which shows that the credentials are right, and nothing else. */
export async function probe({ config, http }: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { authorize } = authorityOf(config);
  const ask = async () => await authorize(http({ baseUrl: config.apiUrl, codeOf, classify }));
  // Its 403 says nothing of the credential: that would be Unauthorized (authorityOf).
  const probed = await probeBy("Avarda", "clientId and clientSecret", ask, ["Unauthorized"]);
  return [{ ...probed, live: liveAt(config.apiUrl, hosts) }];
}

/** docs/psp/avarda.md, a. */
const hosts = {
  live: ["checkout-api.avarda.com", "avdonl-p-checkout.avarda.org"],
  test: ["stage.checkout-api.avarda.com", "avdonl-s-checkout.avarda.org"],
};

/** Avarda's sentences stand in several shapes; only the token call has a word for what is wrong (docs/psp/avarda.md, j). */
const codeOf = codeAt("error");

function httpFrom({ config, http }: AskContext<Config>): Http {
  return http({ baseUrl: config.apiUrl, authority: authorityOf(config), codeOf, classify });
}

/**
 * The statuses mean to Avarda what they mean to everybody, but its 403 and 404 often say nothing that can be parsed (docs/psp/avarda.md, j). A page
 * is not what an API says: that is somebody else's.
 */
function classify(status: number, body: unknown): "Refused" | undefined {
  return (status === 403 || status === 404) && typeof body === "string" && !/^\s*</.test(body) ? "Refused" : undefined;
}

/**
 * The partner token lives about an hour and is to be used again.
 * https://docs.avarda.com/checkout-3/more-features/handling-partner-access-token
 */
function authorityOf({ clientId, clientSecret }: Config): Authority {
  return {
    account: clientId,
    authorize: async (http) => {
      const { body, headers } = await http({
        method: "POST",
        path: tokenRoute,
        route: tokenRoute,
        body: { clientId, clientSecret },
      }).catch((error: unknown) => {
        throw isWorkerError(error, "Refused") ? unauthorized(error) : error;
      });
      const { token, tokenExpirationUtc = "" } = readAs(tokenSchema, body, "an Avarda token");
      // Both by Avarda's own clock.
      const lifeSeconds = (Date.parse(tokenExpirationUtc) - Date.parse(String(headers["date"]))) / 1_000;
      const expiresInSeconds = lifeSeconds > 0 ? Math.min(lifeSeconds, tokenSeconds) : unsaidSeconds;
      return { authorization: `Bearer ${token}`, expiresInSeconds };
    },
  };
}

/** A token that is refused, with whatever status, is refused for the credentials: there is nothing else in the request. */
function unauthorized({ context }: WorkerError): WorkerError {
  return new WorkerError("Unauthorized", "avarda-checkout gives no token for these credentials", { context });
}
