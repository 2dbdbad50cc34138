/**
 * What the Order API takes and what it refuses (docs/norce.md, 1.3, 1.4, 2.1 and 2.2). Enums are taken in lower case only:
 * that input is case-insensitive is a guess of docs/norce.md, 1.4, and a sandbox must not be kinder than the real thing.
 */
import type { Json } from "../src/lib/http.ts";
import { paymentStates } from "../src/norce/states.ts";

/** A JSON object. */
export type Document = { [key: string]: Json };

/** An answer other than success, as the Order API gives it: `{code, message}`. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
  }
}

/** What differs between the versions and between the two sets of states. */
export interface Dialect {
  readonly version: "v0" | "v1";
  /** Which states v0 takes: it documents ten. v1 takes twelve. */
  readonly states: "ten" | "twelve";
  /** Payments are answered in a spelling of the server's own. */
  readonly respells?: boolean;
}

/** `OrderStatus` (docs/norce.md, 2.1). */
export const orderStates = ["checkout", "processing", "accepted", "completed", "declined", "removed"] as const;
const paymentTypes = ["default", "prepaid", "voucher"];
const upsellStates = ["created", "actionRequired", "completed", "failed"];
const events = ["open", "process", "confirm", "reopen", "cancel", "paymentAction", "capture", "refund"];
const currency = /^[A-Za-z]{3,3}$/;
const culture = /^[A-Za-z]{2,3}(?:-[A-Za-z]{2,2})*$/;
const country = /^[A-Za-z]{2,2}$/;

/** Fields of a payment that a body cannot set. */
const readOnly = ["id", "orderId", "merchant", "channel", "created", "lastModified"];

/** The body as an object. @throws Refusal 400. */
export function objectFrom(body: Json | undefined): Document {
  if (!isObject(body)) throw bad("the body has to be an object");
  return { ...body };
}

/**
 * The payment that a POST or PUT asks for, without the read-only fields. Properties that are not documented are kept.
 * @throws Refusal 400.
 */
export function paymentFrom(body: Json | undefined, { version, states }: Dialect): Document {
  const payment = objectFrom(body);
  for (const field of readOnly) delete payment[field];
  if (version === "v1") delete payment["upsell"];
  payment["type"] ??= "default";
  payment["state"] ??= "intent";
  const known = version === "v0" && states === "ten" ? paymentStates.slice(0, 10) : paymentStates;
  insist(
    known.some((state) => state === payment["state"]),
    "state is none that is known",
  );
  insist(
    paymentTypes.some((type) => type === payment["type"]),
    "type is none that is known",
  );
  insist(isAmount(payment["amount"]), "amount has to be a number");
  insist(
    isAbsent(payment["upperLimitAmount"]) || isAmount(payment["upperLimitAmount"]),
    "upperLimitAmount has to be a number",
  );
  for (const field of ["adapterId", "name", "reference"]) insist(isText(payment[field]), `${field} has to be a string`);
  insist(matches(payment["currency"], currency), "currency has to be three letters");
  insist(isAbsent(payment["attributes"]) || isObject(payment["attributes"]), "attributes has to be an object");
  if (!isAbsent(payment["actions"])) payment["actions"] = actionsFrom(payment["actions"]);
  insistOnRecurring(payment["recurring"], version);
  insistOnUpsell(payment["upsell"]);
  return payment;
}

/** Payment actions: adapter, type and URL are required and not empty; ids are given by the server. @throws Refusal 400. */
export function actionsFrom(body: Json | undefined): Document[] {
  if (!Array.isArray(body)) throw bad("actions have to be an array");
  return body.map((action: Json) => {
    const given = objectFrom(action);
    for (const field of ["adapterId", "type", "url"]) {
      insist(typeof given[field] === "string" && given[field] !== "", `an action's ${field} must not be empty`);
    }
    return given;
  });
}

