import { isObject } from "../../lib/json.ts";
import { sum } from "../../lib/money.ts";
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
import { authorizationLifeMs } from "./money.ts";
import type { Order, Transaction } from "./schema.ts";

/** The payee's credentials at the simulated Swedbank Pay. */
const credentials = { accessToken: "simulated-access-token" };
/** Seconds after the transaction at which a callback is sent again (docs/psp/swedbank-pay.md, c): after 21 minutes it is lost for ever. */
const schedule = [0, 30, 60, 360, 432, 864, 1_265].map((seconds) => seconds * 1_000);
/** So many failed captures or reversals in a row lock a payment order. */
const locking = 5;
const problems = "https://api.payex.com/psp/errordetail";

/** Something that happened to the money. */
interface Happened {
  readonly id: string;
  readonly kind: Transaction["kind"];
  readonly amount: Minor;
  readonly number: number;
  readonly created: number;
  readonly payeeReference: string;
}

/** Something that failed. */
interface Trouble {
  /** What failed after the purchase; absent for an attempt of the shopper's. */
  readonly type?: "Capture" | "Reversal";
  readonly number: number;
  readonly created: number;
  readonly problem: string;
}

/** A payment order as Swedbank Pay holds it. */
interface Held extends SimulatedHeld {
  /** Unix milliseconds. */
  created: number;
  status: Order["status"];
  instrument: string;
  type: "Authorization" | "Sale" | undefined;
  /** At a bank, or in an app. */
  away: boolean;
  /** Whether the bank reverses days later. */
  slow: boolean;
  problem: string | undefined;
  readonly happened: Happened[];
  readonly attempts: Trouble[];
  readonly failures: Trouble[];
  /** Half a year went by. */
  expired: boolean;
  /** A reversal that the bank has yet to carry out. */
  reversing: { readonly amount: Minor; readonly payeeReference: string } | undefined;
  /** Each is taken once. */
  readonly references: Set<string>;
}

type Action = SimulatedAction<Held>;

/** Swedbank Pay with a memory. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  return {
    settings: () => credentials,
    currencies: ["SEK", "NOK", "DKK", "EUR", "USD", "GBP"],
    refuse({ headers }) {
      if (headers["authorization"] !== `Bearer ${credentials.accessToken}`) return refusal(kernel, 401, "unauthorized");
      // Older versions answer in another shape: whoever asks for none gets none here.
      const version = headers["content-type"]?.replaceAll(" ", "");
      return version === "application/json;version=3.1" ? undefined : refusal(kernel, 415, "unsupportedversion");
    },
    unknown: refusal(kernel, 404, "notfound"),
    routes: routesOf(kernel),
    open: (payment) => ({
      payment,
      reference: `/psp/paymentorders/${payment.uuid()}`,
      created: kernel.now(),
      status: "Initialized",
      instrument: "CreditCard",
      type: undefined,
      away: false,
      slow: false,
      expired: false,
      problem: undefined,
      happened: [],
      attempts: [],
      failures: [],
      reversing: undefined,
      references: new Set(),
    }),
    actions: { ...shopperOf(kernel), ...portalOf(kernel), ...banksOf(kernel) },
    money: moneyIn,
    describe: ({ status, instrument, happened, attempts, failures, away, reversing }) =>
      `${status}, ${instrument}, ${happened.map(({ kind, amount }) => `${kind} ${amount}`).join(", ")}; ${attempts.length} attempts failed` +
      `, ${failures.map(({ type = "" }) => type).join(" ")} failed${away ? ", at the bank" : ""}${reversing === undefined ? "" : ", reversing"}`,
  };
}

/** What the shopper does. Each attempt is told, whatever came of it; that somebody has left for a bank is not. */
function shopperOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const possible = ({ status }: Held): boolean => status === "Initialized";
  const pay = (type: "Authorization" | "Sale", instrument: string, slow = false): Action => ({
    possible,
    act(held) {
      Object.assign(held, { status: "Paid", type, instrument, slow, away: false });
      happen(kernel, held, type, held.payment.purchase.amount, `purchase${held.payment.number}`);
      announce(held);
    },
  });
  const end = (status: "Failed" | "Aborted", problem?: string): Action => ({
    possible,
    act(held) {
      Object.assign(held, { status, problem, away: false });
      announce(held);
    },
  });
  return {
    pay: pay("Authorization", "CreditCard"),
    "pay-by-swish": pay("Sale", "Swish"),
    "pay-by-bank-link": pay("Sale", "BankLink", true),
    "pay-by-invoice": pay("Authorization", "Invoice-PayExFinancingSe"),
    leave: {
      possible: (held) => possible(held) && !held.away,
      act: (held) => void Object.assign(held, { away: true }),
    },
    "fail-attempt": {
      possible: (held) => possible(held) && held.attempts.length < 2,
      act(held) {
        held.away = false;
        held.attempts.push(trouble(kernel, held, "creditcard/acquirerinsufficientfunds"));
        announce(held);
      },
    },
    decline: end("Failed", "creditcard/acquirercarddeclined"),
    fail: end("Failed", "creditcard/systemerror"),
    abandon: end("Aborted"),
  };
}

