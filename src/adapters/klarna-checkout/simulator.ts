import { type Held, ordersOf, shown, simulateKlarna } from "../_klarna/simulator.ts";
import type { Kernel, Simulation } from "../../contract/simulator.ts";
import type { CheckoutOrder, Order } from "./schema.ts";

/** How many reads of order management a lagging order stays hidden from. */
const laggingReads = 2;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Klarna Checkout and Order Management with a memory. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  const orders = ordersOf(kernel, "{checkout.order.id}");
  const checkouts = new Map<string, Writable<CheckoutOrder>>();
  const disputes = new Set<string>();

  function checkoutOf({ reference }: Held): Writable<CheckoutOrder> {
    const checkout = checkouts.get(reference);
    if (checkout === undefined) throw new Error(`Klarna knows no checkout order ${reference}`);
    return checkout;
  }

  function buy(held: Held, fraudStatus: Order["fraud_status"]): void {
    const checkout = checkoutOf(held);
    checkout.status = "checkout_complete";
    checkout.completed_at = kernel.time();
    if (held.payment.purchase.recurring === true) checkout.recurring_token = held.payment.uuid();
    orders.place(held, orders.orderOf(held, fraudStatus));
  }

  const possible = ({ placed }: Held): boolean => !placed;
  return simulateKlarna(kernel, orders, {
    actions: {
      pay: { possible, act: (held) => buy(held, "ACCEPTED") },
      "pay-with-review": { possible, act: (held) => buy(held, "PENDING") },
      "pay-auto-captured": {
        possible,
        act(held) {
          buy(held, "ACCEPTED");
          orders.capture(held, held.payment.purchase.amount);
        },
      },
      "pay-with-lag": {
        possible,
        act(held) {
          buy(held, "ACCEPTED");
          held.hiddenReads = laggingReads;
        },
      },
      // Not in order management: Kustom tells of it, and its portal shows it.
      dispute: {
        possible: ({ order, reference }) => (order?.captured_amount ?? 0) > 0 && !disputes.has(reference),
        act(held) {
          disputes.add(held.reference);
          held.tell?.("dispute.created", { dispute_id: held.payment.uuid() });
        },
      },
    },
    opened(held) {
      const { reference, payment } = held;
      const { purchase } = payment;
      held.tell = (type, ids) => tell(kernel, held, type, ids);
      checkouts.set(reference, {
        order_id: reference,
        status: "checkout_incomplete",
        order_amount: purchase.amount,
        purchase_currency: purchase.currency,
        merchant_reference1: purchase.paymentId,
        recurring: purchase.recurring ?? false,
        ...(purchase.recurring === true ? { recurring_description: "Subscription" } : {}),
      });
    },
    routes: {
      "GET /checkout/v3/orders/{id}": ({ part }) => {
        const checkout = checkouts.get(part("id"));
        return checkout === undefined ? { status: 404 } : { status: 200, body: shown(checkout) };
      },
    },
    describe: (held) => checkoutOf(held).status,
  });
}

/** To the account's one URL, in the shape of Kustom's own sample: nine decimals of a second, and ids alone. */
function tell(kernel: Kernel<Held>, held: Held, type: string, ids: Readonly<Record<string, string>>): void {
  const id = `kevt_${held.payment.uuid().replaceAll("-", "")}`;
  const timestamp = kernel.time().replace("Z", "245321Z");
  const data = { order_id: held.reference, ...ids };
  held.payment.send({ webhook: "webhook", body: { id, merchant_id: "DM00000000", timestamp, type, data } });
}
