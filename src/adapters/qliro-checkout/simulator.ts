import { createHash } from "node:crypto";
import { exponentOf, majorFromMinor, minorFromMajor, sum } from "../../lib/money.ts";
import { cut } from "../../lib/text.ts";
import type { Json, Minor, Money } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAck,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  SimulatedRequest,
  Simulation,
} from "../../contract/simulator.ts";
import { fitting, type Line, type Parcel } from "./items.ts";
import { isObject } from "../../lib/json.ts";
import { type transactionStatuses, type transactionTypes } from "./wire.ts";

type Type = (typeof transactionTypes)[number];
type Status = (typeof transactionStatuses)[number];

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * When Qliro tries a push, counted from the event, until it is answered as it wants: then it gives up.
 * https://developers.qliro.com/docs/qliro-checkout/get-started/notifications-checkout
 */
export const pushSchedule: readonly number[] = [
  0,
  2 * second,
  5 * second,
  10 * second,
  30 * second,
  minute,
  2 * minute,
  30 * minute,
  hour,
  day,
  3 * day,
];

/** A `RequestId` is denied for as long (docs/psp/qliro.md, g). */
const requestIdLife = 7 * day;
/** How long more may be sold after a purchase. */
const upsellMinutes = 10;
/** How many reads of the ledger a lagging order stays hidden from. */
const laggingReads = 1;

/** Obviously fake: there to be seen nowhere but in Qliro's own answers. */
const shopper = {
  FirstName: "Testperson-se",
  LastName: "Approved",
  Email: "shopper@example.invalid",
  MobileNumber: "+46000000000",
  PersonalNumber: "000000-0000",
};
const address = { FirstName: "Testperson-se", Street: "Exempelgatan 1", PostalCode: "00000", City: "Exempelstad" };

/** The merchant's credentials at the simulated Qliro. */
const account = { merchantApiKey: "SIMULATED_KEY", merchantApiSecret: "simulated-api-secret" };

interface Made {
  readonly PaymentTransactionId: number;
  readonly OriginalPaymentTransactionId: number | null;
  readonly Type: Type;
  Status: Status;
  readonly amount: Minor;
  Timestamp: string;
  ErrorCode: string | null;
}

interface LineAction {
  readonly ActionType: "Reserve" | Kind;
  readonly PaymentTransactionId: number;
  readonly line: Line;
}

/** What can be done with lines, and the type of the transaction that does it. */
const kinds = { Ship: "Capture", Return: "Refund", Release: "Reversal" } as const;
type Kind = keyof typeof kinds;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A purchase as Qliro holds it. */
export interface Held extends SimulatedHeld {
  status: "InProcess" | "OnHold" | "Completed" | "Refused";
  method: string;
  MerchantReference: string;
  readonly transactions: Made[];
  readonly actions: LineAction[];
  /** Which transaction bought an upsell's lines. */
  readonly upsold: { readonly UpsellId: string; readonly PaymentTransactionId: number }[];
  upsells: number;
  upsellFailed: boolean;
  /** Reservations that an upsell has replaced. */
  readonly retired: Set<number>;
  /** Milliseconds; `null` where nothing more can be sold. */
  upsellUntil: number | null;
  cardId: string | null;
  hiddenReads: number;
  /** Qliro's books: where the money is, whatever its answers say. */
  readonly books: Writable<Money>;
}

type Action = SimulatedAction<Held>;

/** Qliro Checkout with a memory: the merchant API, the admin API and the three kinds of pushes. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  return {
    settings: () => ({ ...account, useUpsell: true }),
    // Two decimals at most (docs/psp/qliro.md, h).
    currencies: ["SEK", "NOK", "DKK", "EUR"],
    refuse: (request) => (isProven(request) ? undefined : refuse(401, "UNAUTHORIZED")),
    routes: routesOf(kernel),
    open: (payment) => ({
      payment,
      reference: String(4_711_000 + payment.number),
      status: "InProcess",
      method: "",
      MerchantReference: cut(payment.purchase.paymentId, 25),
      transactions: [],
      actions: [],
      upsold: [],
      upsells: 0,
      upsellFailed: false,
      retired: new Set(),
      upsellUntil: null,
      cardId: null,
      hiddenReads: 0,
      books: { authorized: 0, captured: 0, refunded: 0, released: 0 },
    }),
    actions: {
      ...purchasesOf(kernel),
      ...attemptsOf(kernel),
      ...portalOf(kernel),
      ...failuresOf(kernel),
      ...upsellsOf(kernel),
    },
    money: ({ books, status, payment }) =>
      books.authorized > 0 && status !== "Refused" ? { ...books, currency: payment.purchase.currency } : null,
    describe,
  };
}

/** Qliro says no zone. */
function time(kernel: Kernel<Held>): string {
  return kernel.time().replace("Z", "");
}

