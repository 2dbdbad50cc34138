import type { Minor } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  Simulation,
} from "../../contract/simulator.ts";
import { minorFromAdyen } from "./amounts.ts";
import {
  account,
  type ItemOf,
  newReference,
  sampleOf,
  shopperReferenceOf,
  type Teller,
  tellerOn,
} from "./simulator-events.ts";

/** A capture or refund of one payment. */
interface Moved {
  readonly reference: string;
  readonly amount: Minor;
  /** What the request called itself. */
  readonly merchantReference: string;
  /** The event that told of it. */
  readonly code: string;
  stands: boolean;
}

interface Held extends SimulatedHeld {
  status:
    | "open"
    | "pending"
    | "refused"
    | "lapsed"
    | "in-parts"
    | "paid-in-parts"
    | "authorised"
    | "cancelled"
    | "expired";
  inReview: boolean;
  /** A method without a capture of its own. */
  sale: boolean;
  authorised: Minor;
  released: Minor;
  token: string | undefined;
  /** The reference of the dispute that runs. */
  dispute: string | undefined;
  readonly captures: Moved[];
  readonly refunds: Moved[];
}

type Actions = Readonly<Record<string, SimulatedAction<Held>>>;

/** Adyen with a memory: modifications, and every event as a webhook that is signed as Adyen signs it. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  const teller = tellerOn(kernel);
  const books = booksOf(teller);
  return {
    settings: () => ({
      adyenApiKey: account.apiKey,
      merchantAccount: account.merchantAccount,
      webhookHmacKey: account.hmacKey,
      managementApiKey: account.managementApiKey,
    }),
    refuse: ({ headers, path }) =>
      headers["x-api-key"] === (path.startsWith("/v3/") ? account.managementApiKey : account.apiKey)
        ? undefined
        : refused(401, "000"),
    routes: { ...routesOf(kernel, books), ...managementRoutes(kernel) },
    reads: {
      "POST /paymentMethods": ({ fields }) =>
        fields["merchantAccount"] === account.merchantAccount
          ? { status: 200, body: { paymentMethods: [{ name: "Cards", type: "scheme" }] } }
          : refused(403, "901"),
    },
    // A refusal is answered anew.
    idempotency: { header: "idempotency-key", keeps: ({ status }) => status < 300 },
    open: (payment) => ({
      payment,
      reference: newReference(payment),
      status: "open",
      inReview: false,
      sale: false,
      authorised: 0,
      released: 0,
      token: undefined,
      dispute: undefined,
      captures: [],
      refunds: [],
    }),
    actions: {
      ...shopperActions(teller, books),
      ...partActions(teller),
      ...captureActions(teller, books),
      ...refundActions(teller, books),
      ...disputeActions(teller),
      ...otherActions(teller),
    },
    money(held) {
      if (isUnpaid(held)) return null;
      const { authorised: authorized, released, payment } = held;
      const { currency } = payment.purchase;
      return { authorized, captured: capturedOf(held), refunded: refundedOf(held), released, currency };
    },
    describe,
  };
}

/** What moves money, and tells of it. */
interface Books {
  authorise(held: Held, additionalData?: Readonly<Record<string, string>>): void;
  capture(held: Held, amount: Minor, merchantReference: string, pspReference?: string): void;
  refund(held: Held, amount: Minor, merchantReference: string, pspReference?: string): void;
  cancel(held: Held, merchantReference: string, pspReference?: string): void;
  /** Something that was accepted turns out not to have happened. */
  undo(held: Held, moves: readonly Moved[], eventCode: string, success: boolean): void;
}

