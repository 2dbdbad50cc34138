import { createHmac } from "node:crypto";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  SimulatedAnswer,
  SimulatedPurchase,
  SimulatedRequest,
  SimulatedWebhook,
  SelfMadeSimulator as Simulator,
} from "../../contract/simulator.ts";
import { adyenFromMinor, minorFromAdyen } from "./amounts.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/**
 * How long Adyen waits before it sends a webhook again that was not taken: from then on every eight hours, for thirty days.
 * https://docs.adyen.com/development-resources/webhooks/troubleshoot
 */
export const retrySchedule: readonly number[] = [
  ...[2, 5, 10, 15, 30].map((minutes) => minutes * minute),
  ...[1, 2, 4, 8].map((hours) => hours * hour),
];

export interface SimulatorOptions {
  /** Shrinks the retry schedule: 1/60 makes minutes seconds, 0 makes the next attempt due at once. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly apiKey?: string;
  /** 64 hexadecimal characters. */
  readonly hmacKey?: string;
  readonly merchantAccount?: string;
}

/** Obviously fake: there to be kept nowhere. */
const shopper = {
  cardHolderName: "Testperson-se Approved",
  shopperEmail: "shopper@example.invalid",
  "billingAddress.street": "Exempelgatan",
  "deliveryAddress.city": "Exempelstad",
  shopperIP: "192.0.2.1",
};

/** A capture or refund of one payment. */
interface Moved {
  readonly reference: string;
  readonly amount: Minor;
  /** What the request called itself. */
  readonly merchantReference: string;
  /** The event that told of it, where it is not the usual one. */
  readonly code?: string;
  stands: boolean;
}

interface Held {
  readonly purchase: SimulatedPurchase;
  readonly reference: string;
  status: "open" | "pending" | "refused" | "lapsed" | "authorised" | "cancelled" | "expired";
  inReview: boolean;
  authorised: Minor;
  released: Minor;
  token: string | undefined;
  disputed: boolean;
  loseNext: number;
  duplicateNext: number;
  delayNext: number;
  readonly captures: Moved[];
  readonly refunds: Moved[];
  readonly queued: { readonly webhook: SimulatedWebhook; dueAt: number }[];
}

/** What of an item differs from what all items of a payment say. */
interface ItemOf {
  readonly eventCode: string;
  readonly success?: boolean;
  readonly amount?: Minor;
  readonly pspReference?: string;
  readonly originalReference?: string;
  readonly merchantReference?: string;
  readonly reason?: string;
  readonly additionalData?: Readonly<Record<string, string>>;
}

interface Action {
  possible(held: Held): boolean;
  /** @param amount in minor units, where the action takes one. */
  act(held: Held, amount: Minor | undefined): void;
}

