import { exponentOf, majorFromMinor, minorFromMajor, sum } from "../../lib/money.ts";
import { isObject } from "../../lib/json.ts";
import { cut } from "../../lib/text.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  Simulation,
  StatedMoney,
} from "../../contract/simulator.ts";
import type { Step } from "./schema.ts";

const minute = 60_000;
const hour = 60 * minute;

/**
 * How long Avarda waits before it repeats a notification that was not answered with 2xx, and how often it tries at most.
 * https://docs.avarda.com/checkout-3/more-features/server-side-callbacks/
 */
export const repeatMs: number = 10 * minute;
/** Twenty times, and then never again. */
export const mostAttempts = 20;
const schedule: readonly number[] = Array.from({ length: mostAttempts }, (_, index) => index * repeatMs);

const tokenLifeMs = hour;
/** Avarda says when a session ends, not how long it lasts. */
const sessionMs = 24 * hour;
const referenceLength = 20;

const credentials = { clientId: "simulated-client", clientSecret: "simulated-client-secret" };
/** The static header that Avarda sends with its notifications. */
const webhookAuthorization = `Basic ${Buffer.from("avarda-cb:pa55").toString("base64")}`;

/** Obviously fake: there to be seen nowhere but in Avarda's own answers. */
const shopper = {
  userInputs: { phone: "+46000000000", email: "shopper@example.invalid" },
  invoicingAddress: {
    firstName: "Testperson",
    lastName: "Approved",
    address1: "Exempelgatan 1",
    zip: "00000",
    city: "Exempelstad",
  },
  customerInfo: { firstName: "Testperson", lastName: "Approved" },
};

interface Held extends SimulatedHeld {
  readonly createdAt: number;
  expiresAt: number;
  mode: "B2C" | "B2B";
  step: Step;
  /** The credit decision was outstanding once. */
  reviewed: boolean;
  method: string;
  token: string | null;
  /** What was done to it since: in Avarda's own books, which none of its answers show. */
  readonly books: { delivered: Minor; returned: Minor; givenBack: Minor; released: Minor };
  /** What somebody delivered in Avarda's back office: nobody else gets to know. */
  hidden: Minor;
}

type Action = SimulatedAction<Held>;

/** Avarda Checkout 3.0 with a memory: the purchase can be read, what was done to it afterwards cannot. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  return {
    settings: () => ({ ...credentials, webhookAuthorization }),
    grants: { "POST /api/partner/tokens": (call) => grant(kernel, call) },
    refuse: ({ headers }) => (kernel.isGranted(headers["authorization"]) ? undefined : { status: 401 }),
    routes: routesOf(kernel),
    open: (payment) => ({
      payment,
      reference: payment.uuid().replaceAll("-", ""),
      createdAt: kernel.now(),
      expiresAt: kernel.now() + sessionMs,
      mode: "B2C",
      step: "Initialized",
      reviewed: false,
      method: "Invoice",
      token: null,
      books: { delivered: 0, returned: 0, givenBack: 0, released: 0 },
      hidden: 0,
    }),
    actions: actionsOf(kernel),
    money: moneyIn,
    describe,
  };
}

/** What the shopper, Avarda and its back office can do. */
function actionsOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const going = (step: Step) => (held: Held) => void (held.step = step);
  const waitingFor = (step: Step, method: string) => (held: Held) => void Object.assign(held, { step, method });
  return {
    pay: { possible: isOpen, act: (held) => complete(held, held.method) },
    "pay-by-swish": { possible: isOpen, act: (held) => complete(held, "Swish") },
    "give-details": {
      possible: ({ step }) => step === "Initialized" || step === "EnterCompanyInfo",
      act: (held) => void (held.step = held.mode === "B2B" ? "CompanyAddressInfo" : "PersonalInfo"),
    },
    "choose-company": {
      possible: ({ mode, step }) => mode === "B2C" && step === "Initialized",
      act: (held) => void Object.assign(held, { mode: "B2B", step: "EnterCompanyInfo" }),
    },
    "wait-for-swish": { possible: isEntry, act: waitingFor("WaitingForSwish", "Swish") },
    "go-to-bank": { possible: isEntry, act: waitingFor("RedirectedToDirectPaymentBank", "Direct") },
    "await-credit-approval": {
      possible: isOpen,
      act: (held) => void Object.assign(held, { step: "AwaitingCreditApproval", reviewed: true }),
    },
    "approve-credit": { possible: isUnderReview, act: (held) => complete(held, "Loan") },
    "refuse-credit": { possible: isUnderReview, act: going("Canceled") },
    "handle-by-merchant": { possible: isOpen, act: going("HandledByMerchant") },
    "time-out": { possible: isOpen, act: going("TimedOut") },
    outdate: { possible: isOpen, act: going("Outdated") },
    abandon: { possible: isOpen, act: going("Canceled") },
    "let-expire": {
      possible: (held) => isOpen(held) && held.expiresAt >= kernel.now(),
      act: (held) => void (held.expiresAt = kernel.now() - 1_000),
    },
    // Nobody outside Avarda gets to know: what follows is refused as if it came too late.
    "deliver-in-back-office": {
      possible: (held) => openIn(held) > 0,
      act: (held) => void (held.hidden += openIn(held)),
    },
  };
}

