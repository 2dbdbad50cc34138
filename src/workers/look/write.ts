import type { PaymentKey } from "../../contract/adapter.ts";
import type { NorceClient } from "../../norce/client.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { Held } from "../job.ts";
import type { Changes } from "./diff.ts";
import type { Movement } from "./outcome.ts";

/**
 * Changes → Norce, in the order that survives a crash at any point: the payment, then what the PSP must be told, then the
 * log. A missing marker is a difference, so that the next look does what this one did not get to.
 */
export async function write(
  norce: NorceClient,
  key: PaymentKey,
  latest: CurrentPayment,
  { payment, transactions, afterWrite }: Changes,
  tellPsp: () => Promise<void>,
  held: Held,
): Promise<void> {
  if (payment !== undefined) await norce.replacePayment(key, latest, payment, held);
  if (afterWrite) await tellPsp();
  // One after the other: the log is read by people, from top to bottom.
  for (const transaction of transactions) await norce.appendTransaction(key, latest.currency, transaction, held);
}

/** What is written, in names: fields of the payment and keys of transactions. */
export function movementOf(latest: CurrentPayment, { payment, transactions, afterWrite }: Changes): Movement {
  const wrote = [
    ...Object.keys(payment ?? {}),
    ...(afterWrite ? ["afterWrite"] : []),
    ...transactions.map(({ key }) => key),
  ];
  return { from: latest.state, to: payment?.state ?? latest.state, wrote };
}