/** What somebody does in the merchant portal. Nobody calls for it. */
function portalOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const own = (held: Held): string => `portal${held.payment.count("portal")}`;
  return {
    capture: {
      possible: (held) => openIn(held) > 0 && !isLocked(held, "Capture"),
      amount: { most: openIn },
      act: (held, amount) => happen(kernel, held, "Capture", amount, own(held)),
    },
    refund: {
      possible: (held) => refundableIn(held) > 0 && !held.slow && !isLocked(held, "Reversal"),
      amount: { most: refundableIn },
      act: (held, amount) => happen(kernel, held, "Reversal", amount, own(held)),
    },
    cancel: {
      possible: (held) => openIn(held) > 0 && of(held, "Capture") === 0,
      act: (held) => cancel(kernel, held, own(held)),
    },
    release: {
      possible: (held) => openIn(held) > 0 && of(held, "Capture") > 0,
      act: (held) => cancel(kernel, held, own(held)),
    },
    "begin-reversal": {
      possible: (held) => held.slow && held.reversing === undefined && refundableIn(held) > 0,
      amount: { most: refundableIn },
      act: (held, amount) => void Object.assign(held, { reversing: { amount, payeeReference: own(held) } }),
    },
  };
}

/** What banks and time do. */
function banksOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const fail = (type: "Capture" | "Reversal", possible: (held: Held) => boolean): Action => ({
    possible: (held) => possible(held) && failedInARow(held, type) < locking,
    act: (held) => void held.failures.push({ ...trouble(kernel, held, "creditcard/acquirererror"), type }),
  });
  return {
    expire: {
      possible: (held) => openIn(held) > 0,
      // Half a year goes by: everything that is there is that much older.
      act(held) {
        const age = authorizationLifeMs + 60_000;
        held.expired = true;
        held.created -= age;
        for (const [place, one] of held.happened.entries())
          held.happened[place] = { ...one, created: one.created - age };
        for (const [place, one] of held.failures.entries())
          held.failures[place] = { ...one, created: one.created - age };
      },
    },
    "fail-capture": fail("Capture", (held) => openIn(held) > 0),
    "fail-refund": fail("Reversal", (held) => refundableIn(held) > 0 && !held.slow),
    "carry-out-reversal": {
      possible: ({ reversing }) => reversing !== undefined,
      act(held) {
        const { amount = 0, payeeReference = "" } = held.reversing ?? {};
        held.reversing = undefined;
        happen(kernel, held, "Reversal", amount, payeeReference);
        announce(held);
      },
    },
    "refuse-reversal": {
      possible: ({ reversing }) => reversing !== undefined,
      act(held) {
        held.reversing = undefined;
        held.failures.push({ ...trouble(kernel, held, "banklink/externalerror"), type: "Reversal" });
        announce(held);
      },
    },
  };
}

