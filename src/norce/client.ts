import type { z } from "zod";
import type { DesiredTransaction, LogLine, PaymentKey, PspEvent } from "../contract/adapter.ts";
import { type Budget, createBudget } from "../lib/budget.ts";
import { WorkerError } from "../lib/errors.ts";
import { createHttp, type Http, type HttpOptions, type Json, pathOf } from "../lib/http.ts";
import { codeAt } from "../lib/judgement.ts";
import { majorFromMinor } from "../lib/money.ts";
import { listOf } from "../lib/secrets.ts";
import type { Tracing } from "../lib/tracing.ts";
import type { Transport } from "../lib/transport.ts";
import { logFrom, noteOf, type TransactionLog } from "./log-line.ts";
import { type OrderPage, pageFrom, type PageQuery } from "./orders.ts";
import { type NorceOrder, ordersSchema, orderSchema, paymentSchema, transactionsSchema } from "./schema.ts";
import { withTokens } from "./tokens.ts";
import { type CurrentPayment, currentFrom, differences, overlay, type PaymentChanges, rawObject } from "./payment.ts";

/** Where an order lives: Norce scopes every call by merchant and channel. */
export type OrderKey = Pick<PaymentKey, "merchant" | "channel" | "orderId">;

/** For whom something is sent: nothing leaves once it is aborted, and no write while the proof rejects. */
export interface Via {
  readonly signal?: AbortSignal | undefined;
  /** Rejects where whoever sends has lost the right to. */
  readonly prove?: (() => Promise<void>) | undefined;
}

/** What somebody asked for by one of the payment's actions. */
export interface PaymentAction {
  readonly adapterId: string;
  readonly type: string;
  readonly url: string;
}

/** The Order API's payment operations that we use, for all merchants. Reads 404 as `null`: not there (yet). */
export interface NorceClient {
  order(key: OrderKey, via?: Via): Promise<NorceOrder | null>;
  payment(key: PaymentKey, via?: Via): Promise<CurrentPayment | null>;
  /** The orders that a filter finds, at most a few; Norce may ignore a filter it does not know, so what is found is to be checked. */
  ordersBy(
    scope: Omit<OrderKey, "orderId">,
    filter: { readonly [name in "payment_id" | "reference" | "cart_reference"]?: string },
    via?: Via,
  ): Promise<readonly NorceOrder[]>;
  /** A page of the orders, newest first; the dates are a filter that v0 may ignore. */
  page(scope: Omit<OrderKey, "orderId">, query: PageQuery, via?: Via): Promise<OrderPage>;
  /** What is logged already. */
  log(key: PaymentKey, via?: Via): Promise<TransactionLog>;
  /**
   * Replaces the payment by what was read plus the changes.
   * @throws WorkerError `Conflict` when the answer differs from what was sent: somebody wrote beside us, or Norce dropped a field.
   */
  replacePayment(key: PaymentKey, current: CurrentPayment, changes: PaymentChanges, via?: Via): Promise<void>;
  appendTransaction(
    key: PaymentKey,
    currency: string,
    transaction: DesiredTransaction & { readonly action?: PaymentAction },
    via?: Via,
  ): Promise<void>;
  /** Keeps an event as a line of the payment's log. */
  appendEvent(key: PaymentKey, event: PspEvent & { readonly line: LogLine }, via?: Via): Promise<void>;
}

export interface NorceSettings extends Budget {
  readonly orderApi: string;
  /** One, or several of which each is tried where the ones before are refused: Norce has a primary and a secondary. */
  readonly token: string | readonly string[];
  /** Told of a token that was refused and gave way, by its place in the list. */
  readonly tokenRefused?: ((place: number) => void) | undefined;
  readonly version: "v0" | "v1";
  /** `payment.adapterId` of ours, sent as `x-adapterid` so that hooks of our own do not fire for our own writes. */
  adapterIdOf(key: PaymentKey): string;
  readonly observe?: HttpOptions["observe"];
  readonly tracing?: Tracing | undefined;
  /** What carries requests: the process's. */
  readonly transport?: Transport | undefined;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
  /** From 0 to 1. */
  readonly random?: (() => number) | undefined;
}

