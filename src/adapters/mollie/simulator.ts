import { createHmac } from "node:crypto";
import { isObject } from "../../lib/json.ts";
import { decimalFromMinor, minorFromDecimal, sum } from "../../lib/money.ts";
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
import type { Capture, Chargeback, Payment, Refund } from "./schema.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** The merchant's credentials at the simulated Mollie. */
const credentials = { apiKey: "test_simulatedKey", webhookSecret: "simulated-webhook-secret" };

/** Up to ten tries over about 26 hours, with growing pauses (docs/psp/mollie.md, c). */
const schedule = [0, 1, 3, 7, 15, 31, 91, 211, 691, 1_560].map((minutes) => minutes * minute);

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
/** As Mollie keeps it: amounts are counted, and everything has a time. */
type Piece<T> = Omit<Writable<T>, "amount" | "createdAt"> & { amount: Minor; readonly createdAt: string };

/** A payment as Mollie holds it. */
interface Held extends SimulatedHeld {
  readonly createdAt: string;
  status: Payment["status"];
  method: string;
  authorizedAt?: string;
  paidAt?: string;
  failureReason?: string;
  /** Everything was taken at once: nobody captures. */
  automatic: boolean;
  readonly captures: Piece<Capture>[];
  readonly refunds: Piece<Refund>[];
  readonly chargebacks: Piece<Chargeback>[];
}

type Action = SimulatedAction<Held>;

/** Mollie with a memory. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  return {
    settings: () => credentials,
    namesReversals: true,
    refuse: ({ headers }) =>
      headers["authorization"] === `Bearer ${credentials.apiKey}` ? undefined : refusal(401, "Unauthorized Request"),
    unknown: refusal(404, "Not Found"),
    idempotency: { header: "idempotency-key", windowMs: hour, keeps: ({ status }) => status < 500 },
    routes: { ...routesOf(kernel), ...hookRoutes(kernel) },
    open: (payment) => ({
      payment,
      reference: `tr_${payment.uuid().replaceAll("-", "").slice(0, 20)}`,
      createdAt: kernel.time(),
      status: "open",
      method: "creditcard",
      automatic: false,
      captures: [],
      refunds: [],
      chargebacks: [],
    }),
    actions: { ...shopperOf(kernel), ...portalOf(kernel), ...bankOf(kernel) },
    money: moneyIn,
    describe: (held) => `${held.status}, ${held.captures.length} captures, ${held.refunds.length} refunds`,
  };
}

/** What the shopper does. */
function shopperOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const possible = ({ status }: Held): boolean => status === "open";
  const end = (status: Payment["status"], more: Partial<Held> = {}): Action => ({
    possible,
    act(held) {
      Object.assign(held, { status, ...more });
      announce(kernel, held, `payment.${status}`);
    },
  });
  return {
    pay: {
      possible,
      act(held) {
        Object.assign(held, { status: "authorized", authorizedAt: kernel.time() });
        announce(kernel, held, "payment.authorized");
      },
    },
    "pay-auto-captured": { possible, act: (held) => pay(kernel, held) },
    // A bank transfer: on its way for days, and nobody calls when it begins.
    "pay-by-transfer": {
      possible,
      act: (held) => void Object.assign(held, { status: "pending", method: "banktransfer" }),
    },
    decline: end("failed", { failureReason: "insufficient_funds" }),
    fail: end("failed", { method: "ideal" }),
    abandon: end("canceled"),
  };
}

function pay(kernel: Kernel<Held>, held: Held): void {
  Object.assign(held, { status: "paid", paidAt: kernel.time(), automatic: true });
  announce(kernel, held, "payment.paid");
}

/** What the merchant's portal does, as an operation does it. */
function portalOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  return {
    capture: {
      possible: (held) => openIn(held) > 0,
      amount: { most: openIn },
      act: (held, amount) => void capture(kernel, held, amount),
    },
    refund: {
      possible: (held) => refundableIn(held) > 0,
      amount: { most: refundableIn },
      act: (held, amount) => void refund(kernel, held, amount, "refunded"),
    },
    "queue-refund": {
      possible: (held) => refundableIn(held) > 0,
      amount: { most: refundableIn },
      act: (held, amount) => void refund(kernel, held, amount, "queued"),
    },
    cancel: { possible: (held) => openIn(held) > 0 && capturedIn(held) === 0, act: (held) => release(kernel, held) },
    release: { possible: (held) => openIn(held) > 0 && capturedIn(held) > 0, act: (held) => release(kernel, held) },
  };
}

