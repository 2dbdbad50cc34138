import { acknowledge as acknowledgeOrder, readOrder } from "../_klarna/client.ts";
import type { LookContext } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import type { Snapshot } from "./schema.ts";

/**
 * What Klarna says now; `null` where it does not know the order. The session is not read: it says no more than that the shopper has not
 * finished, and its answer holds the authorization token, which is worth money.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const order = await readOrder(reference, context);
  return order === null ? null : { readAt: new Date().toISOString(), order };
}

/** Tells Klarna that the order has arrived: where a push URL was given, it pushes until then. */
export async function acknowledge({ order }: Snapshot, context: LookContext<Config>): Promise<void> {
  await acknowledgeOrder(order, context);
}