function nextId({ payment }: Held): number {
  return 66_000_000 + payment.number * 10_000 + payment.count("id");
}

function orderIdOf({ reference }: Held): number {
  return Number(reference);
}

function transact(
  kernel: Kernel<Held>,
  held: Held,
  Type: Type,
  Status: Status,
  amount: Minor,
  original: number | null = null,
): Made {
  const made: Made = {
    PaymentTransactionId: nextId(held),
    OriginalPaymentTransactionId: original,
    Type,
    Status,
    amount,
    Timestamp: time(kernel),
    ErrorCode: Status === "Error" ? "PAYMENT_DECLINED" : null,
  };
  held.transactions.push(made);
  return made;
}

function reserve(held: Held, { PaymentTransactionId }: Made, lines: readonly Line[]): void {
  for (const line of lines) held.actions.push({ ActionType: "Reserve", PaymentTransactionId, line });
}

/** Sends what Qliro sends under one of the three URLs, until exactly its own acknowledgement is answered. */
function send(
  held: Held,
  webhook: "push" | "status" | "save-recurring-details",
  said: Readonly<Record<string, Json>>,
): void {
  const body = { OrderId: orderIdOf(held), ...said };
  held.payment.send({ webhook, body, schedule: pushSchedule, delivered: isReceived });
}

function isReceived({ status, body }: SimulatedAck): boolean {
  return status === 200 && body === '{"CallbackResponse":"received"}';
}

function pushStatus(kernel: Kernel<Held>, held: Held, status = held.status): void {
  const { MerchantReference } = held;
  const NotificationType = "CustomerCheckoutStatus";
  send(held, "push", { MerchantReference, Status: status, Timestamp: time(kernel), NotificationType });
}

function pushTransaction(kernel: Kernel<Held>, held: Held, made: Made): void {
  const { PaymentTransactionId, OriginalPaymentTransactionId, Type, Status, ErrorCode } = made;
  send(held, "status", {
    MerchantReference: held.MerchantReference,
    PaymentTransactionId,
    OriginalPaymentTransactionId,
    PaymentType: Type,
    Status,
    Amount: major(held, made.amount),
    Currency: held.payment.purchase.currency,
    ErrorCode,
    ProviderTransactionId: `P-${PaymentTransactionId}`,
    TimeStamp: time(kernel),
  });
}

function pushUpsell(kernel: Kernel<Held>, held: Held, UpsellId: string, made: Made | null, replaces: boolean): void {
  send(held, "push", {
    MerchantReference: held.MerchantReference,
    NotificationType: "UpsellStatus",
    Status: made === null ? "Error" : "Success",
    Timestamp: time(kernel),
    UpsellId,
    PaymentTransactionId: made?.PaymentTransactionId ?? 0,
    OriginalPaymentTransactionId: originalOf(held)?.PaymentTransactionId ?? 0,
    ReplacesOriginalPaymentTransaction: replaces,
  });
}

function pushCard(kernel: Kernel<Held>, held: Held): void {
  held.cardId = held.payment.uuid();
  const card = { CardBrandName: "MASTERCARD", CardBin: "512345", CardLast4Digits: "0008" };
  const said = { Id: held.cardId, ...card, CardExpiryYear: 2029, CardExpiryMonth: 5, TimeStamp: time(kernel) };
  send(held, "save-recurring-details", said);
}