function complete(held: Held, method: string): void {
  const { payment } = held;
  Object.assign(held, { step: "Completed", method });
  if (payment.purchase.recurring === true) held.token = payment.uuid();
  payment.send({
    webhook: "notification",
    body: { purchaseId: held.reference },
    headers: () => ({ "content-type": "application/json", authorization: webhookAuthorization }),
    schedule,
  });
}

function grant(kernel: Kernel<Held>, { fields }: SimulatedCall): SimulatedAnswer {
  if (fields["clientId"] !== credentials.clientId || fields["clientSecret"] !== credentials.clientSecret)
    return { status: 401, body: { error: "invalid_client", error_description: "Unknown client or wrong secret" } };
  // Seven digits, as Avarda writes them.
  const tokenExpirationUtc = kernel.time(tokenLifeMs).replace("Z", "0000Z");
  return { status: 200, body: { token: kernel.grant(tokenLifeMs), tokenExpirationUtc } };
}

/** The partner API. A repeated `tranId` is carried out again: nothing else is promised. */
function routesOf(kernel: Kernel<Held>): Routes {
  const path = "/api/partner/payments/{id}";
  const told =
    (carryOut: (held: Held, call: SimulatedCall) => SimulatedAnswer | undefined) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.part("id"));
      if (held === undefined) return { status: 404 };
      if (held.step !== "Completed") return { status: 422, body: [{ ErrorMessage: "The purchase is not completed" }] };
      return carryOut(held, call) ?? { status: 204 };
    };
  return {
    [`GET ${path}`]: ({ part }) => {
      const held = kernel.find(part("id"));
      return held === undefined ? { status: 404 } : { status: 200, body: shown(held) };
    },
    [`POST ${path}/order`]: told((held, call) => {
      const amount = rowsIn(call, held);
      if (amount === undefined) return invalid("Items");
      if (amount > openIn(held)) return denied("Order");
      held.books.delivered += amount;
      return undefined;
    }),
    [`POST ${path}/return`]: told((held, call) => {
      const amount = rowsIn(call, held);
      if (amount === undefined) return invalid("Items");
      if (amount > held.books.delivered - held.books.returned) return denied("ReturnOrder");
      held.books.returned += amount;
      return undefined;
    }),
    [`POST ${path}/refund`]: told((held, { fields }) => {
      // Without an amount it gives back everything (docs/psp/avarda.md, g).
      const amount = "amount" in fields ? minorOf(fields["amount"], held) : openIn(held);
      if (amount === undefined || amount <= 0) return invalid("Amount");
      if (amount > openIn(held)) return denied("Refund");
      held.books.givenBack += amount;
      return undefined;
    }),
    [`POST ${path}/refundRemaining`]: told((held, { fields }) => {
      const open = openIn(held);
      if (open === 0) return denied("Refund");
      // One call for both: the note says what the merchant meant by it.
      held.books["note" in fields ? "released" : "givenBack"] += open;
      return undefined;
    }),
    [`POST ${path}/cancel`]: told((held, { fields }) => {
      if (textIn(fields, "reason") === undefined) return invalid("Reason");
      // https://docs.avarda.com/order-management/authorization-api/cancel-order
      const open = openIn(held);
      if (open === 0 || open < held.payment.purchase.amount) return denied("CancelAuthorization");
      held.books.released = open;
      return undefined;
    }),
  };
}

