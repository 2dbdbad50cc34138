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
import { authorizationFor } from "./authorization.ts";
import type { Refund } from "./schema.ts";

const minute = 60_000;
const hour = 60 * minute;

/** The merchant's credentials at the simulated Nexi. */
const credentials = { secretKey: "test-secret-key-simulated", webhookSecret: "simulated-webhook-secret" };

/** "A certain number of times" with growing pauses: how many, Nexi does not say (docs/psp/nexi.md, c). */
const schedule = [0, minute, 5 * minute, 15 * minute, hour, 6 * hour];

interface HeldCharge {
  readonly id: string;
  readonly amount: Minor;
  readonly at: string;
}

interface HeldRefund {
  readonly id: string;
  readonly amount: Minor;
  state: Refund["state"];
  at: string;
}

/** A payment as Nexi holds it. */
interface Held extends SimulatedHeld {
  readonly createdAt: string;
  reserved: Minor;
  cancelled: Minor;
  method: string;
  type: string;
  terminatedAt?: string;
  /** The reservation is too old: nobody hears of it before the next charge is refused. */
  lapsed: boolean;
  /** A charge or a cancellation was refused for it. */
  toldOfLapse: boolean;
  readonly charges: HeldCharge[];
  readonly refunds: HeldRefund[];
}

type Action = SimulatedAction<Held>;
type Fields = { readonly [key: string]: Json };

/** Nexi Checkout with a memory. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  return {
    settings: () => credentials,
    namesReversals: true,
    // How Nexi counts currencies without hundredths is not known.
    currencies: ["SEK", "NOK", "DKK", "EUR", "USD", "GBP", "CHF", "PLN"],
    refuse: ({ headers }) => (headers["authorization"] === credentials.secretKey ? undefined : { status: 401 }),
    idempotency: { header: "idempotency-key", keeps: ({ status }) => status < 500 },
    routes: routesOf(kernel),
    open: (payment) => ({
      payment,
      reference: hexFrom(payment.uuid()),
      createdAt: kernel.time(),
      reserved: 0,
      cancelled: 0,
      method: "",
      type: "",
      lapsed: false,
      toldOfLapse: false,
      charges: [],
      refunds: [],
    }),
    actions: { ...shopperOf(kernel), ...portalOf(kernel), ...methodOf(kernel) },
    money: moneyIn,
    describe: (held) =>
      `reserved ${held.reserved}, cancelled ${held.cancelled}, ${held.charges.length} charges, refunds ${held.refunds.map(({ state }) => state).join(" ") || "none"}${held.type === "" ? "" : `, ${held.type}`}${held.terminatedAt === undefined ? "" : ", terminated"}${held.lapsed ? ", lapsed" : ""}`,
  };
}

/** What the shopper does. */
function shopperOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const possible = (held: Held): boolean => !isHeld(held) && held.terminatedAt === undefined;
  return {
    pay: {
      possible,
      act(held) {
        Object.assign(held, { method: "Visa", type: "CARD", reserved: held.payment.purchase.amount });
        const facts = { paymentMethod: held.method, paymentType: held.type, amount: amountFrom(held, held.reserved) };
        announce(kernel, held, "payment.reservation.created", { reserveId: idOf(held, "reserve"), ...facts });
        announce(kernel, held, "payment.reservation.created.v2", { ...facts, subscriptionId: "", myReference: "" });
        announce(kernel, held, "payment.checkout.completed", checkoutOf(held));
      },
    },
    // Swish, Trustly and their like reserve nothing: what is paid is charged.
    "pay-auto-captured": {
      possible,
      act(held) {
        Object.assign(held, { method: "Swish", type: "A2A" });
        charge(kernel, held, held.payment.purchase.amount);
        announce(kernel, held, "payment.checkout.completed", checkoutOf(held));
      },
    },
    // The shopper has chosen a bank transfer, and nothing is known of the money yet.
    "pay-by-transfer": {
      possible: (held) => possible(held) && held.type === "",
      act(held) {
        Object.assign(held, { method: "Trustly", type: "A2A" });
        announce(kernel, held, "payment.checkout.completed", checkoutOf(held));
      },
    },
    // The checkout stays open: the same payment can be paid otherwise.
    decline: {
      possible,
      act: (held) => announceFailure(kernel, held, "payment.reservation.failed", "22", held.payment.purchase.amount),
    },
    abandon: { possible, act: (held) => void Object.assign(held, { terminatedAt: kernel.time() }) },
  };
}

