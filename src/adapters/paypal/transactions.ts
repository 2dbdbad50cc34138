import type { DesiredTransaction, Minor } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { type Authorization, type Capture, parentOf, present, type Refund } from "./schema.ts";
import { authorizedSoFar, type Hold, type Ledger, meaningOf } from "./sums.ts";

/**
 * What should stand in the log: every amount is the running total of its kind after the transaction. A piece that was pending and is decided
 * later gets a second line; the same piece never gets the same line twice, whichever webhook or answer told of it.
 */
export function transactionsOf(ledger: Ledger): readonly DesiredTransaction[] {
  const held = ledger.authorizations.length > 0;
  return [
    ...(held ? confirmsOf(ledger) : directConfirmsOf(ledger)),
    ...capturesOf(ledger, held),
    ...refundsOf(ledger),
    ...reversalsOf(ledger),
    ...releasesOf(ledger),
  ];
}

/** An order that PayPal voided before anything was held. */
export function voidedTransaction(orderId: string, total: Minor, pspEvent: string): DesiredTransaction {
  return { key: `cancel:${orderId}`, event: "cancel", pspEvent, pspStatus: "VOIDED", amount: total, success: true };
}

function confirmsOf(ledger: Ledger): readonly DesiredTransaction[] {
  const soFar = authorizedSoFar(ledger);
  return ledger.authorizations.map((authorization) => {
    const { id, status } = authorization;
    const common = {
      event: "confirm",
      pspEvent: "authorization",
      pspStatus: status,
      amount: soFar.get(id) ?? 0,
      facts: present({
        authorizationAmount: minorOf(authorization.amount),
        createdAt: authorization.create_time,
        expiresAt: authorization.expiration_time,
        reason: authorization.status_details?.reason,
      }),
    } as const;
    if (status === "DENIED")
      return { ...common, key: `confirm:${id}:denied`, success: false, ...reasonOf(authorization) };
    return { ...common, key: status === "PENDING" ? `confirm:${id}:pending` : `confirm:${id}`, success: true };
  });
}

/** Without an authorization, what was taken was confirmed by being taken. */
function directConfirmsOf({ captures }: Ledger): readonly DesiredTransaction[] {
  let amount = 0;
  return captures.flatMap((capture): DesiredTransaction[] => {
    const common = {
      event: "confirm",
      pspEvent: "capture",
      pspStatus: capture.status,
      facts: captureFacts(capture),
    } as const;
    switch (meaningOf(capture)) {
      case "settled":
        amount += minorOf(capture.amount);
        return [{ ...common, key: `confirm:${capture.id}`, amount, success: true }];
      case "pending":
        amount += minorOf(capture.amount);
        return [{ ...common, key: `confirm:${capture.id}:pending`, amount, success: true }];
      case "declined":
        return [{ ...common, key: `confirm:${capture.id}:declined`, amount, success: false, ...reasonOf(capture) }];
      // A technical failure is one of the capture (docs/psp/paypal.md, e).
      case "failed":
        return [];
    }
  });
}

function capturesOf({ captures }: Ledger, held: boolean): readonly DesiredTransaction[] {
  let amount = 0;
  return captures.flatMap((capture): DesiredTransaction[] => {
    const common = {
      event: "capture",
      pspEvent: "capture",
      pspStatus: capture.status,
      facts: captureFacts(capture),
    } as const;
    switch (meaningOf(capture)) {
      case "settled":
        amount += minorOf(capture.amount);
        return [{ ...common, key: `capture:${capture.id}`, amount, success: true }];
      // On its way and not taken: what was taken so far stays the sum of its kind.
      case "pending":
        return held ? [{ ...common, key: `capture:${capture.id}:pending`, amount, success: true }] : [];
      case "declined":
        return held
          ? [{ ...common, key: `capture:${capture.id}:declined`, amount, success: false, ...reasonOf(capture) }]
          : [];
      case "failed":
        return [{ ...common, key: `capture:${capture.id}:failed`, amount, success: false, ...reasonOf(capture) }];
    }
  });
}

function refundsOf({ refunds }: Ledger): readonly DesiredTransaction[] {
  let amount = 0;
  return refunds.flatMap((refund): DesiredTransaction[] => {
    const { id, status: pspStatus } = refund;
    const common = { event: "refund", pspEvent: "refund", pspStatus, facts: refundFacts(refund) } as const;
    switch (pspStatus) {
      case "COMPLETED":
        return [{ ...common, key: `refund:${id}`, amount: (amount += minorOf(refund.amount)), success: true }];
      // On its way and not given back: what was given back so far stays the sum of its kind.
      case "PENDING":
        return [{ ...common, key: `refund:${id}:pending`, amount, success: true }];
      case "FAILED":
      case "CANCELLED":
        return [{ ...common, key: `refund:${id}:failed`, amount, success: false, ...reasonOf(refund) }];
    }
  });
}

/** Money that PayPal took back without a refund of ours: a chargeback, a claim. */
function reversalsOf({ takings, money }: Ledger): readonly DesiredTransaction[] {
  return takings
    .filter(({ reversed }) => reversed > 0)
    .map(({ capture, reversed }) => ({
      key: `reversal:${capture.id}`,
      event: "refund",
      pspEvent: "reversal",
      pspStatus: capture.status,
      amount: money.refunded,
      success: true,
      facts: present({ captureId: capture.id, reversedAmount: reversed, reason: capture.status_details?.reason }),
    }));
}

function releasesOf({ holds }: Ledger): readonly DesiredTransaction[] {
  let amount = 0;
  return holds
    .filter(({ released }) => released > 0)
    .map((hold) => ({
      key: `cancel:${hold.authorization.id}`,
      event: "cancel",
      pspEvent: releaseOf(hold),
      pspStatus: hold.authorization.status,
      amount: (amount += hold.released),
      success: true,
      facts: present({ releasedAmount: hold.released, authorizationId: hold.authorization.id }),
    }));
}

/** How it was released. PayPal says VOIDED whether somebody voided it or its 29 days were over: the times tell (inferred). */
function releaseOf({ authorization: { status, update_time, expiration_time } }: Hold): string {
  if (status === "EXPIRED") return "expire";
  if (status !== "VOIDED") return "final-capture";
  if (update_time === undefined || expiration_time === undefined) return "void";
  return Date.parse(update_time) >= Date.parse(expiration_time) ? "expire" : "void";
}

function captureFacts(capture: Capture): DesiredTransaction["facts"] & object {
  return present({
    captureAmount: minorOf(capture.amount),
    capturedAt: capture.create_time,
    authorizationId: parentOf("authorizations", capture.links),
    reason: capture.status_details?.reason,
  });
}

function refundFacts(refund: Refund): DesiredTransaction["facts"] & object {
  return present({
    refundAmount: minorOf(refund.amount),
    refundedAt: refund.create_time,
    captureId: parentOf("captures", refund.links),
    reason: refund.status_details?.reason,
  });
}

/** PayPal's own word for why; its status, where it gives none. */
function reasonOf({ status, status_details }: Authorization | Capture | Refund): { readonly errorDetail: string } {
  return { errorDetail: status_details?.reason ?? status };
}
