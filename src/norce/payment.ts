import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { Recurring, Upsell } from "../adapters/adapter.ts";
import type { Json } from "../lib/http.ts";
import { majorFromMinor, type Minor, minorFromMajor } from "../lib/money.ts";
import type { paymentSchema } from "./schema.ts";
import type { PaymentState } from "./states.ts";

/** The one key in `payment.attributes` that is ours. */
export const recordKey = "norcePspWorker";

/** What we keep under our key: flat, and only what a later look needs or a person wants to read. */
export type PaymentRecord = Readonly<Record<string, string | number | boolean>>;

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

/** A payment from the document that Norce answered. */
export function currentFrom(
  payment: z.infer<typeof paymentSchema>,
  currency: string,
  raw: Record<string, Json>,
): CurrentPayment {
  const limit = payment.upperLimitAmount ?? null;
  return {
    adapterId: payment.adapterId ?? null,
    currency,
    amount: minorFromMajor(payment.amount, currency),
    upperLimit: limit === null ? null : minorFromMajor(limit, currency),
    state: payment.state,
    reference: payment.reference === undefined || payment.reference === "" ? null : payment.reference,
    recurring: payment.recurring ?? null,
    upsell: payment.upsell ?? null,
    record: recordFrom(payment.attributes?.[recordKey]),
    raw,
  };
}

/** Our own note, or `null` where it is absent or somebody else put something there that we cannot have written. */
function recordFrom(value: unknown): PaymentRecord | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const plain = Object.entries(value).filter((entry): entry is [string, string | number | boolean] =>
    ["string", "number", "boolean"].includes(typeof entry[1]),
  );
  return Object.fromEntries(plain);
}

/** What is PUT: everything that was read, with our fields laid over it. */
export function overlay(current: CurrentPayment, changes: PaymentChanges): Record<string, Json> {
  const next: Record<string, Json> = { ...current.raw };
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

/** Fields that Norce answered otherwise than they were sent. A missing field and `null` are the same; Norce adds ids to actions. */
export function differences(sent: Readonly<Record<string, Json>>, answered: Readonly<Record<string, Json>>): string[] {
  const fields = new Set([...Object.keys(sent), ...Object.keys(answered)]);
  return [...fields].filter((field) => {
    if (ownedByNorce.has(field)) return false;
    const ours = sent[field] ?? null;
    const theirs = answered[field] ?? null;
    if (field === "state" && typeof ours === "string" && typeof theirs === "string")
      return ours.toLowerCase() !== theirs.toLowerCase();
    return !isDeepStrictEqual(ours, theirs);
  });
}

/** Read-only fields (fact sheet, 2.2); action ids are given by Norce. */
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
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { ...(value as Record<string, Json>) }
    : {};
}

/** JSON has no `undefined`; neither has what is compared with an answer. */
function withoutUndefined(value: object): Record<string, Json> {
  return JSON.parse(JSON.stringify(value)) as Record<string, Json>;
}
