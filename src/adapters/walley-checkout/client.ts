import { createHash } from "node:crypto";
import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import type { AskContext, Http, LookContext } from "../../contract/adapter.ts";
import { type Config, type LegacyAccount, legacyAccount, listed, tokenUrl } from "./config.ts";
import {
  type Checkout,
  checkoutSchema,
  envelope,
  notedIn,
  type Noted,
  type Order,
  orderSchema,
  parsed,
  type Snapshot,
} from "./schema.ts";
import { readUpsells } from "./upsell.ts";

/** The order of a purchase may take a minute to appear; what is refused for longer than this is not ours to read (docs/psp/walley.md, j). */
const orderPatienceMs = 60 * 60 * 1000;
/** A session that was open this long and is gone has been given up: Walley ends it after seven days (docs/psp/walley.md, d). */
const sessionMs = 6 * 24 * 60 * 60 * 1000;
const tokenPatienceMs = 10_000;
/** A reason is Walley's word for what is wrong, `code` mostly the status once more (docs/psp/walley.md, j). */
const codeOf = codeAt(["error.errors.0.reason", "code", "error.code"], "header:walley-correlationid");

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
const errorSchema = z.object({
  code: z.unknown().optional(),
  error: z
    .object({ code: z.unknown().optional(), errors: z.array(z.object({ reason: z.unknown().optional() })).nullish() })
    .nullish()
    .catch(undefined),
});

/**
 * What Walley says now. The session tells how the purchase went, the order what became of its money since; where both speak, the order is
 * right. The session is read until it has nothing more to tell (`noted.checkout`), so that a settled look costs one GET.
 * @returns `null` where Walley knows neither (yet), or does not show an order that it has shown before.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const noted = notedIn(context.memory);
  const readAt = new Date().toISOString();
  const manages = legacyAccount(context.config) === undefined;
  const readsCheckout = noted.checkout === undefined;
  const readNew = (id: string): Promise<Order | null> => readOrder(id, context, isNew(noted, readAt));
  const [checkout, known] = await Promise.all([
    readsCheckout ? readCheckout(reference, context) : null,
    manages && noted.orderId !== undefined ? readNew(noted.orderId) : null,
  ]);
  // An id that is no session's may be an order's: Norce keeps the one that whoever started the payment wrote down.
  const named = checkout === null && readsCheckout ? reference : checkout?.order?.orderId;
  const asksOrder = manages && noted.orderId === undefined && named !== undefined && named !== null;
  const order = asksOrder ? await readNew(named) : known;
  const { storeId, useUpsell } = context.config;
  const snapshot = {
    readAt,
    reference,
    manages,
    checkout,
    order,
    noted,
    ...(storeId === undefined ? {} : { storeId }),
  };
  if (order === null) {
    // What it said last stands until it says something else: the purchase's old result would move the payment back.
    if (noted.orderStatus !== undefined || isUnread(checkout)) return null;
    return checkout !== null || isGivenUp(noted, readAt) ? snapshot : null;
  }
  if (!useUpsell) return snapshot;
  return { ...snapshot, upsells: await readUpsells(order.id, context.payment.upsell, manageHttp(context)) };
}

/** A session that was seen open, is complete by nothing we know, and is gone. */
function isGivenUp({ openedAt, orderId, bought, currency, checkout }: Noted, readAt: string): boolean {
  if (openedAt === undefined || orderId !== undefined || checkout !== undefined) return false;
  return bought !== undefined && currency !== undefined && Date.parse(readAt) - Date.parse(openedAt) >= sessionMs;
}

/** Complete, and how it went does not show yet: what was known before stands. */
function isUnread(checkout: Checkout | null): boolean {
  return checkout?.status === "PurchaseCompleted" && (checkout.purchase ?? null) === null;
}

/** True as long as the manage API may not know the order yet. */
function isNew({ orderStatus, awaitedSince }: Noted, readAt: string): boolean {
  const age = awaitedSince === undefined ? 0 : Date.parse(readAt) - Date.parse(awaitedSince);
  return orderStatus === undefined && age < orderPatienceMs;
}

/** The order as the manage API shows it; `null` where it does not (yet). */
export async function readOrder(id: string, context: AskContext<Config>, young: boolean): Promise<Order | null> {
  try {
    const route = "/manage/orders/{orderId}";
    const path = pathOf`/manage/orders/${id}`;
    return read(orderSchema, (await manageHttp(context)({ method: "GET", path, route })).body, "order");
  } catch (error) {
    if (isStatus(error, 404)) return null;
    // A new order is refused before it is found: https://payments.collectorbank.se/docs/manage/orders/get
    if (young && isStatus(error, 403)) return null;
    throw error;
  }
}

async function readCheckout(id: string, context: AskContext<Config>): Promise<Checkout | null> {
  const legacy = legacyAccount(context.config);
  try {
    const { body } = await (legacy === undefined ? readCurrent(id, context) : readLegacy(id, legacy, context));
    return read(checkoutSchema, body, "checkout");
  } catch (error) {
    if (isStatus(error, 404)) return null;
    throw error;
  }
}

