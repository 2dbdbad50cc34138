import { createHash } from "node:crypto";
import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { type HttpAnswer, pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { liveAt, probeBy } from "../../lib/probe.ts";
import type { AskContext, Http, Json, LookContext, ProbeResult } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { type Checkout, checkoutFrom, id, type Order, orderFrom } from "./schema.ts";
import { notedFrom, type Snapshot, startedFrom } from "./snapshot.ts";
import { isObject } from "../../lib/json.ts";
import { fieldOf } from "./wire.ts";

const admin = "/checkout/adminapi/v2";
const merchant = "/checkout/merchantapi";

/**
 * The proof of a request: SHA-256 of the body's text with the secret behind it, base64 of the raw digest. Without a body the secret alone
 * is hashed, so that the proof of every GET is the same.
 * https://developers.qliro.com/docs/qliro-checkout/get-started/authorization
 */
export function authorizationOf(text: string, secret: string): string {
  return `Qliro ${createHash("sha256").update(text, "utf8").update(secret, "utf8").digest("base64")}`;
}

/**
 * What Qliro says now; `null` where it knows no such order. The checkout order is read beside the ledger until it has nothing more to tell
 * (`memory.checkout`, written by `map`): a settled look costs one GET.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  // The same paths take merchant references: what is no order id could find somebody else's order.
  if (!id.safeParse(reference).success)
    throw new WorkerError("Refused", "the reference is no order id of Qliro's", {
      context: { reason: "malformed-id" },
    });
  const noted = notedFrom(context.memory, reference);
  const settled = noted.checkout === "read" || noted.checkout === "gone";
  const [order, early] = await Promise.all([
    readOrder(reference, context),
    settled ? null : readCheckout(reference, context),
  ]);
  const checkout = order === null && settled ? await readCheckout(reference, context) : early;
  if (order === null && checkout === null) return null;
  const { useUpsell, upsellTimeoutSeconds: timeoutSeconds } = context.config;
  return {
    order,
    checkout,
    noted,
    ...(useUpsell ? { upsell: { timeoutSeconds, started: startedFrom(context.payment.upsell) } } : {}),
  };
}

/** The ledger; `null` where Qliro knows none: the order was never placed, or not yet. */
export async function readOrder(reference: string, context: AskContext<Config>): Promise<Order | null> {
  const path = pathOf`/orders/${reference}`;
  const body = await read(admin + path, `${admin}/orders/{OrderId}`, context);
  return body === null ? null : insistOn(reference, orderFrom(body));
}

async function readCheckout(reference: string, context: LookContext<Config>): Promise<Checkout | null> {
  const path = pathOf`/Orders/${reference}`;
  const body = await read(merchant + path, `${merchant}/Orders/{OrderId}`, context);
  return body === null ? null : insistOn(reference, checkoutFrom(body));
}

/** An order-management call of the admin API, such as `MarkItemsAsShipped`. The text that is hashed is the text that is sent. */
export async function tell(
  call: string,
  body: Readonly<Record<string, Json>>,
  context: LookContext<Config>,
): Promise<HttpAnswer> {
  const { merchantApiKey, merchantApiSecret } = context.config;
  const text = JSON.stringify({ MerchantApiKey: merchantApiKey, ...body });
  return await httpFrom(context)({
    method: "POST",
    path: `${admin}/${call}`,
    route: `${admin}/${call}`,
    headers: { authorization: authorizationOf(text, merchantApiSecret) },
    raw: { type: "application/json", text },
    signal: context.signal,
  });
}

function insistOn<Found extends { readonly OrderId: string }>(reference: string, found: Found): Found {
  if (found.OrderId === reference) return found;
  throw new WorkerError("Refused", "Qliro answers another order than it was asked for", {
    context: { reason: "other-order" },
  });
}

/** The body, or `null` where Qliro knows no such order. */
async function read(path: string, route: string, context: AskContext<Config>): Promise<unknown> {
  const authorization = authorizationOf("", context.config.merchantApiSecret);
  try {
    const { body } = await httpFrom(context)({
      method: "GET",
      path,
      route,
      headers: { authorization },
      signal: context.signal,
    });
    return body ?? {};
  } catch (error) {
    if (!isWorkerError(error, "Refused")) throw error;
    const { status, code } = error.context;
    if (status === 404 || code === "ORDER_NOT_FOUND" || code === "ORDER_EXPIRED") return null;
    throw error;
  }
}

function httpFrom({ config, http }: AskContext<Config>): Http {
  return http({ baseUrl: config.apiUrl, classify, codeOf: codeAt("ErrorCode", "ErrorReference") });
}

/** Refusals that concern our credentials, whatever status they come with (docs/psp/qliro.md, j). */
const credentials = new Set(["UNAUTHORIZED", "FORBIDDEN"]);

/**
 * Qliro's business errors are all 400. Its code is what tells them apart.
 */
function classify(status: number, body: unknown): "Unauthorized" | "Conflict" | undefined {
  const code = isObject(body) ? fieldOf(body, "ErrorCode") : undefined;
  if (status < 400 || status >= 500 || typeof code !== "string" || !/^[A-Z0-9_]{1,64}$/.test(code)) return undefined;
  if (credentials.has(code)) return "Unauthorized";
  // The order moves right now; the same request may succeed when it has come to rest.
  return code === "PAYMENT_ONHOLD" || (code === "OPERATION_NOT_SUPPORTED" && saysInProcess(body))
    ? "Conflict"
    : undefined;
}

/** `OPERATION_NOT_SUPPORTED` has several meanings; only the sentence tells which. */
function saysInProcess(body: unknown): boolean {
  if (!isObject(body)) return false;
  const sentences = [fieldOf(body, "ErrorMessage"), fieldOf(body, "DetailedErrorMessage")];
  return sentences.some((sentence) => typeof sentence === "string" && /in\s?process|in progress/i.test(sentence));
}

/** Asks for an order that is nobody's of this merchant. Only the secret is tried: the key travels in writes alone. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { is, says } = await probeBy("Qliro", "merchantApiSecret", () => readOrder("1", context));
  const untried = is === "works" ? "; merchantApiKey travels in writes alone, and is not tried" : "";
  return [{ is, says: `${says}${untried}`, live: liveAt(context.config.apiUrl, hosts) }];
}

/** docs/psp/qliro.md, a. */
const hosts = { live: ["payments.qit.nu"], test: ["pago.qit.nu"] };
