import { WorkerError } from "../../lib/errors.ts";
import { jsonFrom, parseJson } from "../../lib/json.ts";
import { hasBearer } from "../../signatures/bearer.ts";
import { equalInConstantTime } from "../../signatures/constant-time.ts";
import { hmacBody } from "../../signatures/hmac-body.ts";
import { hmacFields, type SignedItem } from "../../signatures/hmac-fields.ts";
import { proven } from "../../signatures/proven.ts";
import type { Proof, ProofContext, ProvenWebhook, PspEvent, RawRequest, Verifier } from "../../contract/adapter.ts";
import { type Config, isLive, listOf } from "./config.ts";
import { isForNobody } from "./codes.ts";
import { eventFrom, tokenEventFrom } from "./lines.ts";
import { type Item, itemSchema, standardSchema, tokenSchema } from "./schema.ts";

/** The largest batch that is looked at: Adyen sends one item at a time, and documents no more. */
const mostItems = 100;

/**
 * Eight fields of each item, joined by colons that nothing escapes; of them only the merchant reference may hold one.
 * https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
 */
function signedEach(items: readonly unknown[]): Verifier<Config, "proven"> {
  return hmacFields<Config>({
    items: () => items.map(signedItem),
    joint: ":",
    free: 3,
    digest: "base64",
    key: "hex",
    secrets: ({ webhookHmacKey }) => listOf(webhookHmacKey),
  });
}

/** The token webhooks: the body's bytes, by a header. Whatever else Adyen signs so and sends here is taken, and gives no event. */
const byHeader = proven(
  hmacBody<Config>({
    header: "hmacsignature",
    digest: ["base64"],
    key: "hex",
    secrets: ({ webhookHmacKey, tokenWebhookHmacKey }) => listOf(tokenWebhookHmacKey ?? webhookHmacKey),
  }),
  (request, { config }) => {
    const record = recordFrom(jsonFrom(request.body)) ?? {};
    if (!isByAdyen(request, config) || (record["environment"] === "live") !== isLive(config)) return false;
    if (!isTokenType(record["type"])) return true;
    return recordFrom(record["data"])?.["merchantAccount"] === config.merchantAccount || foreign;
  },
);

/** What is proven and is another merchant account's of the same company moves nothing here: refused, it would hold back what is ours. */
const foreign = { drop: "other-account" } as const;

/**
 * Standard webhooks, item by item. What no payment stands behind may come unsigned, and is taken and dropped: a report that is ready, a test
 * ping. Of everything else each item has to be proven before it is asked whose it is.
 */
async function checkItems(request: RawRequest, context: ProofContext<Config>): Promise<Proof> {
  const record = recordFrom(parseJson(request.body.toString("utf8"))) ?? {};
  const items = (itemsIn(record) ?? []).map((wrapped) => recordFrom(recordFrom(wrapped)?.["NotificationRequestItem"]));
  if (items.length === 0 || items.length > mostItems) return false;
  const concerning = items.filter((item) => item === undefined || !isOfNoPayment(item));
  const proof = await signedEach(concerning.length === 0 ? items : concerning).check(request, context);
  if (concerning.length === 0) return proof === false ? { drop: "no-payment" } : proof;
  const { config } = context;
  if (proof === false || (String(record["live"]) === "true") !== isLive(config)) return false;
  const allowed = await isAllowedIn(request, context);
  // A refusal would hold back everything else: Adyen has to come again once the provider's keys can be had.
  if (allowed === undefined) return { busy: true };
  if (!allowed) return false;
  return concerning.some((item) => isOurs(item, config)) ? proof : foreign;
}

/** Of a standard webhook what the items' signatures cover; of a token webhook every byte is signed. */
const signedFields = [
  "notificationItems.*.NotificationRequestItem.pspReference",
  "notificationItems.*.NotificationRequestItem.originalReference",
  "notificationItems.*.NotificationRequestItem.merchantAccountCode",
  "notificationItems.*.NotificationRequestItem.merchantReference",
  "notificationItems.*.NotificationRequestItem.amount",
  "notificationItems.*.NotificationRequestItem.eventCode",
  "notificationItems.*.NotificationRequestItem.success",
  "createdAt",
  "environment",
  "eventId",
  "type",
  "version",
  "data",
];

/**
 * The one URL of an account: standard webhooks, and those of the token life-cycle. What has items is proven item by item and never by a header,
 * everything else by the header and never by its content.
 */
export const webhook: ProvenWebhook<Config> = {
  scope: "account",
  method: "POST",
  verify: {
    trust: "proven",
    scheme: "hmac-fields",
    check: (request, context) => (hasItems(request) ? checkItems : byHeader.check)(request, context),
  },
  signed: signedFields,
  ack: { status: 200, type: "text/plain", body: "[accepted]" },
  parse: (request, _, config) => {
    const body = jsonFrom(request.body);
    return hasItems(request) ? itemEvents(body, config) : tokenEvents(body);
  },
};

function isOfNoPayment({ eventCode, pspReference }: Readonly<Record<string, unknown>>): boolean {
  return typeof eventCode === "string" && typeof pspReference === "string" && isForNobody(eventCode, pspReference);
}

function isOurs(item: Readonly<Record<string, unknown>> | undefined, { merchantAccount }: Config): boolean {
  return item?.["merchantAccountCode"] === merchantAccount;
}

function itemEvents(body: unknown, config: Config): readonly PspEvent[] {
  const result = standardSchema.safeParse(body);
  const all = result.data?.notificationItems.map(({ NotificationRequestItem }) => NotificationRequestItem) ?? [];
  const raw = all.filter((item) => isOurs(item, config));
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

/** Told from the text alone, so that what nobody has proven is parsed once. */
function hasItems({ body }: RawRequest): boolean {
  return body.includes('"notificationItems"');
}

function itemsIn(body: unknown): readonly unknown[] | undefined {
  const list = recordFrom(body)?.["notificationItems"];
  return Array.isArray(list) ? (list as readonly unknown[]) : undefined;
}

/** @throws Error where the item is none. */
function signedItem(given: unknown): SignedItem {
  const item = recordFrom(given);
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

/** By a token of the merchant's identity provider, where one is configured; `undefined` where its keys cannot be had now. Else by Basic authentication. */
async function isAllowedIn(request: RawRequest, { config, files }: ProofContext<Config>): Promise<boolean | undefined> {
  if (config.webhookOAuth === undefined) return isByAdyen(request, config);
  return await hasBearer(request, config.webhookOAuth, files);
}

/** Basic authentication, where the merchant has set a password for the endpoint. */
function isByAdyen({ headers }: RawRequest, { webhookUsername, webhookPassword }: Config): boolean {
  const given = headers["authorization"] ?? "";
  const wanted = listOf(webhookPassword).map(
    (password) => `Basic ${Buffer.from(`${webhookUsername}:${password}`, "utf8").toString("base64")}`,
  );
  return wanted.length === 0 || wanted.map((one) => equalInConstantTime(given, one)).includes(true);
}

function isTokenType(type: unknown): boolean {
  return typeof type === "string" && type.startsWith("recurring.token.");
}

function recordFrom(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