function booksOf({ tell, tellOf, tellToken }: Teller): Books {
  return {
    authorise(held, additionalData = {}) {
      held.status = "authorised";
      held.authorised = held.payment.purchase.amount;
      const authorisation: ItemOf = { eventCode: "AUTHORISATION", reason: "033899:1111:03/2030", additionalData };
      if (held.payment.purchase.recurring !== true) return tell(held, authorisation);
      const token = `T0K3N${held.reference.slice(-8)}`;
      held.token = token;
      tell(
        held,
        { ...authorisation, additionalData: { ...additionalData, ...storedAs(held, token) } },
        contractOf(held, token),
      );
      return tellToken(held, token, "created");
    },
    capture(held, amount, merchantReference, pspReference = newReference(held.payment)) {
      const success = isCapturable(held) && amount <= openOf(held);
      if (success) {
        held.captures.push({ reference: pspReference, amount, merchantReference, code: "CAPTURE", stands: true });
        held.released = held.authorised - capturedOf(held);
      }
      const reason = success ? {} : { reason: "Transaction hasn't been authorised" };
      tellOf(held, { eventCode: "CAPTURE", success, amount, pspReference, merchantReference, ...reason });
    },
    refund(held, amount, merchantReference, pspReference = newReference(held.payment)) {
      const success = amount <= givableOf(held);
      if (success)
        held.refunds.push({ reference: pspReference, amount, merchantReference, code: "REFUND", stands: true });
      const reason = success ? {} : { reason: "Insufficient balance on payment" };
      tellOf(held, { eventCode: "REFUND", success, amount, pspReference, merchantReference, ...reason });
    },
    cancel(held, merchantReference, pspReference = newReference(held.payment)) {
      const success = isCancellable(held);
      if (success) close(held, "cancelled");
      tellOf(held, { eventCode: "CANCELLATION", success, pspReference, merchantReference });
    },
    undo(held, moves, eventCode, success) {
      const undone = moves.findLast(({ stands }) => stands);
      if (undone === undefined) throw new Error("nothing stands");
      undone.stands = false;
      const { amount, reference: pspReference, merchantReference } = undone;
      const reason = "rejected by the scheme";
      tellOf(held, { eventCode, success, amount, pspReference, merchantReference, reason });
    },
  };
}

function storedAs(held: Held, token: string): Readonly<Record<string, string>> {
  return {
    cardSummary: "1111",
    expiryDate: "3/2030",
    "tokenization.storedPaymentMethodId": token,
    "tokenization.shopperReference": shopperReferenceOf(held),
    "tokenization.store.operationType": "created",
  };
}

function contractOf(held: Held, token: string): ItemOf {
  return {
    eventCode: "RECURRING_CONTRACT",
    amount: 0,
    pspReference: token,
    originalReference: held.reference,
    additionalData: {
      "recurring.recurringDetailReference": token,
      "recurring.shopperReference": shopperReferenceOf(held),
    },
  };
}

function shopperActions({ tell, tellOf }: Teller, { authorise, cancel }: Books): Actions {
  /** Another attempt has another reference; the payment's own is that of the one that succeeds. */
  const refuse = (held: Held, item: Partial<ItemOf>): void => {
    held.status = "refused";
    tell(held, { eventCode: "AUTHORISATION", success: false, ...item });
  };
  return {
    pay: { possible: isUnpaid, act: (held) => authorise(held) },
    "pay-with-review": {
      possible: isUnpaid,
      act(held) {
        held.inReview = true;
        authorise(held, { fraudManualReview: "true" });
      },
    },
    "pay-at-once": {
      possible: isUnpaid,
      act(held) {
        held.sale = true;
        authorise(held, { networkProcessingMode: "sale" });
        const { reference, authorised: amount, payment } = held;
        const merchantReference = payment.purchase.paymentId;
        held.captures.push({ reference, amount, merchantReference, code: "AUTHORISATION", stands: true });
      },
    },
    refuse: {
      possible: isUnpaid,
      act: (held) => refuse(held, { pspReference: newReference(held.payment), reason: "Refused" }),
    },
    "refuse-at-first": {
      // Once more would be the same event: nothing that is signed of it would differ.
      possible: ({ status }) => status === "open",
      act: (held) => refuse(held, { reason: "FRAUD" }),
    },
    "go-back": {
      possible: isUnpaid,
      act: (held) => refuse(held, { pspReference: newReference(held.payment), reason: "Cancelled by Shopper" }),
    },
    pend: {
      possible: ({ status }) => status === "open",
      act(held) {
        held.status = "pending";
        tell(held, { eventCode: "PENDING" });
      },
    },
    "close-offer": {
      possible: ({ status }) => status === "open",
      act(held) {
        held.status = "lapsed";
        tell(held, { eventCode: "OFFER_CLOSED" });
      },
    },
    accept: {
      possible: ({ inReview }) => inReview,
      act(held) {
        held.inReview = false;
        tellOf(held, { eventCode: "MANUAL_REVIEW_ACCEPT" });
      },
    },
    reject: {
      possible: ({ inReview }) => inReview,
      act(held) {
        tellOf(held, { eventCode: "MANUAL_REVIEW_REJECT" });
        cancel(held, held.payment.purchase.paymentId);
      },
    },
  };
}

