import type { DesiredTransaction, Minor } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { type Authorization, type Capture, parentOf, present, type Refund } from "./schema.ts";
import { authorizedSoFar, type Hold, type Ledger, meaningOf } from "./sums.ts";

/** What should stand in the log, and what the next look has to know of it. */
export interface Lines {
  readonly transactions: readonly DesiredTransaction[];
  /** Keys in the order in which looks found them, where another one could be thought of later. */
  readonly order?: readonly string[];
}

/**
 * What should stand in the log: every amount is the running total of its kind after the transaction. A piece that was pending and is decided
 * later gets a second line; the same piece never gets the same line twice, whichever webhook or answer told of it.
 * @param before the keys that earlier looks found, in their order: PayPal says when a piece was made, and not when it was decided.
 */
export function linesOf(ledger: Ledger, before: readonly string[]): Lines {
  const held = ledger.authorizations.length > 0;
  const captures = inOrderOf(before, capturesOf(ledger, held));
  const refunds = inOrderOf(before, [...refundsOf(ledger), ...reversalsOf(ledger, before)]);
  const transactions = [
    ...(held ? confirmsOf(ledger) : directConfirmsOf(ledger)),
    ...totalled(captures),
    ...totalled(refunds),
    ...releasesOf(ledger),
  ];
  const isOpen = [...ledger.captures, ...ledger.refunds].some(({ status }) => status === "PENDING");
  const isTakenBack = ledger.takings.some(({ reversed }) => reversed > 0);
  const order = [captures, refunds].flatMap((lines) => (lines.length > 1 ? lines.map(({ key }) => key) : []));
  return { transactions, ...(order.length > 0 && (isOpen || isTakenBack || before.length > 0) ? { order } : {}) };
}

/** A line before its kind is added up. */
type Part = Omit<DesiredTransaction, "amount"> & { readonly moved: Minor };

/** Those that were found before, as they were found; then the others, in the order of time. */
function inOrderOf(before: readonly string[], parts: readonly Part[]): readonly Part[] {
  const places = new Map(before.map((key, place) => [key, place]));
  return parts.toSorted((one, other) => (places.get(one.key) ?? Infinity) - (places.get(other.key) ?? Infinity) || 0);
}

function totalled(parts: readonly Part[]): readonly DesiredTransaction[] {
  let amount = 0;
  return parts.map(({ moved, ...line }) => ({ ...line, amount: (amount += moved) }));
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
        if (minorOf(capture.amount) === 0) return [];
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

function capturesOf({ captures }: Ledger, held: boolean): readonly Part[] {
  return captures.flatMap((capture): Part[] => {
    const common = {
      event: "capture",
      pspEvent: "capture",
      pspStatus: capture.status,
      facts: captureFacts(capture),
      moved: 0,
    } as const;
    switch (meaningOf(capture)) {
      case "settled":
        return moving({ ...common, key: `capture:${capture.id}`, moved: minorOf(capture.amount), success: true });
      // On its way and not taken: what was taken so far stays the sum of its kind.
      case "pending":
        return held ? [{ ...common, key: `capture:${capture.id}:pending`, success: true }] : [];
      case "declined":
        return held ? [{ ...common, key: `capture:${capture.id}:declined`, success: false, ...reasonOf(capture) }] : [];
      case "failed":
        return [{ ...common, key: `capture:${capture.id}:failed`, success: false, ...reasonOf(capture) }];
    }
  });
}

/** What moves nothing makes no line. */
function moving(part: Part): Part[] {
  return part.moved > 0 ? [part] : [];
}

function refundsOf({ refunds }: Ledger): readonly Part[] {
  return refunds.flatMap((refund): readonly Part[] => {
    const { id, status: pspStatus } = refund;
    const common = { event: "refund", pspEvent: "refund", pspStatus, facts: refundFacts(refund), moved: 0 } as const;
    switch (pspStatus) {
      case "COMPLETED":
        return moving({ ...common, key: `refund:${id}`, moved: minorOf(refund.amount), success: true });
      // On its way and not given back: what was given back so far stays the sum of its kind.
      case "PENDING":
        return [{ ...common, key: `refund:${id}:pending`, success: true }];
      case "FAILED":
      case "CANCELLED":
        return [{ ...common, key: `refund:${id}:failed`, success: false, ...reasonOf(refund) }];
    }
  });
}

/**
 * Money that PayPal took back without a refund of ours: a chargeback, a claim. Of a refund that fails afterwards it keeps what that did not give
 * back: then there is another line over all of it, after those that were found before.
 */
function reversalsOf({ takings }: Ledger, before: readonly string[]): readonly Part[] {
  return takings
    .filter(({ reversed }) => reversed > 0)
    .flatMap(({ capture, reversed }) => {
      const start = `reversal:${capture.id}:`;
      const told = before.flatMap((key) => (key.startsWith(start) ? [Number(key.slice(start.length))] : []));
      const all = told.includes(reversed) ? told : [...told, reversed];
      return all.map((sum, index) => ({
        key: `${start}${sum}`,
        event: "refund" as const,
        pspEvent: "reversal",
        pspStatus: capture.status,
        moved: sum - (all[index - 1] ?? 0),
        success: true,
        facts: present({ captureId: capture.id, reversedAmount: sum, reason: capture.status_details?.reason }),
      }));
    });
}

function releasesOf({ holds }: Ledger): readonly DesiredTransaction[] {
  let amount = 0;
  return holds
    .filter(({ released }) => released > 0)
    .map((hold) => ({
      // More of it may be released later: of a capture that is declined after the hold was over.
      key: `cancel:${hold.authorization.id}:${hold.released}`,
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
