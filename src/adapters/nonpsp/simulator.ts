import { majorFromMinor } from "../../lib/money.ts";
import type { SimulatedPurchase, Simulator } from "../../contract/simulator.ts";

interface Invoice {
  readonly purchase: SimulatedPurchase;
  confirmed: boolean;
}

/** Stands where a PSP would: the shopper confirms the purchase in the shop, and nobody is told. */
export function createSimulator(): Simulator {
  const invoices = new Map<string, Invoice>();
  const invoiceOf = (reference: string): Invoice => {
    const found = invoices.get(reference);
    if (found === undefined) throw new Error(`there is no invoice ${reference}`);
    return found;
  };
  return {
    settings: (apiUrl) => ({ apiUrl }),
    answer: () => ({ status: 404 }),
    open(purchase) {
      invoices.set(purchase.paymentId, { purchase, confirmed: false });
      return purchase.paymentId;
    },
    actions: (reference) => (invoiceOf(reference).confirmed ? [] : ["confirm"]),
    act(reference, action) {
      const invoice = invoiceOf(reference);
      if (action !== "confirm" || invoice.confirmed) throw new Error(`nobody can ${action} this invoice now`);
      invoice.confirmed = true;
    },
    due: () => [],
    describe(reference) {
      const { purchase, confirmed } = invoiceOf(reference);
      const amount = majorFromMinor(purchase.amount, purchase.currency);
      return `invoice ${amount} ${purchase.currency}${confirmed ? ", confirmed" : ""}`;
    },
  };
}
