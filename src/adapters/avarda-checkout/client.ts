import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import type { AskContext, Authority, Http, Json, LookContext } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { parsed, type Purchase, purchaseFrom, type Snapshot, tokenSchema } from "./schema.ts";

/** What Avarda can be told after the purchase, as the last part of the path says it. */
export type Call = "order" | "return" | "refund" | "refundRemaining" | "cancel";

const route = "/api/partner/payments/{purchaseId}";
/** How long Avarda's `orderReference` may be (docs/psp/avarda.md, g). */
export const referenceLength = 20;
/** The life of a token that does not say how long it lives: half of the usual hour. */
const unsaidLifeSeconds = 1_800;

/** What Avarda says now; `null` where it does not know the purchase, which usually means the credentials of another currency. */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const body = await read(reference, context);
  if (body === null) return null;
  const purchase = purchaseFrom(body);
  if (purchase.purchaseId !== reference)
    throw new WorkerError("Unmapped", "avarda-checkout answers another purchase than it was asked for");
  return { readAt: new Date().toISOString(), reviewed: context.memory["reviewed"] === true, purchase };
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

async function read(reference: string, context: LookContext<Config>): Promise<unknown> {
  const path = pathOf`/api/partner/payments/${reference}`;
  try {
    return (await httpFrom(context)({ method: "GET", path, route, signal: context.signal })).body ?? {};
  } catch (error) {
    if (isWorkerError(error, "Refused") && error.context["status"] === 404) return null;
    throw error;
  }
}

function httpFrom({ config, http }: AskContext<Config>): Http {
  return http({ baseUrl: config.apiUrl, authority: authorityOf(config), codeOf: codeAt("error"), classify });
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
      const asked = Date.now();
      const path = "/api/partner/tokens";
      const { body } = await http({ method: "POST", path, route: path, body: { clientId, clientSecret } }).catch(
        (error: unknown) => {
          throw isWorkerError(error, "Refused") ? unauthorized(error) : error;
        },
      );
      const { token, tokenExpirationUtc } = parsed(tokenSchema, body);
      const lifeSeconds = tokenExpirationUtc === undefined ? 0 : (Date.parse(tokenExpirationUtc) - asked) / 1_000;
      return { authorization: `Bearer ${token}`, expiresInSeconds: lifeSeconds > 0 ? lifeSeconds : unsaidLifeSeconds };
    },
  };
}

/** A token that is refused, with whatever status, is refused for the credentials: there is nothing else in the request. */
function unauthorized({ context }: WorkerError): WorkerError {
  return new WorkerError("Unauthorized", "avarda-checkout gives no token for these credentials", { context });
}
