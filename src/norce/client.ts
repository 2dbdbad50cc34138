import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import type { DesiredTransaction, PaymentKey, Recurring, Upsell } from "../adapters/adapter.ts";
import { WorkerError } from "../lib/errors.ts";
import { createHttp, type Http, type HttpOptions, type Json, pathOf } from "../lib/http.ts";
import { majorFromMinor, type Minor, minorFromMajor } from "../lib/money.ts";
import { type NorceOrder, orderSchema, paymentSchema, transactionsSchema } from "./schema.ts";
import type { PaymentState } from "./states.ts";

/** Where an order lives: Norce scopes every call by merchant and channel. */
export type OrderKey = Pick<PaymentKey, "merchant" | "channel" | "orderId">;

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
}

/** The Order API's payment operations that we use, for all merchants. Reads 404 as `null`: not there (yet). */
export interface NorceClient {
  order(key: OrderKey, signal?: AbortSignal): Promise<NorceOrder | null>;
  payment(key: PaymentKey, signal?: AbortSignal): Promise<CurrentPayment | null>;
  /** Our keys of the transactions that are logged already; transactions of others have none. */
  loggedKeys(key: PaymentKey, signal?: AbortSignal): Promise<ReadonlySet<string>>;
  /**
   * Replaces the payment by what was read plus the changes.
   * @throws WorkerError `Conflict` when the answer differs from what was sent: somebody wrote beside us, or Norce dropped a field.
   */
  replacePayment(
    key: PaymentKey,
    current: CurrentPayment,
    changes: PaymentChanges,
    signal?: AbortSignal,
  ): Promise<void>;
  appendTransaction(
    key: PaymentKey,
    currency: string,
    transaction: DesiredTransaction,
    signal?: AbortSignal,
  ): Promise<void>;
}

export interface NorceSettings {
  readonly orderApi: string;
  readonly token: string;
  readonly version: "v0" | "v1";
  /** `payment.adapterId` of ours, sent as `x-adapterid` so that hooks of our own do not fire for our own writes. */
  adapterIdOf(key: PaymentKey): string;
  readonly observe?: HttpOptions["observe"];
}

/** A client of the Order Management API (fact sheet norce.md, 2.2 and 2.3); same paths on v0 and v1. */
export function createNorceClient(settings: NorceSettings): NorceClient {
  const http: Http = createHttp({
    peer: "norce",
    baseUrl: settings.orderApi,
    headers: { authorization: `Bearer ${settings.token}` },
    ...(settings.observe === undefined ? {} : { observe: settings.observe }),
  });
  const orders = `/api/${settings.version}/checkout/orders`;
  const orderPath = ({ orderId }: OrderKey): string => orders + pathOf`/${orderId}`;
  const paymentPath = (key: PaymentKey): string => orders + pathOf`/${key.orderId}/payments/${key.paymentId}`;
  const paymentRoute = "/orders/{orderId}/payments/{paymentId}";

  const read = async (key: OrderKey, path: string, route: string, signal?: AbortSignal): Promise<unknown> => {
    const { body } = await http({ method: "GET", path, route, headers: scope(key), signal });
    return body;
  };
  const write = async (
    method: "PUT" | "POST",
    key: PaymentKey,
    path: string,
    route: string,
    body: Json,
    signal?: AbortSignal,
  ): Promise<unknown> => {
    const headers = { ...scope(key), "x-adapterid": settings.adapterIdOf(key) };
    const answer = await http({ method, path, route, headers, body, signal });
    return answer.body;
  };

  const order: NorceClient["order"] = (key, signal) =>
    orNull(async () => parsed(orderSchema, await read(key, orderPath(key), "/orders/{orderId}", signal), "order"));

  return {
    order,

    payment: (key, signal) =>
      orNull(async () => {
        const body = await read(key, paymentPath(key), paymentRoute, signal);
        const payment = parsed(paymentSchema, body, "payment");
        // A payment may leave its currency to the order (fact sheet, 2.3: minimal creation bodies).
        const currency = payment.currency ?? (await order(key, signal))?.currency;
        if (currency === undefined || currency === null) throw unreadable("payment", "currency");
        return currentFrom(payment, currency.toUpperCase(), rawObject(body));
      }),

    async loggedKeys(key, signal) {
      const body = await orNull(() =>
        read(key, `${paymentPath(key)}/transactions`, `${paymentRoute}/transactions`, signal),
      );
      const transactions = parsed(transactionsSchema, body ?? [], "transactions");
      return new Set(
        transactions.map((transaction) => eventKeyOf(transaction.responseJson)).filter((found) => found !== null),
      );
    },

    async replacePayment(key, current, changes, signal) {
      const intended = overlay(current, changes);
      const answer = await write("PUT", key, paymentPath(key), paymentRoute, intended, signal);
      // An empty answer tells nothing; the look that follows reads the payment again.
      if (answer === null) return;
      const differing = differences(intended, rawObject(answer));
      if (differing.length > 0) {
        throw new WorkerError("Conflict", "Norce kept something else than was written", {
          context: { fields: differing.join(",") },
        });
      }
    },

    async appendTransaction(key, currency, transaction, signal) {
      const body: Json = {
        event: transaction.event,
        pspEvent: transaction.pspEvent,
        pspStatus: transaction.pspStatus,
        amount: majorFromMinor(transaction.amount, currency),
        isSuccess: transaction.success,
        ...(transaction.errorDetail === undefined ? {} : { errorDetail: transaction.errorDetail }),
        requestJson: "{}",
        // Transactions have no id: our key travels in the one field that is free (fact sheet, 2.2).
        responseJson: JSON.stringify({ eventKey: transaction.key, ...transaction.facts }),
      };
      await write("POST", key, `${paymentPath(key)}/transactions`, `${paymentRoute}/transactions`, body, signal);
    },
  };
}

function scope({ merchant, channel }: OrderKey): Record<string, string> {
  return { "x-merchant": merchant, "x-channel": channel };
}

async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkerError && error.context["status"] === 404) return null;
    throw error;
  }
}

function currentFrom(
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
function overlay(current: CurrentPayment, changes: PaymentChanges): Record<string, Json> {
  const next: Record<string, Json> = { ...current.raw };
  if (changes.state !== undefined) next["state"] = changes.state;
  if (changes.amount !== undefined) next["amount"] = majorFromMinor(changes.amount, current.currency);
  if (changes.reference !== undefined) next["reference"] = changes.reference;
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
function differences(sent: Readonly<Record<string, Json>>, answered: Readonly<Record<string, Json>>): string[] {
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

function eventKeyOf(responseJson: string | null | undefined): string | null {
  if (responseJson === null || responseJson === undefined) return null;
  try {
    const value: unknown = JSON.parse(responseJson);
    return typeof value === "object" && value !== null && "eventKey" in value && typeof value.eventKey === "string"
      ? value.eventKey
      : null;
  } catch {
    // Somebody else's line; ours always parses.
    return null;
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw unreadable(what, result.error.issues[0]?.path.join(".") ?? "");
}

function unreadable(what: string, path: string): WorkerError {
  return new WorkerError("Unmapped", `Norce's ${what} has a shape that is not known`, {
    context: { peer: "norce", path },
  });
}

function rawObject(body: unknown): Record<string, Json> {
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