/** What banks and time do. */
function bankOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const queued = ({ refunds }: Held) => refunds.find(({ status }) => status === "queued");
  const arrived = ({ refunds }: Held) => refunds.find(({ status }) => status === "refunded");
  const endRefund = (status: "refunded" | "failed" | "canceled"): Action => ({
    possible: (held) => queued(held) !== undefined,
    act(held) {
      Object.assign(queued(held) ?? {}, { status });
      announce(kernel, held, `refund.${status}`);
    },
  });
  const standing = ({ chargebacks }: Held) => chargebacks.find(({ reversedAt }) => reversedAt === undefined);
  return {
    settle: { possible: ({ status }) => status === "pending", act: (held) => pay(kernel, held) },
    expire: {
      possible: ({ status }) => status === "open" || status === "authorized",
      act(held) {
        held.status = held.status === "open" ? "expired" : capturedIn(held) > 0 ? "paid" : "canceled";
        announce(kernel, held, `payment.${held.status}`);
      },
    },
    "execute-refund": endRefund("refunded"),
    "fail-refund": endRefund("failed"),
    "cancel-refund": endRefund("canceled"),
    // Weeks later: the shopper's account is closed.
    "return-refund": {
      possible: (held) => arrived(held) !== undefined,
      act(held) {
        Object.assign(arrived(held) ?? {}, { status: "failed" });
        announce(kernel, held, "refund.failed");
      },
    },
    "fail-capture": {
      possible: (held) => openIn(held) > 0,
      act(held) {
        const [id, amount] = [idOf(held, "cpt"), openIn(held)];
        held.captures.push({ id, status: "failed", amount, createdAt: kernel.time() });
        announce(kernel, held, "capture.failed");
      },
    },
    // Over all that was paid, whatever was refunded before: the bank does not ask.
    chargeback: {
      possible: (held) => held.status === "paid" && standing(held) === undefined,
      act(held) {
        held.chargebacks.push({ id: idOf(held, "chb"), amount: capturedIn(held), createdAt: kernel.time() });
        announce(kernel, held, "chargeback.received");
      },
    },
    "reverse-chargeback": {
      possible: (held) => standing(held) !== undefined,
      act(held) {
        Object.assign(standing(held) ?? {}, { reversedAt: kernel.time() });
        announce(kernel, held, "chargeback.reversed");
      },
    },
  };
}

/** Mollie's API. */
function routesOf(kernel: Kernel<Held>): Routes {
  const path = "/v2/payments/{id}";
  const of =
    (answer: (held: Held, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.part("id"));
      return held === undefined ? refusal(404, "Not Found") : answer(held, call);
    };
  return {
    [`GET ${path}`]: of((held) => ({ status: 200, body: shown(kernel, held) })),
    [`POST ${path}/captures`]: of((held, { fields }) => {
      const amount = fields["amount"] === undefined ? openIn(held) : amountIn(fields, held);
      if (amount === undefined || amount > openIn(held)) return refusal(422, "Unprocessable Entity", "amount");
      return { status: 201, body: shownPiece(capture(kernel, held, amount), held) };
    }),
    [`POST ${path}/refunds`]: of((held, { fields }) => {
      const amount = amountIn(fields, held);
      if (amount === undefined || amount > refundableIn(held)) return refusal(422, "Unprocessable Entity", "amount");
      const made = shownPiece(refund(kernel, held, amount, "refunded"), held);
      // Carried out later: what is answered is that it waits.
      return { status: 201, body: { ...made, status: "queued" } };
    }),
    [`POST ${path}/release-authorization`]: of((held) => {
      if (openIn(held) === 0) return refusal(422, "Unprocessable Entity");
      release(kernel, held);
      return { status: 202, body: {} };
    }),
    "GET /v2/customers/{customer}/mandates/{mandate}": ({ part }) => ({
      status: 200,
      body: {
        id: part("mandate"),
        status: "valid",
        method: "creditcard",
        details: { cardHolder: "Testperson Approved", cardLabel: "Mastercard", cardExpiryDate: "2030-12-31" },
      },
    }),
  };
}

/** A webhook as it is registered. */
interface Hook {
  readonly id: string;
  readonly secret: string;
  url: string;
  eventTypes: readonly string[];
}

