import type { DesiredPayment, Money, Phase } from "../../contract/adapter.ts";
import type { UnderWay } from "./kept.ts";
import type { Snapshot } from "./schema.ts";
import { awaitedIn } from "./upsell.ts";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
/** A review ends with a notification, which may get lost. */
const reviewSeconds = 15 * minute;
/** A reauthorisation takes seconds, unless the shopper has to agree. */
const upsellSeconds = 15;
/** Walley ends a session without a purchase after seven days, and says nothing. */
const sessionSeconds = 7 * day + hour;

/** When the payment may change although Walley calls nobody. */
export function lookAgainOf(
  snapshot: Snapshot,
  phase: Phase,
  { authorized, captured, released }: Money,
  underWay: UnderWay | undefined,
): DesiredPayment["lookAgain"] {
  const { readAt, noted, order, checkout, manages, upsells = [] } = snapshot;
  const awaited = manages && order === null && isAwaited(snapshot, phase);
  const pauses = [
    ...(awaited ? [pauseSeconds(ageSeconds(noted.awaitedSince ?? readAt, readAt))] : []),
    ...(underWay === undefined ? [] : [pauseSeconds(underWay.sinceSeconds)]),
    ...(phase === "review" ? [reviewSeconds] : []),
    ...(order === null ? [] : awaitedIn(upsells, order, readAt)).map((since) =>
      Math.max(upsellSeconds, pauseSeconds(ageSeconds(since, readAt))),
    ),
  ];
  if (pauses.length > 0) return { afterSeconds: Math.min(...pauses) };
  if (order === null) {
    const open = phase === "created" || phase === "paying";
    return open && checkout !== null ? later(noted.openedAt ?? readAt, sessionSeconds, readAt) : undefined;
  }
  if (authorized === captured + released || phase !== "confirmed" || typeof order.expiresAt !== "string")
    return undefined;
  return later(order.expiresAt, minute, readAt);
}

/** True while a purchase has an order that does not show. Whether one under review shows is not documented: it is not waited for. */
export function isAwaited({ checkout }: Pick<Snapshot, "checkout">, phase: Phase): boolean {
  const purchase = checkout?.purchase ?? null;
  if (purchase === null || phase !== "confirmed") return false;
  return purchase.result !== "Completed" || (checkout?.order?.orderId ?? null) !== null;
}

/** A while after a time; hourly where that has passed and nothing has happened. */
function later(since: string, seconds: number, readAt: string): DesiredPayment["lookAgain"] {
  const at = Date.parse(since) + seconds * 1000;
  return at > Date.parse(readAt) ? { at: new Date(at).toISOString() } : { afterSeconds: hour };
}

/** A quarter of the time waited so far, at least 3 seconds (the pause that Walley asks for) and at most an hour. */
function pauseSeconds(age: number): number {
  return Math.min(Math.max(Math.floor(age / 4), 3), hour);
}

function ageSeconds(since: string, readAt: string): number {
  return Math.max(0, (Date.parse(readAt) - Date.parse(since)) / 1000);
}
