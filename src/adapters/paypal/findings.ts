import type { Finding, KeptEvent } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { type Authorization, type Capture, present } from "./schema.ts";
import { eventTypes } from "./clues.ts";
import { type Ledger, meaningOf } from "./sums.ts";

const day = 24 * 3_600_000;

/** For how long PayPal vouches for an authorization (docs/psp/paypal.md, d); it can be captured for 29 days. */
export const honourMs = 3 * day;
/** Money that is on its way for longer than this is not merely slow: an eCheck takes six days. */
export const slowMs = 7 * day;

/** Why a capture waits for the merchant, and not for the money (docs/psp/paypal.md, d and e). */
const merchantHasToAct: ReadonlySet<string> = new Set([
  "INTERNATIONAL_WITHDRAWAL",
  "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION",
  "UNILATERAL",
  "VERIFICATION_REQUIRED",
]);

/** The bad news in an order, and in the disputes that webhooks told of. */
export function findingsOf(ledger: Ledger, kept: readonly KeptEvent[], now: number): readonly Finding[] {
  return [
    ...capturesAtFault(ledger),
    ...heldCaptures(ledger, now),
    ...refundsAtFault(ledger),
    ...takenBack(ledger),
    ...contested(ledger),
    ...holdsAtRisk(ledger, now),
    ...disputesIn(kept),
  ];
}

/** A capture of money that was held; where nothing was held it is the shopper's payment that was declined. */
function capturesAtFault({ captures, authorizations, currency }: Ledger): readonly Finding[] {
  if (authorizations.length === 0) return [];
  return captures
    .filter((capture) => ["declined", "failed"].includes(meaningOf(capture)))
    .map((capture) => ({ name: "capture-failed", id: capture.id, facts: factsOf(capture, currency) }));
}

function heldCaptures({ captures, currency }: Ledger, now: number): readonly Finding[] {
  return captures
    .filter(
      (capture) => meaningOf(capture) === "pending" && (waitsForMerchant(capture) || isOlder(capture, slowMs, now)),
    )
    .map((capture) => ({ name: "payout-held", id: capture.id, facts: factsOf(capture, currency) }));
}

function waitsForMerchant({ status_details }: Capture): boolean {
  return merchantHasToAct.has(status_details?.reason ?? "");
}

function refundsAtFault({ refunds, currency }: Ledger): readonly Finding[] {
  return refunds
    .filter(({ status }) => status === "FAILED" || status === "CANCELLED")
    .map((refund) => ({ name: "refund-failed", id: refund.id, facts: factsOf(refund, currency) }));
}

/** Money that PayPal took back though nobody refunded it. */
function takenBack({ takings, currency }: Ledger): readonly Finding[] {
  return takings
    .filter(({ reversed }) => reversed > 0)
    .map(({ capture, reversed }) => ({
      name: "chargeback",
      id: capture.id,
      facts: { ...factsOf(capture, currency), amount: reversed },
    }));
}

/** What PayPal says of a capture whose money the shopper wants back, while its sums do not show it. */
const contests: Readonly<Record<string, "dispute" | "chargeback">> = {
  BUYER_COMPLAINT: "dispute",
  CHARGEBACK: "chargeback",
};

/**
 * Captures that somebody contests by their reason, and those of which a part went back that no refund tells of: how much it was, the order does
 * not say.
 */
function contested({ captures, takings, currency }: Ledger): readonly Finding[] {
  const told = new Set(takings.filter(({ reversed }) => reversed > 0).map(({ capture }) => capture.id));
  const unexplained = new Set(
    takings
      .filter(({ capture, refunds }) => capture.status === "PARTIALLY_REFUNDED" && refunds.length === 0)
      .map(({ capture }) => capture.id),
  );
  return captures
    .filter(({ id }) => !told.has(id))
    .flatMap((capture): Finding[] => {
      const { id, status, status_details } = capture;
      const name = contests[status_details?.reason ?? ""];
      if (name !== undefined) return [{ name, id, facts: factsOf(capture, currency) }];
      return unexplained.has(id) ? [{ name: "chargeback", id, facts: { currency, status } }] : [];
    });
}

/** Past its first days PayPal may refuse to capture it, whatever it is called; until its end it can be renewed. */
function holdsAtRisk({ holds, currency }: Ledger, now: number): readonly Finding[] {
  return holds
    .filter(({ open, authorization }) => open > 0 && isOlder(authorization, honourMs, now))
    .map(({ open, authorization: { id, status, expiration_time } }) => ({
      name: "authorization-at-risk",
      id,
      ...(expiration_time === undefined ? {} : { deadline: new Date(expiration_time).toISOString() }),
      facts: { amount: open, currency, status },
    }));
}

/** How a dispute ends whose money the shopper keeps. */
const lost: ReadonlySet<string> = new Set(["RESOLVED_BUYER_FAVOUR", "ACCEPTED"]);

/**
 * Disputes that are not resolved, and those that were lost, by their newest word. A webhook tells of them, and moves nothing: what they cost,
 * the order shows. One that names no id is known by its event.
 */
function disputesIn(kept: readonly KeptEvent[]): readonly Finding[] {
  const newest = new Map<string, KeptEvent>();
  for (const event of kept) {
    if (!eventTypes.disputes.test(event.type)) continue;
    const id = textIn(event.facts?.["disputeId"]) ?? event.key;
    const known = newest.get(id);
    if (known === undefined || placeOf(event) > placeOf(known)) newest.set(id, event);
  }
  return [...newest]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([id, { type, pspStatus, facts: told = {} }]): Finding[] => {
      const { reason, disputed, currency, deadline, outcome } = told;
      const isOver = type.endsWith(".RESOLVED") || pspStatus === "RESOLVED";
      const isLost = isOver && lost.has(textIn(outcome) ?? "");
      if (isOver && !isLost) return [];
      const facts = present({
        stage: pspStatus,
        reason: textIn(reason),
        outcome: isLost ? textIn(outcome) : undefined,
        disputed: textIn(disputed),
        currency: textIn(currency),
      });
      if (isLost) return [{ name: "chargeback", id, facts }];
      return [{ name: "dispute", id, ...(typeof deadline === "string" ? { deadline } : {}), facts }];
    });
}

/** By PayPal's clock, then by key: in whatever order they came. */
function placeOf({ at, key }: KeptEvent): string {
  return `${at ?? ""} ${key}`;
}

function isOlder({ create_time }: Pick<Capture, "create_time">, ms: number, now: number): boolean {
  return create_time !== undefined && now - Date.parse(create_time) > ms;
}

function factsOf(
  piece: Pick<Authorization, "amount" | "status_details"> & { readonly status: string },
  currency: string,
) {
  return present<string | number>({
    amount: minorOf(piece.amount),
    currency,
    status: piece.status,
    reason: piece.status_details?.reason,
  });
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