/** Adyen with a memory: modifications, and every event as a webhook that is signed as Adyen signs it. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const {
    timeScale = 1,
    now = Date.now,
    apiKey = "simulated-api-key",
    hmacKey = "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20",
    merchantAccount = "NorceTestECOM",
  } = options;
  const payments = new Map<string, Held>();
  const answers = new Map<string, SimulatedAnswer>();
  let references = 0;
  let latest = 0;

  const newReference = (): string => `SIM${String((references += 1)).padStart(13, "0")}`;
  const signature = (text: string): string =>
    createHmac("sha256", Buffer.from(hmacKey, "hex")).update(text, "utf8").digest("base64");

  /** Adyen's clock: whole seconds, and no two events in one. */
  function eventDate(): string {
    latest = Math.max(Math.floor(now() / second) * second, latest + second);
    return new Date(latest).toISOString().replace(".000Z", "+00:00");
  }

  function itemOf(held: Held, item: ItemOf): Json {
    const { purchase, reference } = held;
    const { eventCode, success = true, amount = purchase.amount } = item;
    const value = adyenFromMinor(amount, purchase.currency) ?? 0;
    const pspReference = item.pspReference ?? reference;
    const originalReference = item.originalReference ?? "";
    const merchantReference = item.merchantReference ?? purchase.paymentId;
    const said = [value, purchase.currency, eventCode, success];
    const signed = [pspReference, originalReference, merchantAccount, merchantReference, ...said].join(":");
    return {
      NotificationRequestItem: {
        additionalData: { ...shopper, ...item.additionalData, hmacSignature: signature(signed) },
        amount: { currency: purchase.currency, value },
        eventCode,
        eventDate: eventDate(),
        merchantAccountCode: merchantAccount,
        merchantReference,
        ...(originalReference === "" ? {} : { originalReference }),
        ...(eventCode === "AUTHORISATION" && success ? { operations: ["CANCEL", "CAPTURE", "REFUND"] } : {}),
        paymentMethod: "visa",
        pspReference,
        ...(item.reason === undefined ? {} : { reason: item.reason }),
        success: String(success),
      },
    };
  }

  function send(held: Held, headers: Readonly<Record<string, string>>, body: string): void {
    const url = held.purchase.callbackUrls["webhook"];
    if (url === undefined) return;
    const sent = { "content-type": "application/json", ...headers };
    const webhook: SimulatedWebhook = { webhook: "webhook", method: "POST", url, headers: sent, body };
    const retry = (retrySchedule[0] ?? 0) * timeScale;
    // A webhook that got lost was not taken: Adyen sends it again.
    const wait = (held.loseNext > 0 ? retry : 0) + (held.delayNext > 0 ? hour * timeScale : 0);
    const copies = held.duplicateNext > 0 ? 2 : 1;
    held.loseNext = Math.max(0, held.loseNext - 1);
    held.delayNext = Math.max(0, held.delayNext - 1);
    held.duplicateNext = Math.max(0, held.duplicateNext - 1);
    for (let copy = 0; copy < copies; copy += 1) held.queued.push({ webhook, dueAt: now() + wait });
  }

  /** One standard webhook with all of these items. */
  function tell(held: Held, ...items: readonly ItemOf[]): void {
    const body = { live: "false", notificationItems: items.map((item) => itemOf(held, item)) };
    send(held, {}, JSON.stringify(body));
  }

  function tellToken(held: Held, operation: "created" | "disabled"): void {
    const body = JSON.stringify({
      createdAt: eventDate(),
      environment: "test",
      eventId: held.reference,
      type: `recurring.token.${operation}`,
      data: {
        merchantAccount,
        storedPaymentMethodId: held.token ?? "",
        type: "visastandarddebit",
        ...(operation === "created" ? { operation } : {}),
        shopperReference: shopperReferenceOf(held),
      },
    });
    send(held, { hmacsignature: signature(body), protocol: "HmacSHA256" }, body);
  }

  function authorise(held: Held, additionalData: Readonly<Record<string, string>> = {}): void {
    held.status = "authorised";
    held.authorised = held.purchase.amount;
    const authorisation: ItemOf = { eventCode: "AUTHORISATION", reason: "033899:1111:03/2030", additionalData };
    if (held.purchase.recurring !== true) {
      tell(held, authorisation);
      return;
    }
    const token = `T0K3N${held.reference.slice(-8)}`;
    held.token = token;
    const stored = {
      cardSummary: "1111",
      expiryDate: "3/2030",
      "tokenization.storedPaymentMethodId": token,
      "tokenization.shopperReference": shopperReferenceOf(held),
      "tokenization.store.operationType": "created",
    };
    tell(
      held,
      { ...authorisation, additionalData: { ...additionalData, ...stored } },
      {
        eventCode: "RECURRING_CONTRACT",
        amount: 0,
        pspReference: token,
        originalReference: held.reference,
        additionalData: {
          "recurring.recurringDetailReference": token,
          "recurring.shopperReference": shopperReferenceOf(held),
        },
      },
    );
    tellToken(held, "created");
  }

  /** A modification's event: it names the payment it is about. */
  function tellOf(held: Held, item: ItemOf): void {
    tell(held, { originalReference: held.reference, pspReference: newReference(), ...item });
  }

  function capture(held: Held, amount: Minor, merchantReference: string, pspReference = newReference()): void {
    const success = isOpen(held) && !held.inReview && amount <= openOf(held);
    if (success) {
      held.captures.push({ reference: pspReference, amount, merchantReference, stands: true });
      held.released = held.authorised - capturedOf(held);
    }
    tellOf(held, {
      eventCode: "CAPTURE",
      success,
      amount,
      pspReference,
      merchantReference,
      ...(success ? {} : { reason: "Transaction hasn't been authorised" }),
    });
  }

  function refund(held: Held, amount: Minor, merchantReference: string, pspReference = newReference()): void {
    const success = amount <= capturedOf(held) - refundedOf(held);
    if (success) held.refunds.push({ reference: pspReference, amount, merchantReference, stands: true });
    const reason = success ? {} : { reason: "Insufficient balance on payment" };
    tellOf(held, { eventCode: "REFUND", success, amount, pspReference, merchantReference, ...reason });
  }

  function cancel(held: Held, merchantReference: string, pspReference = newReference()): void {
    const success = isOpen(held) && capturedOf(held) === 0;
    if (success) close(held, "cancelled");
    tellOf(held, { eventCode: "CANCELLATION", success, pspReference, merchantReference });
  }

  function close(held: Held, status: "cancelled" | "expired"): void {
    held.status = status;
    held.inReview = false;
    held.released = held.authorised - capturedOf(held);
  }

  /** Something that was accepted turns out not to have happened. */
  function undo(held: Held, moves: readonly Moved[], eventCode: string, success: boolean): void {
    const undone = moves.findLast(({ stands }) => stands);
    if (undone === undefined) throw new Error("nothing stands");
    undone.stands = false;
    tellOf(held, {
      eventCode,
      success,
      amount: undone.amount,
      pspReference: undone.reference,
      merchantReference: undone.merchantReference,
      reason: "rejected by the scheme",
    });
  }

  const unpaid = ({ status }: Held): boolean => ["open", "pending", "refused", "lapsed"].includes(status);
  const paid = ({ status }: Held): boolean => !unpaid({ status } as Held);
  const capturable = (held: Held): boolean => isOpen(held) && !held.inReview;
  const log = (eventCode: string): Action => ({ possible: paid, act: (held) => tellOf(held, { eventCode }) });

  const actions: Readonly<Record<string, Action>> = {
    pay: { possible: unpaid, act: (held) => authorise(held) },
    "pay-with-review": {
      possible: unpaid,
      act: (held) => {
        held.inReview = true;
        authorise(held, { fraudManualReview: "true" });
      },
    },
    "pay-at-once": {
      possible: unpaid,
      act: (held) => {
        authorise(held, { networkProcessingMode: "sale" });
        const { reference, authorised, purchase } = held;
        held.captures.push({ reference, amount: authorised, merchantReference: purchase.paymentId, stands: true });
      },
    },
    refuse: {
      possible: unpaid,
      act: (held) => {
        held.status = "refused";
        // Another attempt has another reference; the payment's own is that of the one that succeeds.
        tell(held, { eventCode: "AUTHORISATION", success: false, pspReference: newReference(), reason: "Refused" });
      },
    },
    "refuse-at-first": {
      // Once more would be the same event: nothing that is signed of it would differ.
      possible: ({ status }) => status === "open",
      act: (held) => {
        held.status = "refused";
        tell(held, { eventCode: "AUTHORISATION", success: false, reason: "FRAUD" });
      },
    },
    "go-back": {
      possible: unpaid,
      act: (held) => {
        held.status = "refused";
        const reason = "Cancelled by Shopper";
        tell(held, { eventCode: "AUTHORISATION", success: false, pspReference: newReference(), reason });
      },
    },
    pend: {
      possible: ({ status }) => status === "open",
      act: (held) => {
        held.status = "pending";
        tell(held, { eventCode: "PENDING" });
      },
    },
    "close-offer": {
      possible: ({ status }) => status === "open",
      act: (held) => {
        held.status = "lapsed";
        tell(held, { eventCode: "OFFER_CLOSED" });
      },
    },
    accept: {
      possible: ({ inReview }) => inReview,
      act: (held) => {
        held.inReview = false;
        tellOf(held, { eventCode: "MANUAL_REVIEW_ACCEPT" });
      },
    },
    reject: {
      possible: ({ inReview }) => inReview,
      act: (held) => {
        tellOf(held, { eventCode: "MANUAL_REVIEW_REJECT" });
        cancel(held, held.purchase.paymentId);
      },
    },
    capture: {
      possible: capturable,
      act: (held, amount) => capture(held, within(amount, openOf(held)), held.purchase.paymentId),
    },
    "refuse-capture": {
      possible: capturable,
      act: (held) => tellOf(held, { eventCode: "CAPTURE", success: false, reason: "Transaction too old" }),
    },
    "fail-capture": {
      possible: ({ captures, refunds }) =>
        captures.some(({ stands }) => stands) && !refunds.some(({ stands }) => stands),
      act: (held) => undo(held, held.captures, "CAPTURE_FAILED", true),
    },
    recapture: {
      possible: (held) => {
        const failed = held.captures.findLast(({ stands }) => !stands);
        return held.status === "authorised" && failed !== undefined && failed.amount <= openOf(held);
      },
      act: (held) => {
        const failed = held.captures.findLast(({ stands }) => !stands);
        if (failed === undefined) return;
        // Another event, and therefore with another reference: the same one again would be a repeat of what failed.
        const again = { ...failed, reference: newReference(), stands: true };
        held.captures.splice(held.captures.indexOf(failed), 1, again);
        const { reference: pspReference, amount, merchantReference } = again;
        const reason = "Transaction Recaptured";
        tellOf(held, { eventCode: "CAPTURE", pspReference, amount, merchantReference, reason });
      },
    },
    cancel: {
      possible: (held) => isOpen(held) && capturedOf(held) === 0,
      act: (held) => cancel(held, held.purchase.paymentId),
    },
    "refuse-cancel": {
      possible: isOpen,
      act: (held) => tellOf(held, { eventCode: "CANCELLATION", success: false, reason: "Insufficient balance" }),
    },
    "cancel-technically": {
      possible: (held) => isOpen(held) && capturedOf(held) === 0,
      act: (held) => {
        close(held, "cancelled");
        tellOf(held, { eventCode: "TECHNICAL_CANCEL" });
      },
    },
    expire: {
      possible: isOpen,
      act: (held) => {
        close(held, "expired");
        tellOf(held, { eventCode: "EXPIRE", amount: held.purchase.amount });
      },
    },
    refund: {
      possible: (held) => capturedOf(held) > refundedOf(held),
      act: (held, amount) => refund(held, within(amount, capturedOf(held) - refundedOf(held)), held.purchase.paymentId),
    },
    "refuse-refund": {
      possible: (held) => capturedOf(held) > refundedOf(held),
      act: (held) => tellOf(held, { eventCode: "REFUND", success: false, reason: "Insufficient balance on payment" }),
    },
    "overturn-refund": {
      possible: ({ refunds }) => refunds.some(({ stands }) => stands),
      // A later word on the same thing has its code.
      act: (held) => undo(held, held.refunds, held.refunds.findLast(({ stands }) => stands)?.code ?? "REFUND", false),
    },
    "fail-refund": {
      possible: ({ refunds }) => refunds.some(({ stands }) => stands),
      act: (held) => undo(held, held.refunds, "REFUND_FAILED", true),
    },
    "reverse-refund": {
      possible: ({ refunds }) => refunds.some(({ stands }) => stands),
      act: (held) => undo(held, held.refunds, "REFUNDED_REVERSED", true),
    },
    reverse: {
      possible: (held) => (isOpen(held) || capturedOf(held) > 0) && held.refunds.length === 0,
      act: (held) => {
        const amount = capturedOf(held);
        const pspReference = newReference();
        const action = amount > 0 ? "refund" : "cancel";
        if (amount > 0) {
          held.refunds.push({
            reference: pspReference,
            amount,
            merchantReference: "",
            code: "CANCEL_OR_REFUND",
            stands: true,
          });
        } else close(held, "cancelled");
        const additionalData = { "modification.action": action };
        tellOf(held, { eventCode: "CANCEL_OR_REFUND", pspReference, additionalData });
      },
    },
    adjust: {
      possible: (held) => isOpen(held) && held.captures.length === 0,
      act: (held, amount) => {
        held.authorised = within(amount ?? held.authorised + Math.ceil(held.authorised / 10), Number.MAX_SAFE_INTEGER);
        tellOf(held, { eventCode: "AUTHORISATION_ADJUSTMENT", amount: held.authorised });
      },
    },
    "refuse-adjust": {
      possible: isOpen,
      act: (held) => tellOf(held, { eventCode: "AUTHORISATION_ADJUSTMENT", success: false, reason: "Refused" }),
    },
    "charge-back": {
      possible: (held) => capturedOf(held) > 0 && !held.disputed,
      act: (held) => {
        held.disputed = true;
        tellOf(held, { eventCode: "CHARGEBACK", amount: capturedOf(held) });
      },
    },
    "reverse-chargeback": {
      possible: ({ disputed }) => disputed,
      act: (held) => {
        held.disputed = false;
        tellOf(held, { eventCode: "CHARGEBACK_REVERSED", amount: capturedOf(held) });
      },
    },
    "disable-token": {
      possible: ({ token }) => token !== undefined,
      act: (held) => {
        tellToken(held, "disabled");
        held.token = undefined;
      },
    },
    "something-new": log("SOMETHING_NEW"),
    "issue-report": {
      possible: paid,
      act: (held) => tell(held, { eventCode: "REPORT_AVAILABLE", amount: 0, pspReference: "report_2026_02_03.csv" }),
    },
    ping: {
      possible: paid,
      act: (held) => tell(held, { eventCode: "AUTHORISATION", pspReference: "testnotification_1" }),
    },
    "lose-webhook": { possible: () => true, act: (held) => void (held.loseNext += 1) },
    "delay-webhook": { possible: () => true, act: (held) => void (held.delayNext += 1) },
    "duplicate-webhook": { possible: () => true, act: (held) => void (held.duplicateNext += 1) },
  };

  function received(held: Held, body: Readonly<Record<string, unknown>>, pspReference: string): SimulatedAnswer {
    const { reference = "", amount } = body as { reference?: string; amount?: Json };
    const more = amount === undefined ? {} : { amount };
    const answered = {
      merchantAccount,
      paymentPspReference: held.reference,
      pspReference,
      reference,
      status: "received",
    };
    return { status: 201, body: { ...answered, ...more } };
  }

  function modify(held: Held, what: string, body: Readonly<Record<string, unknown>>): SimulatedAnswer {
    const pspReference = newReference();
    const merchantReference = typeof body["reference"] === "string" ? body["reference"] : "";
    const amount = amountIn(body, held.purchase.currency);
    if ((what === "captures" || what === "refunds") && amount === undefined) return refused(422, "137");
    if (held.status === "open") return refused(422, "167");
    if (what === "captures") capture(held, amount ?? 0, merchantReference, pspReference);
    else if (what === "refunds") refund(held, amount ?? 0, merchantReference, pspReference);
    else if (what === "cancels") cancel(held, merchantReference, pspReference);
    else return { status: 404 };
    return received(held, body, pspReference);
  }

  function route({ method, path, body }: SimulatedRequest): SimulatedAnswer {
    const [, reference = "", what = ""] = /^\/payments\/([^/]+)\/(\w+)$/.exec(path) ?? [];
    const held = payments.get(reference);
    const fields = isRecord(body) ? body : {};
    if (method !== "POST" || what === "") return { status: 404 };
    if (fields["merchantAccount"] !== merchantAccount) return refused(403, "901");
    return held === undefined ? refused(422, "167") : modify(held, what, fields);
  }

  function heldOf(reference: string): Held {
    const held = payments.get(reference);
    if (held === undefined) throw new Error(`Adyen knows no payment ${reference}`);
    return held;
  }

  return {
    settings: (apiUrl) => ({ apiUrl, adyenApiKey: apiKey, merchantAccount, webhookHmacKey: hmacKey }),
    answer(request) {
      if (request.headers["x-api-key"] !== apiKey) return refused(401, "000");
      const key = request.headers["idempotency-key"];
      const first = key === undefined ? undefined : answers.get(key);
      if (first !== undefined) return first;
      const answer = route(request);
      // A refusal is answered anew.
      if (key !== undefined && answer.status < 300) answers.set(key, answer);
      return answer;
    },
    open(purchase) {
      const reference = newReference();
      payments.set(reference, {
        purchase,
        reference,
        status: "open",
        inReview: false,
        authorised: 0,
        released: 0,
        token: undefined,
        disputed: false,
        loseNext: 0,
        duplicateNext: 0,
        delayNext: 0,
        captures: [],
        refunds: [],
        queued: [],
      });
      return reference;
    },
    actions(reference) {
      const held = heldOf(reference);
      return Object.keys(actions).filter((name) => actions[name]?.possible(held));
    },
    act(reference, name, amount) {
      const held = heldOf(reference);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action?.possible(held)) throw new Error(`Adyen cannot ${name} this payment now`);
      action.act(held, amount);
    },
    due(at) {
      return [...payments.values()].flatMap(({ queued }) => {
        const ready = queued.filter(({ dueAt }) => dueAt <= at);
        for (const one of ready) queued.splice(queued.indexOf(one), 1);
        return ready.map(({ webhook }) => webhook);
      });
    },
    describe: (reference) => describe(heldOf(reference)),
  };
}

