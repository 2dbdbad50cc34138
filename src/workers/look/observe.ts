import type { DesiredPayment } from "../../contract/adapter.ts";
import type { Opening } from "./open.ts";

/** What is true of one payment, wherever truth lives. */
export interface Observed {
  readonly desired: DesiredPayment;
  /** What it was read from: the PSP's snapshot, or the kept events. An operation is told the same. */
  readonly truth: unknown;
  /** What the PSP must be told once Norce has been written. */
  readonly afterWrite: () => Promise<void>;
}

/**
 * Observes and maps: asks the PSP, or folds the events that the log keeps.
 * @param reference the PSP's id of the payment; adapters that fold need none.
 * @returns `null` where the PSP does not know the payment, or no event tells of it.
 */
export async function observe({ found: { adapter }, context }: Opening, reference: string): Promise<Observed | null> {
  if ("fold" in adapter) {
    const kept = await context.kept();
    const desired = adapter.fold(kept, context);
    return desired === null ? null : { desired, truth: kept, afterWrite: async () => undefined };
  }
  const [snapshot, kept] = await Promise.all([adapter.fetch(reference, context) as Promise<unknown>, context.kept()]);
  if (snapshot === null) return null;
  const desired = adapter.map(snapshot, { kept, now: context.now });
  return { desired, truth: snapshot, afterWrite: async () => adapter.afterWrite?.(snapshot, context) };
}