/** `/v2/webhooks`: each has a secret of its own, told once; a ping is signed with it. */
function hookRoutes(kernel: Kernel<Held>): Routes {
  const hooks: Hook[] = [];
  const path = "/v2/webhooks";
  const shownHook = ({ id, url, eventTypes }: Hook) => ({
    resource: "webhook",
    id,
    url,
    profileId: "pfl_simulated",
    name: "simulated",
    eventTypes: [...eventTypes],
    status: "enabled",
    mode: "test",
  });
  const of = (answer: (hook: Hook, call: SimulatedCall) => SimulatedAnswer) => (call: SimulatedCall) => {
    const hook = hooks.find(({ id }) => id === call.part("id"));
    return hook === undefined ? refusal(404, "Not Found") : answer(hook, call);
  };
  const write = (hook: Hook, { url, eventTypes }: Readonly<Record<string, unknown>>): boolean => {
    const isWritable =
      typeof url === "string" && URL.canParse(url) && Array.isArray(eventTypes) && eventTypes.length > 0;
    if (isWritable) Object.assign(hook, { url, eventTypes: eventTypes.map(String) });
    return isWritable;
  };
  return {
    [`GET ${path}`]: ({ query }) => {
      const from = hooks.findIndex(({ id }) => id === query.get("from"));
      const { items, next } = kernel.page(hooks, Math.max(0, from), Number(query.get("limit") ?? 50));
      const href = `${kernel.apiUrl()}${path}?from=${hooks[next ?? 0]?.id ?? ""}`;
      const links = { next: next === undefined ? null : { href, type: "application/hal+json" } };
      return {
        status: 200,
        body: { count: items.length, _embedded: { webhooks: items.map(shownHook) }, _links: links },
      };
    },
    [`POST ${path}`]: ({ fields }) => {
      const number = kernel.count("hook");
      const hook: Hook = { id: `hook_${number}`, secret: `simulated-hook-secret-${number}`, url: "", eventTypes: [] };
      if (!write(hook, fields)) return refusal(422, "Unprocessable Entity", "url");
      hooks.push(hook);
      return { status: 201, body: { ...shownHook(hook), webhookSecret: hook.secret } };
    },
    [`PATCH ${path}/{id}`]: of((hook, { fields }) =>
      write(hook, fields) ? { status: 200, body: shownHook(hook) } : refusal(422, "Unprocessable Entity", "url"),
    ),
    [`POST ${path}/{id}/ping`]: of(({ url, id, secret }) => {
      const body = { resource: "event", id: `event_${kernel.count("ping")}`, type: "hook.ping", entityId: id };
      kernel.send(url, { webhook: "event", body: { ...body, createdAt: kernel.time() }, headers: signedWith(secret) });
      return { status: 202 };
    }),
  };
}

function capture(kernel: Kernel<Held>, held: Held, amount: Minor): Piece<Capture> {
  const made: Piece<Capture> = { id: idOf(held, "cpt"), status: "succeeded", amount, createdAt: kernel.time() };
  held.captures.push(made);
  if (openIn(held) === 0) Object.assign(held, { status: "paid", paidAt: kernel.time() });
  announce(kernel, held, "capture.succeeded");
  return made;
}

function refund(kernel: Kernel<Held>, held: Held, amount: Minor, status: "refunded" | "queued"): Piece<Refund> {
  const made: Piece<Refund> = { id: idOf(held, "re"), status, amount, createdAt: kernel.time() };
  held.refunds.push(made);
  announce(kernel, held, `refund.${status}`);
  return made;
}

/** What was captured makes it paid; where nothing was, it is canceled. */
function release(kernel: Kernel<Held>, held: Held): void {
  held.status = capturedIn(held) > 0 ? "paid" : "canceled";
  announce(kernel, held, `payment.${held.status}`);
}

/** Both kinds of webhook: the old one, whose body never differs, and the signed one. */
function announce(kernel: Kernel<Held>, held: Held, type: string): void {
  const { payment, reference } = held;
  const form = { "content-type": "application/x-www-form-urlencoded" };
  payment.send({ webhook: "payment", body: `id=${reference}`, headers: () => form, schedule, delivered: isOk });
  const body = {
    resource: "event",
    id: `event_${payment.number}_${payment.count("event")}`,
    type,
    entityId: reference,
    createdAt: kernel.time(),
    _links: { entity: { href: `${kernel.apiUrl()}/v2/payments/${reference}`, type: "application/hal+json" } },
  };
  payment.send({ webhook: "event", body, headers: signed, schedule, delivered: isOk });
}

function isOk({ status }: { readonly status: number }): boolean {
  return status === 200;
}

const signed = signedWith(credentials.webhookSecret);

function signedWith(secret: string): (body: string) => Readonly<Record<string, string>> {
  return (body) => {
    const digest = createHmac("sha256", secret).update(body, "utf8").digest("hex");
    return { "content-type": "application/json", "x-mollie-signature": `sha256=${digest}` };
  };
}

