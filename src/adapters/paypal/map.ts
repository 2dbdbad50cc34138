import type {
  DesiredPayment,
  KeptEvent,
  Money,
  OperationName,
  Phase,
  Recurring,
  MapContext,
} from "../../contract/adapter.ts";
import { echoFrom, type Order, present, type Snapshot, type Source } from "./schema.ts";
import { isCapturable, type Ledger, ledgerOf, meaningOf } from "./sums.ts";
import { transactionsOf, voidedTransaction } from "./transactions.ts";

const minute = 60;
const hour = 60 * minute;
/** How long a token is waited for that PayPal promised in the order (`APPROVED`). */
const tokenPatienceSeconds = 24 * hour;

/** The webhook that says so: an approval that nobody used is given back to the buyer. The order need not say it. */
export const approvalReversed = "CHECKOUT.PAYMENT-APPROVAL.REVERSED";

/**
 * What Norce should say. The order's own status decides only while there is no payment in it: COMPLETED is not paid, and an order that is
 * still called APPROVED may hold captures already.
 */
export function map({ order, readAt }: Snapshot, { kept }: Pick<MapContext, "kept">): DesiredPayment {
  const ledger = ledgerOf(order);
  const standing = standingOf(order, ledger, kept);
  const recurring = recurringFrom(order, kept);
  const lookAgain = lookAgainOf(order, ledger, standing, recurring, readAt);
  const available = availableOf(ledger);
  const refunding = ledger.takings.reduce((sum, taking) => sum + taking.refunding, 0);
  return {
    phase: standing.phase,
    money: standing.money,
    total: ledger.total,
    currency: ledger.currency,
    reference: order.id,
    // A refund in PayPal's dashboard names its capture and nothing else.
    aliases: [...ledger.captures, ...ledger.authorizations].map(({ id }) => id),
    ...(recurring === undefined ? {} : { recurring }),
    attributes: attributesOf(order, ledger),
    transactions: [
      ...transactionsOf(ledger),
      ...(standing.voided === undefined ? [] : [voidedTransaction(order.id, ledger.total, standing.voided)]),
    ],
    possible: possibleOf(ledger, standing),
    wholeOnly: ["cancel"],
    ...(available === undefined ? {} : { available }),
    underWay: present({ capture: ledger.capturing || undefined, refund: refunding || undefined }),
    echoes: echoesOf(order),
    ...(lookAgain === undefined ? {} : { lookAgain }),
  };
}

/** Where the payment stands. `voided`: PayPal ended an order in which nothing had been held, and by which word. */
interface Standing {
  readonly phase: Phase;
  readonly money: Money;
  readonly voided?: string;
}

function standingOf(order: Order, ledger: Ledger, kept: readonly KeptEvent[]): Standing {
  const { money, holds, authorizations, captures } = ledger;
  if (money.authorized > 0) return { phase: isInReview(ledger) ? "review" : "confirmed", money };
  if (authorizations.length === 0 && captures.length === 0) return unpaidStanding(order, ledger, kept);
  // What is left was refused. A shopper who has been sent back to PayPal may still pay with another instrument.
  if (order.status === "PAYER_ACTION_REQUIRED" || order.status === "CREATED") return { phase: "paying", money };
  const failed = captures.filter((capture) => meaningOf(capture) === "failed");
  const technical = failed.length > 0 && failed.length === captures.length && holds.length === 0;
  return { phase: technical ? "failed" : "declined", money };
}

/** Nothing has been taken, and what there is waits for PayPal: a review of the authorization, or money that is not there yet. */
function isInReview({ holds, money, capturing }: Ledger): boolean {
  if (money.captured > 0) return false;
  if (holds.length === 0) return capturing > 0;
  const open = holds.filter((hold) => hold.open > 0 || hold.capturing > 0);
  return open.length > 0 && open.every(({ authorization }) => authorization.status === "PENDING");
}

function unpaidStanding({ status }: Order, { money, total }: Ledger, kept: readonly KeptEvent[]): Standing {
  // All that was approved is given back: nothing was held, and nothing can come of it any more.
  const over = { ...money, authorized: total, released: total };
  switch (status) {
    case "CREATED":
      return { phase: "created", money };
    case "PAYER_ACTION_REQUIRED":
      return { phase: "paying", money };
    case "SAVED":
    case "APPROVED":
      return kept.some(({ type }) => type === approvalReversed)
        ? { phase: "confirmed", money: over, voided: "approval-reversed" }
        : { phase: "paying", money };
    case "VOIDED":
      return { phase: "confirmed", money: over, voided: "void" };
    // Processed, and what came of it is not readable yet.
    case "COMPLETED":
      return { phase: "confirmed", money };
  }
}

/** What PayPal allows now (docs/psp/paypal.md, g). Order-level capture and authorize are the storefront's, not ours. */
function possibleOf({ holds, takings }: Ledger, { phase }: Standing): readonly OperationName[] {
  // Of several authorizations nobody could say which one is meant.
  const capture = phase === "confirmed" && holds.filter((hold) => isCapturable(hold)).length === 1;
  return [
    ...(capture ? (["capture"] as const) : []),
    ...(holds.some(({ open }) => open > 0) ? (["cancel"] as const) : []),
    ...(takings.some(({ left }) => left > 0) ? (["refund"] as const) : []),
  ];
}