/** What the merchant's portal does, as an operation does it. */
function portalOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const refunding = (state: "Completed" | "Pending"): Action => ({
    possible: (held) => refundableIn(held) > 0,
    amount: { most: refundableIn },
    act: (held, amount) => void refund(kernel, held, amount, state),
  });
  return {
    capture: {
      possible: (held) => openIn(held) > 0 && !held.lapsed,
      amount: { most: openIn },
      act: (held, amount) => void charge(kernel, held, amount),
    },
    refund: refunding("Completed"),
    "queue-refund": refunding("Pending"),
    cancel: {
      possible: (held) => openIn(held) > 0 && chargedIn(held) === 0 && !held.lapsed,
      act: (held) => cancel(kernel, held),
    },
    // What is left behind a partial charge goes back by itself: nobody can tell Nexi to let it go.
    release: {
      possible: (held) => openIn(held) > 0 && chargedIn(held) > 0 && !held.lapsed,
      act: (held) => cancel(kernel, held),
    },
  };
}

/** What the payment method and time do. */
function methodOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const pending = ({ refunds }: Held) => refunds.find(({ state }) => state === "Pending");
  const completed = ({ refunds }: Held) => refunds.find(({ state }) => state === "Completed");
  const endRefund = (state: Refund["state"], event: string, which = pending): Action => ({
    possible: (held) => which(held) !== undefined,
    act(held) {
      const one = which(held);
      if (one === undefined) return;
      Object.assign(one, { state, at: kernel.time() });
      const facts = { refundId: one.id, amount: amountFrom(held, one.amount) };
      const error = state === "Completed" ? {} : { error: errorOf("99") };
      announce(kernel, held, event, { ...facts, ...error });
    },
  });
  return {
    "execute-refund": endRefund("Completed", "payment.refund.completed"),
    "fail-refund": endRefund("Failed", "payment.refund.failed"),
    "cancel-refund": endRefund("Cancelled", "payment.refund.failed"),
    // Weeks later: the shopper's account is closed.
    "return-refund": endRefund("Failed", "payment.refund.failed", completed),
    "fail-capture": {
      possible: (held) => openIn(held) > 0,
      act: (held) =>
        announceFailure(kernel, held, "payment.charge.failed", "99", openIn(held), { chargeId: idOf(held, "charge") }),
    },
    // Nothing tells of it: the next charge is refused.
    lapse: { possible: (held) => openIn(held) > 0 && !held.lapsed, act: (held) => void (held.lapsed = true) },
  };
}

/** Nexi's API. */
function routesOf(kernel: Kernel<Held>): Routes {
  const path = "/v1/payments/{id}";
  const of =
    (answer: (held: Held, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.part("id"));
      return held === undefined ? { status: 404 } : answer(held, call);
    };
  return {
    [`GET ${path}`]: of((held) => ({ status: 200, body: { payment: shown(kernel, held) } })),
    [`POST ${path}/charges`]: of((held, { fields }) => {
      const fault = faultOf(fields) ?? chargeFaultOf(held, Number(fields["amount"]));
      if (fault !== undefined) return fault;
      return { status: 201, body: { chargeId: charge(kernel, held, Number(fields["amount"])).id } };
    }),
    [`POST ${path}/cancels`]: of((held, { fields }) => {
      const fault = cancelFaultOf(held, fields["amount"]);
      if (fault !== undefined) return fault;
      cancel(kernel, held);
      return { status: 204 };
    }),
    [`POST ${path}/refunds`]: of((held, { fields }) => {
      const amount = Number(fields["amount"]);
      const fault = faultOf(fields) ?? (amount > refundableIn(held) ? refundFaultOf(held) : undefined);
      if (fault !== undefined) return fault;
      return { status: 201, body: { refundId: refund(kernel, held, amount, "Completed").id } };
    }),
  };
}

