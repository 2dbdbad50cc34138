import { createHash, createHmac } from "node:crypto";
import { exponentOf, majorFromMinor } from "../../lib/money.ts";
import type { Json, Minor, Money } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  SimulatedPayment,
  SimulatedRequest,
  Simulation,
} from "../../contract/simulator.ts";
import { authorizationOf, signedText } from "./proof.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** How often a webhook is attempted: with growing pauses, for a week. The pauses themselves are not published. */
export const webhookSchedule: readonly number[] = [
  0,
  ...[1, 5, 15, 60].map((minutes) => minutes * minute),
  ...[3, 8, 16].map((hours) => hours * hour),
  ...[1, 2, 3, 4, 5, 6, 7].map((days) => days * day),
];

/** For how long a capture is guaranteed, where the bank says a week. */
const guaranteedDays = 7;
const tokenLifeMs = hour;

/** The merchant's credentials at the simulated Vipps. */
const credentials = {
  clientId: "00000000-simulated-client",
  clientSecret: "simulated-client-secret",
  subscriptionKey: "simulated-subscription-key",
  merchantSerialNumber: "123456",
  webhookSecret: "c2ltdWxhdGVkLXdlYmhvb2stc2VjcmV0LW9mLXZpcHBz",
} as const;

/** Obviously fake: there to be seen nowhere but in Vipps' own answers. */
const shopper = {
  firstName: "Testperson",
  lastName: "Godkjent",
  email: "shopper@example.invalid",
  mobileNumber: "4700000000",
  streetAddress: "Eksempelgata 1",
};

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What Vipps wrote down of one thing that happened. */
interface Entry {
  readonly name:
    | "CREATED"
    | "AUTHORIZED"
    | "ABORTED"
    | "EXPIRED"
    | "TERMINATED"
    | "CANCELLED"
    | "CAPTURED"
    | "REFUNDED";
  readonly amount: Minor;
  readonly pspReference: string;
  readonly timestamp: string;
  readonly idempotencyKey: string | null;
  readonly success: boolean;
}

/** A purchase: an ePayment, or an agreement with the charge that it begins with. */
export interface Held extends SimulatedHeld {
  /** The charge's id; absent for an ePayment. */
  readonly chargeId?: string;
  state: "CREATED" | "AUTHORIZED" | "ABORTED" | "EXPIRED" | "TERMINATED";
  readonly books: Writable<Money>;
  readonly entries: Entry[];
  guaranteedUntil?: string;
  /** When the shopper accepted the agreement. */
  start?: string;
  stopped: boolean;
}

/** Vipps MobilePay with a memory: the ePayment, Recurring and Webhooks APIs. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  const vipps = booksOf(kernel);
  const known = new Map<string, string>();
  return {
    settings: () => ({ ...credentials }),
    currencies: ["NOK", "DKK", "EUR", "SEK"],
    refuse: (request) => refuseStranger(kernel, request) ?? refuseKey(request, known),
    grants: { "POST /accesstoken/get": (call) => grant(kernel, call) },
    idempotency: { header: "idempotency-key" },
    unknown: problem(404, "Not found", "404"),
    routes: { ...paymentRoutes(kernel, vipps), ...recurringRoutes(kernel, vipps), ...webhookRoutes(kernel) },
    open: (payment) => vipps.open(payment),
    actions: actionsOf(vipps),
    money: ({ books, payment }) => (books.authorized === 0 ? null : { ...books, currency: payment.purchase.currency }),
    describe,
  };
}

/** What can be done to a purchase; each writes an entry and sends its webhook. */
interface Books {
  open(payment: SimulatedPayment): Held;
  approve(held: Held): void;
  end(held: Held, state: "ABORTED" | "EXPIRED" | "TERMINATED", key?: string): void;
  move(held: Held, name: "CAPTURED" | "REFUNDED" | "CANCELLED", amount: Minor, key?: string): void;
  fail(held: Held): void;
  stop(held: Held): void;
}

