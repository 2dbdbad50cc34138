import { createHmac } from "node:crypto";
import { exponentOf, majorFromMinor } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedPayment,
  SimulatedRequest,
  Simulation,
  StatedMoney,
} from "../../contract/simulator.ts";
import { minorOf, ownOf } from "./amounts.ts";
import { apiVersion } from "./client.ts";
import {
  chargeShown,
  disputeShown,
  type Held,
  type HeldCharge,
  type HeldDispute,
  type HeldRefund,
  intentShown,
  lostOf,
  refundedOf,
  refundShown,
  reviewShown,
  setupShown,
} from "./simulator-objects.ts";

export type { Held } from "./simulator-objects.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * When an event is tried that nobody acknowledges: "up to three days", with growing pauses. The pauses themselves are not published (inferred).
 * https://docs.stripe.com/webhooks
 */
export const retrySchedule: readonly number[] = [
  ...[0, 5, 15, 60, 180].map((minutes) => minutes * minute),
  ...Array.from({ length: 6 }, (_, index) => (index + 1) * 12 * hour),
];

/** For how long a key is known at least. https://docs.stripe.com/api/idempotent_requests */
const idempotencyWindow = day;
/** How long a card's hold lasts, and how long a merchant has to answer a dispute. */
const holdDays = 7;
const answerDays = 20;

/** The merchant's account at the simulated Stripe. */
const apiKey = "rk_test_simulated0001";
const webhookSecret = "whsec_simulatedSecret0001";

type Action = SimulatedAction<Held>;

/** Stripe with a memory: payment intents with their charges, refunds, disputes and reviews, and webhook endpoints. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  const bodies = new Map<string, string>();
  return {
    settings: () => ({ apiKey, webhookSecret }),
    namesReversals: true,
    refuse: (request) => refuse(request, bodies),
    // Nothing is stored where the request was not carried out because it made no sense, or came at the wrong time.
    idempotency: {
      header: "idempotency-key",
      windowMs: idempotencyWindow,
      keeps: ({ status }) => status < 300 || status >= 500,
    },
    unknown: failure(404, "resource_missing"),
    routes: { ...intentRoutes(kernel), ...pieceRoutes(kernel), ...endpointRoutes(kernel) },
    open: (payment) => opened(kernel, payment),
    actions: { ...attempts(kernel), ...decisions(kernel), ...afterwards(kernel), ...badNews(kernel) },
    money: moneyIn,
    describe,
  };
}

/** Wrong credentials, another version than the one that was agreed on, and a key that was used for something else. */
function refuse(
  { method, path, headers, body }: SimulatedRequest,
  bodies: Map<string, string>,
): SimulatedAnswer | undefined {
  if (headers["authorization"] !== `Bearer ${apiKey}`) return failure(401, "api_key_invalid");
  if (headers["stripe-version"] !== apiVersion) return failure(400, "version_invalid");
  const key = headers["idempotency-key"];
  if (method === "GET" || key === undefined) return undefined;
  const said = `${path} ${String(body)}`;
  const before = bodies.get(key);
  bodies.set(key, before ?? said);
  return before === undefined || before === said ? undefined : failure(400, undefined, "idempotency_error");
}

function opened(kernel: Kernel<Held>, payment: SimulatedPayment): Held {
  const { amount, currency } = payment.purchase;
  const own = ownOf(amount, currency);
  if (own === undefined) throw new Error(`Stripe takes no such amount of ${currency}`);
  return {
    payment,
    reference: idFor(payment, amount === 0 ? "seti" : "pi"),
    created: seconds(kernel),
    currency,
    amount: own,
    methodId: idFor(payment, "pm"),
    customer: idFor(payment, "cus"),
    status: amount === 0 ? "succeeded" : "requires_payment_method",
    captureMethod: "manual",
    cancellation: null,
    error: null,
    action: null,
    review: null,
    charge: null,
    refunds: [],
    disputes: [],
    capturable: 0,
  };
}

function idFor(payment: SimulatedPayment, kind: string): string {
  return `${kind}_3Sim${payment.uuid().replaceAll("-", "").slice(0, 20)}`;
}

function seconds(kernel: Kernel<Held>, afterMs = 0): number {
  return Math.floor((kernel.now() + afterMs) / 1_000);
}