function buy(kernel: Kernel<Held>, held: Held, Type: "Preauthorization" | "Debit", method: string): void {
  held.method = method;
  const running = attempt(held);
  if (running !== undefined) running.Status = "Cancelled";
  const { amount } = held.payment.purchase;
  reserve(held, transact(kernel, held, Type, "Success", amount), linesFor(held));
  held.books.authorized = amount;
  if (Type === "Debit") held.books.captured = amount;
  complete(kernel, held);
}

function complete(kernel: Kernel<Held>, held: Held): void {
  held.status = "Completed";
  held.upsellUntil = kernel.now() + upsellMinutes * minute;
  pushStatus(kernel, held);
  if (held.payment.purchase.recurring === true) pushCard(kernel, held);
}

/** Starts what order management is told, for those lines of one transaction. */
function start(kernel: Kernel<Held>, held: Held, kind: Kind, original: number, lines: readonly Line[]): Made {
  const made = transact(kernel, held, kinds[kind], "Created", worth(held, lines), original);
  const { PaymentTransactionId } = made;
  for (const line of lines) held.actions.push({ ActionType: kind, PaymentTransactionId, line });
  return made;
}

function finish(kernel: Kernel<Held>, held: Held, made: Made, Status: "Success" | "Error"): void {
  made.Status = Status;
  made.Timestamp = time(kernel);
  if (Status === "Error") made.ErrorCode = "PROVIDER_ERROR";
  else book(held, made);
  pushTransaction(kernel, held, made);
}

/** What an upsell has replaced counts again once it is given back: as held and released. */
function book({ books, retired }: Held, { Type, amount, OriginalPaymentTransactionId }: Made): void {
  if (OriginalPaymentTransactionId !== null && retired.has(OriginalPaymentTransactionId)) books.authorized += amount;
  if (Type === "Capture") books.captured += amount;
  if (Type === "Reversal") books.released += amount;
  if (Type === "Refund") books.refunded += amount;
}

/** Starts it for lines that come to the amount. */
function begin(kernel: Kernel<Held>, held: Held, kind: Kind, amount: Minor): readonly Made[] {
  const chosen = fitting(parcels(held, kind), amount, held.payment.purchase.currency);
  if (chosen === undefined || chosen.length === 0) throw new Error("no lines come to this amount");
  return chosen.map(({ transactionId, lines }) => start(kernel, held, kind, Number(transactionId), lines));
}

/** Begins it for all that is left, or for the amount, and ends it. */
function carryOut(kernel: Kernel<Held>, held: Held, kind: Kind, amount: Minor, Status: "Success" | "Error"): void {
  for (const made of begin(kernel, held, kind, amount)) finish(kernel, held, made, Status);
}

/** How much is left to ship, release or return. */
function left(held: Held, kind: Kind): Minor {
  return worth(
    held,
    parcels(held, kind).flatMap(({ lines }) => lines),
  );
}

/** Trustly has the money already: it is given back by a refund beside the reversal. */
function cancel(kernel: Kernel<Held>, held: Held): readonly Made[] {
  const made = begin(kernel, held, "Release", left(held, "Release"));
  for (const reversal of made) {
    finish(kernel, held, reversal, "Success");
    if (held.method !== "TRUSTLY") continue;
    const original = reversal.OriginalPaymentTransactionId;
    const refund = transact(kernel, held, "Refund", "Success", reversal.amount, original);
    pushTransaction(kernel, held, refund);
  }
  return made;
}

function unbought({ status, transactions }: Held): boolean {
  return (status === "InProcess" || status === "Refused") && !transactions.some(isHeld);
}

function ready(held: Held): boolean {
  return held.status === "Completed" && !held.transactions.some(isRunning);
}

function open(held: Held): boolean {
  return ready(held) && left(held, "Ship") > 0;
}

function taken(held: Held): boolean {
  return ready(held) && left(held, "Return") > 0;
}