/** An amount has to be a whole number above nothing, and order lines have to add up to it. */
function faultOf({ amount, orderItems }: Readonly<Record<string, unknown>>): SimulatedAnswer | undefined {
  if (typeof amount !== "number" || !Number.isSafeInteger(amount))
    return { status: 400, body: { errors: { amount: ["Amount is invalid"] } } };
  if (amount <= 0) return refusal("1002");
  if (!Array.isArray(orderItems)) return undefined;
  const total = sum(orderItems as { readonly grossTotalAmount: Minor }[], ({ grossTotalAmount }) => grossTotalAmount);
  return total === amount ? undefined : refusal("1005");
}

function chargeFaultOf(held: Held, amount: Minor): SimulatedAnswer | undefined {
  if (held.lapsed && openIn(held) > 0) return lapsed(held);
  if (held.reserved === 0) return refusal("1003");
  if (held.cancelled > 0) return refusal("1019");
  return amount > openIn(held) ? refusal("1001") : undefined;
}

function cancelFaultOf(held: Held, amount: unknown): SimulatedAnswer | undefined {
  if (chargedIn(held) > 0) return refusal("1008");
  if (held.cancelled > 0) return refusal("1019");
  if (held.reserved === 0) return refusal("1003");
  if (held.lapsed) return lapsed(held);
  return amount === held.reserved ? undefined : refusal("1007");
}

function refundFaultOf(held: Held): SimulatedAnswer {
  return refusal(refundableIn(held) === 0 && chargedIn(held) > 0 ? "1023" : "1009");
}

function lapsed(held: Held): SimulatedAnswer {
  held.toldOfLapse = true;
  return refusal("1010");
}

function charge(kernel: Kernel<Held>, held: Held, amount: Minor): HeldCharge {
  const made = { id: idOf(held, "charge"), amount, at: kernel.time() };
  held.charges.push(made);
  const { method: paymentMethod, type: paymentType } = held;
  const facts = { chargeId: made.id, paymentMethod, paymentType, orderItems: [], amount: amountFrom(held, amount) };
  announce(kernel, held, "payment.charge.created.v2", facts, made.id);
  return made;
}

function refund(kernel: Kernel<Held>, held: Held, amount: Minor, state: "Completed" | "Pending"): HeldRefund {
  const made: HeldRefund = { id: idOf(held, "refund"), amount, state, at: kernel.time() };
  held.refunds.push(made);
  const facts = { refundId: made.id, amount: amountFrom(held, amount) };
  announce(kernel, held, "payment.refund.initiated.v2", { ...facts, chargeId: held.charges[0]?.id ?? "" });
  if (state === "Completed") announce(kernel, held, "payment.refund.completed", facts, made.id);
  return made;
}

function cancel(kernel: Kernel<Held>, held: Held): void {
  held.cancelled = openIn(held);
  const id = idOf(held, "cancel");
  announce(
    kernel,
    held,
    "payment.cancel.created",
    { cancelId: id, orderItems: [], amount: amountFrom(held, held.cancelled) },
    id,
  );
}

function checkoutOf(held: Held): Fields {
  const { purchase } = held.payment;
  return {
    order: { amount: amountFrom(held, purchase.amount), reference: purchase.paymentId, orderItems: [] },
    consumer: { firstName: "Testperson", lastName: "Approved", email: "testperson@example.invalid" },
  };
}

function announceFailure(
  kernel: Kernel<Held>,
  held: Held,
  name: string,
  code: string,
  amount: Minor,
  more: Fields = {},
): void {
  announce(kernel, held, name, { error: errorOf(code), orderItems: [], amount: amountFrom(held, amount), ...more });
}

/** With the value that was given for this payment when it was created: by whoever derives it as the service does. */
function announce(kernel: Kernel<Held>, held: Held, name: string, data: Fields, id = idOf(held, "event")): void {
  const { payment, reference } = held;
  const query = URL.parse(payment.purchase.callbackUrls["event"] ?? "")?.searchParams;
  const tenant = `${query?.get("merchant") ?? ""}/${query?.get("channel") ?? ""}`;
  const authorization = authorizationFor(credentials.webhookSecret, tenant, payment.purchase.orderId);
  // Some events write the merchant's number so, others so.
  const number = name.endsWith(".v2") ? "merchantNumber" : "merchantId";
  payment.send({
    webhook: "event",
    body: {
      id,
      timestamp: kernel.time().replace("Z", "0+00:00"),
      [number]: 100_000_001,
      event: name,
      data: { ...data, paymentId: reference },
    },
    headers: () => ({ "content-type": "application/json", authorization }),
    schedule,
    delivered: ({ status }) => status === 200,
  });
}

