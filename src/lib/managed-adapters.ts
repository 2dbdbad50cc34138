import { entriesOf, isRecord } from "./document.ts";

/** Norce's own adapters (docs/norce.md, 8.1): a payment of theirs has a second writer. */
const managedAdapterIds: ReadonlySet<string> = new Set([
  "klarna_checkout_adapter",
  "klarna_payments_adapter",
  "adyen_dropin_adapter",
  "svea_checkout_adapter",
  "walley_checkout_adapter",
  "paypal_adapter",
  "qliro_checkout_adapter",
  "avarda_checkout_adapter",
  "nonpsp_adapter",
  "awardit_adapter",
  "norce_adapter",
]);

/** What the operator should hear where a merchant's adapter has one of these ids. */
export function managedWarnings(adapterId: string, path: string): string[] {
  if (!managedAdapterIds.has(adapterId)) return [];
  return [
    `${path}.adapterId: ${adapterId} is one of Norce's managed adapters: its payments would have two writers, and our x-adapterid would silence its hooks. Use an id of your own.`,
  ];
}

/**
 * A fault for each of a channel's adapters that owns the same payments as another one: they too would have two writers.
 * @param byAdapter settings by adapter, not validated yet
 */
export function sharedPaymentFaults(byAdapter: unknown, path: string): string[] {
  const owners = new Map<string, string>();
  return entriesOf(byAdapter).flatMap(([name, given]) => {
    const adapterId = isRecord(given) ? given["adapterId"] : undefined;
    if (typeof adapterId !== "string" || adapterId === "") return [];
    const owner = owners.get(adapterId);
    if (owner === undefined) owners.set(adapterId, name);
    return owner === undefined
      ? []
      : [`${path}.${name}.adapterId: is also ${path}.${owner}.adapterId; each adapter needs an id of its own`];
  });
}
