import type { PaymentKey } from "../../contract/adapter.ts";
import type { NorceClient } from "../../norce/client.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { Changes } from "./diff.ts";
import type { Guard } from "../guard.ts";

/**
 * Changes → Norce, in the order that survives a crash at any point: the payment, then what the PSP must be told, then the
 * log. A missing marker is a difference, so that the next look does what this one did not get to.
 */
export async function write(
  norce: NorceClient,
  key: PaymentKey,
  current: CurrentPayment,
  changes: Changes,
  afterWrite: () => Promise<void>,
  guard: Guard,
  signal: AbortSignal,
): Promise<void> {
  if (changes.payment !== undefined) {
    await guard();
    await norce.replacePayment(key, current, changes.payment, signal);
  }
  if (changes.afterWrite) {
    await guard();
    await afterWrite();
  }
  for (const transaction of changes.transactions) {
    // One after the other: the log is read by people, from top to bottom.
    await guard();
    await norce.appendTransaction(key, current.currency, transaction, signal);
  }
}
