import type { DesiredPayment, Finding, Money, Phase } from "../../contract/adapter.ts";
import type { UnderWay } from "./kept.ts";
import type { Checkout, Snapshot } from "./schema.ts";
import { awaitedIn } from "./upsell.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Walley ends a session without a purchase after seven days, and says nothing. */
const sessionMs = 7 * dayMs + hourMs;
/** A charge of a saved token is tried again for weeks at most; one of which nothing is heard for so long has come to nothing. */
const chargeMs = 30 * dayMs;
/** A review takes hours or days; an order shows within minutes, and ends on its day (docs/psp/walley.md, d). */
const reviewMs = 14 * dayMs;
const lateMs = dayMs;

/** What waiting depends on, besides what Walley says. */
export interface Waiting {
  readonly phase: Phase;
  readonly money: Money;
  readonly underWay: UnderWay | undefined;
  /** Since when a charge is awaited, ISO 8601. */
  readonly chargedSince?: string | undefined;
}

/** When the payment may change although Walley calls nobody. */
export function lookAgainOf(snapshot: Snapshot, waiting: Waiting, now: number): DesiredPayment["lookAgain"] {
  const { order, upsells = [] } = snapshot;
  const { phase, money, underWay, chargedSince } = waiting;
  const since = [
    ...(isAwaited(snapshot, phase) ? [awaitedSinceOf(snapshot, now)] : []),
    ...(phase === "review" ? [reviewSinceOf(snapshot, now)] : []),
    ...(phase === "paying" ? [chargedSince ?? openedAtOf(snapshot, now)] : []),
    ...(underWay === undefined ? [] : [underWay.since]),
    ...(order === null ? [] : awaitedIn(upsells, order, now)),
  ];
  // What began last moves first.
  if (since.length > 0) return { growing: new Date(Math.max(...since.map((at) => Date.parse(at)))).toISOString() };
  if (phase === "created") return after(openedAtOf(snapshot, now), sessionMs, now);
  if (phase !== "confirmed" || openIn(money) === 0 || typeof order?.expiresAt !== "string") return undefined;
  return after(order.expiresAt, minuteMs, now);
}

/** A while after a time; where that has passed and nothing has happened, less and less often. */
function after(since: string, ms: number, now: number): DesiredPayment["lookAgain"] {
  const at = Date.parse(since) + ms;
  return at > now ? { at: new Date(at).toISOString() } : { growing: since };
}

/** What has waited for longer than it should, and what Walley need not stand by any more. */
export function overdueOf(snapshot: Snapshot, { phase, money }: Waiting, now: number): readonly Finding[] {
  const { reference, order, checkout } = snapshot;
  const expiresAt = openIn(money) > 0 && typeof order?.expiresAt === "string" ? order.expiresAt : undefined;
  const isOlder = (since: string, ms: number): boolean => now - Date.parse(since) > ms;
  const why = [
    ...(phase === "review" && isOlder(reviewSinceOf(snapshot, now), reviewMs) ? ["review"] : []),
    ...(isAwaited(snapshot, phase) && isOlder(awaitedSinceOf(snapshot, now), lateMs) ? ["order-not-shown"] : []),
    ...(isUnread(checkout) && isOlder(openedAtOf(snapshot, now), sessionMs) ? ["result-not-shown"] : []),
    ...(expiresAt !== undefined && phase === "confirmed" && isOlder(expiresAt, lateMs) ? ["past-its-end"] : []),
  ];
  return why.map((reason) => ({
    name: "authorization-at-risk",
    id: order?.id ?? checkout?.order?.orderId ?? reference,
    ...(reason === "past-its-end" && expiresAt !== undefined ? { deadline: expiresAt } : {}),
    facts: { reason, open: openIn(money) },
  }));
}

/** True while a purchase has an order that does not show. Whether one under review shows is not documented: it is not waited for. */
export function isAwaited({ manages, order, checkout }: Snapshot, phase: Phase): boolean {
  const purchase = checkout?.purchase ?? null;
  if (!manages || order !== null || purchase === null || phase !== "confirmed") return false;
  return purchase.result !== "Completed" || (checkout?.order?.orderId ?? null) !== null;
}

/** Complete, and how it went does not show yet. */
export function isUnread(checkout: Checkout | null): boolean {
  return checkout?.status === "PurchaseCompleted" && (checkout.purchase ?? null) === null;
}

/** True for a session that Walley ends, whether it still shows it or not. */
export function isOver(snapshot: Snapshot, now: number): boolean {
  return !isUnread(snapshot.checkout) && now - Date.parse(openedAtOf(snapshot, now)) >= sessionMs;
}

/** True for a charge of which nothing has been heard for too long. */
export function isSilent(since: string, now: number): boolean {
  return now - Date.parse(since) > chargeMs;
}

/** Since when a complete purchase is not readable to its end. */
export function awaitedSinceOf({ noted }: Snapshot, now: number): string {
  return noted.awaitedSince ?? new Date(now).toISOString();
}

/** Since when the session, or what came of it, is known. */
export function openedAtOf({ noted }: Snapshot, now: number): string {
  return noted.openedAt ?? new Date(now).toISOString();
}

function reviewSinceOf(snapshot: Snapshot, now: number): string {
  return snapshot.order?.placedAt ?? openedAtOf(snapshot, now);
}

function openIn({ authorized, captured, released }: Money): number {
  return authorized - captured - released;
}
