import { createKlarna, type Held, shown, type SimulatorOptions } from "../_klarna/simulator.ts";
import type { SimulatedAnswer, Simulator } from "../../contract/simulator.ts";
import type { CheckoutOrder, Order } from "./schema.ts";

/** How many reads of order management a lagging order stays hidden from. */
const laggingReads = 2;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Klarna Checkout and Order Management with a memory. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  return createKlarna(options, (orders) => {
    const checkouts = new Map<string, Writable<CheckoutOrder>>();

    function buy(held: Held, fraudStatus: Order["fraud_status"]): Order {
      const checkout = checkoutOf(held);
      checkout.status = "checkout_complete";
      checkout.completed_at = orders.time();
      if (held.purchase.recurring === true) checkout.recurring_token = orders.nextId();
      const order = orders.orderOf(held, fraudStatus);
      orders.place(held, order);
      return order;
    }

    function checkoutOf({ orderId }: Held): Writable<CheckoutOrder> {
      const checkout = checkouts.get(orderId);
      if (checkout === undefined) throw new Error(`Klarna knows no checkout order ${orderId}`);
      return checkout;
    }

    const unpaid = ({ placed }: Held): boolean => !placed;
    return {
      placeholder: "{checkout.order.id}",
      actions: {
        pay: { possible: unpaid, act: (held) => void buy(held, "ACCEPTED") },
        "pay-with-review": { possible: unpaid, act: (held) => void buy(held, "PENDING") },
        "pay-auto-captured": {
          possible: unpaid,
          act: (held) => {
            const order = buy(held, "ACCEPTED");
            orders.capture(order, order.order_amount);
          },
        },
        "pay-with-lag": {
          possible: unpaid,
          act: (held) => {
            buy(held, "ACCEPTED");
            held.hiddenReads = laggingReads;
          },
        },
      },
      opened({ orderId, purchase }) {
        checkouts.set(orderId, {
          order_id: orderId,
          status: "checkout_incomplete",
          order_amount: purchase.amount,
          purchase_currency: purchase.currency,
          merchant_reference1: purchase.paymentId,
          recurring: purchase.recurring ?? false,
          ...(purchase.recurring === true ? { recurring_description: "Subscription" } : {}),
        });
      },
      answer({ method, path }): SimulatedAnswer | undefined {
        const [, id = "", rest = ""] = /^\/checkout\/v3\/orders\/([^/]+)(\/[\w-]+)?$/.exec(path) ?? [];
        const checkout = checkouts.get(id);
        if (checkout === undefined) return undefined;
        return method === "GET" && rest === "" ? { status: 200, body: shown(checkout) } : { status: 404 };
      },
      describe: (held) => checkoutOf(held).status,
    };
  });
}
