import { WorkerError } from "../../lib/errors.ts";
import { equalInConstantTime } from "../../signatures/constant-time.ts";
import { hmacBody } from "../../signatures/hmac-body.ts";
import { hmacFields, type SignedItem } from "../../signatures/hmac-fields.ts";
import { proven, provenUnless } from "../../signatures/proven.ts";
import type { ProvenWebhook, PspEvent, RawRequest, Verifier } from "../../contract/adapter.ts";
import { type Config, isLive, listOf } from "./config.ts";
import { eventFrom, tokenEventFrom } from "./lines.ts";
import { type Item, itemSchema, standardSchema, tokenSchema } from "./schema.ts";

/**
 * Eight fields of each item, joined by colons that nothing escapes; of them only the merchant reference may hold one.
 * https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
 */
const items = hmacFields<Config>({
  items: (request) => itemsIn(jsonFrom(request.body))?.map(signedItem),
  joint: ":",
  free: 3,
  digest: "base64",
  key: "hex",
  secrets: ({ webhookHmacKey }) => listOf(webhookHmacKey),
});

/** The token webhooks: the body's bytes, by a header. */
const header = hmacBody<Config>({
  header: "hmacsignature",
  digest: ["base64"],
  key: "hex",
  secrets: ({ webhookHmacKey, tokenWebhookHmacKey }) => listOf(tokenWebhookHmacKey ?? webhookHmacKey),
});

/** What has items is proven item by item and never by a header, everything else by the header and never by its content. */
const bySchemeOfItsKind: Verifier<Config, "proven"> = {
  trust: "proven",
  scheme: "hmac-fields",
  check(request, context) {
    return (hasItems(request) ? items : header).check(request, context);
  },
};

/** Where everything is of another merchant account of the company, which one endpoint may serve, nothing here can move. */
const forUs = proven(bySchemeOfItsKind, (request, { config }) => {
  if (!isByAdyen(request, config) || !isOfOurEnvironment(request, config)) return false;
  const accounts = accountsIn(recordFrom(jsonFrom(request.body)) ?? {});
  const others = accounts.length > 0 && accounts.every((account) => account !== config.merchantAccount);
  return others ? { drop: "other-account" } : true;
});

/**
 * The one URL of an account: standard webhooks, and those of the token life-cycle. Adyen holds everything else of the endpoint back for one
 * that is refused, so that what can move nothing is taken: what is proven and of another merchant account, and notices of reports, which are
 * of the company's account and need no signature. What is for live money where this is a test is refused. Whatever else Adyen signs and sends
 * is taken, and gives no event.
 */
export const webhook: ProvenWebhook<Config> = {
  scope: "account",
  method: "POST",
  verify: provenUnless(forUs, ({ body }) => (areReports(parsedOrUndefined(body)) ? "report" : undefined)),
  ack: { status: 200, type: "text/plain", body: "[accepted]" },
  parse: (request, _, { merchantAccount }) => {
    const body = jsonFrom(request.body);
    return itemsIn(body) === undefined ? tokenEvents(body) : itemEvents(ofAccount(body, merchantAccount));
  },
};

function itemEvents(body: unknown): readonly PspEvent[] {
  const result = standardSchema.safeParse(body);
  const raw = result.data?.notificationItems.map(({ NotificationRequestItem }) => NotificationRequestItem) ?? [];
  const read = raw.map((item) => itemSchema.safeParse(item).data);
  // Where nothing can be read Adyen is told so, and sends it again.
  const isUnread = read.length > 0 && read.every((item) => item === undefined);
  if (!result.success || isUnread) throw new WorkerError("MalformedWebhook", "the webhook is not what Adyen documents");
  const events = raw.flatMap((item, index) => eventFrom(read[index] ?? unreadable(item)) ?? []);
  // Of a repeat the first copy counts.
  return [...new Map(events.toReversed().map((event) => [event.key, event])).values()].toReversed();
}

/** What cannot be read of a batch holds back none of the others: it becomes a line for people, and moves nothing. */
function unreadable(item: Readonly<Record<string, unknown>>): Item {
  const { eventCode, pspReference } = item;
  return itemSchema.parse({
    ...item,
    // There the reference is a token, which the code alone tells.
    eventCode: eventCode === "RECURRING_CONTRACT" ? eventCode : "UNREADABLE",
    success: false,
    pspReference: itemSchema.shape.pspReference.safeParse(pspReference).data ?? "?",
  });
}

