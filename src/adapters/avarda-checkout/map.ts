import { type Minor, minorFromMajor } from "../../lib/money.ts";
import type {
  DesiredPayment,
  DesiredTransaction,
  Finding,
  Money,
  OperationName,
  Phase,
  Recurring,
  MapContext,
} from "../../contract/adapter.ts";
import { contradiction, isTouched, type Ledger, ledgerFrom, moneyOf } from "./ledger.ts";
import { endOf, isLongOver, isOverdue, lookAgainOf } from "./polling.ts";
import { type Purchase, type Snapshot, type Step, stepOf, unreadable } from "./schema.ts";

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/** How far a purchase has come, in the terms of the table of docs/psp/avarda.md, (d). */
type Class = "entry" | "paying" | "review" | "done" | "elsewhere" | "ended" | "cancelled";

/** What Norce should say. The step tells how far the purchase came; what became of its money since, our own operations' lines do. */
export function map(snapshot: Snapshot, { kept, now }: MapContext): DesiredPayment {
  const { purchase } = snapshot;
  const step = stepOf(purchase) ?? noStepOf(purchase, now);
  const reached = step === noStep ? "ended" : classOf(step);
  const ledger = ledgerFrom(kept);
  const phase = phaseOf(reached, snapshot, now);
  const currency = purchase.checkoutSite.currencyCode;
  const total = minorFromMajor(purchase.totalPrice, currency);
  const settled = phase === "confirmed" && reached !== "elsewhere";
  if (!settled && isTouched(ledger)) throw contradiction(`nothing can have been done to a purchase at ${step}`);
  const money = settled ? moneyOf(ledger, total, reached === "cancelled") : nothing;
  // Until the purchase is decided on, and as long as its refusal is told apart by it.
  const reviewedSince = snapshot.reviewedSince ?? new Date(now).toISOString();
  const reviewed = reached === "review" || phase === "declined";
  return {
    phase,
    money,
    total,
    currency,
    reference: purchase.purchaseId,
    recurring: phase === "confirmed" && reached === "done" ? recurringFrom(purchase) : undefined,
    attributes: {
      step,
      ...methodOf(purchase),
      // Without an authorisation there is nothing to add up.
      ...(settled ? sumsOf(ledger) : {}),
    },
    memory: reviewed ? { reviewedSince } : {},
    transactions: transactionsOf(reached, step, phase, total, money, ledger),
    possible: reached === "done" ? possibleOf(money, ledger) : [],
    ...(reached === "done" ? beforeDelivery(money, ledger) : {}),
    wholeOnly: ["cancel"],
    echoes: echoesOf(snapshot),
    findings: reached === "review" ? overdue(purchase, reviewedSince, total, now) : undefined,
    lookAgain: reached === "ended" ? undefined : lookAgainOf(phase, purchase, now),
  };
}

/** Stands for the step of a session that has none any more. */
const noStep = "none";

/** Avarda forgets where the shopper was in a session that is long over; anything else without a step is nothing to go by. */
function noStepOf(purchase: Purchase, now: number): typeof noStep {
  if (isLongOver(purchase, now)) return noStep;
  throw unreadable("step");
}

/** A credit that nobody decides on: the shopper waits, and so do the goods. */
function overdue(purchase: Purchase, reviewedSince: string, amount: Minor, now: number): readonly Finding[] {
  const { purchaseId, createdUtc = reviewedSince, checkoutSite } = purchase;
  if (!isOverdue(createdUtc, now)) return [];
  const facts = { amount, currency: checkoutSite.currencyCode, since: createdUtc };
  return [{ name: "authorization-at-risk", id: purchaseId, facts }];
}

function classOf(step: Step): Class {
  switch (step) {
    case "Initialized":
    case "EmailZipEntry":
    case "SsnEntry":
    case "AmountSelection":
    case "PhoneNumberEntry":
    case "PersonalInfo":
    case "PhoneNumberEntryForKnownCustomer":
    case "PersonalInfoWithoutSsn":
    case "EnterCompanyInfo":
    case "CompanyAddressInfo":
    case "CompanyAddressInfoWithoutSsn":
      return "entry";
    case "WaitingForSwish":
    case "RedirectedToDirectPaymentBank":
    case "RedirectedToNets":
    case "WaitingForBankId":
    case "RedirectedToTupas":
    case "RedirectedToNetsEident":
    case "RedirectedToVipps":
      return "paying";
    case "AwaitingCreditApproval":
      return "review";
    case "Completed":
      return "done";
    case "HandledByMerchant":
      return "elsewhere";
    case "TimedOut":
    case "Outdated":
      return "ended";
    // Both spellings are about (docs/psp/avarda.md, d).
    case "Canceled":
    case "Cancelled":
      return "cancelled";
  }
}