/** The ways to pay. */
function purchasesOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const pay = (type: "Preauthorization" | "Debit", method: string, then?: (held: Held) => void): Action => ({
    possible: unbought,
    act(held) {
      buy(kernel, held, type, method);
      then?.(held);
    },
  });
  return {
    pay: pay("Preauthorization", "QLIRO_INVOICE"),
    "pay-by-card": pay("Preauthorization", "CREDITCARDS"),
    "pay-directly": pay("Debit", "SWISH"),
    "pay-by-trustly": pay("Preauthorization", "TRUSTLY"),
    "pay-with-lag": pay("Preauthorization", "QLIRO_INVOICE", (held) => void (held.hiddenReads = laggingReads)),
    // Two statuses of one order at once, the stale one last.
    "pay-twice-told": pay("Preauthorization", "TRUSTLY", (held) => pushStatus(kernel, held, "OnHold")),
    "pay-with-review": {
      possible: unbought,
      act(held) {
        held.method = "QLIRO_INVOICE";
        transact(kernel, held, "Preauthorization", "OnHold", held.payment.purchase.amount);
        held.status = "OnHold";
        pushStatus(kernel, held);
      },
    },
  };
}

/** What becomes of an attempt that has not reserved anything yet, and of a card. */
function attemptsOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  return {
    "start-attempt": {
      possible: (held) => unbought(held) && attempt(held) === undefined,
      act(held) {
        held.status = "InProcess";
        transact(kernel, held, "Preauthorization", "UserInteractionRequired", held.payment.purchase.amount);
      },
    },
    "fail-attempt": {
      possible: (held) => attempt(held) !== undefined && held.status === "InProcess",
      act(held) {
        const made = attempt(held);
        if (made !== undefined) finish(kernel, held, made, "Error");
      },
    },
    accept: {
      possible: ({ status }) => status === "OnHold",
      act(held) {
        const made = attempt(held);
        if (made !== undefined) {
          made.Status = "Success";
          reserve(held, made, linesFor(held));
          held.books.authorized = made.amount;
        }
        complete(kernel, held);
      },
    },
    refuse: {
      possible: (held) => held.status === "OnHold" || unbought(held),
      act(held) {
        const made = attempt(held);
        if (made !== undefined) Object.assign(made, { Status: "Error", ErrorCode: "PAYMENT_DECLINED" });
        held.status = "Refused";
        pushStatus(kernel, held);
      },
    },
    "save-card": {
      possible: (held) => ready(held) && held.method === "CREDITCARDS" && held.cardId === null,
      act: (held) => pushCard(kernel, held),
    },
  };
}

/** What somebody does in Qliro's portal. */
function portalOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  return {
    capture: {
      possible: open,
      amount: { most: (held) => left(held, "Ship") },
      act: (held, amount) => carryOut(kernel, held, "Ship", amount, "Success"),
    },
    "start-capture": {
      possible: open,
      amount: { most: (held) => left(held, "Ship") },
      act: (held, amount) => void begin(kernel, held, "Ship", amount),
    },
    "finish-started": {
      possible: (held) => held.transactions.some(isStarted),
      act: (held) => held.transactions.filter(isStarted).forEach((made) => finish(kernel, held, made, "Success")),
    },
    refund: {
      possible: taken,
      amount: { most: (held) => left(held, "Return") },
      act: (held, amount) => carryOut(kernel, held, "Return", amount, "Success"),
    },
    // A discount or an item that is not to be delivered: `UpdateItems` gives a part back, and nothing is cancelled.
    reduce: {
      possible: (held) => open(held) && pieceOf(held) < left(held, "Release"),
      amount: { most: (held) => left(held, "Release") - pieceOf(held), usual: pieceOf },
      act: (held, amount) => carryOut(kernel, held, "Release", amount, "Success"),
    },
    cancel: { possible: open, act: (held) => void cancel(kernel, held) },
    "rename-reference": {
      possible: ready,
      act(held) {
        held.MerchantReference = `SE${held.reference}`;
        // What was bought with Qliro's own methods gets a transaction for it (documented; its type is inferred), which moves no money.
        if (held.method.startsWith("QLIRO_"))
          finish(kernel, held, transact(kernel, held, "UpdateInvoice", "Created", 0), "Success");
      },
    },
  };
}

