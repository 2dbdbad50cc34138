import type { z } from "zod";
import type { Recurring, Upsell } from "../contract/adapter.ts";
import type { Json } from "../lib/http.ts";
import { exponentOf, majorFromMinor, type Minor, minorFromMajor } from "../lib/money.ts";
import { same } from "./same.ts";
import type { paymentSchema } from "./schema.ts";
import { type PaymentState, paymentStates } from "./states.ts";

/** The one key in `payment.attributes` that is ours. */
export const recordKey = "norcePspWorker";

/** What we keep under our key: only what a later look needs or a person wants to read (`workers/look/record.ts`). */
export type PaymentRecord = Readonly<Record<string, Json>>;

/** A payment as Norce has it, amounts in minor units. */
export interface CurrentPayment {
  readonly adapterId: string | null;
  /** ISO 4217, upper case; the order's where the payment names none. */
  readonly currency: string;
  readonly amount: Minor;
  readonly upperLimit: Minor | null;
  readonly state: PaymentState;
  readonly reference: string | null;
  readonly recurring: { readonly token?: string | null | undefined; readonly [key: string]: unknown } | null;
  readonly upsell: unknown;
  readonly record: PaymentRecord | null;
  /** The whole document, for the PUT that replaces it. */
  readonly raw: Readonly<Record<string, Json>>;
}

/** The fields of a payment that we own; absent means unchanged. */
export interface PaymentChanges {
  readonly state?: PaymentState;
  readonly amount?: Minor;
  readonly reference?: string;
  readonly recurring?: Recurring;
  readonly upsell?: Upsell;
  readonly record?: PaymentRecord;
  /** The whole list, those of others included. */
  readonly actions?: readonly Json[];
}

/** A payment from the document that Norce answered; `null` where its amount is none that the currency can be counted in. */
export function currentFrom(
  payment: z.infer<typeof paymentSchema>,
  currency: string,
  raw: Record<string, Json>,
): CurrentPayment | null {
  if (!isCountable(payment.amount, currency)) return null;
  return {
    adapterId: payment.adapterId ?? null,
    currency,
    amount: minorFromMajor(payment.amount, currency),
    upperLimit: limitFrom(payment.upperLimitAmount ?? null, currency),
    state: payment.state,
    reference: payment.reference === undefined || payment.reference === "" ? null : payment.reference,
    recurring: payment.recurring ?? null,
    upsell: upsellInOurWords(payment.upsell as Json | undefined) ?? null,
    record: recordFrom(payment.attributes?.[recordKey] as Json | undefined),
    raw,
  };
}

/** A limit that is too large to be exact is how somebody writes that there is none: the largest decimal, the largest double. */
function limitFrom(limit: number | null, currency: string): Minor | null {
  return limit === null || !isCountable(limit, currency) ? null : minorFromMajor(limit, currency);
}

function isCountable(major: number, currency: string): boolean {
  return Math.abs(major) * 10 ** exponentOf(currency) <= Number.MAX_SAFE_INTEGER;
}

/** Our own note, or `null` where it is absent or somebody else put something there that we cannot have written. */
function recordFrom(value: Json | undefined): PaymentRecord | null {
  return isObject(value) ? value : null;
}

/** What is PUT: everything that was read, with our fields laid over it. */
export function overlay(current: CurrentPayment, changes: PaymentChanges): Record<string, Json> {
  const next = inOurWords(current.raw);
  if (changes.state !== undefined) next["state"] = changes.state;
  if (changes.amount !== undefined) next["amount"] = majorFromMinor(changes.amount, current.currency);
  if (changes.reference !== undefined) next["reference"] = changes.reference;
  if (changes.actions !== undefined) next["actions"] = changes.actions;
  if (changes.upsell !== undefined) next["upsell"] = withoutUndefined(changes.upsell);
  if (changes.record !== undefined)
    next["attributes"] = { ...objectOf(next["attributes"]), [recordKey]: changes.record };
  if (changes.recurring !== undefined) {
    next["recurring"] = { ...objectOf(next["recurring"]), ...withoutUndefined(changes.recurring) };
  }
  // An empty `recurring` would blank a token, and v1 refuses one without a token.
  if (!hasToken(next["recurring"])) delete next["recurring"];
  return next;
}

function hasToken(recurring: Json | undefined): boolean {
  const token = objectOf(recurring)["token"];
  return typeof token === "string" && token !== "";
}

/** Fields that Norce answered otherwise than they were sent, its own spelling aside. */
export function differences(sent: Readonly<Record<string, Json>>, answered: Readonly<Record<string, Json>>): string[] {
  const [ours, theirs] = [inOurWords(sent), inOurWords(answered)];
  const fields = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...fields].filter((field) => !ownedByNorce.has(field) && !same(ours[field], theirs[field]));
}

/** Enums are documented in lower case, but Norce may answer them in any: always written as documented, and compared so (docs/norce.md, 1.4). */
function inOurWords(payment: Readonly<Record<string, Json>>): Record<string, Json> {
  const { state, type, upsell } = payment;
  return {
    ...payment,
    ...(typeof state === "string" ? { state: wordOf(paymentStates, state) } : {}),
    ...(typeof type === "string" ? { type: wordOf(paymentTypes, type) } : {}),
    ...(upsell === undefined ? {} : { upsell: upsellInOurWords(upsell) ?? null }),
  };
}

function upsellInOurWords(upsell: Json | undefined): Json | undefined {
  if (!isObject(upsell) || !Array.isArray(upsell["transactions"])) return upsell;
  const transactions = upsell["transactions"].map((transaction: Json) =>
    isObject(transaction) && typeof transaction["state"] === "string"
      ? { ...transaction, state: wordOf(upsellStates, transaction["state"]) }
      : transaction,
  );
  return { ...upsell, transactions };
}

/** The documented word, whatever its casing; a word that is not known stays as it is. */
function wordOf(words: readonly string[], text: string): string {
  return words.find((word) => word.toLowerCase() === text.toLowerCase()) ?? text;
}

const paymentTypes = ["default", "prepaid", "voucher"];
const upsellStates = ["created", "actionRequired", "completed", "failed"];

/** Read-only fields (docs/norce.md, 2.2); action ids are given by Norce. */
const ownedByNorce: ReadonlySet<string> = new Set([
  "id",
  "orderId",
  "merchant",
  "channel",
  "created",
  "lastModified",
  "actions",
]);

/** The document as an object; anything else counts as empty. */
export function rawObject(body: unknown): Record<string, Json> {
  return objectOf(body as Json);
}

function objectOf(value: Json | undefined): Record<string, Json> {
  return isObject(value) ? { ...value } : {};
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** JSON has no `undefined`; neither has what is compared with an answer. */
function withoutUndefined(value: object): Record<string, Json> {
  return JSON.parse(JSON.stringify(value)) as Record<string, Json>;
}