function booksOf(kernel: Kernel<Held>): Books {
  const note = (
    held: Held,
    name: Entry["name"],
    amount: Minor,
    more: { key?: string | undefined; failed?: true } = {},
  ) => {
    const entry: Entry = {
      name,
      amount,
      pspReference: held.payment.uuid(),
      timestamp: kernel.time(),
      idempotencyKey: more.key ?? null,
      success: more.failed !== true,
    };
    held.entries.push(entry);
    for (const body of held.chargeId === undefined ? [toldOf(held, entry)] : toldOfCharge(held, entry))
      send(kernel, held, body);
  };
  const sumOf = { CAPTURED: "captured", REFUNDED: "refunded", CANCELLED: "released" } as const;
  return {
    open(payment) {
      const held = opened(payment);
      note(held, "CREATED", payment.purchase.amount);
      return held;
    },
    approve(held) {
      const { amount } = held.payment.purchase;
      held.state = "AUTHORIZED";
      held.books.authorized = amount;
      if (held.chargeId === undefined) held.guaranteedUntil = kernel.time(guaranteedDays * day);
      else held.start = kernel.time();
      note(held, "AUTHORIZED", amount);
    },
    end(held, state, key) {
      held.state = state;
      note(held, state, held.payment.purchase.amount, { key });
    },
    move(held, name, amount, key) {
      held.books[sumOf[name]] += amount;
      note(held, name, amount, { key });
    },
    fail: (held) => note(held, "CAPTURED", openIn(held), { failed: true }),
    stop(held) {
      held.stopped = true;
      send(kernel, held, agreementTold(held, "stopped", kernel.time()));
    },
  };
}

function opened(payment: SimulatedPayment): Held {
  const isAgreement = payment.purchase.recurring === true;
  const unique = payment.uuid();
  return {
    payment,
    reference: isAgreement ? `agr_${unique.replaceAll("-", "").slice(0, 12)}` : `nco-${unique}`,
    ...(isAgreement ? { chargeId: `chr-${payment.uuid().slice(0, 8)}` } : {}),
    state: "CREATED",
    books: { authorized: 0, captured: 0, refunded: 0, released: 0 },
    entries: [],
    stopped: false,
  };
}

/** What the shopper, Vipps and the merchant's portal can do. */
function actionsOf(vipps: Books): Readonly<Record<string, SimulatedAction<Held>>> {
  const isCreated = ({ state }: Held): boolean => state === "CREATED";
  const releases = (possible: (held: Held) => boolean): SimulatedAction<Held> => ({
    possible: (held) => openIn(held) > 0 && possible(held),
    act: (held) => vipps.move(held, "CANCELLED", openIn(held)),
  });
  return {
    pay: { possible: isCreated, act: (held) => vipps.approve(held) },
    // Sales units that Vipps has approved for direct capture.
    "pay-auto-captured": {
      possible: isCreated,
      act(held) {
        vipps.approve(held);
        vipps.move(held, "CAPTURED", held.payment.purchase.amount);
      },
    },
    abort: { possible: isCreated, act: (held) => vipps.end(held, "ABORTED") },
    "time-out": { possible: isCreated, act: (held) => vipps.end(held, "EXPIRED") },
    terminate: {
      possible: (held) => isCreated(held) && held.chargeId === undefined,
      act: (held) => vipps.end(held, "TERMINATED"),
    },
    capture: {
      possible: (held) => openIn(held) > 0,
      amount: { most: openIn },
      act: (held, amount) => vipps.move(held, "CAPTURED", amount),
    },
    "fail-capture": {
      possible: (held) =>
        openIn(held) > 0 && held.chargeId === undefined && held.entries.every(({ success }) => success),
      act: (held) => vipps.fail(held),
    },
    refund: {
      possible: (held) => refundableIn(held) > 0,
      amount: { most: refundableIn },
      act: (held, amount) => vipps.move(held, "REFUNDED", amount),
    },
    cancel: releases(({ books }) => books.captured === 0),
    release: releases(({ books }) => books.captured > 0),
    // At the deadline: what was not captured is let go, and nobody's key stands at it.
    expire: releases(() => true),
    "stop-agreement": {
      possible: ({ start, stopped }) => start !== undefined && !stopped,
      act: (held) => vipps.stop(held),
    },
  };
}

/** The ePayment API. */
function paymentRoutes(kernel: Kernel<Held>, vipps: Books): Routes {
  const path = "/epayment/v1/payments/{reference}";
  const of =
    (answer: (held: Held, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.part("reference"));
      return held === undefined || held.chargeId !== undefined ? problem(404, "Not found", "404") : answer(held, call);
    };
  const move = (name: "CAPTURED" | "REFUNDED", most: (held: Held) => Minor) =>
    of((held, { fields, headers }) => {
      const amount = amountIn(fields["modificationAmount"], held.payment.purchase.currency);
      if (amount === undefined) return problem(400, "Bad Request", "4000");
      if (amount > most(held)) return problem(400, "Bad Request", held.books.authorized === 0 ? "6080" : "6030");
      vipps.move(held, name, amount, headers["idempotency-key"]);
      return { status: 200, body: sumsShown(held) };
    });
  return {
    [`GET ${path}`]: of((held) => ({ status: 200, body: paymentShown(held) })),
    [`GET ${path}/events`]: of((held) => ({ status: 200, body: kernel.listed(held.entries).map(entryShown(held)) })),
    [`POST ${path}/capture`]: move("CAPTURED", openIn),
    [`POST ${path}/refund`]: move("REFUNDED", refundableIn),
    [`POST ${path}/cancel`]: of((held, { headers }) => {
      const key = headers["idempotency-key"];
      if (held.state === "CREATED") vipps.end(held, "TERMINATED", key);
      else if (openIn(held) > 0) vipps.move(held, "CANCELLED", openIn(held), key);
      else return problem(400, "Bad Request", "6060");
      return { status: 200, body: sumsShown(held) };
    }),
  };
}