/** A gift card and a card: an order that is paid in two parts, or closed before. */
function partActions({ tell }: Teller): Actions {
  const missing = ({ authorised, payment }: Held): Minor => payment.purchase.amount - authorised;
  const closed = (held: Held, success: boolean): void => {
    const pspReference = newReference(held.payment);
    tell(held, { eventCode: "ORDER_CLOSED", success, pspReference });
  };
  return {
    "pay-part": {
      possible: (held) => held.status === "open" && held.payment.purchase.amount > 1,
      amount: { most: (held) => missing(held) - 1, usual: (held) => Math.ceil(missing(held) / 2) },
      act(held, amount) {
        held.status = "in-parts";
        held.authorised = amount;
        tell(held, { eventCode: "AUTHORISATION", amount });
        tell(held, { eventCode: "ORDER_OPENED", pspReference: newReference(held.payment) });
      },
    },
    "pay-rest": {
      possible: ({ status }) => status === "in-parts",
      act(held) {
        const amount = missing(held);
        held.status = "paid-in-parts";
        held.authorised += amount;
        tell(held, { eventCode: "AUTHORISATION", amount, pspReference: newReference(held.payment) });
        closed(held, true);
      },
    },
    "give-up-order": {
      possible: ({ status }) => status === "in-parts",
      act(held) {
        held.status = "cancelled";
        held.released = held.authorised;
        closed(held, false);
      },
    },
  };
}

function captureActions({ tellOf }: Teller, { capture, cancel, undo }: Books): Actions {
  const failed = ({ captures }: Held): Moved | undefined => captures.findLast(({ stands }) => !stands);
  return {
    capture: {
      possible: isCapturable,
      amount: { most: openOf },
      act: (held, amount) => capture(held, amount, held.payment.purchase.paymentId),
    },
    "refuse-capture": {
      possible: isCapturable,
      act: (held) => tellOf(held, { eventCode: "CAPTURE", success: false, reason: "Transaction too old" }),
    },
    "fail-capture": {
      possible: ({ captures, refunds }) =>
        captures.some(({ stands }) => stands) && !refunds.some(({ stands }) => stands),
      act: (held) => undo(held, held.captures, "CAPTURE_FAILED", true),
    },
    recapture: {
      possible: (held) => held.status === "authorised" && (failed(held)?.amount ?? Infinity) <= openOf(held),
      act(held) {
        const lost = failed(held);
        if (lost === undefined) return;
        // Another event, and therefore with another reference: the same one again would be a repeat of what failed.
        const again: Moved = { ...lost, reference: newReference(held.payment), code: "CAPTURE", stands: true };
        held.captures.splice(held.captures.indexOf(lost), 1, again);
        const { reference: pspReference, amount, merchantReference } = again;
        tellOf(held, {
          eventCode: "CAPTURE",
          pspReference,
          amount,
          merchantReference,
          reason: "Transaction Recaptured",
        });
      },
    },
    cancel: { possible: isCancellable, act: (held) => cancel(held, held.payment.purchase.paymentId) },
    "refuse-cancel": {
      possible: isOpen,
      act: (held) => tellOf(held, { eventCode: "CANCELLATION", success: false, reason: "Insufficient balance" }),
    },
    "cancel-technically": {
      possible: isCancellable,
      act(held) {
        close(held, "cancelled");
        tellOf(held, { eventCode: "TECHNICAL_CANCEL" });
      },
    },
    expire: {
      possible: isOpen,
      act(held) {
        close(held, "expired");
        tellOf(held, { eventCode: "EXPIRE", amount: held.payment.purchase.amount });
      },
    },
    adjust: {
      possible: (held) => isOpen(held) && held.captures.length === 0,
      amount: {
        most: () => Number.MAX_SAFE_INTEGER,
        usual: ({ authorised }) => authorised + Math.ceil(authorised / 10),
      },
      act(held, amount) {
        held.authorised = amount;
        tellOf(held, { eventCode: "AUTHORISATION_ADJUSTMENT", amount });
      },
    },
    "refuse-adjust": {
      possible: isOpen,
      act: (held) => tellOf(held, { eventCode: "AUTHORISATION_ADJUSTMENT", success: false, reason: "Refused" }),
    },
  };
}