/** Sends an event about an object as it is now, signed anew for each attempt. */
function notify(kernel: Kernel<Held>, held: Held, type: string, object: Json): void {
  const event = {
    id: idFor(held.payment, "evt"),
    object: "event",
    api_version: apiVersion,
    created: seconds(kernel),
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
  held.payment.send({
    webhook: "webhook",
    body: event,
    headers(body) {
      const time = seconds(kernel);
      const signature = createHmac("sha256", webhookSecret).update(`${time}.${body}`).digest("hex");
      return {
        "content-type": "application/json; charset=utf-8",
        "stripe-signature": `t=${time},v1=${signature},v0=${"0".repeat(64)}`,
      };
    },
    schedule: retrySchedule,
  });
}

function told(kernel: Kernel<Held>, held: Held, name: string): void {
  notify(kernel, held, `payment_intent.${name}`, intentShown(held));
}

/** What the shopper does in the checkout. */
function attempts(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const isNew = ({ status, charge }: Held): boolean => status === "requires_payment_method" && charge === null;
  const isUnpaid = ({ status }: Held): boolean => status === "requires_payment_method" || status === "requires_action";
  const first = (act: (held: Held) => void): Action => ({ possible: isNew, act });
  const waits = (type: string): Action =>
    first((held) => {
      held.status = "requires_action";
      held.action = { type, [type]: {} };
      told(kernel, held, "requires_action");
    });
  return {
    // The same intent is tried again after a refusal, and goes on after what the shopper had to do.
    pay: { possible: isUnpaid, act: (held) => hold(kernel, held, true) },
    "pay-single-capture": first((held) => hold(kernel, held, false)),
    "pay-at-once": first((held) => {
      held.captureMethod = "automatic_async";
      take(kernel, held, "card");
    }),
    "pay-with-review": first((held) => {
      held.review = { id: idFor(held.payment, "prv"), open: true };
      hold(kernel, held, true);
      notify(kernel, held, "review.opened", reviewShown(held, held.review));
    }),
    "pay-by-debit": first((held) => {
      attempted(kernel, held, "sepa_debit", "pending");
      held.captureMethod = "automatic_async";
      held.status = "processing";
      told(kernel, held, "processing");
    }),
    authenticate: waits("redirect_to_url"),
    "wait-for-transfer": waits("display_bank_transfer_instructions"),
    "be-declined": first((held) => {
      attempted(kernel, held, "card", "failed");
      decline(kernel, held, "card_declined", "insufficient_funds");
    }),
    abandon: { possible: isUnpaid, act: (held) => end(kernel, held, "abandoned") },
  };
}

/** What Stripe, the bank and the reviewer decide. */
function decisions(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const isReviewed = ({ review, status }: Held): boolean => review?.open === true && status === "requires_capture";
  const isProcessing = ({ status }: Held): boolean => status === "processing";
  return {
    accept: { possible: isReviewed, act: (held) => closeReview(kernel, held) },
    reject: {
      possible: isReviewed,
      act(held) {
        closeReview(kernel, held);
        end(kernel, held, "fraudulent");
      },
    },
    "debit-succeeds": {
      possible: isProcessing,
      act(held) {
        const charge = chargeIn(held);
        charge.status = "succeeded";
        charge.captured = held.amount;
        succeed(kernel, held);
      },
    },
    "debit-fails": {
      possible: isProcessing,
      act(held) {
        chargeIn(held).status = "failed";
        decline(kernel, held, "payment_intent_payment_attempt_failed", null);
      },
    },
  };
}

/** What the merchant's people do in the dashboard, and what time does. */
function afterwards(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const isOpen = ({ status, review }: Held): boolean => status === "requires_capture" && review?.open !== true;
  const minor = (amount: (held: Held) => number) => (held: Held) => minorOf(amount(held), held.currency);
  const isPending = ({ status }: HeldRefund): boolean => status === "pending";
  return {
    capture: {
      possible: isOpen,
      amount: { most: minor(({ capturable }) => capturable) },
      act: (held, amount) => capture(kernel, held, ownIn(held, amount), chargeIn(held).multicapture),
    },
    cancel: {
      possible: (held) => isOpen(held) && chargeIn(held).captured === 0,
      act: (held) => end(kernel, held, "requested_by_customer"),
    },
    release: {
      possible: (held) => isOpen(held) && chargeIn(held).captured > 0,
      act: (held) => end(kernel, held, "requested_by_customer"),
    },
    expire: { possible: isOpen, act: (held) => expire(kernel, held) },
    refund: {
      possible: (held) => refundableIn(held) > 0,
      amount: { most: minor(refundableIn) },
      act: (held, amount) => void refund(kernel, held, ownIn(held, amount), "succeeded"),
    },
    "refund-slowly": {
      possible: (held) => refundableIn(held) > 0 && !held.refunds.some(isPending),
      act: (held) => void refund(kernel, held, refundableIn(held), "pending"),
    },
    "refund-arrives": {
      possible: ({ refunds }) => refunds.some(isPending),
      act: (held) => settle(kernel, held, held.refunds.find(isPending), "succeeded"),
    },
  };
}

/** What comes weeks later. */
function badNews(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const bounces = ({ refunds }: Held): HeldRefund | undefined =>
    refunds.findLast(
      ({ status, metadata, reason }) =>
        (status === "succeeded" || status === "pending") &&
        metadata["released"] === undefined &&
        reason !== "expired_uncaptured_charge",
    );
  const isOpen = ({ disputes }: Held): boolean => disputes.some(isUndecided);
  const decide = (held: Held, status: "under_review" | "won" | "lost"): void => {
    const dispute = held.disputes.find(isUndecided);
    if (dispute === undefined) return;
    dispute.status = status;
    const what = status === "under_review" ? "updated" : "closed";
    notify(kernel, held, `charge.dispute.${what}`, disputeShown(held, dispute));
  };
  return {
    "refund-fails": {
      possible: (held) => bounces(held) !== undefined && held.disputes.length === 0,
      act: (held) => settle(kernel, held, bounces(held), "failed"),
    },
    // Over all that was taken, whatever was refunded before: the shopper's bank does not ask.
    dispute: {
      possible: (held) => held.disputes.length === 0 && held.status === "succeeded" && chargeIn(held).captured > 0,
      act(held) {
        const dispute = {
          id: idFor(held.payment, "dp"),
          amount: chargeIn(held).captured,
          created: seconds(kernel),
          dueBy: seconds(kernel, answerDays * day),
          status: "needs_response" as const,
        };
        held.disputes.push(dispute);
        notify(kernel, held, "charge.dispute.created", disputeShown(held, dispute));
      },
    },
    "answer-dispute": {
      possible: ({ disputes }) => disputes.some(({ status }) => status === "needs_response"),
      act: (held) => decide(held, "under_review"),
    },
    "win-dispute": { possible: isOpen, act: (held) => decide(held, "won") },
    "lose-dispute": { possible: isOpen, act: (held) => decide(held, "lost") },
  };
}

function attempted(
  kernel: Kernel<Held>,
  held: Held,
  method: HeldCharge["method"],
  status: HeldCharge["status"],
  multicapture = false,
): HeldCharge {
  const id = idFor(held.payment, method === "card" ? "ch" : "py");
  const charge = { id, created: seconds(kernel), method, multicapture, captureBefore: seconds(kernel, holdDays * day) };
  held.charge = { ...charge, status, captured: 0 };
  Object.assign(held, { error: null, action: null });
  return held.charge;
}

function hold(kernel: Kernel<Held>, held: Held, multicapture: boolean): void {
  attempted(kernel, held, "card", "succeeded", multicapture);
  held.status = "requires_capture";
  held.capturable = held.amount;
  told(kernel, held, "amount_capturable_updated");
}

function take(kernel: Kernel<Held>, held: Held, method: HeldCharge["method"]): void {
  attempted(kernel, held, method, "succeeded").captured = held.amount;
  succeed(kernel, held);
}

/** Two events tell of one thing, in no promised order. */
function succeed(kernel: Kernel<Held>, held: Held): void {
  held.status = "succeeded";
  held.capturable = 0;
  notify(kernel, held, "charge.succeeded", chargeShown(held, chargeIn(held)));
  told(kernel, held, "succeeded");
}

/** The intent goes back to its beginning, and may be tried again. */
function decline(kernel: Kernel<Held>, held: Held, code: string, decline_code: string | null): void {
  held.status = "requires_payment_method";
  held.error = { code, decline_code };
  told(kernel, held, "payment_failed");
}

function closeReview(kernel: Kernel<Held>, held: Held): void {
  if (held.review === null) return;
  // The intent goes on naming the review.
  held.review.open = false;
  notify(kernel, held, "review.closed", reviewShown(held, held.review));
}

/** @param keepsRest what is not captured stays held; else it is let go, which Stripe lists among the refunds. */
function capture(kernel: Kernel<Held>, held: Held, amount: number, keepsRest: boolean): void {
  const charge = chargeIn(held);
  const rest = held.capturable - amount;
  charge.captured += amount;
  held.capturable = rest;
  if (rest > 0 && keepsRest) {
    notify(kernel, held, "charge.updated", chargeShown(held, charge));
    told(kernel, held, "amount_capturable_updated");
    return;
  }
  if (rest > 0) list(kernel, held, rest, null);
  held.status = "succeeded";
  held.capturable = 0;
  notify(kernel, held, "charge.captured", chargeShown(held, charge));
  told(kernel, held, "succeeded");
}

/** What was never captured, as it stands in the list of refunds. */
function list(kernel: Kernel<Held>, held: Held, amount: number, reason: HeldRefund["reason"]): void {
  held.refunds.push({
    id: idFor(held.payment, "re"),
    amount,
    created: seconds(kernel),
    reason,
    metadata: reason === null ? { released: "simulated" } : {},
    status: "succeeded",
    failure: null,
  });
}

function end(kernel: Kernel<Held>, held: Held, reason: NonNullable<Held["cancellation"]>): void {
  Object.assign(held, { status: "canceled", cancellation: reason, capturable: 0, action: null });
  told(kernel, held, "canceled");
}

/** A hold that nobody captured is cancelled; of one that was captured in part, the rest lapses. */
function expire(kernel: Kernel<Held>, held: Held): void {
  const charge = chargeIn(held);
  const rest = held.capturable;
  list(kernel, held, rest, "expired_uncaptured_charge");
  if (charge.captured === 0) {
    notify(kernel, held, "charge.expired", chargeShown(held, charge));
    end(kernel, held, "automatic");
    return;
  }
  held.status = "succeeded";
  held.capturable = 0;
  told(kernel, held, "succeeded");
}

function refund(
  kernel: Kernel<Held>,
  held: Held,
  amount: number,
  status: "succeeded" | "pending",
  metadata: Readonly<Record<string, string>> = {},
): HeldRefund {
  const made: HeldRefund = {
    id: idFor(held.payment, "re"),
    amount,
    created: seconds(kernel),
    reason: "requested_by_customer",
    metadata,
    status,
    failure: null,
  };
  held.refunds.push(made);
  notify(kernel, held, "refund.created", refundShown(held, made));
  notify(kernel, held, "charge.refunded", chargeShown(held, chargeIn(held)));
  return made;
}

function settle(kernel: Kernel<Held>, held: Held, of: HeldRefund | undefined, status: "succeeded" | "failed"): void {
  if (of === undefined) return;
  of.status = status;
  if (status === "failed") of.failure = "expired_or_canceled_card";
  notify(kernel, held, status === "failed" ? "refund.failed" : "refund.updated", refundShown(held, of));
}

/** Whether nobody has won yet: the money is withdrawn, and may come back. */
function isUndecided({ status }: HeldDispute): boolean {
  return status === "needs_response" || status === "under_review";
}

/** What can be refunded: what is captured and neither on its way back nor taken by a dispute. */
function refundableIn(held: Held): number {
  if (held.charge === null || held.disputes.some(isUndecided)) return 0;
  return Math.max(0, held.charge.captured - refundedOf(held, "succeeded", "pending") - lostOf(held));
}

function chargeIn({ charge }: Held): HeldCharge {
  if (charge === null) throw new Error("nothing has been paid yet");
  return charge;
}

function ownIn({ currency }: Held, amount: Minor): number {
  const own = ownOf(amount, currency);
  if (own === undefined) throw new Error(`Stripe takes no such amount of ${currency}`);
  return own;
}

/** A refused purchase never held anything for the merchant. */
function moneyIn(held: Held): StatedMoney | null {
  const { charge, status, currency } = held;
  const minor = (amount: number): Minor => minorOf(amount, currency);
  if (charge === null || charge.status !== "succeeded" || held.cancellation === "fraudulent") return null;
  const open = status === "requires_capture" ? held.capturable : 0;
  return {
    authorized: minor(held.amount),
    captured: minor(charge.captured),
    refunded: minor(Math.min(charge.captured, refundedOf(held, "succeeded") + lostOf(held))),
    released: minor(held.amount - charge.captured - open),
    currency,
  };
}

/** `expand[0]=latest_charge`: what is not asked for is an id. */
function expansionIn({ query }: SimulatedCall): readonly string[] {
  return [...query].flatMap(([name, value]) => (name.startsWith("expand[") ? [value] : []));
}

function intentRoutes(kernel: Kernel<Held>): Routes {
  const of =
    (answer: (held: Held, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.part("id"));
      return held === undefined ? failure(404, "resource_missing") : answer(held, call);
    };
  return {
    "GET /v1/payment_intents/{id}": of((held, call) => ok(intentShown(held, expansionIn(call)))),
    "GET /v1/setup_intents/{id}": of((held, call) => ok(setupShown(held, expansionIn(call)))),
    "POST /v1/payment_intents/{id}/capture": of((held, { fields }) => {
      const amount = Number(fields["amount_to_capture"] ?? held.capturable);
      const isFinal = fields["final_capture"] !== "false";
      if (held.status !== "requires_capture") return failure(400, "payment_intent_unexpected_state");
      if (!isWhole(amount) || amount > held.capturable) return failure(400, "amount_too_large");
      if (!isFinal && !chargeIn(held).multicapture) return failure(400, "capture_charge_authorization_expired");
      capture(kernel, held, amount, !isFinal);
      return ok(intentShown(held));
    }),
    "POST /v1/payment_intents/{id}/cancel": of((held, { fields }) => {
      if (held.status === "succeeded" || held.status === "canceled" || held.status === "processing")
        return failure(400, "payment_intent_unexpected_state");
      end(kernel, held, fields["cancellation_reason"] === "abandoned" ? "abandoned" : "requested_by_customer");
      return ok(intentShown(held));
    }),
  };
}

function pieceRoutes(kernel: Kernel<Held>): Routes {
  const listOf =
    (items: (held: Held) => readonly { readonly id: string; readonly shown: Json }[]) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.query.get("payment_intent") ?? "");
      return ok(pageIn(kernel, call, held === undefined ? [] : items(held)));
    };
  const one =
    (shown: (held: Held, id: string) => Json | undefined) =>
    ({ part }: SimulatedCall): SimulatedAnswer => {
      const found = kernel.all().flatMap((held) => shown(held, part("id")) ?? []);
      return found[0] === undefined ? failure(404, "resource_missing") : ok(found[0]);
    };
  const refundsIn = (held: Held) => held.refunds.map((item) => ({ id: item.id, shown: refundShown(held, item) }));
  const disputesIn = (held: Held) => held.disputes.map((item) => ({ id: item.id, shown: disputeShown(held, item) }));
  const within = (items: readonly { readonly id: string; readonly shown: Json }[], id: string): Json | undefined =>
    items.find((item) => item.id === id)?.shown;
  const empty = (call: SimulatedCall): SimulatedAnswer => ok(pageIn(kernel, call, []));
  return {
    "GET /v1/refunds": listOf(refundsIn),
    "GET /v1/disputes": listOf(disputesIn),
    // Lists that are asked for only to see whether a key may read them.
    "GET /v1/payment_intents": empty,
    "GET /v1/setup_intents": empty,
    "GET /v1/charges": empty,
    "GET /v1/payment_methods": empty,
    "GET /v1/reviews": empty,
    "GET /v1/refunds/{id}": one((held, id) => within(refundsIn(held), id)),
    "GET /v1/disputes/{id}": one((held, id) => within(disputesIn(held), id)),
    "GET /v1/charges/{id}": one((held, id) => (held.charge?.id === id ? chargeShown(held, held.charge) : undefined)),
    "GET /v1/reviews/{id}": one((held, id) => (held.review?.id === id ? reviewShown(held, held.review) : undefined)),
    "POST /v1/refunds": (call) => refundAsked(kernel, call),
  };
}