/** The Recurring API. */
function recurringRoutes(kernel: Kernel<Held>, vipps: Books): Routes {
  const path = "/recurring/v3/agreements/{id}";
  const of =
    (answer: (held: Held, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.part("id"));
      if (held?.chargeId === undefined) return problem(404, "Not found", "404");
      const isOther = call.path.includes("/charges/") && call.part("charge") !== held.chargeId;
      return isOther ? problem(404, "Not found", "404") : answer(held, call);
    };
  const move = (name: "CAPTURED" | "REFUNDED", most: (held: Held) => Minor) =>
    of((held, { fields, headers }) => {
      const amount = fields["amount"];
      if (!Number.isSafeInteger(amount) || Number(amount) <= 0) return problem(400, "Bad Request", "validation-error");
      if (Number(amount) > most(held)) return problem(422, "Unprocessable", "charge-amount-too-high");
      vipps.move(held, name, Number(amount), headers["idempotency-key"]);
      return { status: 204 };
    });
  return {
    [`GET ${path}`]: of((held) => ({ status: 200, body: agreementShown(held) })),
    [`GET ${path}/charges`]: of((held) => ({ status: 200, body: kernel.listed([chargeShown(kernel, held)]) })),
    [`GET ${path}/charges/{charge}`]: of((held) => ({ status: 200, body: chargeShown(kernel, held) })),
    [`POST ${path}/charges/{charge}/capture`]: move("CAPTURED", openIn),
    [`POST ${path}/charges/{charge}/refund`]: move("REFUNDED", refundableIn),
    [`DELETE ${path}/charges/{charge}`]: of((held, { headers }) => {
      if (openIn(held) === 0) return problem(422, "Unprocessable", "charge-not-cancellable");
      vipps.move(held, "CANCELLED", openIn(held), headers["idempotency-key"]);
      return { status: 204 };
    }),
  };
}

/** The Webhooks API: a secret is told once. */
function webhookRoutes(kernel: Kernel<Held>): Routes {
  const registered: { readonly id: string; readonly url: string; readonly events: readonly string[] }[] = [];
  const path = "/webhooks/v1/webhooks";
  return {
    [`GET ${path}`]: () => ({ status: 200, body: { webhooks: kernel.listed(registered) } }),
    [`POST ${path}`]: ({ fields: { url, events } }) => {
      if (typeof url !== "string" || !Array.isArray(events)) return problem(400, "Bad Request", "validation-error");
      const id = kernel.uuid();
      registered.push({ id, url, events: events.map(String) });
      return { status: 201, body: { id, secret: `simulated-secret-${kernel.count("secret")}` } };
    },
    [`DELETE ${path}/{id}`]: ({ part }) => {
      const at = registered.findIndex(({ id }) => id === part("id"));
      if (at === -1) return problem(404, "Not found", "404");
      registered.splice(at, 1);
      return { status: 204 };
    },
  };
}

/** The gateway knows the key and the sales unit, the APIs behind it the token. */
function refuseStranger(kernel: Kernel<Held>, { headers }: SimulatedRequest): SimulatedAnswer | undefined {
  if (headers["ocp-apim-subscription-key"] !== credentials.subscriptionKey)
    return { status: 401, body: { statusCode: 401, message: "Access denied due to invalid subscription key." } };
  if (!kernel.isGranted(headers["authorization"])) return { status: 401 };
  return headers["merchant-serial-number"] === credentials.merchantSerialNumber
    ? undefined
    : problem(403, "Forbidden", "merchant-not-allowed");
}

