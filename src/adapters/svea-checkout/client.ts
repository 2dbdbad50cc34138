import { z } from "zod";
import { pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { liveAt, probeBy } from "../../lib/probe.ts";
import { insistOnAsked, type Question, readOrNull } from "../../lib/read.ts";
import type { AskContext, Http, Json, LookContext, ProbeResult } from "../../contract/adapter.ts";
import { authHeaders } from "./auth.ts";
import type { Config } from "./config.ts";
import {
  capitalised,
  type CheckoutOrder,
  checkoutSchema,
  type Order,
  notedFrom,
  orderSchema,
  type Snapshot,
} from "./schema.ts";

const orderRoute = "/api/v1/orders/{CheckoutOrderId}";
const checkoutRoute = "/api/orders/{OrderId}";
/** The Checkout API says its code in a header, Payment Admin in the body (docs/psp/svea.md, j). */
const checkoutCode = "x-sveacheckout-errorcode";
const codeOf = codeAt(["Code", `header:${checkoutCode}`]);

/** A request to Payment Admin that changes something. */
export interface Told {
  readonly method: "POST" | "PATCH";
  /** Below the order, `/deliveries`; empty for the order itself. */
  readonly path: string;
  /** The same without ids. */
  readonly route: string;
  readonly body: Readonly<Record<string, Json>>;
}

/** What Svea made of it. */
export interface TellAnswer {
  readonly status: number;
  /** The task's id where Svea has only queued it. */
  readonly task?: string;
}

/**
 * What Svea says now; `null` where it knows neither order, or does not show one that it has shown before. The checkout
 * order is read beside Payment Admin's until it has nothing more to tell (`memory.checkout`, written by `map`): a
 * settled look costs one GET.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const noted = notedFrom(context.memory, reference);
  const [order, checkout] = await Promise.all([
    readOrder(reference, context),
    noted.checkout === undefined ? readCheckout(reference, context) : null,
  ]);
  if (order !== null) return { noted, order, checkout };
  // Payment Admin knows an order only once the shopper has confirmed it. What it has shown stands until it shows
  // something else: the checkout order knows nothing of money, and would make a delivered payment one over nothing.
  const shown = noted.orderAmount !== undefined || noted.checkout !== undefined;
  return shown || checkout === null ? null : { noted, order: null, checkout };
}

async function readCheckout(reference: string, context: AskContext<Config>): Promise<CheckoutOrder | null> {
  const http = context.http({
    baseUrl: context.config.apiUrl,
    codeOf,
    // With its code beside it the answer is Svea's own, whatever its body is.
    classify: (status, _, headers) =>
      checkoutCode in headers && (status === 400 || status === 403 || status === 404) ? "Refused" : undefined,
  });
  const question = questionOf(pathOf`/api/orders/${reference}`, checkoutRoute, context);
  const checkout = await readOrNull(http, question, z.preprocess(capitalised, checkoutSchema), "Svea's checkout order");
  if (checkout !== null) insistOnAsked(reference, checkout.OrderId, { peer: "Svea", thing: "order" });
  return checkout;
}

/** Payment Admin's order, or `null` where it knows none (yet). */
export async function readOrder(reference: string, context: AskContext<Config>): Promise<Order | null> {
  const question = questionOf(pathOf`/api/v1/orders/${reference}`, orderRoute, context);
  const order = await readOrNull(adminOf(context), question, z.preprocess(capitalised, orderSchema), "Svea's order");
  if (order !== null) insistOnAsked(reference, order.Id, { peer: "Svea", thing: "order" });
  return order;
}

/**
 * Tells Payment Admin, once. A `Location` is never followed: it is another request, which would need a proof of its
 * own, and what came of a task is seen in the order. https://docs.payments.svea.com/docs/manage-order/delivering_orders
 */
export async function tell({ Id }: Order, told: Told, context: AskContext<Config>): Promise<TellAnswer> {
  const text = JSON.stringify(told.body);
  const { status, headers } = await adminOf(context)({
    method: told.method,
    path: `${pathOf`/api/v1/orders/${Id}`}${told.path}`,
    route: `${orderRoute}${told.route}`,
    headers: authHeaders(context.config, text, context.now),
    raw: { type: "application/json", text },
    signal: context.signal,
  });
  const location = headers["location"];
  const task = typeof location === "string" ? /\/queue\/(\d{1,19})\/?$/.exec(location)?.[1] : undefined;
  return { status, ...(task === undefined ? {} : { task }) };
}

/** Proven anew each time: the time is part of the proof, and the headers of a shared client would grow old. */
function questionOf(path: string, route: string, { config, now, signal }: AskContext<Config>): Question {
  return { path, route, headers: { ...authHeaders(config, "", now) }, signal };
}

/** Payment Admin's API; each request brings its own proof. */
export function adminOf(context: AskContext<Config>): Http {
  // No `classify`: Svea's codes mean what they mean to everybody (docs/psp/svea.md, j).
  return context.http({ baseUrl: context.config.orderManagementApiUrl, codeOf });
}

/** Asks both APIs for an order that is nobody's of this merchant: 404 where the proof is right. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { apiUrl, orderManagementApiUrl } = context.config;
  const credential = "merchantId and apiSecret";
  const [checkout, admin] = await Promise.all([
    probeBy("Svea Checkout", credential, () => readCheckout("1", context)),
    probeBy("Svea Payment Admin", credential, () => readOrder("1", context)),
  ]);
  return [
    { ...checkout, live: liveAt(apiUrl, hosts) },
    { ...admin, live: liveAt(orderManagementApiUrl, hosts) },
  ];
}

/** docs/psp/svea.md, a. */
const hosts = {
  live: ["checkoutapi.svea.com", "paymentadminapi.svea.com"],
  test: ["checkoutapistage.svea.com", "paymentadminapistage.svea.com"],
};