/** What was sent back before delivery was taken and refunded; what the back office did is nobody's to know. */
function moneyIn({ step, reviewed, payment: { purchase }, books }: Held): StatedMoney | null {
  const { amount, currency } = purchase;
  const nothing = { authorized: 0, captured: 0, refunded: 0, released: 0, currency };
  if (step === "HandledByMerchant") return nothing;
  if (step === "Canceled") return reviewed ? nothing : { ...nothing, authorized: amount, released: amount };
  if (step !== "Completed") return null;
  const { delivered, returned, givenBack, released } = books;
  return { authorized: amount, captured: delivered + givenBack, refunded: returned + givenBack, released, currency };
}

function isEntry({ step }: Held): boolean {
  return ["Initialized", "PersonalInfo", "EnterCompanyInfo", "CompanyAddressInfo"].includes(step);
}

function isOpen(held: Held): boolean {
  return isEntry(held) || ["WaitingForSwish", "RedirectedToDirectPaymentBank"].includes(held.step);
}

function isUnderReview({ step }: Held): boolean {
  return step === "AwaitingCreditApproval";
}

function openIn({ step, payment, books: { delivered, givenBack, released }, hidden }: Held): Minor {
  return step === "Completed" ? payment.purchase.amount - delivered - givenBack - released - hidden : 0;
}

/** A purchase as it goes over the wire, with the personal data that the real Avarda sends along. */
function shown(held: Held): Json {
  const { reference, payment, mode, step, method, token } = held;
  const { amount, currency, paymentId } = payment.purchase;
  const total = majorFromMinor(amount, currency);
  const side = { step: { current: step }, ...shopper };
  // The side that the mode does not name is there all the same, and says nothing.
  const other = { step: { current: "Unknown" }, userInputs: null };
  const time = (at: number): string => new Date(at).toISOString().replace("Z", "0000Z");
  return {
    purchaseId: reference,
    extraIdentifiers: { orderReference: cut(paymentId, referenceLength), description: "", attachment: null },
    totalPrice: total,
    createdUtc: time(held.createdAt),
    expiredUtc: time(held.expiresAt),
    checkoutSite: { siteCode: "12345", countryCode: "SE", currencyCode: currency },
    mode,
    b2C: mode === "B2C" ? side : other,
    b2B: mode === "B2B" ? side : other,
    paymentMethods: { selectedPayment: { type: method, recurringPaymentToken: token } },
    items: [
      { description: "Goods", amount: total, taxCode: "25", taxAmount: Math.round(total * 20) / 100, quantity: 1 },
    ],
    customerBalance: 0,
  };
}

function invalid(field: string): SimulatedAnswer {
  return { status: 400, body: { [field]: [`simulated: ${field} is not valid`] } };
}

function denied(what: string): SimulatedAnswer {
  return { status: 422, body: [{ ErrorMessage: `simulated: ${what} denied` }] };
}

function textIn(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const text = fields[name];
  return typeof text === "string" && text !== "" ? text : undefined;
}

function minorOf(major: unknown, { payment }: Held): Minor | undefined {
  return typeof major === "number" ? minorFromMajor(major, payment.purchase.currency) : undefined;
}

/** The sum of the rows, which has to be above zero; single ones may be below: rebates. */
function rowsIn({ fields }: SimulatedCall, held: Held): Minor | undefined {
  const { items } = fields;
  if (textIn(fields, "orderReference") === undefined || !Array.isArray(items) || items.length === 0) return undefined;
  const amounts = items.map((item: unknown) => (isObject(item) ? minorOf(item["amount"], held) : undefined));
  const known = amounts.filter((amount) => amount !== undefined);
  const total = sum(known);
  return known.length === items.length && total > 0 ? total : undefined;
}

function describe(held: Held): string {
  const { payment, step, books } = held;
  const { amount, currency } = payment.purchase;
  const show = (minor: Minor): string => majorFromMinor(minor, currency).toFixed(exponentOf(currency));
  const done = Object.entries({ ...books, "delivered unseen": held.hidden }).filter(([, minor]) => minor !== 0);
  return [
    `${step} ${show(amount)} ${currency}`,
    ...(held.mode === "B2B" ? ["B2B"] : []),
    ...done.map(([name, minor]) => `${name} ${show(minor)}`),
  ].join(", ");
}
