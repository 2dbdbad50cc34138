import { createHash } from "node:crypto";
import { exponentOf, majorFromMinor, minorFromMajor } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  SimulatedAnswer,
  SimulatedPurchase,
  SimulatedRequest,
  SimulatedWebhook,
  SelfMadeSimulator as Simulator,
} from "../../contract/simulator.ts";
import { fitting, type Line, type Parcel } from "./items.ts";
import type { transactionStatuses, transactionTypes } from "./wire.ts";

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

export interface SimulatorOptions {
  /** Shrinks the push schedule: 1/60 makes minutes seconds, 0 makes the next attempt due at once. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly merchantApiKey?: string;
  readonly merchantApiSecret?: string;
}

interface Made {
  readonly PaymentTransactionId: number;
  readonly OriginalPaymentTransactionId: number | null;
  readonly Type: Type;
  Status: Status;
  readonly amount: Minor;
  Timestamp: string;
  ErrorCode: string | null;
}

interface Action {
  readonly ActionType: "Reserve" | "Ship" | "Return" | "Release";
  readonly PaymentTransactionId: number;
  readonly line: Line;
}

interface Held {
  readonly purchase: SimulatedPurchase;
  readonly OrderId: number;
  status: "InProcess" | "OnHold" | "Completed" | "Refused";
  method: string;
  MerchantReference: string;
  readonly transactions: Made[];
  readonly actions: Action[];
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
  loseNext: number;
  readonly pushes: Push[];
}

/** A push that is being tried. */
interface Push {
  readonly webhook: SimulatedWebhook;
  readonly since: number;
  /** How many attempts nobody answered. */
  attempts: number;
}

interface Possible {
  possible(held: Held): boolean;
  act(held: Held, amount: Minor | undefined): void;
}

/** Qliro Checkout with a memory: the merchant API, the admin API and the three kinds of pushes. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { timeScale = 1, merchantApiKey = "SIMULATED_KEY", merchantApiSecret = "simulated-api-secret" } = options;
  const now = options.now ?? Date.now;
  const orders = new Map<number, Held>();
  const requestIds = new Map<string, number>();
  let ids = 4_711_000;
  const nextId = (): number => (ids += 1);
  // Qliro says no zone.
  const time = (): string => new Date(now()).toISOString().replace("Z", "");

  function transact(held: Held, Type: Type, Status: Status, amount: Minor, original: number | null = null): Made {
    const made = {
      PaymentTransactionId: nextId(),
      OriginalPaymentTransactionId: original,
      Type,
      Status,
      amount,
      Timestamp: time(),
      ErrorCode: Status === "Error" ? "PAYMENT_DECLINED" : null,
    };
    held.transactions.push(made);
    return made;
  }

  function reserve(held: Held, made: Made, lines: readonly Line[]): void {
    for (const line of lines)
      held.actions.push({ ActionType: "Reserve", PaymentTransactionId: made.PaymentTransactionId, line });
  }

  /** Sends what Qliro sends under one of the three URLs. */
  function send(
    held: Held,
    webhook: "push" | "status" | "save-recurring-details",
    said: Readonly<Record<string, Json>>,
  ) {
    const url = held.purchase.callbackUrls[webhook];
    if (url === undefined) return;
    if (held.loseNext > 0) {
      held.loseNext -= 1;
      return;
    }
    const body = JSON.stringify({ OrderId: held.OrderId, ...said });
    const headers = { "content-type": "application/json" };
    held.pushes.push({ webhook: { webhook, method: "POST", url, headers, body }, since: now(), attempts: 0 });
  }

  function pushStatus(held: Held, status = held.status): void {
    const { MerchantReference } = held;
    const NotificationType = "CustomerCheckoutStatus";
    send(held, "push", { MerchantReference, Status: status, Timestamp: time(), NotificationType });
  }

  function pushTransaction(held: Held, made: Made): void {
    const { PaymentTransactionId, OriginalPaymentTransactionId, Type, Status, ErrorCode } = made;
    send(held, "status", {
      MerchantReference: held.MerchantReference,
      PaymentTransactionId,
      OriginalPaymentTransactionId,
      PaymentType: Type,
      Status,
      Amount: major(held, made.amount),
      Currency: held.purchase.currency,
      ErrorCode,
      ProviderTransactionId: `P-${PaymentTransactionId}`,
      TimeStamp: time(),
    });
  }