/** What one piece of the first line is worth. */
function pieceOf(held: Held): Minor {
  const [line] = parcels(held, "Release")[0]?.lines ?? [];
  return line === undefined ? 0 : worth(held, [{ ...line, quantity: 1 }]);
}

function failuresOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const fails = (kind: Kind, possible: (held: Held) => boolean): Action => ({
    possible,
    act: (held) => carryOut(kernel, held, kind, left(held, kind), "Error"),
  });
  return {
    "capture-fails": fails("Ship", open),
    "refund-fails": fails("Return", taken),
    "cancel-fails": fails("Release", open),
  };
}

/** What is sold after the purchase. */
function upsellsOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const sellable = (held: Held): boolean => open(held) && held.upsellUntil !== null && held.upsellUntil > kernel.now();
  return {
    "upsell-adds": { possible: sellable, act: (held) => upsell(kernel, held, "add") },
    "upsell-replaces": {
      possible: (held) => sellable(held) && parcels(held, "Ship").length === 1 && untouched(held),
      act: (held) => upsell(kernel, held, "replace"),
    },
    // What was replaced is given back later; until then only the push tells of it.
    "reverse-replaced": {
      possible: ({ retired }) => retired.size > 0,
      act(held) {
        for (const id of held.retired) {
          const amount = held.transactions.find((made) => made.PaymentTransactionId === id)?.amount ?? 0;
          finish(kernel, held, transact(kernel, held, "Reversal", "Created", amount, id), "Success");
        }
        held.retired.clear();
      },
    },
    // One is enough for a story: the shopper does not come back to what failed.
    "upsell-fails": {
      possible: (held) => sellable(held) && !held.upsellFailed,
      act(held) {
        held.upsellFailed = true;
        pushUpsell(kernel, held, upsellId(held), null, false);
      },
    },
  };
}

function upsellId(held: Held): string {
  held.upsells += 1;
  return `ups-${held.reference}-${held.upsells}`;
}

function upsell(kernel: Kernel<Held>, held: Held, outcome: "add" | "replace"): void {
  const UpsellId = upsellId(held);
  const original = originalOf(held);
  const extra: Line = { reference: `upsold-${held.upsells}`, type: "Product", price: 25, quantity: 1 };
  const kept = outcome === "replace" ? parcels(held, "Ship").flatMap(({ lines }) => lines) : [];
  const made = transact(kernel, held, "Preauthorization", "Success", worth(held, [...kept, extra]));
  reserve(held, made, [...kept, extra]);
  held.books.authorized += worth(held, [extra]);
  held.upsold.push({ UpsellId, PaymentTransactionId: made.PaymentTransactionId });
  pushUpsell(kernel, held, UpsellId, made, outcome === "replace");
  if (outcome === "replace" && original !== undefined) held.retired.add(original.PaymentTransactionId);
}

