import { createHash } from "node:crypto";
import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import { formOf } from "../../lib/form.ts";
import { pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { probeBy } from "../../lib/probe.ts";
import { insistOnAsked, isStatus, type Question, readAs, readOrNull } from "../../lib/read.ts";
import { listOf } from "../../lib/secrets.ts";
import type { AskContext, ClientOptions, Http, LookContext, ProbeResult } from "../../contract/adapter.ts";
import { type Config, environmentOf, type LegacyAccount, legacyAccount, tokenUrl } from "./config.ts";
import { chargeIn } from "./kept.ts";
import { isUnread } from "./polling.ts";
import {
  type Checkout,
  checkoutSchema,
  envelopeOf,
  notedIn,
  type Noted,
  type Order,
  orderSchema,
  type Snapshot,
} from "./schema.ts";
import { readUpsells } from "./upsell.ts";

/** The order of a purchase may take a minute to appear; what is refused for longer than this is not ours to read (docs/psp/walley.md, j). */
const orderPatienceMs = 60 * 60 * 1000;
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
 * right. The session is read until it has nothing more to tell (`noted.checkout`), so that a settled look costs one GET. The charge of a saved
 * token has no session and can have no order: then the lines of the log tell how it goes.
 * @returns `null` where Walley knows none of it (yet, or any more), or does not show an order that it has shown before.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const noted = notedIn(context.memory);
  const { now, payment, config } = context;
  const manages = legacyAccount(config) === undefined;
  const readsCheckout = noted.checkout === undefined;
  const readNew = (id: string): Promise<Order | null> => readOrder(id, context, isNew(noted, now));
  const [checkout, known] = await Promise.all([
    readsCheckout ? readCheckout(reference, context) : null,
    manages && noted.orderId !== undefined ? readNew(noted.orderId) : null,
  ]);
  // An id that is no session's may be an order's: Norce keeps the one that whoever started the payment wrote down.
  const named = checkout === null && readsCheckout ? reference : checkout?.order?.orderId;
  const asksOrder = manages && noted.orderId === undefined && named !== undefined && named !== null;
  const order = asksOrder ? await readNew(named) : known;
  const { storeId } = config;
  const snapshot: Snapshot = {
    reference,
    manages,
    checkout,
    order,
    noted,
    known: { amount: payment.amount, currency: payment.currency },
    ...(storeId === undefined ? {} : { storeId }),
  };
  if (order !== null) return await withUpsells(snapshot, order, context);
  // What it said last stands until it says something else: the purchase's old result would move the payment back.
  if (noted.orderStatus !== undefined || (isUnread(checkout) && noted.openedAt === undefined)) return null;
  if (checkout !== null) return snapshot;
  return manages && noted.bought === undefined ? await chargeFrom(snapshot, context, readNew) : null;
}

async function withUpsells(snapshot: Snapshot, order: Order, context: LookContext<Config>): Promise<Snapshot> {
  if (!context.config.useUpsell) return snapshot;
  const upsells = await readUpsells(order.id, context.payment.upsell, manageHttp(context));
  return { ...snapshot, upsells };
}

/** The charge of a saved token, and the order that it made; `null` where no line of the log tells of one. */
async function chargeFrom(
  snapshot: Snapshot,
  context: LookContext<Config>,
  read: (id: string) => Promise<Order | null>,
): Promise<Snapshot | null> {
  const { last, orderIds } = chargeIn(await context.kept());
  for (const id of orderIds) {
    const order = await read(id);
    if (order !== null) return { ...snapshot, order, reference: order.id, replaces: snapshot.reference };
  }
  return last === undefined ? null : snapshot;
}

/** True as long as the manage API may not know the order yet. */
function isNew({ orderStatus, awaitedSince }: Noted, now: number): boolean {
  const age = awaitedSince === undefined ? 0 : now - Date.parse(awaitedSince);
  return orderStatus === undefined && age < orderPatienceMs;
}

/** True for the same id to Walley, whose ids are GUIDs (docs/psp/walley.md, h). */
export function sameId(asked: string, answered: string): boolean {
  return asked.toLowerCase() === answered.toLowerCase();
}

/**
 * The order as the manage API shows it; `null` where it does not (yet).
 * @throws WorkerError `Refused` for an answer about another order than was asked for, whatever it echoes.
 */