  function pushUpsell(
    held: Held,
    UpsellId: string,
    Status: "Success" | "Error",
    made: Made | null,
    replaces: boolean,
  ): void {
    send(held, "push", {
      MerchantReference: held.MerchantReference,
      NotificationType: "UpsellStatus",
      Status,
      Timestamp: time(),
      UpsellId,
      PaymentTransactionId: made?.PaymentTransactionId ?? 0,
      OriginalPaymentTransactionId: reserved(held)[0]?.PaymentTransactionId ?? 0,
      ReplacesOriginalPaymentTransaction: replaces,
    });
  }

  function buy(held: Held, Type: "Preauthorization" | "Debit", method: string): Made {
    held.method = method;
    const running = attempt(held);
    if (running !== undefined) running.Status = "Cancelled";
    const made = transact(held, Type, "Success", held.purchase.amount);
    reserve(held, made, linesFor(held));
    complete(held);
    return made;
  }

  function complete(held: Held): void {
    held.status = "Completed";
    held.upsellUntil = now() + upsellMinutes * minute;
    if (held.purchase.recurring === true) held.cardId = `c2a5d9f0-4b7e-4f1a-9a11-${String(nextId()).padStart(12, "0")}`;
    pushStatus(held);
    if (held.cardId !== null) pushCard(held, held.cardId);
  }

  function pushCard(held: Held, Id: string): void {
    const card = { CardBrandName: "MASTERCARD", CardBin: "512345", CardLast4Digits: "0008" };
    send(held, "save-recurring-details", { Id, ...card, CardExpiryYear: 2029, CardExpiryMonth: 5, TimeStamp: time() });
  }

  /** Starts what order management is told, for those lines of one transaction. */
  function start(held: Held, kind: "Ship" | "Return" | "Release", original: number, lines: readonly Line[]): Made {
    const type = { Ship: "Capture", Return: "Refund", Release: "Reversal" } as const;
    const made = transact(held, type[kind], "Created", worth(held, lines), original);
    for (const line of lines)
      held.actions.push({ ActionType: kind, PaymentTransactionId: made.PaymentTransactionId, line });
    return made;
  }

  function finish(held: Held, made: Made, Status: "Success" | "Error"): void {
    made.Status = Status;
    made.Timestamp = time();
    if (Status === "Error") made.ErrorCode = "PROVIDER_ERROR";
    pushTransaction(held, made);
  }

  /** Starts it for all that is left, or for lines that come to the amount. */
  function begin(held: Held, kind: "Ship" | "Return" | "Release", amount: Minor | undefined): readonly Made[] {
    const left = parcels(held, kind);
    const chosen = amount === undefined ? left : fitting(left, amount, held.purchase.currency);
    if (chosen === undefined || chosen.length === 0) throw new Error("no lines come to this amount");
    return chosen.map(({ transactionId, lines }) => start(held, kind, Number(transactionId), lines));
  }

  function upsell(held: Held, outcome: "add" | "replace" | "fail"): void {
    const UpsellId = `ups-${held.OrderId}-${(held.upsells += 1)}`;
    if (outcome === "fail") {
      held.upsellFailed = true;
      pushUpsell(held, UpsellId, "Error", null, false);
      return;
    }
    const [original] = reserved(held);
    const extra: Line = { reference: `upsold-${held.upsells}`, type: "Product", price: 25, quantity: 1 };
    const kept = outcome === "replace" ? parcels(held, "Ship").flatMap(({ lines }) => lines) : [];
    const made = transact(held, "Preauthorization", "Success", worth(held, [...kept, extra]));
    reserve(held, made, [...kept, extra]);
    held.upsold.push({ UpsellId, PaymentTransactionId: made.PaymentTransactionId });
    pushUpsell(held, UpsellId, "Success", made, outcome === "replace");
    if (outcome === "replace" && original !== undefined) held.retired.add(original.PaymentTransactionId);
  }

  const unbought = ({ status, transactions }: Held): boolean =>
    (status === "InProcess" || status === "Refused") && !transactions.some(isHeld);
  const ready = (held: Held): boolean => held.status === "Completed" && !held.transactions.some(isRunning);
  const open = (held: Held): boolean => ready(held) && parcels(held, "Ship").length > 0;
  const taken = (held: Held): boolean => ready(held) && parcels(held, "Return").length > 0;
  const sellable = (held: Held): boolean => open(held) && held.upsellUntil !== null && held.upsellUntil > now();
  const replaceable = (held: Held): boolean => sellable(held) && parcels(held, "Ship").length === 1 && untouched(held);