/** The merchant API, and the admin API. */
function routesOf(kernel: Kernel<Held>): Routes {
  const requestIds = new Map<string, number>();
  /** Orders by the id in a body, with what every write has to say. */
  const written =
    (answer: (held: Held, fields: SimulatedCall["fields"]) => SimulatedAnswer) =>
    ({ fields }: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(String(fields["OrderId"]));
      if (held === undefined) return refuse(400, "ORDER_NOT_FOUND");
      if (fields["MerchantApiKey"] !== account.merchantApiKey) return refuse(400, "UNAUTHORIZED");
      const requestId = typeof fields["RequestId"] === "string" ? fields["RequestId"] : "";
      if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(requestId)) return refuse(400, "INVALID_INPUT");
      if (kernel.now() - (requestIds.get(requestId) ?? -Infinity) < requestIdLife)
        return refuse(400, "INVALID_REQUEST");
      requestIds.set(requestId, kernel.now());
      if (held.transactions.some(isRunning))
        return refuse(400, "OPERATION_NOT_SUPPORTED", "Another transaction is in process");
      return answer(held, fields);
    };
  const inLines = (kind: Kind, list: string, nothing: string) =>
    written((held, fields) => {
      if (fields["Currency"] !== held.payment.purchase.currency) return refuse(400, "CURRENCY_MISMATCH");
      return left(held, kind) === 0 ? refuse(400, nothing) : moveLines(kernel, held, kind, fields[list]);
    });
  return {
    "GET /checkout/merchantapi/Orders/{id}": ({ part }) => {
      const held = kernel.find(part("id"));
      return held === undefined ? { status: 404 } : { status: 200, body: checkoutBody(kernel, held) };
    },
    "GET /checkout/adminapi/v2/orders/{id}": ({ part }) => {
      const held = kernel.find(part("id"));
      // The ledger begins with the first attempt, and may lag behind it.
      if (held === undefined || held.transactions.length === 0) return { status: 404 };
      if (held.hiddenReads === 0) return { status: 200, body: orderBody(kernel, held) };
      held.hiddenReads -= 1;
      return { status: 404 };
    },
    "POST /checkout/adminapi/v2/MarkItemsAsShipped": inLines("Ship", "Shipments", "NO_ITEMS_LEFT_IN_RESERVATION"),
    "POST /checkout/adminapi/v2/ReturnItems": inLines("Return", "Returns", "NO_SHIPPED_ITEMS_AVAILABLE"),
    "POST /checkout/adminapi/v2/cancelOrder": written((held) => {
      if (left(held, "Release") > 0) return created(cancel(kernel, held));
      const released = held.transactions.some(({ Type, Status }) => Type === "Reversal" && Status === "Success");
      return refuse(400, released ? "ORDER_HAS_BEEN_CANCELLED" : "NO_ITEMS_TO_CANCEL");
    }),
  };
}

/** The answer only names transactions; here they have come to their end when it arrives, and the pushes are on their way. */
function moveLines(kernel: Kernel<Held>, held: Held, kind: Kind, asked: unknown): SimulatedAnswer {
  const there = parcels(held, kind);
  const wanted = parcelsIn(asked);
  if (wanted.length === 0) return refuse(400, "INVALID_INPUT");
  for (const { transactionId, lines } of wanted) {
    const own = there.find((parcel) => parcel.transactionId === transactionId);
    if (own === undefined) return refuse(400, "PAYMENT_REFERENCE_IS_INCORRECT");
    for (const line of lines) {
      const match = own.lines.find(({ reference, price }) => reference === line.reference && price === line.price);
      if (match === undefined) return refuse(400, "INVALID_ITEM");
      if (line.quantity > match.quantity) return refuse(400, "EXCEEDING_QUANTITY");
    }
  }
  const made = wanted.map(({ transactionId, lines }) => start(kernel, held, kind, Number(transactionId), lines));
  const answer = created(made);
  for (const one of made) finish(kernel, held, one, "Success");
  return answer;
}

/** Hashed over the text that was sent, which prints the same again: our client sends compact JSON. */
function isProven({ method, body, headers }: SimulatedRequest): boolean {
  const text = method === "GET" ? "" : JSON.stringify(body);
  const token = createHash("sha256").update(`${text}${account.merchantApiSecret}`, "utf8").digest("base64");
  return headers["authorization"] === `Qliro ${token}`;
}

function upsellBody(kernel: Kernel<Held>, { upsellUntil, status, upsold }: Held): Record<string, Json> {
  return {
    IsUpsellOrder: upsold.length > 0,
    EligibleForUpsell: status === "Completed" && upsellUntil !== null && upsellUntil > kernel.now(),
    EligibleForUpsellUntil: upsellUntil === null ? null : new Date(upsellUntil).toISOString(),
  };
}

function checkoutBody(kernel: Kernel<Held>, held: Held): Json {
  const { MerchantReference, payment, status, method, cardId } = held;
  const bought = status === "Completed" || status === "OnHold";
  return {
    OrderId: orderIdOf(held),
    MerchantReference,
    Currency: payment.purchase.currency,
    Country: "SE",
    TotalPrice: major(held, payment.purchase.amount),
    CustomerCheckoutStatus: status,
    Customer: shopper,
    BillingAddress: address,
    MerchantProvidedMetadata: metadataOf(held),
    OrderItems: bought ? orderItems(kernel, held) : [],
    PaymentMethod: method === "" ? null : { PaymentMethodName: method, PaymentTypeCode: method },
    Upsell: { ...upsellBody(kernel, held), UpsellTotalPrice: 0 },
    MerchantSavedCreditCard:
      cardId === null
        ? null
        : { Id: cardId, BrandName: 2, ExpiryYear: 2029, ExpiryMonth: 5, Bin: "512345", Last4Digits: "0008" },
    OrderHtmlSnippet: "<div>a session</div>",
  };
}

