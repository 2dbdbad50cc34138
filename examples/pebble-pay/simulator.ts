import type { SimulatedPurchase, SimulatedWebhook, Simulator } from "norce-psp-worker/simulator";
import type { Payment } from "./schema.ts";

interface Held {
  readonly purchase: SimulatedPurchase;
  payment: Payment;
}

const apiKey = "simulated-key";

/** What the shopper and the portal can do: when, and what becomes of the payment then. */
const actions: Readonly<Record<string, (payment: Payment, amount?: number) => Partial<Payment> | undefined>> = {
  pay: ({ status }) => (status === "created" ? { status: "authorized" } : undefined),
  decline: ({ status }) => (status === "created" ? { status: "declined" } : undefined),
  cancel: (payment) => (openIn(payment) > 0 ? { status: "cancelled" } : undefined),
  capture(payment, amount = openIn(payment)) {
    const { id, captures } = payment;
    if (openIn(payment) === 0 || amount > openIn(payment)) return undefined;
    return { captures: [...captures, { id: `${id}-c${captures.length + 1}`, amount }] };
  },
  refund(payment, amount = paidIn(payment)) {
    const { id, refunds } = payment;
    if (paidIn(payment) === 0 || amount > paidIn(payment)) return undefined;
    return { refunds: [...refunds, { id: `${id}-r${refunds.length + 1}`, amount }] };
  },
};

/** Pebble Pay with a memory: it calls once for each thing that happens. */
export function createSimulator(): Simulator {
  const payments = new Map<string, Held>();
  const queued: SimulatedWebhook[] = [];
  const heldOf = (reference: string): Held => {
    const held = payments.get(reference);
    if (held === undefined) throw new Error(`Pebble Pay knows no payment ${reference}`);
    return held;
  };
  return {
    settings: (apiUrl) => ({ apiUrl, shopId: "shop-1", apiKey }),
    answer({ method, path, headers }) {
      if (headers["authorization"] !== `Bearer ${apiKey}`) return { status: 401 };
      const held = payments.get(path.replace("/payments/", ""));
      if (held === undefined || method !== "GET") return { status: 404 };
      // The real one says much about the shopper, too.
      return { status: 200, body: { ...held.payment, shopper: { email: "shopper@example.com" } } };
    },
    open(purchase) {
      const { amount, currency, paymentId: shop_reference } = purchase;
      const id = `pebble-${payments.size + 1}`;
      const status = "created";
      payments.set(id, {
        purchase,
        payment: { id, status, amount, currency, shop_reference, captures: [], refunds: [] },
      });
      return id;
    },
    actions: (reference) => Object.keys(actions).filter((name) => actions[name]?.(heldOf(reference).payment)),
    act(reference, name, amount) {
      const held = heldOf(reference);
      const change = actions[name]?.(held.payment, amount);
      if (change === undefined) throw new Error(`Pebble Pay cannot ${name} this payment now`);
      held.payment = { ...held.payment, ...change };
      const url = held.purchase.callbackUrls["push"];
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ payment_id: reference, event: name });
      if (url !== undefined) queued.push({ webhook: "push", method: "POST", url, headers, body });
    },
    due: () => queued.splice(0),
    describe: (reference) => JSON.stringify(heldOf(reference).payment),
  };
}

function openIn({ status, amount, captures }: Payment): number {
  return status === "authorized" ? amount - sumOf(captures) : 0;
}

function paidIn({ captures, refunds }: Payment): number {
  return sumOf(captures) - sumOf(refunds);
}

function sumOf(moves: Payment["captures"]): number {
  return moves.reduce((sum, { amount }) => sum + amount, 0);
}