  const actions: Readonly<Record<string, Possible>> = {
    pay: { possible: unbought, act: (held) => void buy(held, "Preauthorization", "QLIRO_INVOICE") },
    "pay-by-card": { possible: unbought, act: (held) => void buy(held, "Preauthorization", "CREDITCARDS") },
    "pay-directly": { possible: unbought, act: (held) => void buy(held, "Debit", "SWISH") },
    "pay-by-trustly": { possible: unbought, act: (held) => void buy(held, "Preauthorization", "TRUSTLY") },
    "pay-with-lag": {
      possible: unbought,
      act: (held) => {
        buy(held, "Preauthorization", "QLIRO_INVOICE");
        held.hiddenReads = laggingReads;
      },
    },
    "pay-with-review": {
      possible: unbought,
      act: (held) => {
        held.method = "QLIRO_INVOICE";
        transact(held, "Preauthorization", "OnHold", held.purchase.amount);
        held.status = "OnHold";
        pushStatus(held);
      },
    },
    // Two statuses of one order at once, the stale one last.
    "pay-twice-told": {
      possible: unbought,
      act: (held) => {
        buy(held, "Preauthorization", "TRUSTLY");
        pushStatus(held, "OnHold");
      },
    },
    "start-attempt": {
      possible: (held) => unbought(held) && attempt(held) === undefined,
      act: (held) => {
        held.status = "InProcess";
        transact(held, "Preauthorization", "UserInteractionRequired", held.purchase.amount);
      },
    },
    "fail-attempt": {
      possible: (held) => attempt(held) !== undefined && held.status === "InProcess",
      act: (held) => {
        const made = attempt(held);
        if (made !== undefined) finish(held, made, "Error");
      },
    },
    accept: {
      possible: ({ status }) => status === "OnHold",
      act: (held) => {
        const made = attempt(held);
        if (made !== undefined) {
          made.Status = "Success";
          reserve(held, made, linesFor(held));
        }
        complete(held);
      },
    },
    refuse: {
      possible: (held) => held.status === "OnHold" || unbought(held),
      act: (held) => {
        const made = attempt(held);
        if (made !== undefined) Object.assign(made, { Status: "Error", ErrorCode: "PAYMENT_DECLINED" });
        held.status = "Refused";
        pushStatus(held);
      },
    },
    capture: {
      possible: open,
      act: (held, amount) => begin(held, "Ship", amount).forEach((made) => finish(held, made, "Success")),
    },
    "capture-fails": {
      possible: open,
      act: (held) => begin(held, "Ship", undefined).forEach((made) => finish(held, made, "Error")),
    },
    "start-capture": { possible: open, act: (held, amount) => void begin(held, "Ship", amount) },
    "finish-started": {
      possible: (held) => held.transactions.some(isStarted),
      act: (held) => held.transactions.filter(isStarted).forEach((made) => finish(held, made, "Success")),
    },
    refund: {
      possible: taken,
      act: (held, amount) => begin(held, "Return", amount).forEach((made) => finish(held, made, "Success")),
    },
    "refund-fails": {
      possible: taken,
      act: (held) => begin(held, "Return", undefined).forEach((made) => finish(held, made, "Error")),
    },
    // A discount or an item that is not to be delivered: `UpdateItems` gives a part back, and nothing is cancelled.
    reduce: {
      possible: (held) => open(held) && parcels(held, "Ship").some(({ lines }) => lines.length > 1),
      act: (held, amount) => {
        const [line] = parcels(held, "Ship")[0]?.lines ?? [];
        const piece = line === undefined ? 0 : worth(held, [{ ...line, quantity: 1 }]);
        const made = begin(held, "Release", amount ?? piece);
        for (const one of made) finish(held, one, "Success");
      },
    },
    cancel: { possible: open, act: (held) => cancel(held) },
    "cancel-fails": {
      possible: open,
      act: (held) => begin(held, "Release", undefined).forEach((made) => finish(held, made, "Error")),
    },
    "upsell-adds": { possible: sellable, act: (held) => upsell(held, "add") },
    "upsell-replaces": { possible: replaceable, act: (held) => upsell(held, "replace") },
    // What was replaced is given back later; until then only the push tells of it.
    "reverse-replaced": {
      possible: ({ retired }) => retired.size > 0,
      act: (held) => {
        for (const id of held.retired) {
          const amount = held.transactions.find((made) => made.PaymentTransactionId === id)?.amount ?? 0;
          finish(held, transact(held, "Reversal", "Created", amount, id), "Success");
        }
        held.retired.clear();
      },
    },
    // One is enough for a story: the shopper does not come back to what failed.
    "upsell-fails": { possible: (held) => sellable(held) && !held.upsellFailed, act: (held) => upsell(held, "fail") },
    "save-card": {
      possible: (held) => ready(held) && held.method === "CREDITCARDS" && held.cardId === null,
      act: (held) => {
        held.cardId = `c2a5d9f0-4b7e-4f1a-9a11-${String(nextId()).padStart(12, "0")}`;
        pushCard(held, held.cardId);
      },
    },
    "rename-reference": {
      possible: ready,
      act: (held) => {
        held.MerchantReference = `SE${held.OrderId}`;
        // What was bought with Qliro's own methods gets a transaction for it (documented; its type is inferred), which moves no money.
        if (held.method.startsWith("QLIRO_")) finish(held, transact(held, "UpdateInvoice", "Created", 0), "Success");
      },
    },
    "lose-webhook": { possible: () => true, act: (held) => void (held.loseNext += 1) },
    // Nobody answers the next attempt: the push comes again at the next time of the schedule.
    "delay-push": {
      possible: ({ pushes }) => pushes.length > 0,
      act: ({ pushes }) => {
        for (const push of pushes) push.attempts += 1;
      },
    },
    "duplicate-push": {
      possible: ({ status }) => status !== "InProcess",
      act: (held) => void [pushStatus(held), pushStatus(held)],
    },
  };