function orderItems(kernel: Kernel<Held>, { actions: done, upsold }: Held): Json {
  return kernel
    .listed(done)
    .filter(({ ActionType }) => ActionType === "Reserve")
    .map(({ line, PaymentTransactionId }) => ({
      ...wireLine(line),
      Description: line.reference,
      PaymentTransactionId,
      UpsellId: upsold.find((bought) => bought.PaymentTransactionId === PaymentTransactionId)?.UpsellId ?? null,
    }));
}

function orderBody(kernel: Kernel<Held>, held: Held): Json {
  const { MerchantReference, payment, method, transactions } = held;
  const { currency } = payment.purchase;
  return {
    OrderId: orderIdOf(held),
    MerchantReference,
    Currency: currency,
    Country: "SE",
    Customer: shopper,
    BillingAddress: address,
    ShippingAddress: address,
    MerchantProvidedMetadata: metadataOf(held),
    PaymentTransactions: kernel.listed(transactions).map(({ amount, ...made }) => ({
      ...made,
      OrderId: orderIdOf(held),
      Amount: major(held, amount),
      Currency: currency,
      PaymentMethodName: method,
      ProviderTransactionId: `P-${made.PaymentTransactionId}`,
    })),
    OrderItemActions: held.actions.map(({ ActionType, PaymentTransactionId, line }, index) => ({
      Id: index + 1,
      ActionType,
      PaymentTransactionId,
      ...wireLine(line),
    })),
    Upsell: upsellBody(kernel, held),
  };
}

function major({ payment: { purchase } }: Held, amount: Minor): number {
  return majorFromMinor(amount, purchase.currency);
}

/** What whoever created the order said of us. The merchant reference may be rewritten, this stays. */
function metadataOf({ payment: { purchase } }: Held): Json {
  return [{ Key: "paymentId", Value: purchase.paymentId }];
}

/** Six and four pieces of a tenth of the amount each, so that parts of it can be shipped; what is left over is a line of its own. */
function linesFor({
  payment: {
    purchase: { amount, currency },
  },
}: Held): readonly Line[] {
  const tenth = Math.floor(amount / 10);
  const line = (reference: string, minor: Minor, quantity: number): Line => ({
    reference,
    type: "Product",
    price: majorFromMinor(minor, currency),
    quantity,
  });
  const lines = [line("item-1", tenth, 6), line("item-2", tenth, 4), line("rounding", amount - tenth * 10, 1)];
  return lines.filter(({ price }) => price > 0);
}

function worth({ payment: { purchase } }: Held, lines: readonly Line[]): Minor {
  return sum(lines, ({ price, quantity }) => minorFromMajor(price, purchase.currency) * quantity);
}

/** What Qliro counts as left to ship, release or return, by the transaction that brought it. */
function parcels({ transactions, actions, retired }: Held, kind: Kind): readonly Parcel[] {
  const direct = (made: Made): boolean => made.Type === "Debit";
  const owners = transactions.filter(
    (made) =>
      made.Status === "Success" &&
      !retired.has(made.PaymentTransactionId) &&
      !isReversed(made, transactions) &&
      (kind === "Return" ? made.Type === "Capture" || direct(made) : made.Type === "Preauthorization"),
  );
  const standing = new Map(transactions.map((made) => [made.PaymentTransactionId, made]));
  return owners
    .map(({ PaymentTransactionId: owner }) => {
      const lines = actions
        .filter(({ PaymentTransactionId }) => PaymentTransactionId === owner)
        .map(({ line }) => ({ ...line }));
      for (const { PaymentTransactionId, line } of actions) {
        const by = standing.get(PaymentTransactionId);
        if (by?.OriginalPaymentTransactionId !== owner || by.Status === "Error") continue;
        const own = lines.find(({ reference, price }) => reference === line.reference && price === line.price);
        if (own !== undefined) own.quantity -= line.quantity;
      }
      return { transactionId: String(owner), lines: lines.filter(({ quantity }) => quantity > 0) };
    })
    .filter(({ lines }) => lines.length > 0);
}

