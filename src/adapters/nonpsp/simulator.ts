import { majorFromMinor } from "../../lib/money.ts";
import type { SimulatedHeld, Simulation } from "../../contract/simulator.ts";

interface Invoice extends SimulatedHeld {
  confirmed: boolean;
}

/** Stands where a PSP would: the shopper confirms the purchase in the shop, and nobody is told. */
export function simulate(): Simulation<Invoice> {
  return {
    settings: () => ({}),
    routes: {},
    open: (payment) => ({ payment, reference: payment.purchase.paymentId, confirmed: false }),
    actions: {
      confirm: { possible: ({ confirmed }) => !confirmed, act: (invoice) => void (invoice.confirmed = true) },
    },
    // Nobody holds anything before the invoice is paid, and of that nobody is told.
    money: () => null,
    describe({ payment: { purchase }, confirmed }) {
      const amount = majorFromMinor(purchase.amount, purchase.currency);
      return `invoice ${amount} ${purchase.currency}${confirmed ? ", confirmed" : ""}`;
    },
  };
}
