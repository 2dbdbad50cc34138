/** When the sweep looks at a payment, and which orders it reads for that. Pure: times come in as milliseconds since the epoch. */
import type { PaymentState } from "../../norce/states.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A payment as the list of orders shows it. */
export interface SeenPayment {
  readonly state: PaymentState;
  /** When the payment came to its state, where our note says so; else when its order was created. */
  readonly since: number;
  /** It was us who removed it. */
  readonly removedByUs: boolean;
  /** It has the PSP's id: without one there is nothing to ask for. */
  readonly referenced: boolean;
  /** Its adapter folds events: a look asks no PSP, and only refills what is remembered. */
  readonly folds: boolean;
}

/** Until when payments are looked at, in days. */
export interface Horizon {
  readonly unsettled: number;
  readonly refund: number;
}

/**
 * How many days old an order may be whose payments are looked at. Payments count from their last change of state, and orders are listed by
 * their creation: one that is captured on the last day that it may have been unsettled is looked at for the whole refund horizon from then.
 */
export function reachOf({ unsettled, refund }: Horizon): number {
  return unsettled + refund;
}

/** The time that a pass is responsible for: after the start of the one before it, until its own start. */
export interface Span {
  readonly after: number;
  readonly until: number;
}

/** `unresolved`: its horizon has passed without an end: a last look, then a person is needed. */
export type Judgement = "settled" | "waiting" | "due" | "unresolved";

/** Whether a pass looks at a payment. It remembers nothing: due is what has a point of its schedule within the pass's span. */
export function judge(payment: SeenPayment, horizon: Horizon, span: Span): Judgement {
  const { since, referenced, folds } = payment;
  const { schedule, days } = planFor(payment, horizon);
  const ages = { after: span.after - since, until: span.until - since };
  if (ages.until >= days * day) return hasToEnd(payment.state) ? "unresolved" : "settled";
  if (!referenced && !folds) return "waiting";
  return (folds ? daily : schedule)(ages) ? "due" : "waiting";
}

/** Whether a payment in this state has still to come to an end. An `intent` has not: most are shoppers who left. */
export function hasToEnd(state: PaymentState): boolean {
  return state === "processing" || state === "pending" || state === "confirmed";
}

/** How long ago the payment came to its state, at both ends of the span. */
type Schedule = (ages: Span) => boolean;

interface Plan {
  readonly schedule: Schedule;
  /** How long it is looked at. */
  readonly days: number;
}

function planFor({ state, removedByUs }: SeenPayment, { unsettled, refund }: Horizon): Plan {
  switch (state) {
    case "intent":
    case "processing":
    case "pending":
    case "confirmed":
      return { schedule: closely, days: unsettled };
    case "reserved":
    case "captured":
      // Captures and refunds in a PSP's portal send nothing.
      return { schedule: widening, days: refund };
    case "removed":
    case "cancelled":
      // Removed by somebody else: the shopper may yet pay at the PSP that was left.
      return { schedule: widening, days: removedByUs ? 0 : unsettled };
    case "declined":
    case "failed":
      return { schedule: widening, days: 1 };
    case "credited":
    case "refunded":
      return { schedule: widening, days: 7 };
  }
}

/** Every pass for a quarter of an hour, then after a fifth of the age, but at least every hour, then every day. */
const closely: Schedule = (ages) => ages.until < quarter || oneWithin(ages, closePoints) || daily(ages);

/** After 1, 2, 4, 8 … minutes up to a day, then every day. */
const widening: Schedule = (ages) => oneWithin(ages, widePoints) || daily(ages);

const daily: Schedule = ({ after, until }) => Math.max(Math.floor(after / day) + 1, 1) * day <= until;

const quarter = 15 * minute;
const closePoints = pointsFrom(quarter, (age) => age + Math.min(age / 5, hour));
const widePoints = pointsFrom(minute, (age) => age * 2);

/** The points of a schedule within the first day, from `first` on. */
function pointsFrom(first: number, after: (age: number) => number): readonly number[] {
  const points: number[] = [];
  for (let age = first; age < day; age = after(age)) points.push(age);
  return points;
}

function oneWithin({ after, until }: Span, points: readonly number[]): boolean {
  return points.some((age) => after < age && age <= until);
}

/** The windows of a sweep, each with a pace of its own, in the order in which they are swept. */
export const windowNames = ["recent", "day", "rest"] as const;
export type WindowName = (typeof windowNames)[number];

/** One pass over one window: which orders, by their creation, and for which span of time. */
export interface Pass extends Span {
  readonly from: number;
  /** Absent: up to now, also where Norce's clock is ahead of ours. */
  readonly to?: number;
}

/** What never was swept, or by a clock that was ahead, is taken to be a day behind. */
const unknownMs = day;

/**
 * The pass that a window needs now; `undefined` where its last one is recent enough. Orders that move on to the next window between two
 * passes are in both, so that no point of a schedule falls between them.
 * @param swept when the window's last completed pass began. @param reachDays the longest of all adapters'.
 */
export function passFor(
  name: WindowName,
  swept: number | undefined,
  now: number,
  intervalMs: number,
  reachDays: number,
): Pass | undefined {
  const after = swept === undefined || swept > now ? now - unknownMs : swept;
  // A scheduler may be a little early.
  if (
    swept === after &&
    now - after < periodOf(name, intervalMs) / 2 + (name === "recent" ? 0 : periodOf(name, intervalMs) / 2)
  )
    return undefined;
  switch (name) {
    case "recent":
      return { after, until: now, from: after - 2 * hour };
    case "day":
      return { after, until: now, from: after - day, to: now - 2 * hour };
    case "rest":
      // Until a pass after the last horizon has seen it go by.
      return { after, until: now, from: after - (reachDays + 1) * day, to: now - day };
  }
}

/** How often a window is swept, and so over which time its looks are spread. */
export function periodOf(name: WindowName, intervalMs: number): number {
  switch (name) {
    case "recent":
      return intervalMs;
    case "day":
      return Math.max(hour, intervalMs);
    case "rest":
      return Math.max(day, intervalMs);
  }
}