function phaseOf(reached: Class, { purchase, reviewedSince }: Snapshot, now: number): Phase {
  switch (reached) {
    case "entry":
      return isExpired(purchase, now) ? "failed" : "created";
    case "paying":
      return isExpired(purchase, now) ? "failed" : "paying";
    case "review":
      return "review";
    // Whatever `expiredUtc` says: the session ended, the purchase did not (docs/psp/avarda.md, i).
    case "done":
    case "elsewhere":
      return "confirmed";
    case "ended":
      return "failed";
    // Avarda has no step for a refused credit. Nothing else ends one that is being decided on.
    case "cancelled":
      return reviewedSince === undefined ? "confirmed" : "declined";
  }
}

function isExpired(purchase: Purchase, now: number): boolean {
  const end = endOf(purchase);
  return end !== undefined && now > end;
}

function sumsOf({ delivered, returned, givenBack }: Ledger): Record<string, number> {
  return { delivered, returned, givenBack };
}

/** What the steps say. What operations did stands in the log already: its lines are what we know it from. */
function transactionsOf(
  reached: Class,
  pspStatus: Step | typeof noStep,
  phase: Phase,
  total: Minor,
  money: Money,
  ledger: Ledger,
): readonly DesiredTransaction[] {
  const line = (key: string, event: DesiredTransaction["event"], amount: Minor, errorDetail?: string) => ({
    key,
    event,
    pspEvent: pspStatus,
    pspStatus,
    amount,
    success: errorDetail === undefined,
    ...(errorDetail === undefined ? {} : { errorDetail }),
  });
  if (phase === "failed") return [line("process:ended", "process", 0, "the session ended without a purchase")];
  if (phase === "declined") return [line("process:refused", "process", 0, "the credit was not approved")];
  switch (reached) {
    case "entry":
    case "paying":
    case "ended":
      return [];
    case "review":
      return [line("process:review", "process", total)];
    case "done":
    case "elsewhere":
      return [line(`confirm:${pspStatus}`, "confirm", total)];
    case "cancelled":
      return ledger.cancelled || money.released === 0 ? [] : [line("cancel:purchase", "cancel", money.released)];
  }
}

/** What Avarda allows now (docs/psp/avarda.md, g): what is open may be delivered, cancelled or given back, what was delivered returned. */
function possibleOf({ authorized, captured, released }: Money, ledger: Ledger): readonly OperationName[] {
  const open = authorized - captured - released > 0;
  return [
    ...(open ? (["capture", "cancel"] as const) : []),
    ...(open || ledger.delivered > ledger.returned ? (["refund"] as const) : []),
  ];
}

/** What was never delivered goes back from the purchase itself: the sums of captured and refunded money know nothing of it. */
function beforeDelivery(
  { authorized, captured, released }: Money,
  { delivered, returned }: Ledger,
): Pick<DesiredPayment, "available"> {
  const open = authorized - captured - released;
  return open > 0 && delivered <= returned ? { available: { refund: open } } : {};
}

/** Charging takes the token and the purchase that it came from. */
function recurringFrom({ purchaseId, mode, checkoutSite, paymentMethods }: Purchase): Recurring | undefined {
  const selected = paymentMethods?.selectedPayment;
  const token = selected?.recurringPaymentToken ?? "";
  if (token === "") return undefined;
  const { countryCode } = checkoutSite;
  const type = selected?.type ?? undefined;
  return {
    token,
    ...(type === undefined ? {} : { description: type }),
    attributes: {
      originalPurchaseId: purchaseId,
      ...(typeof mode === "string" ? { mode } : {}),
      ...(type === undefined ? {} : { type }),
      ...(typeof countryCode === "string" ? { countryCode } : {}),
    },
  };
}

function methodOf({ mode, checkoutSite: { countryCode }, paymentMethods }: Purchase): Record<string, string> {
  const type = paymentMethods?.selectedPayment?.type;
  return {
    ...(typeof mode === "string" ? { mode } : {}),
    ...(typeof type === "string" ? { paymentMethodType: type } : {}),
    ...(typeof countryCode === "string" ? { countryCode } : {}),
  };
}

function echoesOf({ purchase }: Snapshot): readonly string[] {
  return [purchase.extraIdentifiers?.orderReference ?? ""].filter((echo) => echo !== "");
}