/** It was given back as a whole, whatever became of its lines. */
function isReversed({ PaymentTransactionId: id, amount }: Made, transactions: readonly Made[]): boolean {
  return transactions.some(
    (made) =>
      made.Type === "Reversal" && made.OriginalPaymentTransactionId === id && made.amount === amount && isDone(made),
  );
}

function isDone({ Status }: Made): boolean {
  return Status === "Success";
}

/** Nothing has been done with what was reserved. */
function untouched({ transactions }: Held): boolean {
  return transactions.every((made) => made.OriginalPaymentTransactionId === null);
}

function parcelsIn(asked: unknown): readonly Parcel[] {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  return list(asked).flatMap((parcel) => {
    if (!isObject(parcel)) return [];
    const lines = list(parcel["OrderItems"]).flatMap((item) => {
      if (!isObject(item)) return [];
      const { MerchantReference: reference, Type: type, PricePerItemIncVat: price, Quantity: quantity } = item;
      const readable = typeof reference === "string" && typeof price === "number" && Number.isSafeInteger(quantity);
      return readable ? [{ reference, type: String(type), price, quantity: Number(quantity) }] : [];
    });
    return [{ transactionId: String(parcel["PaymentTransactionId"]), lines }];
  });
}

function wireLine({ reference, type, price, quantity }: Line): Record<string, Json> {
  return { MerchantReference: reference, Type: type, Quantity: quantity, PricePerItemIncVat: price };
}

function reserved({ transactions }: Held): readonly Made[] {
  return transactions.filter(isHeld);
}

/** The first one that no upsell has replaced. */
function originalOf(held: Held): Made | undefined {
  return reserved(held).find(({ PaymentTransactionId }) => !held.retired.has(PaymentTransactionId));
}

function isHeld({ Type, Status }: Made): boolean {
  return Status === "Success" && (Type === "Preauthorization" || Type === "Debit");
}

function isRunning({ Status }: Made): boolean {
  return Status === "Created" || Status === "InProcess" || Status === "OnHold" || Status === "UserInteractionRequired";
}

/** Order management works on it. */
function isStarted(made: Made): boolean {
  return isRunning(made) && made.Type !== "Preauthorization" && made.Type !== "Debit";
}

/** The attempt that the shopper or Qliro is busy with. */
function attempt({ transactions }: Held): Made | undefined {
  return transactions.find((made) => isRunning(made) && !isStarted(made));
}

function created(made: readonly Made[]): SimulatedAnswer {
  const PaymentTransactions = made.map(({ PaymentTransactionId }) => ({ PaymentTransactionId, Status: "Created" }));
  return { status: 200, body: { PaymentTransactions } };
}

function refuse(status: number, ErrorCode: string, ErrorMessage = `simulated: ${ErrorCode}`): SimulatedAnswer {
  return { status, body: { ErrorCode, ErrorMessage, ErrorReference: "00000000-0000-4000-8000-000000000000" } };
}

function describe(held: Held): string {
  const { status, transactions, payment } = held;
  const { purchase } = payment;
  const total = (...types: readonly Type[]): Minor =>
    sum(
      transactions.filter(({ Type, Status }) => Status === "Success" && types.includes(Type)),
      ({ amount }) => amount,
    );
  const show = (minor: Minor): string => major(held, minor).toFixed(exponentOf(purchase.currency));
  const parts = [
    `${status} ${show(purchase.amount)} ${purchase.currency}`,
    `authorised ${show(total("Preauthorization", "Debit"))}`,
    `captured ${show(total("Capture", "Debit"))}`,
    `reversed ${show(total("Reversal"))}`,
    `refunded ${show(total("Refund"))}`,
    ...transactions.filter(isRunning).map(({ Type, Status }) => `${Type} ${Status}`),
  ];
  return parts.join(", ");
}