function refundActions({ tellOf }: Teller, { refund, undo }: Books): Actions {
  const given = ({ refunds }: Held): boolean => refunds.some(({ stands }) => stands);
  return {
    refund: {
      possible: (held) => givableOf(held) > 0,
      amount: { most: givableOf },
      act: (held, amount) => refund(held, amount, held.payment.purchase.paymentId),
    },
    "refuse-refund": {
      possible: (held) => givableOf(held) > 0,
      act: (held) => tellOf(held, { eventCode: "REFUND", success: false, reason: "Insufficient balance on payment" }),
    },
    "overturn-refund": {
      possible: given,
      // A later word on the same thing has its code.
      act: (held) => undo(held, held.refunds, held.refunds.findLast(({ stands }) => stands)?.code ?? "REFUND", false),
    },
    "fail-refund": { possible: given, act: (held) => undo(held, held.refunds, "REFUND_FAILED", true) },
    "reverse-refund": { possible: given, act: (held) => undo(held, held.refunds, "REFUNDED_REVERSED", true) },
    reverse: {
      possible: (held) => (isCancellable(held) || capturedOf(held) > 0) && held.refunds.length === 0,
      act(held) {
        const amount = capturedOf(held);
        const pspReference = newReference(held.payment);
        const code = "CANCEL_OR_REFUND";
        if (amount > 0)
          held.refunds.push({ reference: pspReference, amount, merchantReference: "", code, stands: true });
        else close(held, "cancelled");
        const additionalData = { "modification.action": amount > 0 ? "refund" : "cancel" };
        tellOf(held, { eventCode: code, pspReference, additionalData });
      },
    },
  };
}

function disputeActions({ tellOf }: Teller): Actions {
  const stage = (held: Held, eventCode: string, additionalData: Readonly<Record<string, string>> = {}): void => {
    held.dispute ??= newReference(held.payment);
    tellOf(held, { eventCode, amount: capturedOf(held), pspReference: held.dispute, additionalData });
  };
  return {
    "announce-chargeback": {
      possible: (held) => capturedOf(held) > 0 && held.dispute === undefined,
      act: (held) => stage(held, "NOTIFICATION_OF_CHARGEBACK", { defensePeriodEndsAt: "2026-03-01T10:00:00+01:00" }),
    },
    "charge-back": {
      possible: (held) => capturedOf(held) > 0 && held.dispute === undefined,
      act: (held) => stage(held, "CHARGEBACK"),
    },
    "reverse-chargeback": {
      possible: ({ dispute }) => dispute !== undefined,
      act(held) {
        stage(held, "CHARGEBACK_REVERSED");
        held.dispute = undefined;
      },
    },
  };
}

function otherActions({ tell, tellOf, tellToken }: Teller): Actions {
  const isPaid = (held: Held): boolean => !isUnpaid(held);
  return {
    "disable-token": {
      possible: ({ token }) => token !== undefined,
      act(held) {
        tellToken(held, held.token ?? "", "disabled");
        held.token = undefined;
      },
    },
    "something-new": { possible: isPaid, act: (held) => tellOf(held, { eventCode: "SOMETHING_NEW" }) },
    "issue-report": {
      possible: isPaid,
      act: (held) => tell(held, { eventCode: "REPORT_AVAILABLE", amount: 0, pspReference: "report_2026_02_03.csv" }),
    },
    ping: {
      possible: isPaid,
      act: (held) => tell(held, { eventCode: "AUTHORISATION", pspReference: "testnotification_1" }),
    },
  };
}

function routesOf(kernel: Kernel<Held>, { capture, refund, cancel }: Books): Routes {
  const modification =
    (does: (held: Held, amount: Minor, merchantReference: string, pspReference: string) => void, wants: boolean) =>
    ({ part, fields }: SimulatedCall): SimulatedAnswer => {
      if (fields["merchantAccount"] !== account.merchantAccount) return refused(403, "901");
      const held = kernel.find(part("payment"));
      const amount = held === undefined ? undefined : amountIn(fields, held.payment.purchase.currency);
      if (held === undefined || isUnpaid(held)) return refused(422, "167");
      if (wants && amount === undefined) return refused(422, "137");
      const { reference = "" } = fields as { readonly reference?: string };
      const pspReference = newReference(held.payment);
      does(held, amount ?? 0, reference, pspReference);
      const { merchantAccount } = account;
      const body = {
        merchantAccount,
        paymentPspReference: held.reference,
        pspReference,
        reference,
        status: "received",
      };
      return { status: 201, body };
    };
  return {
    "POST /payments/{payment}/captures": modification(capture, true),
    "POST /payments/{payment}/refunds": modification(refund, true),
    "POST /payments/{payment}/cancels": modification((held, _, ...names) => cancel(held, ...names), false),
  };
}

/** A webhook as it is configured. */
interface Configured {
  readonly id: string;
  hmacKey: string;
  url: string;
  active: boolean;
  communicationFormat: string;
}