function isHeld({ reserved, charges }: Held): boolean {
  return reserved > 0 || charges.length > 0;
}

function chargedIn({ charges }: Held): Minor {
  return sum(charges, ({ amount }) => amount);
}

function openIn(held: Held): Minor {
  return held.reserved === 0 ? 0 : held.reserved - chargedIn(held) - held.cancelled;
}

function refundedIn({ refunds }: Held, states: readonly Refund["state"][]): Minor {
  return sum(
    refunds.filter(({ state }) => states.includes(state)),
    ({ amount }) => amount,
  );
}

function refundableIn(held: Held): Minor {
  return chargedIn(held) - refundedIn(held, ["Pending", "Completed"]);
}

/** What lapsed is known to be gone from the first refusal on. */
function moneyIn(held: Held): StatedMoney | null {
  if (!isHeld(held)) return null;
  const captured = chargedIn(held);
  return {
    authorized: Math.max(held.reserved, captured),
    captured,
    refunded: refundedIn(held, ["Completed"]),
    released: held.toldOfLapse ? held.reserved - captured : held.cancelled,
    currency: held.payment.purchase.currency,
  };
}

/** What is zero is left out. */
function shown(kernel: Kernel<Held>, held: Held): Json {
  const { payment, reference, reserved, cancelled, createdAt, method, type, terminatedAt } = held;
  const { purchase } = payment;
  const sums = { reservedAmount: reserved, chargedAmount: chargedIn(held), cancelledAmount: cancelled };
  const summary = Object.entries({ ...sums, refundedAmount: refundedIn(held, ["Completed"]) });
  const card = { maskedPan: "492500******0004", expiryDate: "1229" };
  const paid = { paymentType: type, paymentMethod: method, ...(type === "CARD" ? { cardDetails: card } : {}) };
  return {
    paymentId: reference,
    summary: Object.fromEntries(summary.filter(([, amount]) => amount > 0)),
    consumer: { privatePerson: { firstName: "Testperson", lastName: "Approved" }, company: {} },
    paymentDetails: type === "" ? {} : paid,
    orderDetails: { amount: purchase.amount, currency: purchase.currency, reference: purchase.paymentId },
    checkout: { url: "https://shop.example.invalid/checkout", cancelUrl: null },
    created: createdAt,
    ...(terminatedAt === undefined ? {} : { terminated: terminatedAt }),
    charges: kernel.listed(held.charges).map(({ id: chargeId, amount, at: created }) => ({
      chargeId,
      amount,
      created,
      orderItems: [],
    })),
    refunds: kernel.listed(held.refunds).map(({ id: refundId, amount, state, at: lastUpdated }) => ({
      refundId,
      amount,
      state,
      lastUpdated,
      orderItems: [],
    })),
    ...(purchase.recurring === true && isHeld(held)
      ? { unscheduledSubscription: { unscheduledSubscriptionId: tokenOf(held) } }
      : {}),
  };
}

function tokenOf({ payment: { number } }: Held): string {
  return `f${String(number).padStart(31, "0")}`;
}

/** Ids in the shape of Nexi's, counted for each payment. */
function idOf({ payment }: Held, kind: string): string {
  const kinds = ["charge", "refund", "cancel", "event", "reserve"];
  const place = `${kinds.indexOf(kind) + 1}${String(payment.count(kind)).padStart(7, "0")}`;
  return `${place}${String(payment.number).padStart(24, "0")}`;
}

function hexFrom(uuid: string): string {
  return uuid.replaceAll("-", "");
}

function amountFrom({ payment: { purchase } }: Held, amount: Minor): Json {
  return { amount, currency: purchase.currency };
}

function errorOf(code: string): Json {
  return { code, message: "Refused by issuer", source: "Issuer" };
}

function refusal(code: string): SimulatedAnswer {
  return { status: 402, body: { code, message: "The operation is not possible", source: "Internal" } };
}
