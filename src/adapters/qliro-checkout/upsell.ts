import type { KeptEvent, Upsell } from "../../contract/adapter.ts";
import { type Ledger, upsellEventType } from "./ledger.ts";
import type { Transaction } from "./schema.ts";
import type { Snapshot, StartedUpsell } from "./snapshot.ts";

type State = Upsell["transactions"][number]["state"];

/** The window in which more may be sold: its end, and whether Qliro still allows it. */
export interface Window {
  /** ISO 8601. */
  readonly expiration: string;
  readonly eligible: boolean;
  readonly over: boolean;
}

/**
 * The window after a purchase that was complete at `completedAt`: Qliro's own end or ours, whichever comes first. `undefined` where nothing
 * is sold after the purchase.
 */
export function windowOf({ order, checkout, upsell }: Snapshot, completedAt: string, now: number): Window | undefined {
  if (upsell === undefined) return undefined;
  const said = order?.Upsell ?? checkout?.Upsell;
  const ends = [said?.EligibleForUpsellUntil, later(completedAt, upsell.timeoutSeconds)].filter(
    (end) => end !== undefined,
  );
  const expiration = new Date(Math.min(...ends.map((end) => Date.parse(end)))).toISOString();
  const over = now >= Date.parse(expiration);
  return { expiration, over, eligible: said?.EligibleForUpsell === true && !over };
}

/**
 * What has become of each upsell. The ledger decides; that one failed without ever becoming a transaction is known from its push alone, and
 * that nobody followed its link from the window's end.
 */
export function upsellOf(
  snapshot: Snapshot,
  window: Window,
  { transactions, money }: Ledger,
  kept: readonly KeptEvent[],
): Upsell {
  const pushes = pushesIn(snapshot, kept);
  const started = snapshot.upsell?.started ?? [];
  const upsold = snapshot.checkout?.Upsold ?? [];
  const ids = new Set([
    ...started.map(({ id }) => id),
    ...upsold.map(({ UpsellId }) => UpsellId),
    ...pushes.map(({ id }) => id),
  ]);
  return {
    eligible: window.eligible && money.authorized > money.released,
    expiration: window.expiration,
    // In an order that does not tell which push came when.
    transactions: [...ids].toSorted().flatMap((id) => {
      const start = started.find((upsell) => upsell.id === id);
      const told = pushes.filter((push) => push.id === id);
      const named = [
        start?.transactionId,
        ...told.map(({ transactionId }) => transactionId),
        ...upsold.filter(({ UpsellId }) => UpsellId === id).map(({ PaymentTransactionId }) => PaymentTransactionId),
      ];
      const found = transactions.filter(({ PaymentTransactionId }) => named.includes(PaymentTransactionId));
      const state = stateOf(found, told, start, window);
      const transactionId = found.at(-1)?.PaymentTransactionId;
      // An upsell that nobody can say anything new of is left as it stands in Norce.
      if (state === undefined) return [];
      return [
        { id, state, ...(transactionId === undefined ? {} : { attributes: { paymentTransactionId: transactionId } }) },
      ];
    }),
  };
}

/** True while an upsell that somebody started has come to no end. */
export function hasOpenUpsell({ transactions }: Upsell, { upsell }: Snapshot): boolean {
  const ended = transactions.filter(({ state }) => state === "completed" || state === "failed").map(({ id }) => id);
  const open = [...transactions, ...(upsell?.started ?? [])].filter(({ state }) => !isEnd(state));
  return open.some(({ id }) => !ended.includes(id));
}

function stateOf(
  found: readonly Transaction[],
  told: readonly Push[],
  start: StartedUpsell | undefined,
  window: Window,
): State | undefined {
  const states = found.map(({ Status }) => stateFrom(Status));
  // Behind a link several attempts may fail before one succeeds, and none after it.
  if (states.includes("completed")) return "completed";
  if (told.some(({ success }) => !success)) return "failed";
  const linked = start?.state === "actionRequired" && !window.over;
  if (linked && states.every((state) => state === "failed")) return undefined;
  const current = states.at(-1) ?? start?.state;
  // "Only one success per upsell session": a link that nobody used in time is of no use any more.
  if (current === "actionRequired" && window.over && !told.some(({ success }) => success)) return "failed";
  return states.length === 0 ? undefined : current;
}

function stateFrom(status: Transaction["Status"]): State {
  switch (status) {
    case "Created":
    case "InProcess":
    case "OnHold":
      return "created";
    case "UserInteractionRequired":
      return "actionRequired";
    case "Success":
      return "completed";
    case "Error":
    case "Cancelled":
      return "failed";
  }
}

function isEnd(state: State): boolean {
  switch (state) {
    case "completed":
    case "failed":
      return true;
    case "created":
    case "actionRequired":
      return false;
  }
}

interface Push {
  readonly id: string;
  readonly success: boolean;
  readonly transactionId?: string;
}

/** The upsell pushes about this order. */
function pushesIn({ order, checkout }: Snapshot, kept: readonly KeptEvent[]): readonly Push[] {
  const orderId = order?.OrderId ?? checkout?.OrderId;
  return kept.flatMap(({ type, success, facts = {} }) => {
    const { upsellId: id, transactionId } = facts;
    if (type !== upsellEventType || typeof id !== "string" || facts["orderId"] !== orderId) return [];
    return [{ id, success, ...(typeof transactionId === "string" ? { transactionId } : {}) }];
  });
}

function later(time: string, seconds: number): string {
  return new Date(Date.parse(time) + seconds * 1_000).toISOString();
}
