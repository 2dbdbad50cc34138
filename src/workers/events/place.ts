import type { Clue, PaymentKey, PspEvent, Target } from "../../contract/adapter.ts";
import type { AdapterSettings } from "../../config.ts";
import type { NorceClient } from "../../norce/client.ts";
import type { NorceOrder } from "../../norce/schema.ts";
import type { Queues, StoredEvent } from "../../queue/queues.ts";
import type { ContextFactory } from "../look/observe.ts";

/** What finding a payment needs. */
export interface PlaceParts {
  readonly contexts: ContextFactory;
  readonly norce: NorceClient;
  readonly queues: Queues;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** For how long the PSP is asked about an event that names something of somebody's: on a shared account it is often another shop's. */
const youngMs = 60_000;

type OrderPayment = NonNullable<NorceOrder["payments"]>[number];

/**
 * Which payment an event is about, or `null` where none is found (yet). A payment-level webhook names it in its URL; of an account-level
 * one the clues are tried in turn, and what they lead to has to be a payment of this adapter's.
 */
export async function place(
  { target, event, receivedAt }: StoredEvent,
  found: AdapterSettings,
  parts: PlaceParts,
): Promise<PaymentKey | null> {
  const { orderId, paymentId, ...account } = target;
  if (orderId !== undefined && paymentId !== undefined) return { ...account, orderId, paymentId };
  for (const clue of event.clues ?? []) {
    const key = await follow(clue, account, event.reference, found, parts);
    if (key !== null) return key;
  }
  // Where the event names nothing that leads anywhere but the PSP's own id, only the PSP can say whose it is.
  const named = event.clues?.some((clue) => "echo" in clue) === true;
  if (named && parts.now() - receivedAt > youngMs) return null;
  const echoes = await echoesOf(event, account, found, parts);
  for (const echo of echoes) {
    const key = await follow({ echo }, account, event.reference, found, parts);
    if (key !== null) return key;
  }
  return null;
}

/** What the PSP echoes of ours on the payment that an event names by its reference. Nothing where it cannot be asked. */
async function echoesOf(
  { reference }: PspEvent,
  account: Target,
  found: AdapterSettings,
  { contexts, signal }: PlaceParts,
): Promise<readonly string[]> {
  const { adapter } = found;
  if ("fold" in adapter || reference === undefined) return [];
  const payment = { paymentId: "", amount: 0, currency: "", reference: null, upsell: null };
  const context = { ...contexts(account, found, signal), memory: {}, payment, kept: async () => [] };
  const snapshot: unknown = await adapter.fetch(reference, context);
  return snapshot === null ? [] : adapter.map(snapshot, { kept: [], now: context.now }).echoes;
}

async function follow(
  clue: Clue,
  account: Target,
  reference: string | undefined,
  found: AdapterSettings,
  { norce, queues, signal }: PlaceParts,
): Promise<PaymentKey | null> {
  if ("reference" in clue) return await queues.references.get(clue.reference, account);
  const { adapterId, merchantReference } = found.settings;
  for await (const order of ordersNamed(clue.echo, merchantReference, account, norce, signal)) {
    const payment = paymentOf(order.order, order.paymentId, adapterId, reference);
    if (payment === undefined || (clue.onlyOf !== undefined && payment.reference !== clue.onlyOf)) continue;
    return { ...account, orderId: order.order.id, paymentId: payment.id };
  }
  return null;
}

interface NamedOrder {
  readonly order: NorceOrder;
  /** The payment that the echo names, where it names one. */
  readonly paymentId?: string;
}

/** The orders that an echo may mean, likeliest first: `orderId:paymentId`, a payment id, an order id, or what the setting says. */
async function* ordersNamed(
  echo: string,
  merchantReference: AdapterSettings["settings"]["merchantReference"],
  account: Target,
  norce: NorceClient,
  signal: AbortSignal,
): AsyncGenerator<NamedOrder> {
  const colon = echo.lastIndexOf(":");
  if (colon > 0 && colon < echo.length - 1) {
    const order = await norce.order({ ...account, orderId: echo.slice(0, colon) }, signal);
    if (order !== null) yield { order, paymentId: echo.slice(colon + 1) };
  }
  // Norce may ignore a filter, and then answers with orders of others: each has to bear out what was asked for.
  for (const order of await norce.ordersBy(account, { payment_id: echo }, signal))
    if (order.payments?.some(({ id }) => id === echo) === true) yield { order, paymentId: echo };
  if (merchantReference === "orderReference")
    for (const order of await norce.ordersBy(account, { reference: echo }, signal))
      if (order.reference === echo) yield { order };
  if (merchantReference === "cartReference")
    for (const order of await norce.ordersBy(account, { cart_reference: echo }, signal))
      if (order.cart?.reference === echo) yield { order };
  const order = isPathId(echo) ? await norce.order({ ...account, orderId: echo }, signal) : null;
  if (order !== null) yield { order };
}

/** The order's payment that the echo or the reference names, else the only one of ours that is still alive. */
function paymentOf(
  order: NorceOrder,
  paymentId: string | undefined,
  adapterId: string,
  reference: string | undefined,
): OrderPayment | undefined {
  const ours = (order.payments ?? []).filter((payment) => payment.adapterId === adapterId);
  if (paymentId !== undefined) return ours.find(({ id }) => id === paymentId);
  const named = ours.find((payment) => reference !== undefined && payment.reference === reference);
  if (named !== undefined) return named;
  const alive = ours.filter(({ state }) => state?.toLowerCase() !== "removed" && state?.toLowerCase() !== "cancelled");
  const [only, another] = alive.length > 0 ? alive : ours;
  return another === undefined ? only : undefined;
}

/** An order id that can stand in a path; an echo may be anything. */
function isPathId(echo: string): boolean {
  return echo !== "" && echo !== "." && echo !== ".." && echo.length <= 200;
}