function isHeld({ status, authorizedAt, automatic }: Held): boolean {
  return status === "authorized" || status === "paid" || authorizedAt !== undefined || automatic;
}

function capturedIn({ automatic, captures, payment: { purchase } }: Held): Minor {
  if (automatic) return purchase.amount;
  return sum(
    captures.filter(({ status }) => status === "succeeded"),
    ({ amount }) => amount,
  );
}

function openIn(held: Held): Minor {
  return held.status === "authorized" ? held.payment.purchase.amount - capturedIn(held) : 0;
}

/** What was given back, by us or by the bank. */
function givenBackIn({ refunds, chargebacks }: Held, counts: readonly Refund["status"][]): Minor {
  return (
    sum(
      refunds.filter(({ status }) => counts.includes(status)),
      ({ amount }) => amount,
    ) +
    sum(
      chargebacks.filter(({ reversedAt }) => reversedAt === undefined),
      ({ amount }) => amount,
    )
  );
}

function refundableIn(held: Held): Minor {
  return Math.max(0, capturedIn(held) - givenBackIn(held, ["queued", "refunded"]));
}

function moneyIn(held: Held): StatedMoney | null {
  if (!isHeld(held)) return null;
  const { amount, currency } = held.payment.purchase;
  const captured = capturedIn(held);
  const released = held.status === "authorized" ? 0 : amount - captured;
  const refunded = Math.min(captured, givenBackIn(held, ["refunded"]));
  return { authorized: amount, captured, refunded, released, currency };
}

function idOf({ payment }: Held, kind: string): string {
  return `${kind}_${payment.number}x${payment.count(kind)}`;
}

function shown(kernel: Kernel<Held>, held: Held): Json {
  const { payment, reference, status, method, authorizedAt, paidAt, failureReason } = held;
  const { purchase } = payment;
  const written = (amount: Minor): Json => amountFrom(amount, purchase.currency);
  const first = purchase.recurring === true;
  return {
    resource: "payment",
    id: reference,
    mode: "test",
    createdAt: held.createdAt,
    status,
    amount: written(purchase.amount),
    ...(isHeld(held) && !held.automatic ? { amountCaptured: written(capturedIn(held)), captureMode: "manual" } : {}),
    ...(authorizedAt === undefined ? {} : { authorizedAt, captureBefore: laterThan(authorizedAt, 28 * day) }),
    ...(paidAt === undefined ? {} : { paidAt }),
    method,
    sequenceType: first ? "first" : "oneoff",
    ...(first ? { customerId: `cst_${payment.number}`, mandateId: `mdt_${payment.number}` } : {}),
    metadata: purchase.paymentId,
    details: {
      cardHolder: "Testperson Approved",
      cardNumber: "6787",
      cardLabel: "Mastercard",
      ...(failureReason === undefined ? {} : { failureReason }),
    },
    _embedded: {
      captures: kernel.listed(held.captures).map((piece) => shownPiece(piece, held)),
      refunds: kernel.listed(held.refunds).map((piece) => shownPiece(piece, held)),
      chargebacks: kernel.listed(held.chargebacks).map((piece) => shownPiece(piece, held)),
    },
  };
}

function shownPiece(
  { id, createdAt, amount, ...more }: Piece<Capture> | Piece<Refund> | Piece<Chargeback>,
  { payment }: Held,
) {
  const status = "status" in more ? { status: more.status } : { reversedAt: more.reversedAt ?? null };
  return { id, createdAt, ...status, amount: amountFrom(amount, payment.purchase.currency) };
}

function amountFrom(amount: Minor, currency: string) {
  return { currency, value: decimalFromMinor(amount, currency) };
}

function laterThan(time: string, ms: number): string {
  return new Date(Date.parse(time) + ms).toISOString();
}

/** An amount has to have exactly the currency's decimals: anything else is refused (docs/psp/mollie.md, h). */
function amountIn(fields: Readonly<Record<string, unknown>>, { payment: { purchase } }: Held): Minor | undefined {
  const amount = fields["amount"];
  if (!isObject(amount) || amount["currency"] !== purchase.currency || typeof amount["value"] !== "string")
    return undefined;
  const minor = minorFromDecimal(amount["value"], purchase.currency);
  const exact = minor !== undefined && decimalFromMinor(minor, purchase.currency) === amount["value"];
  return exact && minor > 0 ? minor : undefined;
}

function refusal(status: number, title: string, field?: string): SimulatedAnswer {
  return { status, body: { status, title, ...(field === undefined ? {} : { field }) } };
}
