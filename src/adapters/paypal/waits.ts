import type { DesiredPayment, Money, Phase, Recurring } from "../../contract/adapter.ts";
import { honourMs, slowMs } from "./findings.ts";
import { isPromised } from "./memory.ts";
import type { Snapshot } from "./schema.ts";
import type { Ledger } from "./sums.ts";

const hour = 3_600_000;
/** A buyer usually has three hours to approve, and the shop three to go on from there (docs/psp/paypal.md, d). */
export const approvalMs = 3 * hour;
/** How long a token is waited for that PayPal promised in the order (`APPROVED`). */
const tokenPatienceMs = 24 * hour;

/** Where the payment stands. `voided`: PayPal ended an order in which nothing had been held, and by which word. */
export interface Standing {
  readonly phase: Phase;
  readonly money: Money;
  readonly voided?: string;
}

/** When the order may change without a webhook. */
export function lookAgainOf(
  snapshot: Snapshot,
  ledger: Ledger,
  { phase, money }: Standing,
  recurring: Recurring | undefined,
  now: number,
): DesiredPayment["lookAgain"] {
  const { order } = snapshot;
  const began = order.update_time ?? order.create_time;
  const growing = began === undefined ? { afterSeconds: 3_600 } : { growing: began };
  switch (phase) {
    // What happens PayPal tells; that nothing happened, it does not.
    case "created":
    case "paying":
      return nextOf([order.create_time], [approvalMs], now) ?? growing;
    case "review":
      return (
        nextOf(
          ledger.authorizations.map(({ create_time }) => create_time),
          [honourMs],
          now,
        ) ?? growing
      );
    case "awaiting":
      return (
        nextOf(
          ledger.captures.map(({ create_time }) => create_time),
          [slowMs],
          now,
        ) ?? growing
      );
    case "declined":
    case "failed":
      return undefined;
    case "confirmed":
      break;
  }
  // Lists that lag behind; a token that was promised.
  if (money.authorized === 0) return growing;
  if (
    isPromised(snapshot) &&
    recurring === undefined &&
    snapshot.foundBefore === undefined &&
    began !== undefined &&
    now - Date.parse(began) < tokenPatienceMs
  )
    return nextOf([began], [hour], now) ?? growing;
  const open = ledger.holds.filter((hold) => hold.open > 0).map(({ authorization }) => authorization);
  if (open.length === 0) return undefined;
  // When PayPal vouches for it no longer, and when it ends; past its end and still open, PayPal voids it a day later.
  const next =
    nextOf(
      open.map(({ create_time }) => create_time),
      [honourMs],
      now,
    ) ??
    nextOf(
      open.map(({ expiration_time }) => expiration_time),
      [0],
      now,
    );
  const ends = open.flatMap(({ expiration_time }) => expiration_time ?? []).toSorted();
  return next ?? (ends[0] === undefined ? undefined : { growing: ends[0] });
}

/** A minute after the first of these times, later by one of these, that is still to come. */
function nextOf(
  times: readonly (string | undefined)[],
  laterMs: readonly number[],
  now: number,
): { readonly at: string } | undefined {
  const coming = times
    .flatMap((time) => (time === undefined ? [] : laterMs.map((later) => Date.parse(time) + later + 60_000)))
    .filter((at) => at > now);
  return coming.length === 0 ? undefined : { at: new Date(Math.min(...coming)).toISOString() };
}
