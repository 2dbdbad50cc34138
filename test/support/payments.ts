import { randomUUID } from "node:crypto";
import type { PaymentKey } from "../../src/contract/adapter.ts";

/** A payment of an adapter of its own: its lane is shared with no other test. */
export function newKey(ids: Partial<PaymentKey> = {}): PaymentKey {
  return {
    adapter: `psp-${randomUUID()}`,
    merchant: "acme",
    channel: "se",
    orderId: `o_${randomUUID()}`,
    paymentId: `p_${randomUUID()}`,
    ...ids,
  };
}
