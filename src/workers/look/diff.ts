import type {
  CommonConfig,
  DesiredPayment,
  DesiredTransaction,
  Json,
  Money,
  PaymentKey,
} from "../../contract/adapter.ts";
import { WorkerError } from "../../lib/errors.ts";
import type { CurrentPayment, PaymentChanges, PaymentRecord } from "../../norce/payment.ts";
import { contains, same } from "../../norce/same.ts";
import type { NorceOrder } from "../../norce/schema.ts";
import { openAmount, type PaymentState, type StateSet, stateOf } from "../../norce/states.ts";
import { canonical, movesBackwards, onlyStarted, sameState } from "./backwards.ts";
import { mergedUpsell } from "./upsell.ts";

/** What has to happen so that Norce says what is true. */
export interface Changes {
  /** Absent where the payment already says it. */
  readonly payment?: PaymentChanges;
  readonly transactions: readonly DesiredTransaction[];
  /** The marker is missing: the PSP has to be told. */
  readonly afterWrite: boolean;
}

export type Verdict =
  | { readonly is: "agreed" }
  | { readonly is: "differs"; readonly changes: Changes }
  /** Money or phase would move backwards: believed only when two looks agree. The fingerprint names what was seen. */
  | { readonly is: "backwards"; readonly fingerprint: string; readonly changes: Changes };