/** A client of the Order Management API (docs/norce.md, 2.2 and 2.3); same paths on v0 and v1. */
export function createNorceClient(settings: NorceSettings): NorceClient {
  const plain = createHttp({
    peer: "norce",
    baseUrl: settings.orderApi,
    observe: settings.observe,
    transport: settings.transport,
    tracing: settings.tracing,
    now: settings.now,
    random: settings.random,
    codeOf: codeAt("code", "traceId"),
  });
  const refused = settings.tokenRefused ?? (() => undefined);
  const http: Http = createBudget(settings)(withTokens(plain, listOf(settings.token), refused));
  const orders = `/api/${settings.version}/checkout/orders`;
  const orderPath = ({ orderId }: OrderKey): string => orders + pathOf`/${idFrom(orderId)}`;
  const paymentPath = ({ orderId, paymentId }: PaymentKey): string =>
    orders + pathOf`/${idFrom(orderId)}/payments/${idFrom(paymentId)}`;
  const paymentRoute = "/orders/{orderId}/payments/{paymentId}";

  const read = async (key: OrderKey, path: string, route: string, via?: Via): Promise<unknown> => {
    const { body } = await http({ method: "GET", path, route, headers: scope(key), signal: via?.signal });
    return body;
  };
  const write = async (
    method: "PUT" | "POST",
    key: PaymentKey,
    path: string,
    route: string,
    body: Json,
    via?: Via,
  ): Promise<unknown> => {
    const headers = { ...scope(key), "x-adapterid": settings.adapterIdOf(key) };
    const answer = await http({ method, path, route, headers, body, signal: via?.signal, prove: via?.prove });
    return answer.body;
  };

  const order: NorceClient["order"] = async (key, via) => {
    // An echo may be anything: what can be no id names no order.
    if (!isId(key.orderId)) return null;
    const body = await orNull(() => read(key, orderPath(key), "/orders/{orderId}", via));
    if (body === null) return null;
    const found = parseAs(orderSchema, body, "order");
    insistOnAsked(found, { id: key.orderId, merchant: key.merchant, channel: key.channel }, "order");
    return found;
  };

  const append = async (
    key: PaymentKey,
    {
      event,
      pspEvent,
      pspStatus,
      amount,
      success,
      errorDetail,
      action,
    }: Omit<DesiredTransaction, "key" | "facts"> & {
      readonly action?: PaymentAction;
    },
    currency: string,
    note: string,
    via?: Via,
  ): Promise<void> => {
    const body: Json = {
      event,
      pspEvent,
      pspStatus,
      amount: majorFromMinor(amount, currency),
      isSuccess: success,
      ...(errorDetail === undefined || isNothing(errorDetail) ? {} : { errorDetail }),
      requestJson: "{}",
      responseJson: note,
      ...(action === undefined ? {} : { paymentAction: { ...action } }),
    };
    await write("POST", key, `${paymentPath(key)}/transactions`, `${paymentRoute}/transactions`, body, via);
  };

  return {
    order,

    payment: (key, via) =>
      orNull(async () => {
        const body = await read(key, paymentPath(key), paymentRoute, via);
        const payment = parseAs(paymentSchema, body, "payment");
        const { orderId, paymentId, merchant, channel } = key;
        insistOnAsked(payment, { id: paymentId, orderId, merchant, channel }, "payment");
        // A payment may leave its currency to the order (docs/norce.md, 2.3: minimal creation bodies).
        const currency = payment.currency ?? (await order(key, via))?.currency;
        if (currency === undefined || currency === null) throw unreadable("payment", "currency");
        const current = currentFrom(payment, currency.toUpperCase(), rawObject(body));
        if (current === null) throw unreadable("payment", "amount");
        return current;
      }),

    async ordersBy(owner, filter, via) {
      const query = { limit: few, ...filter };
      const { body } = await http({
        method: "GET",
        path: orders,
        route: "/orders",
        headers: scope(owner),
        query,
        signal: via?.signal,
      });
      return parseAs(ordersSchema, body ?? { data: [] }, "orders").data;
    },

    async page(owner, { offset, limit, from, to }, via) {
      const query = {
        offset,
        limit,
        order_by: "created",
        order_by_direction: "desc",
        date_from: new Date(from).toISOString(),
        ...(to === undefined ? {} : { date_to: new Date(to).toISOString() }),
      };
      const { body } = await http({
        method: "GET",
        path: orders,
        route: "/orders",
        headers: scope(owner),
        query,
        signal: via?.signal,
      });
      const page = pageFrom(body);
      if (page === null) throw unreadable("orders", "data");
      return page;
    },

    async log(key, via) {
      const body = await orNull(() =>
        read(key, `${paymentPath(key)}/transactions`, `${paymentRoute}/transactions`, via),
      );
      return logFrom(parseAs(transactionsSchema, body ?? [], "transactions"));
    },

    async replacePayment(key, current, changes, via) {
      const intended = overlay(current, changes);
      const answer = await write("PUT", key, paymentPath(key), paymentRoute, intended, via);
      // An empty answer tells nothing; the look that follows reads the payment again.
      if (answer === null) return;
      const differing = differences(intended, rawObject(answer));
      if (differing.length > 0) {
        throw new WorkerError("Conflict", "Norce kept something else than was written", {
          context: { fields: differing.join(",") },
        });
      }
    },

    async appendTransaction(key, currency, { key: eventKey, ...transaction }, via) {
      // Transactions have no id: our key travels in the one field that is free (docs/norce.md, 2.2).
      const note = JSON.stringify({ eventKey, ...transaction.facts });
      await append(key, transaction, currency, note, via);
    },

    appendEvent: (key, event, via) =>
      append(key, { pspEvent: event.type, ...event.line }, event.line.currency ?? "", noteOf(event), via),
  };
}