function refused(status: number, errorCode: string): SimulatedAnswer {
  const errorType = status === 422 ? "validation" : "security";
  return { status, body: { status, errorCode, message: `simulated: ${errorCode}`, errorType } };
}

function shopperReferenceOf({ purchase }: Held): string {
  return `shopper-${purchase.paymentId}`;
}

function isOpen(held: Held): boolean {
  return held.status === "authorised" && openOf(held) > 0;
}

function openOf(held: Held): Minor {
  return held.authorised - capturedOf(held) - held.released;
}

function capturedOf({ captures }: Held): Minor {
  return captures.reduce((sum, { amount, stands }) => sum + (stands ? amount : 0), 0);
}

function refundedOf({ refunds }: Held): Minor {
  return refunds.reduce((sum, { amount, stands }) => sum + (stands ? amount : 0), 0);
}

/** @throws Error where the amount is none, or more than there is. */
function within(amount: Minor | undefined, most: Minor): Minor {
  const wanted = amount ?? most;
  if (!Number.isSafeInteger(wanted) || wanted <= 0 || wanted > most) throw new Error("not an amount for this payment");
  return wanted;
}

function amountIn(body: Readonly<Record<string, unknown>>, currency: string): Minor | undefined {
  const { amount } = body;
  if (!isRecord(amount) || amount["currency"] !== currency || typeof amount["value"] !== "number") return undefined;
  return minorFromAdyen(amount["value"], currency);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(held: Held): string {
  const { reference, status, inReview, authorised, released, purchase } = held;
  const sums = [authorised, capturedOf(held), refundedOf(held), released].join("/");
  return `${reference} ${status}${inReview ? ", in review" : ""}, ${sums} of ${purchase.amount} ${purchase.currency}`;
}