/** What is open but in review cannot be captured yet. */
function availableOf({ holds }: Ledger): DesiredPayment["available"] {
  const open = holds.filter((hold) => hold.open > 0);
  const capturable = open.filter((hold) => isCapturable(hold));
  if (capturable.length === 0 || capturable.length === open.length) return undefined;
  return { capture: capturable.reduce((sum, hold) => sum + hold.open, 0) };
}

/** Every change at PayPal needs the id of the piece that is changed. */
function attributesOf(order: Order, { authorizations, captures, refunds }: Ledger): Record<string, string> {
  const ids = (pieces: readonly { readonly id: string }[]): string | undefined =>
    pieces.length === 0 ? undefined : pieces.map(({ id }) => id).join(",");
  return present({
    status: order.status,
    intent: order.intent ?? undefined,
    paymentSource: sourceOf(order)?.type,
    authorizationIds: ids(authorizations),
    captureIds: ids(captures),
    refundIds: ids(refunds),
  });
}

/** Means of payment that can be stored, by PayPal's names. */
const sourceTypes = ["paypal", "card", "venmo", "apple_pay", "google_pay"] as const;

function sourceOf({ payment_source }: Order): { readonly type: string; readonly source: Source } | undefined {
  for (const type of sourceTypes) {
    const source = payment_source?.[type] ?? undefined;
    if (source !== undefined) return { type, source };
  }
  return undefined;
}

/** The token in the order, or the one that a later webhook brought: then the order only says that there will be one. */
function recurringFrom(order: Order, kept: readonly KeptEvent[]): Recurring | undefined {
  const { type, source } = sourceOf(order) ?? {};
  const vault = source?.attributes?.vault;
  const token = vault?.id ?? undefined;
  if (type !== undefined && source !== undefined && token !== undefined && isStored(vault?.status ?? undefined)) {
    return {
      token,
      description: describedSource(type, source.brand, source.last_digits),
      attributes: present({ sourceType: type, customerId: vault?.customer?.id ?? undefined }),
    };
  }
  const brought = kept.filter(({ recurring }) => recurring !== undefined);
  return brought.toSorted((left, right) => placeOf(left) - placeOf(right) || (left.key < right.key ? -1 : 1)).at(-1)
    ?.recurring;
}

function isStored(status: "VAULTED" | "CREATED" | "APPROVED" | undefined): boolean {
  switch (status) {
    case "VAULTED":
    case "CREATED":
    case undefined:
      return true;
    case "APPROVED":
      return false;
  }
}

/** What people see of a stored means of payment: never the wallet's e-mail. */
export function describedSource(type: string, brand: string | undefined, lastDigits: string | undefined): string {
  const name = brand ?? (type === "paypal" ? "PayPal" : type);
  return lastDigits === undefined ? name : `${name} ${lastDigits}`;
}

function placeOf({ at }: KeptEvent): number {
  return at === null ? 0 : Date.parse(at);
}

/** When the order may change without a webhook: lists that lag behind, a token that was promised, the end of an authorization. */
function lookAgainOf(
  order: Order,
  { holds }: Ledger,
  { phase, money }: Standing,
  recurring: Recurring | undefined,
  readAt: string,
): DesiredPayment["lookAgain"] {
  const age = ageSeconds(order.update_time ?? order.create_time, readAt);
  if (phase === "confirmed" && money.authorized === 0) return { afterSeconds: pauseSeconds(age, 5) };
  const promised = sourceOf(order)?.source.attributes?.vault ?? undefined;
  const awaited = promised !== undefined && recurring === undefined;
  if (awaited && phase !== "declined" && age !== undefined && age < tokenPatienceSeconds)
    return { afterSeconds: pauseSeconds(age, minute) };
  const ends = holds
    .filter(({ open, authorization }) => open > 0 && authorization.expiration_time !== undefined)
    .map(({ authorization }) => Date.parse(authorization.expiration_time ?? ""));
  if (ends.length === 0) return undefined;
  const at = Math.min(...ends) + minute * 1000;
  // Past its end and still open: PayPal voids it a day later.
  return at > Date.parse(readAt) ? { at: new Date(at).toISOString() } : { afterSeconds: hour };
}

/** A quarter of the time waited so far, at most an hour: quick at first, never a storm. */
function pauseSeconds(age: number | undefined, least: number): number {
  return age === undefined ? hour : Math.min(Math.max(Math.floor(age / 4), least), hour);
}

function ageSeconds(since: string | undefined, readAt: string): number | undefined {
  return since === undefined ? undefined : (Date.parse(readAt) - Date.parse(since)) / 1000;
}

/** What whoever created the order put there: our ids in `custom_id`, the merchant's reference in `invoice_id`. */
function echoesOf({ purchase_units: [unit] }: Order): readonly string[] {
  return [echoFrom(unit?.custom_id), unit?.invoice_id ?? ""].filter((echo) => echo !== "");
}