/** How many orders a filter may find before we look no further. */
const few = 5;

function scope({ merchant, channel }: Omit<OrderKey, "orderId">): Record<string, string> {
  return { "x-merchant": merchant, "x-channel": channel };
}

/** What a PSP writes where it has nothing to say: Adyen's `reason` may be the text "null". */
function isNothing(text: string): boolean {
  return /^\s*(null|undefined)?\s*$/i.test(text);
}

async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkerError && error.context["status"] === 404) return null;
    throw error;
  }
}

function parseAs<Schema extends z.ZodType>(schema: Schema, body: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw unreadable(what, result.error.issues[0]?.path.join(".") ?? "");
}

/** What a path may be made of: a proxy may read an encoded slash as a slash, and then it names something else. */
function isId(text: string): boolean {
  return text !== "" && text.length <= 200 && !/[/\\\p{Cc}]/u.test(text) && text !== "." && text !== "..";
}

function idFrom(text: string): string {
  if (isId(text)) return text;
  throw new WorkerError("Refused", "an id is no id", { context: { peer: "norce", reason: "malformed-id" } });
}

/** What an answer says of itself, where it does. */
type SaysWhose = Readonly<Partial<Record<"id" | "orderId" | "merchant" | "channel", string | null | undefined>>>;

/** Insists that an answer is about what was asked for, as far as it names it, whatever the case. @throws WorkerError `Refused` */
function insistOnAsked(answered: SaysWhose, asked: SaysWhose, what: string): void {
  for (const name of ["id", "orderId", "merchant", "channel"] as const) {
    const [one, other] = [asked[name], answered[name]];
    if (one === undefined || one === null || other === undefined || other === null || other === "") continue;
    if (one.toLowerCase() === other.toLowerCase()) continue;
    throw new WorkerError("Refused", `Norce answered another ${what} than was asked for`, {
      context: { peer: "norce", reason: "other-answer", field: name, asked: one, answered: other },
    });
  }
}

function unreadable(what: string, path: string): WorkerError {
  return new WorkerError("Unmapped", `Norce's ${what} has a shape that is not known`, {
    context: { peer: "norce", path },
  });
}