function refundAsked(kernel: Kernel<Held>, { fields }: SimulatedCall): SimulatedAnswer {
  const held = kernel.find(String(fields["payment_intent"]));
  if (held === undefined) return failure(404, "resource_missing");
  const most = refundableIn(held);
  const amount = Number(fields["amount"] ?? most);
  if (most <= 0) return failure(400, held.disputes.length > 0 ? "charge_disputed" : "charge_already_refunded");
  if (!isWhole(amount) || amount > most) return failure(400, "amount_too_large");
  const metadata = Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const [, key] = /^metadata\[(\w+)\]$/.exec(name) ?? [];
      return key === undefined ? [] : [[key, String(value)]];
    }),
  );
  // A card is refunded at once, a bank account in days.
  const isSlow = chargeIn(held).method !== "card";
  const made = refund(kernel, held, amount, isSlow ? "pending" : "succeeded", metadata);
  return ok(refundShown(held, made));
}

interface Endpoint {
  readonly id: string;
  url: string;
  enabled_events: readonly string[];
  status: "enabled" | "disabled";
}

/** `/v1/webhook_endpoints`: the secret is told once. */
function endpointRoutes(kernel: Kernel<Held>): Routes {
  const endpoints: Endpoint[] = [];
  const eventsIn = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
    Object.entries(fields).flatMap(([name, value]) => (/^enabled_events\[\d+\]$/.test(name) ? [String(value)] : []));
  const shown = (endpoint: Endpoint): Json => ({ ...endpoint, object: "webhook_endpoint", livemode: false });
  return {
    "GET /v1/webhook_endpoints": (call) =>
      ok(
        pageIn(
          kernel,
          call,
          endpoints.map((endpoint) => ({ id: endpoint.id, shown: shown(endpoint) })),
        ),
      ),
    "POST /v1/webhook_endpoints": ({ fields }) => {
      const enabled_events = eventsIn(fields);
      if (!URL.canParse(String(fields["url"])) || enabled_events.length === 0) return failure(400, "parameter_missing");
      const endpoint: Endpoint = {
        id: `we_1Sim${kernel.count("endpoint")}`,
        url: String(fields["url"]),
        enabled_events,
        status: "enabled",
      };
      endpoints.push(endpoint);
      return ok({ ...(shown(endpoint) as Record<string, Json>), secret: webhookSecret });
    },
    "POST /v1/webhook_endpoints/{id}": ({ part, fields }) => {
      const endpoint = endpoints.find(({ id }) => id === part("id"));
      if (endpoint === undefined) return failure(404, "resource_missing");
      const { url } = fields;
      if (typeof url === "string") endpoint.url = url;
      if (eventsIn(fields).length > 0) endpoint.enabled_events = eventsIn(fields);
      if (fields["disabled"] !== undefined) endpoint.status = fields["disabled"] === "true" ? "disabled" : "enabled";
      return ok(shown(endpoint));
    },
  };
}