function readCurrent(id: string, context: AskContext<Config>): ReturnType<Http> {
  return manageHttp(context)({ method: "GET", path: pathOf`/checkouts/${id}`, route: "/checkouts/{privateId}" });
}

/**
 * The legacy API, where every request carries a digest of itself.
 * https://payments.collectorbank.se/docs/checkout/authorization
 */
function readLegacy(id: string, account: LegacyAccount, context: AskContext<Config>): ReturnType<Http> {
  const path = pathOf`/merchants/${account.storeId}/checkouts/${id}`;
  const route = "/merchants/{storeId}/checkouts/{privateId}";
  const headers = { authorization: sharedKeyAuthorization(account, path, "") };
  return context.http({ baseUrl: context.config.apiUrl, classify, codeOf })({ method: "GET", path, route, headers });
}

/** `Authorization` of a legacy request: over its body, its path without the query, and the key (docs/psp/walley.md, a). */
export function sharedKeyAuthorization(
  { username, sharedKey }: Pick<LegacyAccount, "username" | "sharedKey">,
  path: string,
  body: string,
): string {
  const digest = createHash("sha256").update(`${body}${path}${sharedKey}`, "utf8").digest("hex");
  return `SharedKey ${Buffer.from(`${username}:${digest}`, "utf8").toString("base64")}`;
}

/** The current API with an access token, which all looks of one merchant's channel share. */
export function manageHttp(context: AskContext<Config>): Http {
  const { config } = context;
  const { origin, pathname } = tokenUrl(config);
  const tokens = context.http({
    baseUrl: origin,
    codeOf,
    // In its own words: a page that stands in front of it denies nobody.
    classify: (status, body) => (isDenial(status) && typeof body !== "string" ? "Unauthorized" : undefined),
  });
  return context.http({
    baseUrl: config.apiUrl,
    classify,
    codeOf,
    authority: { account: config.clientId ?? "", authorize: () => authorize(tokens, pathname, config) },
  });
}

/** Tries one secret after the other, newest first: Walley's die after six months, two live side by side. */
async function authorize(http: Http, path: string, { clientId = "", apiSecret, scope = "" }: Config) {
  const [newest = "", ...older] = listed(apiSecret);
  let granted = grant(http, path, { clientId, scope, secret: newest });
  for (const secret of older)
    granted = granted.catch((error: unknown) => {
      if (!isWorkerError(error, "Unauthorized")) throw error;
      return grant(http, path, { clientId, scope, secret });
    });
  return await granted;
}

async function grant(http: Http, path: string, client: { clientId: string; scope: string; secret: string }) {
  const { clientId, scope, secret } = client;
  const form = { grant_type: "client_credentials", client_id: clientId, client_secret: secret, scope };
  const { body } = await http({
    method: "POST",
    path,
    route: "/oauth2/v2.0/token",
    raw: { type: "application/x-www-form-urlencoded", text: new URLSearchParams(form).toString() },
    // The token is for many looks: none of them may give up its fetching by giving up itself.
    signal: AbortSignal.timeout(tokenPatienceMs),
  });
  const { access_token, expires_in } = parsed(tokenSchema, body, "token");
  return { authorization: `Bearer ${access_token}`, expiresInSeconds: expires_in };
}

/** Whatever the token endpoint turns down are our credentials. */
function isDenial(status: number): boolean {
  return status === 400 || status === 403;
}

/**
 * Where Walley means something else than the table of errors: an operation that is being carried out has an unknown outcome, and one that
 * was carried out is a conflict, not a refusal (docs/psp/walley.md, j).
 */
function classify(status: number, body: unknown): "Unreachable" | "Conflict" | undefined {
  const codes = codesIn(body);
  // 423 (`Resource_Locked`): somebody else changes the order at this moment.
  if (status === 423 || codes.includes("IDEMPOTENCY_REQUEST_IN_PROGRESS")) return "Unreachable";
  return codes.includes("ORDER_ALREADY_CAPTURED") || codes.includes("IDEMPOTENCY_RESPONSE_EXPIRED")
    ? "Conflict"
    : undefined;
}

function codesIn(body: unknown): readonly unknown[] {
  const { data } = errorSchema.safeParse(body);
  if (data === undefined) return [];
  return [data.code, data.error?.code, ...(data.error?.errors ?? []).map(({ reason }) => reason)];
}

/** True for an answer with this status that the table of errors calls a refusal. */
export function isStatus(error: unknown, status: number): boolean {
  return isWorkerError(error, "Refused") && error.context["status"] === status;
}

/** What stands in the `data` of an answer. */
function read<Schema extends z.ZodType>(schema: Schema, body: unknown, what: string): z.infer<Schema> {
  return parsed(schema, parsed(envelope, body, what).data, what);
}