  /** Trustly has the money already: it is given back by a refund beside the reversal. */
  function cancel(held: Held): readonly Made[] {
    const made = begin(held, "Release", undefined);
    for (const reversal of made) {
      finish(held, reversal, "Success");
      if (held.method !== "TRUSTLY") continue;
      const refund = transact(held, "Refund", "Created", reversal.amount, reversal.OriginalPaymentTransactionId);
      finish(held, refund, "Success");
    }
    return made;
  }

  function operate(held: Held, call: string, body: unknown): SimulatedAnswer {
    if (!isRecord(body) || body["MerchantApiKey"] !== merchantApiKey) return refuse(400, "UNAUTHORIZED");
    const requestId = typeof body["RequestId"] === "string" ? body["RequestId"] : "";
    if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(requestId)) return refuse(400, "INVALID_INPUT");
    if (now() - (requestIds.get(requestId) ?? -Infinity) < requestIdLife) return refuse(400, "INVALID_REQUEST");
    requestIds.set(requestId, now());
    if (held.transactions.some(isRunning))
      return refuse(400, "OPERATION_NOT_SUPPORTED", "Another transaction is in process");
    if (call !== "cancelOrder" && body["Currency"] !== held.purchase.currency) return refuse(400, "CURRENCY_MISMATCH");
    switch (call) {
      case "MarkItemsAsShipped":
        if (parcels(held, "Ship").length === 0) return refuse(400, "NO_ITEMS_LEFT_IN_RESERVATION");
        return carryOut(held, "Ship", body["Shipments"]);
      case "ReturnItems":
        if (parcels(held, "Return").length === 0) return refuse(400, "NO_SHIPPED_ITEMS_AVAILABLE");
        return carryOut(held, "Return", body["Returns"]);
      case "cancelOrder":
        if (parcels(held, "Ship").length === 0) {
          const released = held.transactions.some(({ Type, Status }) => Type === "Reversal" && Status === "Success");
          return refuse(400, released ? "ORDER_HAS_BEEN_CANCELLED" : "NO_ITEMS_TO_CANCEL");
        }
        return created(cancel(held));
      default:
        return { status: 404 };
    }
  }

  /** The answer only names transactions; here they have come to their end when it arrives, and the pushes are on their way. */
  function carryOut(held: Held, kind: "Ship" | "Return", asked: unknown): SimulatedAnswer {
    const left = parcels(held, kind);
    const wanted = parcelsIn(asked);
    for (const { transactionId, lines } of wanted) {
      const own = left.find((parcel) => parcel.transactionId === transactionId);
      if (own === undefined) return refuse(400, "PAYMENT_REFERENCE_IS_INCORRECT");
      for (const line of lines) {
        const match = own.lines.find(({ reference, price }) => reference === line.reference && price === line.price);
        if (match === undefined) return refuse(400, "INVALID_ITEM");
        if (line.quantity > match.quantity) return refuse(400, "EXCEEDING_QUANTITY");
      }
    }
    if (wanted.length === 0) return refuse(400, "INVALID_INPUT");
    const made = wanted.map(({ transactionId, lines }) => start(held, kind, Number(transactionId), lines));
    const answer = created(made);
    for (const one of made) finish(held, one, "Success");
    return answer;
  }

  function route({ method, path, body }: SimulatedRequest): SimulatedAnswer {
    const [, call] = /^\/checkout\/adminapi\/v2\/(\w+)$/.exec(path) ?? [];
    if (method === "POST" && call !== undefined) {
      const held = isRecord(body) ? orders.get(Number(body["OrderId"])) : undefined;
      return held === undefined ? refuse(400, "ORDER_NOT_FOUND") : operate(held, call, body);
    }
    const [, api, id] = /^\/checkout\/(adminapi\/v2\/orders|merchantapi\/Orders)\/(\d+)$/.exec(path) ?? [];
    const held = orders.get(Number(id));
    if (method !== "GET" || held === undefined) return { status: 404 };
    if (api === "merchantapi/Orders") return { status: 200, body: checkoutBody(held) };
    // The ledger begins with the first attempt, and may lag behind it.
    if (held.transactions.length === 0) return { status: 404 };
    if (held.hiddenReads > 0) {
      held.hiddenReads -= 1;
      return { status: 404 };
    }
    return { status: 200, body: orderBody(held) };
  }

  function upsellBody({ upsellUntil, status, upsold }: Held): Record<string, Json> {
    return {
      IsUpsellOrder: upsold.length > 0,
      EligibleForUpsell: status === "Completed" && upsellUntil !== null && upsellUntil > now(),
      EligibleForUpsellUntil: upsellUntil === null ? null : new Date(upsellUntil).toISOString(),
    };
  }

  function checkoutBody(held: Held): Json {
    const { OrderId, MerchantReference, purchase, status, method, cardId } = held;
    const bought = status === "Completed" || status === "OnHold";
    return {
      OrderId,
      MerchantReference,
      Currency: purchase.currency,
      Country: "SE",
      TotalPrice: major(held, purchase.amount),
      CustomerCheckoutStatus: status,
      Customer: shopper,
      BillingAddress: address,
      MerchantProvidedMetadata: metadataOf(held),
      OrderItems: bought ? orderItems(held) : [],
      PaymentMethod: method === "" ? null : { PaymentMethodName: method, PaymentTypeCode: method },
      Upsell: { ...upsellBody(held), UpsellTotalPrice: 0 },
      MerchantSavedCreditCard:
        cardId === null
          ? null
          : { Id: cardId, BrandName: 2, ExpiryYear: 2029, ExpiryMonth: 5, Bin: "512345", Last4Digits: "0008" },
      OrderHtmlSnippet: "<div>a session</div>",
    };
  }

  function orderItems({ actions: done, upsold }: Held): Json {
    return done
      .filter(({ ActionType }) => ActionType === "Reserve")
      .map(({ line, PaymentTransactionId }) => ({
        ...wireLine(line),
        Description: line.reference,
        PaymentTransactionId,
        UpsellId: upsold.find((bought) => bought.PaymentTransactionId === PaymentTransactionId)?.UpsellId ?? null,
      }));
  }

  function orderBody(held: Held): Json {
    const { OrderId, MerchantReference, purchase, method, transactions } = held;
    return {
      OrderId,
      MerchantReference,
      Currency: purchase.currency,
      Country: "SE",
      Customer: shopper,
      BillingAddress: address,
      ShippingAddress: address,
      MerchantProvidedMetadata: metadataOf(held),
      PaymentTransactions: transactions.map(({ amount, ...made }) => ({
        ...made,
        OrderId,
        Amount: major(held, amount),
        Currency: purchase.currency,
        PaymentMethodName: method,
        ProviderTransactionId: `P-${made.PaymentTransactionId}`,
      })),
      OrderItemActions: held.actions.map(({ ActionType, PaymentTransactionId, line }, index) => ({
        Id: index + 1,
        ActionType,
        PaymentTransactionId,
        ...wireLine(line),
      })),
      Upsell: upsellBody(held),
    };
  }

  function heldOf(reference: string): Held {
    const held = orders.get(Number(reference));
    if (held === undefined) throw new Error(`Qliro knows no order ${reference}`);
    return held;
  }

  return {
    settings: (apiUrl) => ({ apiUrl, merchantApiKey, merchantApiSecret, useUpsell: true }),
    answer(request) {
      // Hashed over the text that was sent, which prints the same again: our client sends compact JSON.
      const text = request.method === "GET" ? "" : JSON.stringify(request.body);
      const token = createHash("sha256").update(`${text}${merchantApiSecret}`, "utf8").digest("base64");
      return request.headers["authorization"] === `Qliro ${token}` ? route(request) : refuse(401, "UNAUTHORIZED");
    },
    open(purchase) {
      const OrderId = nextId();
      orders.set(OrderId, {
        purchase,
        OrderId,
        status: "InProcess",
        method: "",
        // Qliro takes 25 characters.
        MerchantReference: purchase.paymentId.slice(0, 25),
        transactions: [],
        actions: [],
        upsold: [],
        upsells: 0,
        upsellFailed: false,
        retired: new Set(),
        upsellUntil: null,
        cardId: null,
        hiddenReads: 0,
        loseNext: 0,
        pushes: [],
      });
      return String(OrderId);
    },
    actions(reference) {
      const held = heldOf(reference);
      return Object.keys(actions).filter((name) => actions[name]?.possible(held));
    },
    act(reference, name, amount) {
      const held = heldOf(reference);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (action?.possible(held) !== true) throw new Error(`Qliro cannot ${name} this order now`);
      if (amount !== undefined && (!Number.isSafeInteger(amount) || amount <= 0)) throw new Error("not an amount");
      action.act(held, amount);
    },
    due(at) {
      return [...orders.values()].flatMap(({ pushes }) =>
        pushes.splice(0).flatMap((push) => {
          const offset = pushSchedule[push.attempts];
          if (offset === undefined) return [];
          if (push.since + offset * timeScale > at) {
            pushes.push(push);
            return [];
          }
          // Nobody says what came of an attempt: it counts as answered, unless somebody said before that it would not be.
          return [push.webhook];
        }),
      );
    },
    describe: (reference) => describe(heldOf(reference)),
  };
}