/** Newest first, from behind `starting_after`. */
function pageIn(
  kernel: Kernel<Held>,
  { query, path }: SimulatedCall,
  items: readonly { readonly id: string; readonly shown: Json }[],
): Json {
  const newest = items.toReversed();
  const after = query.get("starting_after");
  const from = after === null ? 0 : newest.findIndex(({ id }) => id === after) + 1;
  const page = kernel.page(newest, from, Number(query.get("limit") ?? 10));
  return { object: "list", url: path, data: page.items.map(({ shown }) => shown), has_more: page.next !== undefined };
}

function isWhole(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount > 0;
}

function ok(body: Json): SimulatedAnswer {
  return { status: 200, body, headers: { "request-id": "req_simulated" } };
}

function failure(status: number, code?: string, type = "invalid_request_error"): SimulatedAnswer {
  const error = { type, message: `simulated: ${code ?? type}`, ...(code === undefined ? {} : { code }) };
  return { status, body: { error }, headers: { "request-id": "req_simulated" } };
}

function describe(held: Held): string {
  const { currency, charge, status, error, review, disputes, refunds } = held;
  const show = (amount: number): string => {
    const minor = minorOf(amount, currency);
    return `${majorFromMinor(minor, currency).toFixed(exponentOf(currency))} ${currency}`;
  };
  const refunded = refundedOf(held, "succeeded");
  const pending = refundedOf(held, "pending");
  return [
    `${status} ${show(held.amount)}`,
    ...(held.cancellation === null || held.cancellation === undefined ? [] : [held.cancellation]),
    ...(error === null ? [] : [error.code]),
    ...(charge === null ? [] : [`${charge.method} ${charge.status}${charge.multicapture ? ", several captures" : ""}`]),
    ...(charge === null || charge.captured === 0 ? [] : [`captured ${show(charge.captured)}`]),
    ...(held.capturable === 0 ? [] : [`open ${show(held.capturable)}`]),
    ...(refunded === 0 ? [] : [`refunded ${show(refunded)}`]),
    ...(pending === 0 ? [] : [`refund on its way ${show(pending)}`]),
    ...(refunds.some((one) => one.status === "failed") ? ["a refund failed"] : []),
    ...(review === null ? [] : [`review ${review.open ? "open" : "closed"}`]),
    ...disputes.map((dispute) => `dispute ${dispute.status}`),
  ].join(", ");
}
