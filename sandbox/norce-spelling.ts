import type { Json } from "../src/lib/http.ts";
import { type Document, isObject } from "./norce-rules.ts";

/**
 * A payment as a server with types of its own may answer it: nothing means anything else, but dates have another format, members that nobody
 * sent are `null`, and enums begin with a capital (Norce's own examples write `Intent`).
 */
export function respelled(payment: Document): Document {
  const { state, type, recurring, upsell, actions } = payment;
  return withDates({
    ...nulls("name", "currency", "upperLimitAmount", "reference", "attributes"),
    ...payment,
    state: capital(state),
    type: capital(type),
    actions: Array.isArray(actions) ? actions.map((action: Json) => filled(action, "imgUrl")) : null,
    recurring: filled(recurring, "token", "description", "attributes"),
    upsell: upsellFrom(upsell),
  });
}

function upsellFrom(upsell: Json | undefined): Json {
  if (!isObject(upsell)) return null;
  const { transactions } = upsell;
  return {
    ...nulls("eligible", "expiration", "attributes"),
    ...upsell,
    transactions: Array.isArray(transactions) ? transactions.map(upsellTransactionFrom) : null,
  };
}

function upsellTransactionFrom(transaction: Json): Json {
  return isObject(transaction)
    ? { ...nulls("attributes", "itemIds"), ...transaction, state: capital(transaction["state"]) }
    : transaction;
}

function filled(value: Json | undefined, ...members: readonly string[]): Json {
  return isObject(value) ? { ...nulls(...members), ...value } : null;
}

function nulls(...members: readonly string[]): Document {
  return Object.fromEntries(members.map((member) => [member, null]));
}

function capital(word: Json | undefined): Json {
  return typeof word === "string" ? word.slice(0, 1).toUpperCase() + word.slice(1) : (word ?? null);
}

/** Every date-time in UTC as `2026-01-01T10:00:00+00:00`, with seven digits where there is a fraction, at every depth. */
function withDates<T extends Json>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, member: unknown) =>
    typeof member === "string" ? date(member) : member,
  ) as T;
}

function date(text: string): string {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z$/.exec(text);
  if (match === null) return text;
  const [, seconds = "", fraction = ""] = match;
  return `${seconds}${fraction === "000" ? "" : `.${fraction}0000`}+00:00`;
}
