import type { Clue, PaymentKey, Target } from "../../contract/adapter.ts";
import type { AdapterSettings } from "../../config.ts";
import type { NorceClient } from "../../norce/client.ts";
import type { NorceOrder } from "../../norce/schema.ts";
import type { PlacedBy } from "../../queue/happenings.ts";
import type { StoredEvent } from "../../queue/jobs.ts";
import type { Seam } from "../../queue/seam.ts";
import type { Held, Shell } from "../job.ts";
import type { ContextFactory } from "../../adapters/contexts.ts";
import { pauses } from "../patience.ts";

/** What finding a payment needs. */
interface PlaceParts {
  readonly contexts: ContextFactory;
  readonly norce: NorceClient;
  readonly queue: Pick<Seam, "references">;
  readonly shell: Pick<Shell, "now">;
}

/** Where an event belongs. */
export interface Placed {
  readonly key: PaymentKey;
  /** The PSP's id of the payment, as the event named it or the PSP said. */
  readonly reference?: string | undefined;
  readonly how: PlacedBy;
}

type OrderPayment = NonNullable<NorceOrder["payments"]>[number];

/**
 * Which payment an event is about, or `null` where none is found (yet). A payment-level webhook names it in its URL; of an account-level
 * one the clues are tried in turn, and what they lead to has to be a payment of this adapter's.
 */
export async function place(
  { target, event, receivedAt }: StoredEvent,
  found: AdapterSettings,
  parts: PlaceParts,
  held: Held,
): Promise<Placed | null> {
  const { orderId, paymentId, ...account } = target;
  const { reference, clues = [] } = event;
  if (orderId !== undefined && paymentId !== undefined)
    return { key: { ...account, orderId, paymentId }, reference, how: "url" };
  const follow = async (some: readonly Clue[], named: string | undefined, how?: PlacedBy): Promise<Placed | null> => {
    for (const clue of some) {
      const key = await followClue(clue, account, named, found, parts, held);
      if (key !== null) return { key, reference: named, how: how ?? ("echo" in clue ? "echo" : "remembered") };
    }
    return null;
  };
  const placed = await follow(clues, reference);
  if (placed !== null) return placed;
  // Where the event names nothing that leads anywhere but the PSP's own id, only the PSP can say whose it is.
  const named = clues.some((clue) => "echo" in clue);
  if (named && parts.shell.now() - receivedAt > pauses.youngMs) return null;
  const resolved = await found.adapter.resolve?.(event, parts.contexts(account, found, held));
  const asked = resolved?.reference ?? reference;
  const said = resolved === undefined || resolved === null ? null : await follow(cluesOf(resolved), asked, "psp");
  if (said !== null) return said;
  const echoes = await echoesOf(asked, account, found, parts, held);
  return await follow(
    echoes.map((echo) => ({ echo })),
    asked,
    "psp",
  );
}

/** What the PSP said of an event's payment; its id is a clue, too. */
function cluesOf({
  reference,
  clues = [],
}: {
  readonly reference?: string | undefined;
  readonly clues?: readonly Clue[] | undefined;
}): readonly Clue[] {
  return reference === undefined ? clues : [...clues, { reference }];
}

/** What the PSP echoes of ours on the payment that an event names by its reference. Nothing where it cannot be asked. */
async function echoesOf(
  reference: string | undefined,
  account: Target,
  found: AdapterSettings,
  { contexts }: PlaceParts,
  held: Held,
): Promise<readonly string[]> {
  const { adapter } = found;
  if ("fold" in adapter || reference === undefined) return [];
  const payment = { paymentId: "", amount: 0, currency: "", reference: null, upsell: null };
  const context = { ...contexts(account, found, held), memory: {}, payment, kept: async () => [] };
  const snapshot: unknown = await adapter.fetch(reference, context);
  return snapshot === null ? [] : adapter.map(snapshot, { kept: [], now: context.now }).echoes;
}

async function followClue(
  clue: Clue,
  account: Target,
  reference: string | undefined,
  found: AdapterSettings,
  { norce, queue }: PlaceParts,
  held: Held,
): Promise<PaymentKey | null> {
  if ("reference" in clue) return await queue.references.get(clue.reference, account);
  const { adapterId, merchantReference } = found.settings;
  for await (const order of ordersNamed(clue.echo, merchantReference, account, norce, held)) {
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
  held: Held,
): AsyncGenerator<NamedOrder> {
  const colon = echo.lastIndexOf(":");
  if (colon > 0 && colon < echo.length - 1) {
    const order = await norce.order({ ...account, orderId: echo.slice(0, colon) }, held);
    if (order !== null) yield { order, paymentId: echo.slice(colon + 1) };
  }
  // Norce may ignore a filter, and then answers with orders of others: each has to bear out what was asked for.
  for (const order of await norce.ordersBy(account, { payment_id: echo }, held))
    if (order.payments?.some(({ id }) => id === echo) === true) yield { order, paymentId: echo };
  if (merchantReference === "orderReference")
    for (const order of await norce.ordersBy(account, { reference: echo }, held))
      if (order.reference === echo) yield { order };
  if (merchantReference === "cartReference")
    for (const order of await norce.ordersBy(account, { cart_reference: echo }, held))
      if (order.cart?.reference === echo) yield { order };
  const order = isPathId(echo) ? await norce.order({ ...account, orderId: echo }, held) : null;
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
