import type { DesiredPayment, Json, MapContext, OperationName, Phase, Recurring } from "../../contract/adapter.ts";
import { findingsOf } from "./findings.ts";
import { customerOf, digestOf, type Memory } from "./memory.ts";
import {
  echoFrom,
  type Order,
  present,
  type Snapshot,
  type Source,
  sourceIn,
  type SourceType,
  unmapped,
} from "./schema.ts";
import { isCapturable, type Ledger, ledgerOf, meaningOf } from "./sums.ts";
import { linesOf, voidedTransaction } from "./transactions.ts";
import { lookAgainOf, type Standing } from "./waits.ts";

const hour = 3_600_000;
const day = 24 * hour;
/** By arrangement a buyer has this long to approve, and the shop to go on from there (docs/psp/paypal.md, d). */
const longestApprovalMs = 72 * hour;
/** A saved order is kept for as long as an authorization. */
const savedMs = 29 * day;

/** The webhook that says so: an approval that nobody used is given back to the buyer. The order need not say it. */
export const approvalReversed = "CHECKOUT.PAYMENT-APPROVAL.REVERSED";

/**
 * What Norce should say. The order's own status decides only while there is no payment in it: COMPLETED is not paid, and an order that is
 * still called APPROVED may hold captures.
 * @throws WorkerError `Unmapped`
 */
export function map(snapshot: Snapshot, { kept, now }: MapContext): DesiredPayment {
  const { order } = snapshot;
  const ledger = ledgerOf(order);
  const standing = standingOf(snapshot, ledger, now);
  const recurring = recurringFrom(snapshot);
  const refunding = ledger.takings.reduce((sum, taking) => sum + taking.refunding, 0);
  const lines = linesOf(ledger, snapshot.linesBefore ?? []);
  return {
    phase: standing.phase,
    money: standing.money,
    // Of a part that was authorised, that part.
    total: standing.money.authorized === 0 ? ledger.total : Math.min(ledger.total, standing.money.authorized),
    currency: ledger.currency,
    reference: order.id,
    // A refund in PayPal's dashboard names its capture and nothing else.
    aliases: [...ledger.captures, ...ledger.authorizations].map(({ id }) => id),
    recurring,
    attributes: attributesOf(order, ledger),
    memory: {
      ...memoryOf(snapshot, standing, recurring),
      ...(lines.order === undefined ? {} : { order: lines.order }),
    },
    transactions: [
      ...lines.transactions,
      ...(standing.voided === undefined ? [] : [voidedTransaction(order.id, ledger.total, standing.voided)]),
    ],
    possible: possibleOf(ledger, standing),
    wholeOnly: ["cancel"],
    available: availableOf(ledger),
    underWay: present({ capture: ledger.capturing || undefined, refund: refunding || undefined }),
    echoes: echoesOf(order),
    findings: findingsOf(ledger, kept, now),
    lookAgain: lookAgainOf(snapshot, ledger, standing, recurring, now),
  };
}

function standingOf(snapshot: Snapshot, ledger: Ledger, now: number): Standing {
  const { money, holds, authorizations, captures } = ledger;
  if (money.authorized > 0) return { phase: heldPhaseOf(ledger), money };
  if (authorizations.length === 0 && captures.length === 0) return unpaidStanding(snapshot, ledger, now);
  const { order } = snapshot;
  // What is left was refused. A shopper who has been sent back to PayPal may still pay with another instrument.
  if (order.status === "PAYER_ACTION_REQUIRED" || order.status === "CREATED")
    return { phase: isOver(snapshot, now) ? "declined" : "paying", money };
  const failed = captures.filter((capture) => meaningOf(capture) === "failed");
  const technical = failed.length > 0 && failed.length === captures.length && holds.length === 0;
  return { phase: technical ? "failed" : "declined", money };
}

/** Money that nobody has taken waits for PayPal's review, or is on its way; else the purchase stands. */
function heldPhaseOf(ledger: Ledger): Phase {
  if (!isWaiting(ledger)) return "confirmed";
  const pending = ledger.captures.filter((capture) => meaningOf(capture) === "pending");
  const isReview =
    pending.length === 0 || pending.some(({ status_details }) => status_details?.reason === "PENDING_REVIEW");
  return isReview ? "review" : "awaiting";
}

