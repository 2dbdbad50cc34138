import { WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type { LookContext } from "../../contract/adapter.ts";
import { getOrNull, httpFrom } from "./client.ts";
import type { Config } from "./config.ts";
import { orderOf } from "./clues.ts";
import { eventOf } from "./known-events.ts";
import { approvalReversed } from "./map.ts";
import { customerOf, digestOf, isPromised, memoryFrom, unpaidOrder } from "./memory.ts";
import { type Order, orderSchema, parsed, type Snapshot, sourceIn, vaultSchema } from "./schema.ts";
import { approvalMs } from "./waits.ts";

/**
 * What PayPal says now; `null` where it does not know the order (yet). One that nobody paid in time disappears without a word: then it is what
 * it was at the last look, and gone.
 * @throws WorkerError `Refused` with reason `gone-at-psp` where an order has disappeared that held money.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const { signal } = context;
  const path = pathOf`/v2/checkout/orders/${reference}`;
  const body = await getOrNull(httpFrom(context), { path, route: "/v2/checkout/orders/{order_id}", signal });
  if (body === null) return goneFrom(reference, context);
  const order = parsed(orderSchema, body);
  const stored = await storedToken(order, context);
  const { token: foundBefore, order: linesBefore } = memoryFrom(context.memory);
  return {
    order,
    ...(stored === undefined ? {} : { stored }),
    ...(foundBefore === undefined ? {} : { foundBefore }),
    ...(linesBefore === undefined ? {} : { linesBefore }),
    ...((await isApprovalReversed(order, context)) ? { approvalReversed: true } : {}),
  };
}

function goneFrom(reference: string, { memory, now }: LookContext<Config>): Snapshot | null {
  if (memoryFrom(memory).held === true)
    throw new WorkerError("Refused", "paypal does not know an order any more that held money", {
      context: { reason: "gone-at-psp" },
    });
  const order = unpaidOrder(memory, reference);
  // A young order is still there: an answer that does not know it is one that lags.
  const isYoung = order?.create_time !== undefined && now - Date.parse(order.create_time) < approvalMs;
  return order === undefined || isYoung ? null : { order, gone: true };
}

/** The most pages that PayPal has of a buyer's tokens. */
const mostPages = 10;

/**
 * The token that the order only promises: the buyer's one and only of its kind in the merchant's vault, or the one that a webhook meant. What
 * a webhook says is not taken for it. https://developer.paypal.com/api/payment-tokens/v3
 */
async function storedToken(order: Order, context: LookContext<Config>): Promise<Snapshot["stored"]> {
  const customer = customerOf(order);
  const source = sourceIn(order.payment_source);
  if (!isPromised({ order }) || customer === undefined || source === undefined) return undefined;
  if (memoryFrom(context.memory).token !== undefined) return undefined;
  const tokens = (await tokensOf(customer, context)).filter(({ type }) => type === source.type);
  const meant = new Set((await context.kept()).map(({ facts }) => facts?.["tokenDigest"]));
  return tokens.find(({ token }) => meant.has(digestOf(token))) ?? (tokens.length === 1 ? tokens[0] : undefined);
}

async function tokensOf(customer: string, context: LookContext<Config>): Promise<NonNullable<Snapshot["stored"]>[]> {
  const tokens: NonNullable<Snapshot["stored"]>[] = [];
  const route = "/v3/vault/payment-tokens";
  for (let page = 1; page <= mostPages; page += 1) {
    const query = { customer_id: customer, page_size: 5, page, total_required: "true" };
    const body = await getOrNull(httpFrom(context), { path: route, route, query, signal: context.signal });
    if (body === null) break;
    const { payment_tokens, total_pages } = parsed(vaultSchema, body);
    const readable = payment_tokens?.filter((item) => item !== null && item !== undefined);
    // Where one cannot be read nobody knows which is meant, nor that another one is the only one.
    if (readable === undefined || readable.length !== payment_tokens?.length) return [];
    for (const { id: token, payment_source, customer: owner } of readable) {
      const source = sourceIn(payment_source);
      // An answer about another buyer than was asked for says nothing.
      if (source !== undefined && (owner?.id ?? customer) === customer) tokens.push({ token, ...source });
    }
    if (readable.length === 0 || page === (total_pages ?? undefined)) break;
  }
  return tokens;
}

/** How many events at most are asked for that say that the approval of one order was given back. */
const mostEvents = 3;

/** Whether PayPal itself tells that the approval was given back: webhooks only say of which event that is to be asked. */
async function isApprovalReversed(order: Order, context: LookContext<Config>): Promise<boolean> {
  if (order.status !== "APPROVED" && order.status !== "SAVED") return false;
  const told = (await context.kept()).filter(({ type }) => type === approvalReversed);
  for (const { key } of told.slice(0, mostEvents)) {
    const event = await eventOf(key, context);
    if (event?.event_type === approvalReversed && orderOf(event.event_type, event.resource) === order.id) return true;
  }
  return false;
}