/** What changes something needs a key; the same key for something else is a conflict. */
function refuseKey(
  { method, path, headers, body }: SimulatedRequest,
  known: Map<string, string>,
): SimulatedAnswer | undefined {
  if (method === "GET") return undefined;
  const key = headers["idempotency-key"] ?? "";
  if (key === "" || key.length > 50) return problem(400, "Bad Request", "idempotency-key");
  const asked = JSON.stringify([method, path, body ?? null]);
  const first = known.get(key) ?? asked;
  known.set(key, first);
  return first === asked ? undefined : problem(409, "Conflict", "4010");
}

function grant(kernel: Kernel<Held>, { headers }: SimulatedCall): SimulatedAnswer {
  const fits =
    headers["client_id"] === credentials.clientId &&
    headers["client_secret"] === credentials.clientSecret &&
    headers["ocp-apim-subscription-key"] === credentials.subscriptionKey;
  if (!fits) return { status: 401, body: { error: "invalid_client" } };
  const body = {
    token_type: "Bearer",
    expires_in: String(tokenLifeMs / 1_000),
    access_token: kernel.grant(tokenLifeMs),
  };
  return { status: 200, body };
}

function problem(status: number, title: string, reason: string): SimulatedAnswer {
  const about = { type: "https://httpstatuses.io/simulated", title, status, detail: `simulated: ${title}` };
  return { status, body: { ...about, traceId: "00-simulated-trace-00", extraDetails: [{ name: "error", reason }] } };
}

/** Signed at each attempt, over the URL that was registered. */
function send(kernel: Kernel<Held>, { payment }: Held, body: Json): void {
  const { host, pathname, search } = new URL(payment.purchase.callbackUrls["webhook"] ?? "http://unregistered.invalid");
  payment.send({
    webhook: "webhook",
    body,
    schedule: webhookSchedule,
    headers(text) {
      const digest = createHash("sha256").update(text).digest("base64");
      const date = new Date(kernel.now()).toUTCString();
      const signed = signedText({ target: pathname + search, date, host, digest });
      const signature = createHmac("sha256", credentials.webhookSecret).update(signed).digest("base64");
      return {
        "content-type": "application/json",
        "x-ms-date": date,
        "x-ms-content-sha256": digest,
        authorization: authorizationOf(signature),
      };
    },
  });
}

function toldOf(held: Held, entry: Entry): Json {
  return { msn: credentials.merchantSerialNumber, ...entryShown(held)(entry) };
}

function entryShown({ reference, payment }: Held): (entry: Entry) => Readonly<Record<string, Json>> {
  return ({ amount, ...entry }) => ({ reference, ...entry, amount: shown(payment.purchase.currency, amount) });
}

/** An agreement and its charge have webhooks of their own; what has no webhook is found by looking. */
function toldOfCharge(held: Held, { name, timestamp }: Entry): readonly Json[] {
  switch (name) {
    case "CREATED":
    case "TERMINATED":
    case "REFUNDED":
      return [];
    case "ABORTED":
      return [agreementTold(held, "rejected", timestamp)];
    case "EXPIRED":
      return [agreementTold(held, "expired", timestamp)];
    case "AUTHORIZED":
      return [agreementTold(held, "activated", timestamp), chargeTold(held, "reserved", timestamp)];
    case "CAPTURED":
      return [chargeTold(held, "captured", timestamp)];
    case "CANCELLED":
      return [chargeTold(held, "canceled", timestamp)];
  }
}

function agreementTold({ reference, payment: { purchase } }: Held, what: string, occurred: string): Json {
  return {
    eventType: `recurring.agreement-${what}.v1`,
    msn: credentials.merchantSerialNumber,
    agreementId: reference,
    agreementExternalId: purchase.paymentId,
    actor: "USER",
    occurred,
  };
}

function chargeTold({ reference, chargeId, books, payment: { purchase } }: Held, what: string, occurred: string): Json {
  return {
    eventType: `recurring.charge-${what}.v1`,
    msn: credentials.merchantSerialNumber,
    agreementId: reference,
    agreementExternalId: purchase.paymentId,
    chargeId: chargeId ?? null,
    chargeExternalId: purchase.paymentId,
    chargeType: "INITIAL",
    amount: purchase.amount,
    currency: purchase.currency,
    amountCaptured: books.captured,
    occurred,
  };
}

function paymentShown(held: Held): Json {
  const { payment, guaranteedUntil } = held;
  return {
    ...sumsShown(held),
    paymentMethod: { type: "WALLET", cardBin: "540185" },
    profile: { sub: "00000000-0000-0000-0000-000000000000" },
    userDetails: shopper,
    shippingDetails: { address: shopper },
    redirectUrl: "https://landing.vipps.invalid/?token=simulated",
    metadata: { norcePaymentId: payment.purchase.paymentId },
    ...(guaranteedUntil === undefined ? {} : { captureGuaranteedUntil: guaranteedUntil }),
  };
}

