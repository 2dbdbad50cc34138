import { type Minor, minorFromMajor } from "../../lib/money.ts";
import type {
  DesiredPayment,
  DesiredTransaction,
  Money,
  OperationName,
  Phase,
  Recurring,
  MapContext,
} from "../../contract/adapter.ts";
import { contradiction, isTouched, type Ledger, ledgerFrom, moneyOf } from "./ledger.ts";
import { lookAgainOf } from "./polling.ts";
import { type Purchase, type Snapshot, type Step, stepOf } from "./schema.ts";

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/** How far a purchase has come, in the terms of the table of docs/psp/avarda.md, (d). */
type Class = "entry" | "paying" | "review" | "done" | "elsewhere" | "ended" | "cancelled";

/** What Norce should say. The step tells how far the purchase came; what became of its money since, our own operations' lines do. */
export function map(snapshot: Snapshot, { kept }: Pick<MapContext, "kept">): DesiredPayment {
  const { purchase } = snapshot;
  const step = stepOf(purchase);
  const reached = classOf(step);
  const ledger = ledgerFrom(kept);
  const phase = phaseOf(reached, snapshot);
  const currency = purchase.checkoutSite.currencyCode;
  const total = minorFromMajor(purchase.totalPrice, currency);
  const settled = phase === "confirmed" && reached !== "elsewhere";
  if (!settled && isTouched(ledger)) throw contradiction(`nothing can have been done to a purchase at ${step}`);
  const money = settled ? moneyOf(ledger, total, reached === "cancelled") : nothing;
  const recurring = phase === "confirmed" && reached === "done" ? recurringFrom(purchase) : undefined;
  const lookAgain = reached === "ended" ? undefined : lookAgainOf(phase, purchase, snapshot.readAt);
  return {
    phase,
    money,
    total,
    currency,
    reference: purchase.purchaseId,
    ...(recurring === undefined ? {} : { recurring }),
    attributes: {
      step,
      mode: purchase.mode,
      ...methodOf(purchase),
      // Always said, because a note that is not said again stays: a refusal is told apart from a shopper who left by it.
      reviewed: reached === "review" || (reached === "cancelled" && snapshot.reviewed),
      // Without an authorisation there is nothing to add up.
      ...(settled ? sumsOf(ledger) : {}),
    },
    transactions: transactionsOf(reached, step, phase, total, money, ledger),
    possible: reached === "done" ? possibleOf(money, ledger) : [],
    ...(reached === "done" ? beforeDelivery(money, ledger) : {}),
    wholeOnly: ["cancel"],
    echoes: echoesOf(snapshot),
    ...(lookAgain === undefined ? {} : { lookAgain }),
  };
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

function phaseOf(reached: Class, { purchase, readAt, reviewed }: Snapshot): Phase {
  switch (reached) {
    case "entry":
      return isExpired(purchase, readAt) ? "failed" : "created";
    case "paying":
      return isExpired(purchase, readAt) ? "failed" : "paying";
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
      return reviewed ? "declined" : "confirmed";
  }
}

function isExpired({ expiredUtc }: Purchase, readAt: string): boolean {
  return expiredUtc !== undefined && Date.parse(readAt) > Date.parse(expiredUtc);
}

function sumsOf({ delivered, returned, givenBack }: Ledger): Record<string, number> {
  return { delivered, returned, givenBack };
}

/** What the steps say. What operations did stands in the log already: its lines are what we know it from. */
function transactionsOf(
  reached: Class,
  pspStatus: Step,
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
      return ledger.cancelled ? [] : [line("cancel:purchase", "cancel", money.released)];
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
      mode,
      ...(type === undefined ? {} : { type }),
      ...(typeof countryCode === "string" ? { countryCode } : {}),
    },
  };
}

function methodOf({ checkoutSite: { countryCode }, paymentMethods }: Purchase): Record<string, string> {
  const type = paymentMethods?.selectedPayment?.type;
  return {
    ...(typeof type === "string" ? { paymentMethodType: type } : {}),
    ...(typeof countryCode === "string" ? { countryCode } : {}),
  };
}

function echoesOf({ purchase }: Snapshot): readonly string[] {
  return [purchase.extraIdentifiers?.orderReference ?? ""].filter((echo) => echo !== "");
}