function major({ purchase }: Held, amount: Minor): number {
  return majorFromMinor(amount, purchase.currency);
}

/** What whoever created the order said of us. The merchant reference may be rewritten, this stays. */
function metadataOf({ purchase }: Held): Json {
  return [{ Key: "paymentId", Value: purchase.paymentId }];
}

/** Six and four pieces of a tenth of the amount each, so that parts of it can be shipped; what is left over is a line of its own. */
function linesFor({ purchase: { amount, currency } }: Held): readonly Line[] {
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

function worth({ purchase: { currency } }: Held, lines: readonly Line[]): Minor {
  return lines.reduce((sum, { price, quantity }) => sum + minorFromMajor(price, currency) * quantity, 0);
}

/** What Qliro counts as left to ship, release or return, by the transaction that brought it. */
function parcels({ transactions, actions, retired }: Held, kind: "Ship" | "Return" | "Release"): readonly Parcel[] {
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
    if (!isRecord(parcel)) return [];
    const lines = list(parcel["OrderItems"]).flatMap((item) => {
      if (!isRecord(item)) return [];
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

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(held: Held): string {
  const { status, transactions, purchase } = held;
  const sum = (...types: readonly Type[]): Minor =>
    transactions
      .filter(({ Type, Status }) => Status === "Success" && types.includes(Type))
      .reduce((total, { amount }) => total + amount, 0);
  const show = (minor: Minor): string => major(held, minor).toFixed(exponentOf(purchase.currency));
  const parts = [
    `${status} ${show(purchase.amount)} ${purchase.currency}`,
    `authorised ${show(sum("Preauthorization", "Debit"))}`,
    `captured ${show(sum("Capture", "Debit"))}`,
    `reversed ${show(sum("Reversal"))}`,
    `refunded ${show(sum("Refund"))}`,
    ...transactions.filter(isRunning).map(({ Type, Status }) => `${Type} ${Status}`),
  ];
  return parts.join(", ");
}