/** What a comparison needs to know; all of it plain data. */
export interface Comparison {
  readonly current: CurrentPayment;
  readonly logged: ReadonlySet<string>;
  readonly desired: DesiredPayment;
  readonly states: StateSet;
  /** v1 documents no `upsell`. */
  readonly version: "v0" | "v1";
  /** The payment's actions where they have to be another list. */
  readonly actions?: readonly Json[] | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Current and desired → what to write, and the moves that are never made. Pure.
 * @throws WorkerError `Refused` with a `reason`: a person has to look.
 */
export function diff(comparison: Comparison): Verdict {
  const { current, logged, desired } = comparison;
  refuseImpossible(current, desired);
  if (removedByOthers(current)) {
    if (holdsMoney(desired.money))
      throw refusal("paid-on-removed", "the PSP holds or took money on a payment that was removed");
    return { is: "agreed" };
  }
  const payment = paymentChanges(comparison);
  const transactions = desired.transactions.filter((transaction) => !logged.has(transaction.key));
  const afterWrite = desired.marker !== undefined && !logged.has(desired.marker);
  if (payment === undefined && transactions.length === 0 && !afterWrite) return { is: "agreed" };
  const changes: Changes = { ...(payment === undefined ? {} : { payment }), transactions, afterWrite };
  if (desired.reversal !== undefined || !movesBackwards(current, desired)) return { is: "differs", changes };
  return { is: "backwards", fingerprint: JSON.stringify([desired.phase, sums(desired.money)]), changes };
}

/** Refuses a payment that another adapter owns. @throws WorkerError `Refused`. */
export function refuseOthers(current: CurrentPayment, settings: CommonConfig): void {
  if (current.adapterId !== settings.adapterId)
    throw refusal("other-adapter", "the payment belongs to another adapter");
}

/**
 * Refuses a PSP payment that names another order than ours. Where nothing is echoed there is nothing to disagree, unless the
 * reference is yet to be bound: then something has to agree.
 * @param order needed only where the setting says the merchant reference is the order's or the cart's.
 * @throws WorkerError `Refused`.
 */
export function refuseForeign(
  key: PaymentKey,
  desired: DesiredPayment,
  settings: CommonConfig,
  order: NorceOrder | null,
  binding: boolean,
): void {
  if (desired.echoes.length === 0 && !binding) return;
  const names = [key.paymentId, `${key.orderId}:${key.paymentId}`, key.orderId];
  if (settings.merchantReference === "orderReference") names.push(order?.reference ?? "");
  if (settings.merchantReference === "cartReference") names.push(order?.cart?.reference ?? "");
  if (!desired.echoes.some((echo) => echo !== "" && names.includes(echo))) {
    throw refusal("other-order", "the PSP's payment names another order; see the setting merchantReference");
  }
}

/** Refuses to bind a reference whose purchase is not this payment's. @throws WorkerError `Refused`. */
export function refuseUnlike(current: CurrentPayment, desired: DesiredPayment): void {
  if (desired.total !== current.amount || desired.currency !== current.currency) {
    throw refusal(
      "reference-not-bound",
      "the PSP's payment has another amount or currency than the payment without a reference",
    );
  }
}

function refuseImpossible(current: CurrentPayment, { currency, money }: DesiredPayment): void {
  if (currency !== current.currency) throw refusal("currency-differs", "the PSP's payment has another currency");
  // What was released again does not count: an authorisation that was made anew is held once.
  if (current.upperLimit !== null && money.authorized - money.released > current.upperLimit) {
    throw refusal("above-upper-limit", "the PSP authorised more than the payment's upper limit");
  }
}

function refusal(reason: string, message: string): WorkerError {
  return new WorkerError("Refused", message, { context: { reason } });
}

function removedByOthers({ state, record }: CurrentPayment): boolean {
  return (state === "removed" || state === "cancelled") && record?.["removed"] !== true;
}

function holdsMoney(money: Money): boolean {
  return openAmount(money) > 0 || money.captured > money.refunded;
}

/** The fields of ours that Norce says otherwise; `undefined` where there is none. */
function paymentChanges({ current, desired, states, version, actions, now }: Comparison): PaymentChanges | undefined {
  const state = stateOf(desired.phase, desired.money, states);
  const amount = coveredAmount(desired);
  const record = recordOf(current, desired, state, now);
  const upsell =
    desired.upsell === undefined || version === "v1" ? undefined : mergedUpsell(current.upsell, desired.upsell);
  const changes: PaymentChanges = {
    ...(sameState(current.state, state) || onlyStarted(current.state, desired) ? {} : { state }),
    ...(amount === undefined || amount === current.amount ? {} : { amount }),
    ...(desired.reference === current.reference ? {} : { reference: desired.reference }),
    ...(desired.recurring === undefined || contains(current.recurring, desired.recurring)
      ? {}
      : { recurring: desired.recurring }),
    ...(upsell === undefined || contains(current.upsell, upsell) ? {} : { upsell }),
    ...(same(current.record, record) ? {} : { record }),
    ...(actions === undefined ? {} : { actions }),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

/** What the payment covers: authorised less released. Nothing is said while nothing was authorised. */
function coveredAmount({ money }: DesiredPayment): number | undefined {
  return money.authorized === 0 ? undefined : money.authorized - money.released;
}

/** Our note on the payment: partial amounts for people, and what a later look has to know. */
function recordOf(current: CurrentPayment, desired: DesiredPayment, state: PaymentState, now: number): PaymentRecord {
  const asked = current.record?.["amountAsked"] ?? (differsFromAsked(current, desired) ? current.amount : undefined);
  return {
    ...current.record,
    ...desired.attributes,
    phase: desired.phase,
    ...sums(desired.money),
    // Says that it was us: a payment that somebody else removed is never revived.
    removed: canonical(state) === "removed",
    since: sinceOf(current, desired, state) ?? new Date(now).toISOString(),
    ...(asked === undefined ? {} : { amountAsked: asked }),
  };
}

/** When the payment came to where it is, if it was there before: how often it is looked at follows from it. */
function sinceOf({ record, state: current }: CurrentPayment, { phase }: DesiredPayment, state: PaymentState) {
  const since = record?.["since"];
  return typeof since === "string" && record?.["phase"] === phase && sameState(current, state) ? since : undefined;
}

/** On first contact the PSP may have authorised something else than Norce asked for; that stays visible. */
function differsFromAsked({ record, amount }: CurrentPayment, { money }: DesiredPayment): boolean {
  return record === null && money.authorized > 0 && money.authorized !== amount;
}

function sums({
  authorized,
  captured,
  refunded,
  released,
}: Money): Record<"authorized" | "captured" | "refunded" | "released", number> {
  return { authorized, captured, refunded, released };
}