/** The Management API's webhooks of the merchant account; `test` sends a sample to the one that it names. */
function managementRoutes(kernel: Kernel<Held>): Routes {
  const webhooks: Configured[] = [];
  const path = `/v3/merchants/${account.merchantAccount}/webhooks`;
  const shown = ({ hmacKey, ...webhook }: Configured) => ({
    ...webhook,
    type: "standard",
    hasPassword: false,
    certificateAlias: "adyen",
    hmacKeyCheckValue: hmacKey.slice(0, 3),
  });
  const of = (answer: (webhook: Configured, call: SimulatedCall) => SimulatedAnswer) => (call: SimulatedCall) => {
    const webhook = webhooks.find(({ id }) => id === call.part("id"));
    return webhook === undefined ? refused(404, "010") : answer(webhook, call);
  };
  const isUrl = (value: unknown): value is string => typeof value === "string" && URL.canParse(value);
  return {
    [`GET ${path}`]: ({ query }) => {
      const [page, size] = [Number(query.get("pageNumber") ?? 1), Number(query.get("pageSize") ?? 10)];
      const length = Math.max(1, kernel.page(webhooks, 0, size).items.length);
      const { items } = kernel.page(webhooks, (page - 1) * length, size);
      const counted = { itemsTotal: webhooks.length, pagesTotal: Math.max(1, Math.ceil(webhooks.length / length)) };
      return { status: 200, body: { ...counted, data: items.map(shown) } };
    },
    [`POST ${path}`]: ({ fields: { url, type, active, communicationFormat } }) => {
      if (!isUrl(url) || type !== "standard" || communicationFormat !== "json") return refused(422, "31_000");
      const number = kernel.count("webhook");
      const hmacKey = String(number).padStart(64, "0");
      webhooks.push({ id: `WBHKSIM${number}`, hmacKey, url, active: active === true, communicationFormat });
      return { status: 200, body: shown(webhooks.at(-1) as Configured) };
    },
    [`PATCH ${path}/{id}`]: of((webhook, { fields: { url, active } }) => {
      if (isUrl(url)) webhook.url = url;
      if (typeof active === "boolean") webhook.active = active;
      return { status: 200, body: shown(webhook) };
    }),
    [`POST ${path}/{id}/generateHmac`]: of((webhook) => {
      webhook.hmacKey = `A${String(kernel.count("hmac")).padStart(63, "0")}`;
      return { status: 200, body: { hmacKey: webhook.hmacKey } };
    }),
    [`POST ${path}/{id}/test`]: of(({ hmacKey, url }) => {
      kernel.send(url, { webhook: "webhook", body: sampleOf(kernel.count("sample"), hmacKey, kernel.time()) });
      return { status: 200, body: { data: [{ merchantId: account.merchantAccount, status: "success" }] } };
    }),
  };
}

function refused(status: number, errorCode: string): SimulatedAnswer {
  const errorType = status === 422 ? "validation" : "security";
  return { status, body: { status, errorCode, message: `simulated: ${errorCode}`, errorType } };
}

function isUnpaid({ status }: Held): boolean {
  return ["open", "pending", "refused", "lapsed"].includes(status);
}

function isOpen(held: Held): boolean {
  return held.status === "authorised" && !held.sale && openOf(held) > 0;
}

function isCapturable(held: Held): boolean {
  return isOpen(held) && !held.inReview;
}

function isCancellable(held: Held): boolean {
  return isOpen(held) && capturedOf(held) === 0;
}

function close(held: Held, status: "cancelled" | "expired"): void {
  held.status = status;
  held.inReview = false;
  held.released = held.authorised - capturedOf(held);
}

function openOf(held: Held): Minor {
  return held.authorised - capturedOf(held) - held.released;
}

function givableOf(held: Held): Minor {
  return capturedOf(held) - refundedOf(held);
}

function capturedOf({ captures }: Held): Minor {
  return standingIn(captures);
}

function refundedOf({ refunds }: Held): Minor {
  return standingIn(refunds);
}

function standingIn(moves: readonly Moved[]): Minor {
  return moves.reduce((sum, { amount, stands }) => sum + (stands ? amount : 0), 0);
}

function amountIn({ amount }: Readonly<Record<string, unknown>>, currency: string): Minor | undefined {
  if (typeof amount !== "object" || amount === null) return undefined;
  const { value, currency: given } = amount as { readonly value?: unknown; readonly currency?: unknown };
  return given === currency && typeof value === "number" ? minorFromAdyen(value, currency) : undefined;
}

function describe(held: Held): string {
  const { reference, status, inReview, authorised, released, payment } = held;
  const { amount, currency } = payment.purchase;
  const sums = [authorised, capturedOf(held), refundedOf(held), released].join("/");
  return `${reference} ${status}${inReview ? ", in review" : ""}, ${sums} of ${amount} ${currency}`;
}