/** Swedbank Pay's API. */
function routesOf(kernel: Kernel<Held>): Routes {
  const path = "/psp/paymentorders/{id}";
  const on =
    (answer: (held: Held, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(`/psp/paymentorders/${call.part("id")}`);
      return held === undefined ? refusal(kernel, 404, "notfound") : answer(held, call);
    };
  return {
    [`GET ${path}`]: on((held, { query }) => ({
      status: 200,
      body: {
        paymentOrder: shown(kernel, held, query.get("$expand")?.split(",") ?? []),
        operations: offered(kernel, held),
      },
    })),
    [`GET ${path}/orderitems`]: on((held) => ({
      status: 200,
      body: { paymentOrder: held.reference, orderItems: { orderItemList: [itemOf(held)] } },
    })),
    [`POST ${path}/captures`]: on((held, call) => {
      const said = toldBy(held, call);
      if (said === undefined || isLocked(held, "Capture")) return refusal(kernel, 403, "forbidden");
      if (said.amount > openIn(held)) return failing(kernel, held, "Capture");
      if (isInvoice(held) && said.lines !== said.amount) return refusal(kernel, 400, "inputerror");
      return carriedOut(kernel, held, "Capture", said);
    }),
    [`POST ${path}/reversals`]: on((held, call) => {
      const said = toldBy(held, call);
      if (said === undefined || held.reversing !== undefined || isLocked(held, "Reversal"))
        return refusal(kernel, 403, "forbidden");
      if (said.amount > refundableIn(held)) return failing(kernel, held, "Reversal");
      if (isInvoice(held) && said.lines !== said.amount) return refusal(kernel, 400, "inputerror");
      if (!held.slow) return carriedOut(kernel, held, "Reversal", said);
      held.references.add(said.payeeReference);
      held.reversing = said;
      return { status: 202, body: {} };
    }),
    [`POST ${path}/cancellations`]: on((held, call) => {
      const said = toldBy(held, call, false);
      if (said === undefined || openIn(held) === 0) return refusal(kernel, 403, "forbidden");
      held.references.add(said.payeeReference);
      cancel(kernel, held, said.payeeReference);
      return { status: 200, body: { paymentOrder: shown(kernel, held, []) } };
    }),
  };
}

/** What an operation says. `undefined`: not all of it is there, or its reference was used before. */
function toldBy(
  { references }: Held,
  { fields }: SimulatedCall,
  wantsAmount = true,
): { readonly amount: Minor; readonly payeeReference: string; readonly lines: Minor | undefined } | undefined {
  const { transaction } = fields;
  if (!isObject(transaction)) return undefined;
  const { amount, vatAmount, description, payeeReference, orderItems } = transaction;
  const sums = [amount, vatAmount].every((said) => Number.isSafeInteger(said) && Number(said) >= 0);
  if (wantsAmount ? !sums || Number(amount) <= 0 || Number(vatAmount) > Number(amount) : amount !== undefined)
    return undefined;
  if (typeof description !== "string" || description === "" || description.length > 40) return undefined;
  if (typeof payeeReference !== "string" || !/^[A-Za-z0-9]{1,30}$/.test(payeeReference)) return undefined;
  if (references.has(payeeReference)) return undefined;
  const items = Array.isArray(orderItems) ? (orderItems as readonly unknown[]) : undefined;
  const lines = items === undefined ? undefined : sum(items, (item) => (isObject(item) ? Number(item["amount"]) : 0));
  return { amount: Number(amount ?? 0), payeeReference, lines };
}

function carriedOut(
  kernel: Kernel<Held>,
  held: Held,
  kind: "Capture" | "Reversal",
  { amount, payeeReference }: { readonly amount: Minor; readonly payeeReference: string },
): SimulatedAnswer {
  held.references.add(payeeReference);
  happen(kernel, held, kind, amount, payeeReference);
  return { status: 200, body: { paymentOrder: shown(kernel, held, []) } };
}

/** One that fails counts: five in a row lock the payment order. */
function failing(kernel: Kernel<Held>, held: Held, type: "Capture" | "Reversal"): SimulatedAnswer {
  held.failures.push({ ...trouble(kernel, held, "creditcard/badrequest"), type });
  return refusal(kernel, 400, "badrequest");
}

function happen(kernel: Kernel<Held>, held: Held, kind: Happened["kind"], amount: Minor, payeeReference: string): void {
  const { payment, reference } = held;
  held.happened.push({
    id: `${reference}/financialtransactions/${payment.uuid()}`,
    kind,
    amount,
    number: 70_100_000_000 + payment.number * 1_000 + payment.count("number"),
    created: kernel.now(),
    payeeReference,
  });
  if (kind === "Reversal" && refundableIn(held) === 0 && openIn(held) === 0) held.status = "Reversed";
}

/** What was captured before keeps it paid. */
function cancel(kernel: Kernel<Held>, held: Held, payeeReference: string): void {
  happen(kernel, held, "Cancellation", openIn(held), payeeReference);
  if (of(held, "Capture") === 0) held.status = "Cancelled";
  else if (refundableIn(held) === 0) held.status = "Reversed";
}

function trouble(kernel: Kernel<Held>, { payment }: Held, problem: string): Trouble {
  return { number: 70_200_000_000 + payment.number * 1_000 + payment.count("trouble"), created: kernel.now(), problem };
}

function failedInARow({ happened, failures }: Held, type: "Capture" | "Reversal"): number {
  const last = happened.findLast(({ kind }) => kind === type)?.created ?? -Infinity;
  return failures.filter((failure) => failure.type === type && failure.created >= last).length;
}

function isLocked(held: Held, type: "Capture" | "Reversal"): boolean {
  return failedInARow(held, type) >= locking;
}

function isInvoice({ instrument }: Held): boolean {
  return instrument.startsWith("Invoice");
}

/** Unsigned, and it says no more than whose it is (docs/psp/swedbank-pay.md, b). */
function announce({ payment, reference }: Held): void {
  const body = {
    orderReference: payment.purchase.paymentId,
    paymentOrder: { id: reference, instrument: "paymentorders", number: 70_100_000_000 + payment.number },
  };
  payment.send({ webhook: "callback", body, schedule, delivered: ({ status }) => status === 200 });
}

function of({ happened }: Held, kind: Happened["kind"]): Minor {
  return sum(
    happened.filter((one) => one.kind === kind),
    ({ amount }) => amount,
  );
}

/** What is still held; nothing once it is over. */
function openIn(held: Held): Minor {
  if (held.status === "Cancelled" || held.expired) return 0;
  return of(held, "Authorization") - of(held, "Capture") - of(held, "Cancellation");
}

function refundableIn(held: Held): Minor {
  return of(held, "Sale") + of(held, "Capture") - of(held, "Reversal") - (held.reversing?.amount ?? 0);
}

function moneyIn(held: Held): StatedMoney | null {
  const { type, payment } = held;
  if (type === undefined) return null;
  const [sold, authorized, captured] = [of(held, "Sale"), of(held, "Authorization"), of(held, "Capture")];
  return {
    authorized: authorized + sold,
    captured: captured + sold,
    refunded: of(held, "Reversal"),
    released: authorized - captured - openIn(held),
    currency: payment.purchase.currency,
  };
}

/** Sub-resources are links unless they are asked for. */
function shown(kernel: Kernel<Held>, held: Held, expand: readonly string[]): Json {
  const { payment, reference, status, type, instrument, problem } = held;
  const { purchase } = payment;
  const part = (name: string, content: () => Readonly<Record<string, Json>>): Readonly<Record<string, Json>> => ({
    [name]: { id: `${reference}/${name.toLowerCase()}`, ...(expand.includes(name) ? content() : {}) },
  });
  const bought = (): Readonly<Record<string, Json>> => boughtWith(held);
  return {
    id: reference,
    created: timeOf(held.created),
    updated: timeOf(held.created),
    operation: "Purchase",
    status,
    currency: purchase.currency,
    amount: purchase.amount,
    vatAmount: vatIn(purchase.amount),
    ...(openIn(held) > 0 ? { remainingCaptureAmount: openIn(held), remainingCancellationAmount: openIn(held) } : {}),
    ...(refundableIn(held) > 0 ? { remainingReversalAmount: refundableIn(held) } : {}),
    description: "Test purchase",
    language: "sv-SE",
    instrumentMode: false,
    guestMode: true,
    generateUnscheduledToken: purchase.recurring === true,
    ...part("payeeInfo", () => ({
      payeeId: "5cabf558-5283-482f-b252-4d58e06f6f3b",
      payeeReference: `purchase${payment.number}`,
      payeeName: "Merchant1",
      orderReference: purchase.paymentId,
    })),
    ...part("payer", () => ({ email: "customer@example.invalid" })),
    ...part("metadata", () => ({ orderId: purchase.orderId })),
    ...part("paid", () => (status === "Paid" && type !== undefined ? bought() : {})),
    ...part("cancelled", () => (status === "Cancelled" ? { cancelReason: "Cancel", ...bought() } : {})),
    ...part("reversed", () => (status === "Reversed" ? bought() : {})),
    ...part("failed", () => (problem === undefined ? {} : { problem: problemOf(problem) })),
    ...part("financialTransactions", () => ({
      financialTransactionsList: kernel.listed(held.happened).map((one) => shownTransaction(one)),
    })),
    ...part("failedAttempts", () => ({
      failedAttemptList: kernel.listed(held.attempts).map((one) => shownTrouble(one, instrument)),
    })),
    ...part("postPurchaseFailedAttempts", () => ({
      postpurchaseFailedAttemptList: kernel.listed(held.failures).map((one) => shownTrouble(one, instrument)),
    })),
  };
}

function boughtWith({ payment, type = "Sale", instrument }: Held): Readonly<Record<string, Json>> {
  const { purchase, number } = payment;
  const pan = "492500******0004";
  const token = `simulated-unscheduled-token-${number}`;
  const tokens = [
    { type: "payment", token: `simulated-payment-token-${number}`, name: pan, expiryDate: "12/2030" },
    { type: "unscheduled", token, name: pan, expiryDate: "12/2030" },
  ];
  return {
    instrument,
    number: 70_100_000_000 + number,
    payeeReference: `purchase${number}`,
    orderReference: purchase.paymentId,
    transactionType: type,
    amount: purchase.amount,
    submittedAmount: purchase.amount,
    feeAmount: 0,
    discountAmount: 0,
    ...(purchase.recurring === true ? { tokens } : {}),
    details: {
      cardBrand: "Visa",
      cardType: "Credit",
      maskedPan: pan,
      expiryDate: "12/2030",
      issuingBank: "Utopia Bank",
    },
  };
}

function shownTransaction({ id, kind, amount, number, created, payeeReference }: Happened): Json {
  return {
    id,
    created: timeOf(created),
    updated: timeOf(created),
    type: kind,
    number,
    amount,
    vatAmount: vatIn(amount),
    description: "Test transaction",
    payeeReference,
    receiptReference: payeeReference,
  };
}

function shownTrouble({ type, number, created, problem }: Trouble, instrument: string): Json {
  const told = { created: timeOf(created), number, status: "Failed", problem: problemOf(problem) };
  return type === undefined ? { ...told, instrument } : { ...told, type };
}

/** What can be done now, where, and how; nothing while a bank is at it. */
function offered(kernel: Kernel<Held>, held: Held): Json {
  const { status, away, reference, reversing } = held;
  const open = openIn(held) > 0;
  const rels = [
    ...(status === "Initialized" ? ["abort", "update-order", "redirect-checkout"] : []),
    ...(status === "Initialized" && away ? ["abort-paymentattempt"] : []),
    ...(open && !isLocked(held, "Capture") ? ["capture"] : []),
    ...(open ? ["cancel"] : []),
    ...(refundableIn(held) > 0 && reversing === undefined && !isLocked(held, "Reversal") ? ["reversal"] : []),
    ...(status === "Paid" ? ["view-checkout"] : []),
  ];
  const places: Readonly<Record<string, string>> = {
    capture: "captures",
    cancel: "cancellations",
    reversal: "reversals",
  };
  return rels.map((rel) => {
    const place = places[rel];
    // What the shopper does has another host.
    if (place === undefined) return { rel, method: "GET", href: `https://ecom.payex.invalid${reference}` };
    return { rel, method: "POST", href: `${kernel.apiUrl()}${reference}/${place}`, contentType: "application/json" };
  });
}

/** One line with everything. */
function itemOf({ payment: { purchase } }: Held): Json {
  const { amount } = purchase;
  return {
    reference: "P1",
    name: "Product 1",
    type: "PRODUCT",
    class: "ProductGroup1",
    quantity: 1,
    quantityUnit: "pcs",
    unitPrice: amount,
    vatPercent: 2_500,
    amount,
    vatAmount: vatIn(amount),
  };
}

function vatIn(amount: Minor): Minor {
  return Math.round(amount / 5);
}

/** Swedbank Pay writes up to seven digits behind the second. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "4567Z");
}

function problemOf(type: string): Json {
  return {
    type: `${problems}/${type}`,
    title: "Operation failed",
    status: 403,
    detail: "Unable to complete the operation.",
  };
}

function refusal(kernel: Kernel<Held>, status: number, type: string): SimulatedAnswer {
  return {
    status,
    body: { type: `${problems}/${type}`, title: "Problem", status, sessionId: kernel.uuid(), problems: [] },
  };
}
