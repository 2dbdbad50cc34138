import type { Kernel, SimulatedHeld, Simulation } from "norce-psp-worker/simulator";
import type { Payment } from "./schema.ts";

interface Held extends SimulatedHeld {
  body: Payment;
}

const apiKey = "simulated-key";

/** Pebble Pay with a memory: it calls once for each thing that happens. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  /** Something happens to a payment, and the shop is called. */
  function change(held: Held, event: string, then: Partial<Payment>): void {
    held.body = { ...held.body, ...then };
    held.payment.send({ webhook: "push", body: { payment_id: held.reference, event } });
  }
  return {
    settings: () => ({ shopId: "shop-1", apiKey }),
    refuse: ({ headers }) => (headers["authorization"] === `Bearer ${apiKey}` ? undefined : { status: 401 }),
    routes: {
      "GET /payments/{id}": ({ part }) => {
        const held = kernel.find(part("id"));
        // The real one says much about the shopper, too.
        return held === undefined
          ? { status: 404 }
          : { status: 200, body: { ...held.body, shopper: { email: "shopper@example.com" } } };
      },
    },
    open(payment) {
      const { amount, currency, paymentId: shop_reference } = payment.purchase;
      const id = `pebble-${payment.number}`;
      const body: Payment = { id, status: "created", amount, currency, shop_reference, captures: [], refunds: [] };
      return { payment, reference: id, body };
    },
    actions: {
      pay: {
        possible: ({ body }) => body.status === "created",
        act: (held) => change(held, "pay", { status: "authorized" }),
      },
      decline: {
        possible: ({ body }) => body.status === "created",
        act: (held) => change(held, "decline", { status: "declined" }),
      },
      cancel: {
        possible: ({ body }) => openIn(body) > 0,
        act: (held) => change(held, "cancel", { status: "cancelled" }),
      },
      capture: {
        possible: ({ body }) => openIn(body) > 0,
        amount: { most: ({ body }) => openIn(body) },
        act: (held, amount) => change(held, "capture", { captures: [...held.body.captures, moved(held, amount)] }),
      },
      refund: {
        possible: ({ body }) => paidIn(body) > 0,
        amount: { most: ({ body }) => paidIn(body) },
        act: (held, amount) => change(held, "refund", { refunds: [...held.body.refunds, moved(held, amount)] }),
      },
    },
    money({ body: { status, amount, currency, captures, refunds } }) {
      if (status === "created" || status === "declined") return null;
      const [captured, refunded] = [sumOf(captures), sumOf(refunds)];
      return {
        authorized: amount,
        captured,
        refunded,
        released: status === "cancelled" ? amount - captured : 0,
        currency,
      };
    },
    describe: ({ body }) => JSON.stringify(body),
  };
}

/** A capture or a refund: Pebble Pay counts them per payment. */
function moved({ payment, reference }: Held, amount: number): Payment["captures"][number] {
  return { id: `${reference}-${payment.count("move")}`, amount };
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
