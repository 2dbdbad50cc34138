import type { DesiredPayment, Finding, MapContext, Phase } from "../../contract/adapter.ts";
import { expiryFinding } from "./expiry.ts";
import { isOver, isUnknown, lookAgainOf, unknownUntil } from "./patience.ts";
import {
  currency,
  type Ended,
  type ErrorCode,
  insistOnWords,
  minorOf,
  msOf,
  type Payment,
  type Snapshot,
} from "./schema.ts";
import { standingOf } from "./money.ts";
import { transactionsOf } from "./transactions.ts";

/** How long after a payment it can be given back: 13 months (docs/psp/swish.md, g). */
const refundMonths = 13;

/** What Norce should say: one phase, all or nothing, and the refunds that are known (docs/psp/swish.md, e). */
export function map(snapshot: Snapshot, { now }: Pick<MapContext, "now">): DesiredPayment {
  insistOnWords(snapshot);
  const { payment } = snapshot;
  const standing = standingOf(snapshot);
  const { money, refunding, ended } = standing;
  return {
    phase: phaseOf(payment, now),
    money,
    total: minorOf(payment),
    currency,
    reference: payment.id,
    attributes: attributesOf(payment),
    ...(ended.length === 0 ? {} : { memory: { ended: ended.map(remembered) } }),
    transactions: transactionsOf(payment, standing),
    possible: mayRefund(snapshot, money.captured - money.refunded - refunding, now) ? ["refund"] : [],
    underWay: refunding > 0 ? { refund: refunding } : {},
    echoes: echoesIn(payment.payeePaymentReference),
    findings: findingsIn(snapshot, ended, now),
    lookAgain: lookAgainOf(snapshot, now),
  };
}

function phaseOf(payment: Payment, now: number): Phase {
  switch (payment.status) {
    case "CREATED":
      return isOver(payment, now) ? "failed" : "paying";
    case "PAID":
      return "confirmed";
    case "DECLINED":
      return "declined";
    case "CANCELLED":
      return "failed";
    case "ERROR":
      if (isUnknown(payment)) return isOver(payment, now) ? "failed" : "awaiting";
      return refusals.has(payment.errorCode) ? "declined" : "failed";
  }
}

/** The shopper or the bank said no; everything else is technical. */
const refusals: ReadonlySet<unknown> = new Set([
  "AM04",
  "AM14",
  "AM21",
  "BANKIDCL",
  "RF07",
  "VR01",
  "VR02",
] satisfies readonly ErrorCode[]);

function attributesOf({ status, errorCode, paymentReference }: Payment) {
  return {
    status,
    ...(errorCode === undefined || errorCode === null ? {} : { errorCode }),
    ...(paymentReference === undefined || paymentReference === null ? {} : { paymentReference }),
  };
}

function remembered({ id, is, amount, code }: Ended) {
  return { id, is, amount, ...(code === undefined ? {} : { code }) };
}

/** One at a time (`RF09`), by the bank's reference, for 13 months (docs/psp/swish.md, g). */
function mayRefund({ payment, refunds }: Snapshot, left: number, now: number): boolean {
  const { paymentReference, datePaid, dateCreated } = payment;
  if (left <= 0 || paymentReference === undefined || paymentReference === null) return false;
  const inProgress = refunds.some(
    ({ status }) => status === "CREATED" || status === "INITIATED" || status === "VALIDATED",
  );
  const last = new Date(msOf(datePaid ?? dateCreated));
  last.setUTCMonth(last.getUTCMonth() + refundMonths);
  return !inProgress && now < last.getTime();
}

/** What the merchant wrote; ids of ours that are UUIDs may have lost their dashes there, which older rules refused. */
function echoesIn(reference: string | null | undefined): readonly string[] {
  if (reference === undefined || reference === null || reference === "") return [];
  const [, ...parts] = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i.exec(reference) ?? [];
  return parts.length === 0 ? [reference] : [reference, parts.join("-").toLowerCase()];
}

function findingsIn(snapshot: Snapshot, ended: readonly Ended[], now: number): readonly Finding[] {
  const { payment, refunds, certificate } = snapshot;
  const unknown = [payment, ...refunds].flatMap((item): Finding[] => {
    const stuck = item !== payment && item.status !== "PAID" && item.status !== "ERROR" && isOver(item, now);
    if (!isUnknown(item) && !stuck) return [];
    return [
      {
        name: "outcome-unknown",
        id: item.id,
        deadline: unknownUntil(item),
        facts: { amount: minorOf(item), currency, code: item.errorCode ?? item.status },
      },
    ];
  });
  return [
    ...unknown,
    ...ended
      .filter(({ is }) => is === "ERROR")
      .map(({ id, amount, code = "ERROR" }): Finding => ({
        name: "refund-failed",
        id,
        facts: { amount, currency, code },
      })),
    ...expiryFinding(certificate, now),
  ];
}