export async function readOrder(id: string, context: AskContext<Config>, young: boolean): Promise<Order | null> {
  const { signal } = context;
  const question = { path: pathOf`/manage/orders/${id}`, route: "/manage/orders/{orderId}", signal };
  try {
    const answer = await readOrNull(manageHttp(context), question, envelopeOf(orderSchema), "a Walley order");
    if (answer === null) return null;
    const { data: order } = answer;
    insistOnAsked(id, order.id, { peer: "Walley", thing: "order" }, sameId);
    return order;
  } catch (error) {
    // A new order is refused before it is found: https://payments.collectorbank.se/docs/manage/orders/get
    if (young && isStatus(error, 403)) return null;
    throw error;
  }
}

async function readCheckout(id: string, context: AskContext<Config>): Promise<Checkout | null> {
  const legacy = legacyAccount(context.config);
  const [http, question] =
    legacy === undefined
      ? [manageHttp(context), { path: pathOf`/checkouts/${id}`, route: "/checkouts/{privateId}" }]
      : legacyQuestion(id, legacy, context);
  const { signal } = context;
  const answer = await readOrNull(http, { ...question, signal }, envelopeOf(checkoutSchema), "a Walley checkout");
  return answer?.data ?? null;
}

/**
 * The legacy API, where every request carries a digest of itself.
 * https://payments.collectorbank.se/docs/checkout/authorization
 */
function legacyQuestion(id: string, account: LegacyAccount, { config, http }: AskContext<Config>): [Http, Question] {
  const path = pathOf`/merchants/${account.storeId}/checkouts/${id}`;
  const route = "/merchants/{storeId}/checkouts/{privateId}";
  const headers = { authorization: sharedKeyAuthorization(account, path, "") };
  return [http({ baseUrl: config.apiUrl, classify, codeOf }), { path, route, headers }];
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
  const { clientId = "", apiSecret } = config;
  const authorize = async (http: Http) => await authorizeBy(http, config, listOf(apiSecret));
  const authority = { account: clientId, at: tokenEndpoint(config), authorize };
  return context.http({ baseUrl: config.apiUrl, classify, codeOf, authority });
}

/** Where access tokens come from. */
function tokenEndpoint(config: Config): ClientOptions {
  return {
    baseUrl: tokenUrl(config).origin,
    codeOf,
    // In its own words: a page that stands in front of it denies nobody.
    classify: (status, body) => (isDenial(status) && typeof body !== "string" ? "Unauthorized" : undefined),
  };
}

/** Asks something harmless with each credential: a token by each secret, or a session that nobody has. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { config } = context;
  const legacy = legacyAccount(config);
  const environment = environmentOf(config);
  const live = environment === undefined ? undefined : environment === "live";
  if (legacy !== undefined) {
    const ask = async () => await readCheckout("00000000-0000-0000-0000-000000000000", context);
    return [{ ...(await probeBy("Walley", `sharedKey of ${legacy.username}`, ask)), live }];
  }
  const tokens = context.http(tokenEndpoint(config));
  const secrets = listOf(config.apiSecret);
  return await Promise.all(
    secrets.map(async (secret, index) => {
      const credential = secrets.length === 1 ? "apiSecret" : `apiSecret, number ${index + 1}`;
      return { ...(await probeBy("Walley", credential, () => authorizeBy(tokens, config, [secret]))), live };
    }),
  );
}

/** Tries one secret after the other, newest first: Walley's die after six months, two live side by side. */
async function authorizeBy(http: Http, config: Config, [newest = "", ...older]: readonly string[]) {
  let granted = grant(http, config, newest);
  for (const secret of older)
    granted = granted.catch((error: unknown) => {
      if (!isWorkerError(error, "Unauthorized")) throw error;
      return grant(http, config, secret);
    });
  return await granted;
}

async function grant(http: Http, config: Config, secret: string) {
  const { clientId, scope } = config;
  const { body } = await http({
    method: "POST",
    path: tokenUrl(config).pathname,
    route: "/oauth2/v2.0/token",
    raw: formOf({ grant_type: "client_credentials", client_id: clientId, client_secret: secret, scope }),
    signal: AbortSignal.timeout(tokenPatienceMs),
  });
  const { access_token, expires_in } = readAs(tokenSchema, body, "a Walley token");
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
