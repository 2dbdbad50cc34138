import type { DesiredTransaction, Phase } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { hasFailed } from "./findings.ts";
import { present } from "./present.ts";
import type { Intent, IntentSnapshot, Setup } from "./schema.ts";
import type { Sums } from "./sums.ts";

/**
 * The lines of the log. Keys hold Stripe's ids and, where Stripe counts captures in one sum, that sum: a line that was logged once stays what
 * it is.
 */
export function transactionsOf(snapshot: IntentSnapshot, sums: Sums, phase: Phase): readonly DesiredTransaction[] {
  const { intent, review } = snapshot;
  const total = minorOf(intent.amount, intent.currency);
  return [
    ...attemptOf(snapshot, phase, total),
    ...(phase === "review" && review !== null
      ? [
          line(`process:${review.id}`, {
            event: "process",
            pspEvent: "review",
            pspStatus: intent.status,
            amount: total,
          }),
        ]
      : []),
    ...moneyLines(snapshot, sums, phase),
    ...refundLines(snapshot, sums),
    ...snapshot.disputes.map((dispute) =>
      line(`process:${dispute.id}`, {
        event: "process",
        pspEvent: "dispute",
        // What it has come to by now the findings tell; the line is that there is one.
        pspStatus: "dispute",
        amount: minorOf(dispute.amount, dispute.currency),
      }),
    ),
  ];
}

/** What came of the last attempt, where none has succeeded. */
function attemptOf({ intent }: IntentSnapshot, phase: Phase, total: number): readonly DesiredTransaction[] {
  const { id, status, latest_charge: charge, cancellation_reason: reason } = intent;
  switch (status) {
    case "requires_payment_method":
    case "requires_confirmation":
      return failedAttempt(intent, intent.last_payment_error);
    case "processing":
      return [line(`process:processing:${idOf(charge) ?? id}`, told("process", "processing", status, total))];
    case "canceled":
      if (phase === "confirmed") return [];
      return reason === "fraudulent"
        ? [line(`cancel:${id}`, told("cancel", "canceled", reason, 0))]
        : [{ ...line(`process:canceled:${id}`, told("process", "canceled", reason ?? status, 0)), success: false }];
    case "requires_action":
    case "requires_capture":
    case "succeeded":
      return [];
  }
}

/** An attempt that failed and may be repeated; one line for each charge that was refused, or for what went wrong without one. */
function failedAttempt(
  {
    id,
    status,
    latest_charge: charge = null,
  }: Pick<Intent, "id" | "status"> & { readonly latest_charge?: Intent["latest_charge"] },
  error: Intent["last_payment_error"],
): readonly DesiredTransaction[] {
  if (error === null || error === undefined) return [];
  const detail = [error.code, error.decline_code].filter((word) => word !== null && word !== undefined).join("/");
  return [
    {
      ...line(`process:failed:${idOf(charge) ?? `${id}:${detail}`}`, told("process", "payment_failed", status, 0)),
      success: false,
      errorDetail: detail === "" ? "payment_failed" : detail,
    },
  ];
}

function moneyLines(
  { intent }: IntentSnapshot,
  { charge, money: { authorized, captured, released } }: Sums,
  phase: Phase,
): readonly DesiredTransaction[] {
  if (charge === null || phase !== "confirmed") return [];
  const { id } = charge;
  const { status, cancellation_reason: reason } = intent;
  return [
    line(`confirm:${id}:${authorized}`, told("confirm", "authorized", charge.status, authorized)),
    ...(captured === 0
      ? []
      : [line(`capture:${id}:${captured}`, told("capture", "captured", charge.status, captured))]),
    ...(released === 0
      ? []
      : [
          line(
            `cancel:${id}:${released}`,
            told("cancel", status === "canceled" ? "canceled" : "released", reason ?? status, released),
          ),
        ]),
  ];
}

function refundLines({ intent }: IntentSnapshot, { refunds, counted }: Sums): readonly DesiredTransaction[] {
  const amountOf = (amount: number): number => minorOf(amount, intent.currency);
  return [
    ...counted.map(({ id, total }) => {
      const isDispute = /^d[pu]_/.test(id);
      return line(
        `refund:${id}`,
        told("refund", isDispute ? "dispute" : "refund", isDispute ? "dispute.lost" : "succeeded", total),
      );
    }),
    ...refunds.flatMap((refund) => {
      const { id, status, amount, failure_reason: why } = refund;
      // Before it arrives it is no money that has gone back: no line of the kind whose last one is the sum.
      if (status === "pending" || status === "requires_action")
        return [line(`process:${id}`, told("process", "refund", "pending", amountOf(amount)))];
      if (!hasFailed(refund)) return [];
      const failed = line(`refund-failed:${id}`, told("refund", "refund", status, amountOf(amount)));
      return [{ ...failed, success: false, errorDetail: why ?? status }];
    }),
  ];
}

/** The lines of a setup intent, which moves no money. */
export function setupTransactions(setup: Setup): readonly DesiredTransaction[] {
  switch (setup.status) {
    case "succeeded":
      return [line(`confirm:${setup.id}`, told("confirm", "setup", setup.status, 0))];
    case "requires_payment_method":
    case "requires_confirmation":
      return failedAttempt(setup, setup.last_setup_error);
    case "canceled":
      return [{ ...line(`process:canceled:${setup.id}`, told("process", "setup", setup.status, 0)), success: false }];
    case "requires_action":
    case "processing":
      return [];
  }
}

type Told = Pick<DesiredTransaction, "event" | "pspEvent" | "pspStatus" | "amount" | "facts">;

function told(event: Told["event"], pspEvent: string, pspStatus: string, amount: number): Told {
  return { event, pspEvent, pspStatus, amount };
}

function line(key: string, { facts, ...what }: Told): DesiredTransaction {
  return { key, ...what, success: true, ...present({ facts }) };
}

function idOf(charge: Intent["latest_charge"]): string | undefined {
  return typeof charge === "string" ? charge : charge?.id;
}