/** What an operation answers: the sums right after it. */
function sumsShown({ reference, state, books, entries, payment: { purchase } }: Held): Readonly<Record<string, Json>> {
  const { amount, currency } = purchase;
  const value = (minor: Minor): Json => shown(currency, minor);
  return {
    reference,
    pspReference: entries[0]?.pspReference ?? null,
    state,
    amount: value(amount),
    aggregate: {
      authorizedAmount: value(books.authorized),
      // What was withdrawn before it was approved shows as cancelled.
      cancelledAmount: value(state === "TERMINATED" ? amount : books.released),
      capturedAmount: value(books.captured),
      refundedAmount: value(books.refunded),
    },
  };
}

function agreementShown(held: Held): Json {
  const { reference, start, entries, payment } = held;
  return {
    id: reference,
    status: agreementStatusOf(held),
    created: entries[0]?.timestamp ?? null,
    start: start ?? null,
    stop: null,
    productName: "Subscription",
    externalId: payment.purchase.paymentId,
    uuid: `uuid-${payment.number}`,
    pricing: { type: "LEGACY", amount: payment.purchase.amount, currency: payment.purchase.currency },
    interval: { unit: "MONTH", count: 1, text: "every month" },
  };
}

function agreementStatusOf({ state, stopped }: Held): string {
  if (stopped) return "STOPPED";
  const statuses = {
    CREATED: "PENDING",
    AUTHORIZED: "ACTIVE",
    ABORTED: "STOPPED",
    EXPIRED: "EXPIRED",
    TERMINATED: "STOPPED",
  };
  return statuses[state];
}

const historyWords: Readonly<Record<string, string>> = {
  CREATED: "CREATE",
  AUTHORIZED: "RESERVE",
  CAPTURED: "CAPTURE",
  REFUNDED: "REFUND",
  CANCELLED: "CANCEL",
};

function chargeShown(kernel: Kernel<Held>, held: Held): Json {
  const { chargeId = "", books, entries, payment } = held;
  return {
    id: chargeId,
    externalId: payment.purchase.paymentId,
    status: chargeStatusOf(held),
    amount: payment.purchase.amount,
    currency: payment.purchase.currency,
    type: "INITIAL",
    transactionType: "RESERVE_CAPTURE",
    description: "simulated",
    summary: { captured: books.captured, refunded: books.refunded, cancelled: books.released },
    history: kernel.listed(entries).flatMap(({ name, amount, timestamp, idempotencyKey, success }): Json[] => {
      const event = historyWords[name];
      return event === undefined ? [] : [{ event, amount, occurred: timestamp, idempotencyKey, success }];
    }),
  };
}

function chargeStatusOf(held: Held): string {
  const { captured, refunded } = held.books;
  if (held.state === "CREATED") return "PENDING";
  if (held.state !== "AUTHORIZED") return "CANCELLED";
  if (captured === 0) return openIn(held) > 0 ? "RESERVED" : "CANCELLED";
  if (refunded > 0) return refunded < captured ? "PARTIALLY_REFUNDED" : "REFUNDED";
  return openIn(held) > 0 ? "PARTIALLY_CAPTURED" : "CHARGED";
}

function openIn({ books: { authorized, captured, released } }: Pick<Held, "books">): Minor {
  return authorized - captured - released;
}

function refundableIn({ books: { captured, refunded } }: Held): Minor {
  return captured - refunded;
}

function amountIn(given: unknown, currency: string): Minor | undefined {
  const { value, currency: said } = (given ?? {}) as { readonly value?: unknown; readonly currency?: unknown };
  return said === currency && Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : undefined;
}

function shown(currency: string, value: Minor): { readonly currency: string; readonly value: Minor } {
  return { currency, value };
}

function describe(held: Held): string {
  const { books, state, stopped, chargeId, entries, payment } = held;
  const { amount, currency } = payment.purchase;
  const show = (minor: Minor): string => majorFromMinor(minor, currency).toFixed(exponentOf(currency));
  return [
    `${chargeId === undefined ? "" : "agreement "}${state} ${show(amount)} ${currency}`,
    ...(books.captured === 0 ? [] : [`captured ${show(books.captured)}`]),
    ...(books.refunded === 0 ? [] : [`refunded ${show(books.refunded)}`]),
    ...(books.released === 0 ? [] : [`cancelled ${show(books.released)}`]),
    ...(entries.every(({ success }) => success) ? [] : ["a capture failed"]),
    ...(stopped ? ["stopped"] : []),
  ].join(", ");
}
