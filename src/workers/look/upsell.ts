import type { Upsell } from "../../contract/adapter.ts";

type Transaction = Upsell["transactions"][number];

/**
 * Norce's `upsell` with what the PSP knows laid over it: transactions by their id, those of others kept, `completed` for good. The
 * storefront that started an upsell wrote its transaction first, with attributes of its own.
 */
export function mergedUpsell(current: unknown, desired: Upsell): Upsell {
  const standing = isObject(current) ? current : {};
  const known = transactionsOf(standing["transactions"]);
  const told = new Map(desired.transactions.map((transaction) => [transaction.id, transaction]));
  const kept = known.map((transaction) => merge(transaction, told.get(transaction.id)));
  return {
    ...standing,
    ...desired,
    transactions: withAdded(kept, desired.transactions),
    ...attributesOf(standing["attributes"], desired.attributes),
  };
}

/** What is new stands before what comes after it in the adapter's order, so that the list does not tell in which order events came. */
function withAdded(kept: readonly Transaction[], told: readonly Transaction[]): readonly Transaction[] {
  const list = [...kept];
  for (const [rank, transaction] of told.entries()) {
    if (kept.some(({ id }) => id === transaction.id)) continue;
    const later = new Set(told.slice(rank + 1).map(({ id }) => id));
    const next = list.findIndex(({ id }) => later.has(id));
    list.splice(next === -1 ? list.length : next, 0, transaction);
  }
  return list;
}

function merge(standing: Transaction, told: Transaction | undefined): Transaction {
  if (told === undefined) return standing;
  return {
    ...standing,
    state: standing.state === "completed" ? standing.state : told.state,
    ...attributesOf(standing.attributes, told.attributes),
  };
}

function attributesOf(standing: unknown, told: Upsell["attributes"]): Pick<Upsell, "attributes"> {
  if (told === undefined) return {};
  return { attributes: { ...(isObject(standing) ? standing : {}), ...told } as NonNullable<Upsell["attributes"]> };
}

function transactionsOf(value: unknown): readonly Transaction[] {
  return Array.isArray(value) ? value.filter((item): item is Transaction => isObject(item) && "id" in item) : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