/** Nothing has been taken, and what there is waits for PayPal: a review of the authorization, or money that is not there yet. */
function isWaiting({ holds, money, capturing }: Ledger): boolean {
  if (money.captured > 0) return false;
  if (holds.length === 0) return capturing > 0;
  const open = holds.filter((hold) => hold.open > 0 || hold.capturing > 0);
  return open.length > 0 && open.every(({ authorization }) => authorization.status === "PENDING");
}

function unpaidStanding(snapshot: Snapshot, { money, total }: Ledger, now: number): Standing {
  const { status } = snapshot.order;
  // All that was approved is given back: nothing was held, and nothing can come of it any more.
  const over = { ...money, authorized: total, released: total };
  if (snapshot.approvalReversed === true) return { phase: "confirmed", money: over, voided: "approval-reversed" };
  switch (status) {
    case "CREATED":
      return { phase: isOver(snapshot, now) ? "failed" : "created", money };
    case "PAYER_ACTION_REQUIRED":
    case "SAVED":
    case "APPROVED":
    case null:
    case undefined:
      return { phase: isOver(snapshot, now) ? "failed" : "paying", money };
    case "VOIDED":
      return { phase: "confirmed", money: over, voided: "void" };
    // Processed, and what came of it is not readable yet.
    case "COMPLETED":
      return { phase: "confirmed", money };
    default:
      throw unmapped("order.status");
  }
}

/** Nobody can pay it any more: PayPal has dropped the order, or would not take it any longer. */
function isOver({ order: { status, create_time }, gone }: Snapshot, now: number): boolean {
  if (gone === true) return true;
  const mostMs = status === "SAVED" ? savedMs : longestApprovalMs;
  return create_time !== undefined && now - Date.parse(create_time) > mostMs;
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
    intent: order.intent,
    paymentSource: sourceIn(order.payment_source)?.type,
    authorizationIds: ids(authorizations),
    captureIds: ids(captures),
    refundIds: ids(refunds),
  });
}

/**
 * What the next look has to know: of an order that nobody has paid, what it was, because PayPal forgets it; whether one that it forgets held
 * money; and that a promised token was found, which is then not asked for again.
 */
function memoryOf(
  { order, foundBefore }: Snapshot,
  { phase, money }: Standing,
  recurring: Recurring | undefined,
): Memory {
  if (money.authorized > 0 || phase === "confirmed" || phase === "declined") {
    const token = recurring === undefined ? foundBefore : digestOf(recurring.token);
    return present<Json>({ held: money.authorized > 0, token });
  }
  const {
    create_time,
    purchase_units: [unit],
  } = order;
  const { amount, custom_id, invoice_id } = unit ?? {};
  const asked = amount && { currency_code: amount.currency_code, value: amount.value };
  return { unpaid: present<Json>({ create_time, amount: asked, custom_id, invoice_id }) };
}

/** The token in the order, or in PayPal's vault where the order only says that there will be one. */
function recurringFrom({ order, stored }: Snapshot): Recurring | undefined {
  if (stored !== undefined) return recurringOf(stored.token, stored.type, stored.source, customerOf(order));
  const { type, source } = sourceIn(order.payment_source) ?? {};
  const vault = source?.attributes?.vault;
  const token = vault?.id ?? undefined;
  if (type === undefined || source === undefined || token === undefined || vault?.status === "APPROVED")
    return undefined;
  return recurringOf(token, type, source, customerOf(order));
}

/** A stored means of payment as people see it: never the wallet's e-mail. */
function recurringOf(
  token: string,
  sourceType: SourceType,
  { brand, last_digits }: Source,
  customerId: string | undefined,
): Recurring {
  const name = brand ?? (sourceType === "paypal" ? "PayPal" : sourceType);
  return {
    token,
    description: last_digits === undefined ? name : `${name} ${last_digits}`,
    attributes: present({ sourceType, customerId }),
  };
}

/** What whoever created the order put there: our ids in `custom_id`, the merchant's reference in `invoice_id`. */
function echoesOf({ purchase_units: [unit] }: Order): readonly string[] {
  return [echoFrom(unit?.custom_id), unit?.invoice_id ?? ""].filter((echo) => echo !== "");
}