/** A type that nobody here knows is nobody's event. */
function tokenEvents(body: unknown): readonly PspEvent[] {
  const { type } = recordFrom(body) ?? {};
  if (typeof type !== "string") throw new WorkerError("MalformedWebhook", "the webhook is not what Adyen documents");
  if (!isTokenType(type)) return [];
  const result = tokenSchema.safeParse(body);
  if (!result.success) throw new WorkerError("MalformedWebhook", "the token webhook is not what Adyen documents");
  return [tokenEventFrom(result.data)];
}

function hasItems({ body }: RawRequest): boolean {
  return itemsIn(parsedOrUndefined(body)) !== undefined;
}

function itemsIn(body: unknown): readonly unknown[] | undefined {
  const list = recordFrom(body)?.["notificationItems"];
  return Array.isArray(list) ? (list as readonly unknown[]) : undefined;
}

/** @throws Error where the item is none. */
function signedItem(wrapped: unknown): SignedItem {
  const item = itemIn(wrapped);
  if (item === undefined) throw new Error("no item");
  const amount = recordFrom(item["amount"]) ?? {};
  const signature = recordFrom(item["additionalData"])?.["hmacSignature"];
  return {
    fields: [
      item["pspReference"],
      item["originalReference"],
      item["merchantAccountCode"],
      item["merchantReference"],
      amount["value"],
      amount["currency"],
      item["eventCode"],
      item["success"],
    ].map(textFrom),
    signature: typeof signature === "string" ? signature : "",
  };
}

/** As Adyen writes it into the signed text; what is missing is empty. @throws Error for what is no text. */
function textFrom(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  throw new Error("no text");
}

/** Basic authentication, where the merchant has set a password for the endpoint. */
function isByAdyen({ headers }: RawRequest, { webhookUsername, webhookPassword }: Config): boolean {
  const given = headers["authorization"] ?? "";
  const wanted = listOf(webhookPassword).map(
    (password) => `Basic ${Buffer.from(`${webhookUsername}:${password}`, "utf8").toString("base64")}`,
  );
  return wanted.length === 0 || wanted.map((one) => equalInConstantTime(given, one)).includes(true);
}

function isOfOurEnvironment({ body }: RawRequest, config: Config): boolean {
  const record = recordFrom(jsonFrom(body)) ?? {};
  const isItems = itemsIn(record) !== undefined;
  const live = isItems ? String(record["live"]) === "true" : record["environment"] === "live";
  return live === isLive(config);
}

/** True where there are items, and each says that a report is ready. */
function areReports(body: unknown): boolean {
  const list = itemsIn(body) ?? [];
  return list.length > 0 && list.every((item) => itemIn(item)?.["eventCode"] === "REPORT_AVAILABLE");
}

/** The body without the items of other merchant accounts: one batch may have both. */
function ofAccount(body: unknown, merchantAccount: string): unknown {
  const list = itemsIn(body) ?? [];
  const isOthers = (item: unknown): boolean => {
    const account = itemIn(item)?.["merchantAccountCode"];
    return account !== undefined && account !== merchantAccount;
  };
  return { ...recordFrom(body), notificationItems: list.filter((item) => !isOthers(item)) };
}

function itemIn(wrapped: unknown): Readonly<Record<string, unknown>> | undefined {
  return recordFrom(recordFrom(wrapped)?.["NotificationRequestItem"]);
}

/** The merchant accounts that a webhook is for; those that are neither items nor about a token give no event, and may name none. */
function accountsIn(record: Readonly<Record<string, unknown>>): readonly unknown[] {
  const list = itemsIn(record);
  if (list !== undefined) return list.map((item) => itemIn(item)?.["merchantAccountCode"]);
  return isTokenType(record["type"]) ? [recordFrom(record["data"])?.["merchantAccount"]] : [];
}

function isTokenType(type: unknown): boolean {
  return typeof type === "string" && type.startsWith("recurring.token.");
}

function recordFrom(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function jsonFrom(body: Buffer): unknown {
  const json = parsedOrUndefined(body);
  if (json === undefined) throw new WorkerError("MalformedWebhook", "the webhook is not JSON");
  return json;
}

/** Each body is parsed once, however often it is asked about. */
const parsedBodies = new WeakMap<Buffer, { readonly json: unknown }>();

function parsedOrUndefined(body: Buffer): unknown {
  const known = parsedBodies.get(body) ?? { json: parsedAfresh(body) };
  parsedBodies.set(body, known);
  return known.json;
}

function parsedAfresh(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