/** The transaction that a POST asks for: only documented fields, no id. @throws Refusal 400. */
export function transactionFrom(body: Json | undefined): Document {
  const given = objectFrom(body);
  insist(
    events.some((event) => event === given["event"]),
    "event is none that is known",
  );
  insist(isAmount(given["amount"]), "amount has to be a number");
  insist(isAbsent(given["isSuccess"]) || typeof given["isSuccess"] === "boolean", "isSuccess has to be a boolean");
  for (const field of ["pspEvent", "pspStatus", "errorDetail"])
    insist(isText(given[field]), `${field} has to be a string`);
  for (const field of ["requestJson", "responseJson"])
    insist(isJsonText(given[field]), `${field} has to be a string of JSON`);
  if (!isAbsent(given["paymentAction"])) actionsFrom([given["paymentAction"] ?? null]);
  return {
    event: given["event"] ?? null,
    pspEvent: given["pspEvent"] ?? null,
    amount: given["amount"] ?? null,
    isSuccess: given["isSuccess"] ?? false,
    errorDetail: given["errorDetail"] ?? null,
    pspStatus: given["pspStatus"] ?? null,
    requestJson: given["requestJson"] ?? null,
    responseJson: given["responseJson"] ?? null,
    paymentAction: given["paymentAction"] ?? null,
  };
}

/** The order that a POST asks for, without what is written through sub-resources. @throws Refusal 400. */
export function orderFrom(body: Json | undefined): Document {
  const order = objectFrom(body);
  for (const field of ["id", "merchant", "channel", "created", "lastModified", "payments", "shippings", "state"])
    delete order[field];
  insist(isText(order["reference"]), "reference has to be a string");
  insist(matches(order["currency"], currency), "currency has to be three letters");
  insist(matches(order["culture"], culture), "culture has to look like sv-SE");
  insist(matches(order["country"], country), "country has to be two letters");
  for (const field of ["cart", "customer", "attributes"])
    insist(isAbsent(order[field]) || isObject(order[field]), `${field} has to be an object`);
  return order;
}

/** The order state that a PUT asks for. @throws Refusal 400. */
export function orderStateFrom(body: Json | undefined): (typeof orderStates)[number] {
  const status = objectFrom(body)["currentStatus"];
  const found = orderStates.find((state) => state === status);
  if (found === undefined) throw bad("currentStatus is none that is known");
  return found;
}

/** True for a JSON object. */
export function isObject(value: Json | undefined): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A malformed request. */
export function bad(message: string): Refusal {
  return new Refusal(400, "bad-request", message);
}

function insist(holds: boolean, otherwise: string): void {
  if (!holds) throw bad(otherwise);
}

function insistOnRecurring(recurring: Json | undefined, version: Dialect["version"]): void {
  if (isAbsent(recurring)) return;
  insist(isObject(recurring), "recurring has to be an object");
  const { token, description, attributes } = recurring as Document;
  insist(isText(token), "recurring.token has to be a string");
  // v1 requires the token as soon as there is a `recurring` at all (docs/norce.md, 1.4).
  insist(version === "v0" || (typeof token === "string" && token !== ""), "recurring.token is required");
  insist(isText(description), "recurring.description has to be a string");
  insist(isAbsent(attributes) || isObject(attributes), "recurring.attributes has to be an object");
}

function insistOnUpsell(upsell: Json | undefined): void {
  if (isAbsent(upsell)) return;
  insist(isObject(upsell), "upsell has to be an object");
  const { eligible, expiration, transactions } = upsell as Document;
  insist(isAbsent(eligible) || typeof eligible === "boolean", "upsell.eligible has to be a boolean");
  insist(
    isAbsent(expiration) || (typeof expiration === "string" && !Number.isNaN(Date.parse(expiration))),
    "upsell.expiration has to be a date",
  );
  if (isAbsent(transactions)) return;
  if (!Array.isArray(transactions)) throw bad("upsell.transactions has to be an array");
  for (const transaction of transactions.map((item: Json) => objectFrom(item))) {
    insist(isText(transaction["id"]), "an upsell transaction's id has to be a string");
    insist(
      upsellStates.some((state) => state === transaction["state"]),
      "an upsell transaction's state is none that is known",
    );
  }
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

function isAmount(value: Json | undefined): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

function isText(value: Json | undefined): boolean {
  return isAbsent(value) || typeof value === "string";
}

function matches(value: Json | undefined, pattern: RegExp): boolean {
  return isAbsent(value) || (typeof value === "string" && pattern.test(value));
}

function isJsonText(value: Json | undefined): boolean {
  if (isAbsent(value)) return true;
  if (typeof value !== "string") return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
