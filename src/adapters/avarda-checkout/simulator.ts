import { majorFromMinor, minorFromMajor } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  SimulatedAnswer,
  SimulatedPurchase,
  SimulatedRequest,
  SimulatedWebhook,
  SelfMadeSimulator as Simulator,
} from "../../contract/simulator.ts";
import type { Step } from "./schema.ts";

const minute = 60_000;
const hour = 60 * minute;

/**
 * How long Avarda waits before it repeats a notification that was not answered with 2xx.
 * https://docs.avarda.com/checkout-3/more-features/server-side-callbacks/
 */
export const repeatMs: number = 10 * minute;
/** How often it tries at most. */
export const mostAttempts = 20;

const tokenLifeMs = hour;
/** Avarda says when a session ends, not how long it lasts. */
const sessionMs = 24 * hour;
const referenceLength = 20;
const tokensPath = "/api/partner/tokens";

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

export interface SimulatorOptions {
  /** Shrinks the pause before a notification is repeated: 1/60 makes minutes seconds, 0 makes it due at once. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** 32 hexadecimal digits; by default counted, so that a run can be repeated. */
  readonly nextId?: () => string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** The static header that Avarda sends with its notifications. */
  readonly webhookAuthorization?: string;
}

interface Held {
  readonly id: string;
  readonly purchase: SimulatedPurchase;
  readonly createdAt: number;
  expiresAt: number;
  mode: "B2C" | "B2B";
  step: Step;
  method: string;
  token: string | null;
  orderReference: string;
  /** What was done to it since: in Avarda's own books, which none of its answers show. */
  delivered: Minor;
  returned: Minor;
  givenBack: Minor;
  cancelled: boolean;
  /** When the next attempt to notify is due; `undefined` when there is nothing to tell any more. */
  dueAt: number | undefined;
  attempts: number;
  delay: number;
  loseNext: number;
  copies: number;
}

interface Action {
  possible(held: Held): boolean;
  act(held: Held): void;
}

/** Avarda Checkout 3.0 with a memory: the purchase can be read, what was done to it afterwards cannot. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const {
    timeScale = 1,
    clientId = "simulated-client",
    clientSecret = "simulated-client-secret",
    webhookAuthorization = `Basic ${Buffer.from("avarda-cb:pa55").toString("base64")}`,
  } = options;
  const now = options.now ?? Date.now;
  const nextId = options.nextId ?? countedIds();
  const purchases = new Map<string, Held>();
  /** Partner tokens and when each dies. */
  const tokens = new Map<string, number>();

  function complete(held: Held, method: string): void {
    held.step = "Completed";
    held.method = method;
    if (held.purchase.recurring === true) held.token = nextId();
    held.dueAt = now() + held.delay;
  }

  const isOpen = ({ step }: Held): boolean => isEntry(step) || isPaying(step);
  const isNew = ({ step }: Held): boolean => isEntry(step);
  const isUnderReview = ({ step }: Held): boolean => step === "AwaitingCreditApproval";
  const mayStillCall = (held: Held): boolean => isOpen(held) || isUnderReview(held) || held.dueAt !== undefined;
  const going = (step: Step) => (held: Held) => void (held.step = step);

  const actions: Readonly<Record<string, Action>> = {
    pay: { possible: isOpen, act: (held) => complete(held, held.method) },
    "pay-by-swish": { possible: isOpen, act: (held) => complete(held, "Swish") },
    "give-details": {
      possible: ({ step }) => step === "Initialized" || step === "EnterCompanyInfo",
      act: (held) => void (held.step = held.mode === "B2B" ? "CompanyAddressInfo" : "PersonalInfo"),
    },
    "choose-company": {
      possible: ({ mode, step }) => mode === "B2C" && step === "Initialized",
      act: (held) => {
        held.mode = "B2B";
        held.step = "EnterCompanyInfo";
      },
    },
    "wait-for-swish": {
      possible: isNew,
      act: (held) => {
        held.step = "WaitingForSwish";
        held.method = "Swish";
      },
    },
    "go-to-bank": {
      possible: isNew,
      act: (held) => {
        held.step = "RedirectedToDirectPaymentBank";
        held.method = "Direct";
      },
    },
    "await-credit-approval": { possible: isOpen, act: going("AwaitingCreditApproval") },
    "approve-credit": { possible: isUnderReview, act: (held) => complete(held, "Loan") },
    "refuse-credit": { possible: isUnderReview, act: going("Canceled") },
    "handle-by-merchant": { possible: isOpen, act: going("HandledByMerchant") },
    "time-out": { possible: isOpen, act: going("TimedOut") },
    outdate: { possible: isOpen, act: going("Outdated") },
    abandon: { possible: isOpen, act: going("Canceled") },
    "let-expire": {
      possible: (held) => isOpen(held) && held.expiresAt >= now(),
      act: (held) => void (held.expiresAt = now() - 1_000),
    },
    // Nobody outside Avarda gets to know: what follows is refused as if it came too late.
    "deliver-in-back-office": {
      possible: (held) => openIn(held) > 0,
      act: (held) => void (held.delivered += openIn(held)),
    },
    "lose-push": { possible: mayStillCall, act: (held) => void (held.loseNext += 1) },
    "delay-push": {
      possible: mayStillCall,
      act: (held) => {
        held.delay += 30 * minute * timeScale;
        if (held.dueAt !== undefined) held.dueAt += 30 * minute * timeScale;
      },
    },
    "duplicate-push": { possible: ({ step }) => step === "Completed", act: (held) => void (held.copies += 2) },
  };

  function sendable(held: Held, at: number): SimulatedWebhook[] {
    const copies = Array.from({ length: held.copies }, () => webhookOf(held));
    held.copies = 0;
    return [...copies, ...attempt(held, at)].filter((webhook) => webhook !== undefined);
  }

  /** An attempt that got lost is one that was not answered: it is repeated. One that is sent counts as answered. */
  function attempt(held: Held, at: number): (SimulatedWebhook | undefined)[] {
    if (held.dueAt === undefined || held.dueAt > at) return [];
    held.attempts += 1;
    if (held.loseNext === 0) {
      held.dueAt = undefined;
      return [webhookOf(held)];
    }
    held.loseNext -= 1;
    held.dueAt = held.attempts < mostAttempts ? held.dueAt + repeatMs * timeScale : undefined;
    return [];
  }

  function webhookOf({ id, purchase }: Held): SimulatedWebhook | undefined {
    const url = purchase.callbackUrls["notification"];
    if (url === undefined) return undefined;
    const headers = { "content-type": "application/json", authorization: webhookAuthorization };
    return { webhook: "notification", method: "POST", url, headers, body: JSON.stringify({ purchaseId: id }) };
  }

  function answerToken(body: unknown): SimulatedAnswer {
    if (textIn(body, "clientId") !== clientId || textIn(body, "clientSecret") !== clientSecret)
      return { status: 401, body: { error: "invalid_client", error_description: "Unknown client or wrong secret" } };
    const token = `jwt.${nextId()}`;
    tokens.set(token, now() + tokenLifeMs);
    // Seven digits, as Avarda writes them.
    const tokenExpirationUtc = new Date(now() + tokenLifeMs).toISOString().replace("Z", "0000Z");
    return { status: 200, body: { token, tokenExpirationUtc } };
  }

  function isKnown(authorization: string | undefined): boolean {
    return (tokens.get(authorization?.replace(/^Bearer /, "") ?? "") ?? 0) > now();
  }

  function answerCall(held: Held, call: string, body: unknown): SimulatedAnswer {
    if (held.step !== "Completed") return { status: 422, body: [{ ErrorMessage: "The purchase is not completed" }] };
    const { currency } = held.purchase;
    const open = openIn(held);
    switch (call) {
      case "order": {
        const amount = itemsIn(body, currency);
        if (amount === undefined) return invalid("Items");
        if (amount > open) return denied("Order");
        held.delivered += amount;
        return { status: 204 };
      }
      case "return": {
        const amount = itemsIn(body, currency);
        if (amount === undefined) return invalid("Items");
        if (amount > held.delivered - held.returned) return denied("ReturnOrder");
        held.returned += amount;
        return { status: 204 };
      }
      case "refund": {
        // Without an amount it gives back everything (docs/psp/avarda.md, g).
        const amount = hasIn(body, "amount") ? minorIn(body, "amount", currency) : open;
        if (amount === undefined) return invalid("Amount");
        if (amount > open) return denied("Refund");
        held.givenBack += amount;
        return { status: 204 };
      }
      case "refundRemaining":
        if (open === 0) return denied("Refund");
        held.givenBack += open;
        return { status: 204 };
      case "cancel":
        if (textIn(body, "reason") === undefined) return invalid("Reason");
        // https://docs.avarda.com/order-management/authorization-api/cancel-order
        if (open === 0 || held.delivered + held.givenBack > 0) return denied("CancelAuthorization");
        held.cancelled = true;
        return { status: 204 };
      default:
        return { status: 405 };
    }
  }

  function heldOf(reference: string): Held {
    const held = purchases.get(reference);
    if (held === undefined) throw new Error(`Avarda knows no purchase ${reference}`);
    return held;
  }

  return {
    settings: (apiUrl) => ({ apiUrl, clientId, clientSecret, webhookAuthorization }),
    answer({ method, path, headers, body }: SimulatedRequest) {
      if (path === tokensPath) return method === "POST" ? answerToken(body) : { status: 405 };
      if (!isKnown(headers["authorization"])) return { status: 401 };
      const [, id = "", call] = /^\/api\/partner\/payments\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
      const held = purchases.get(id);
      if (held === undefined) return { status: 404 };
      if (call === undefined) return method === "GET" ? { status: 200, body: shown(held) } : { status: 405 };
      return method === "POST" ? answerCall(held, call, body) : { status: 405 };
    },
    preliminary: ({ path }) => path === tokensPath,
    open(purchase) {
      const id = nextId();
      purchases.set(id, {
        id,
        purchase,
        createdAt: now(),
        expiresAt: now() + sessionMs,
        mode: "B2C",
        step: "Initialized",
        method: "Invoice",
        token: null,
        orderReference: purchase.paymentId.slice(0, referenceLength),
        delivered: 0,
        returned: 0,
        givenBack: 0,
        cancelled: false,
        dueAt: undefined,
        attempts: 0,
        delay: 0,
        loseNext: 0,
        copies: 0,
      });
      return id;
    },
    actions(reference) {
      const held = heldOf(reference);
      return Object.keys(actions).filter((name) => actions[name]?.possible(held));
    },
    act(reference, name) {
      const held = heldOf(reference);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action?.possible(held)) throw new Error(`Avarda cannot ${name} this purchase now`);
      action.act(held);
    },
    due: (at) => [...purchases.values()].flatMap((held) => sendable(held, at)),
    describe: (reference) => describe(heldOf(reference)),
  };
}

function countedIds(): () => string {
  let count = 0;
  return () => (count += 1).toString(16).padStart(32, "0");
}

function isEntry(step: Step): boolean {
  return ["Initialized", "PersonalInfo", "EnterCompanyInfo", "CompanyAddressInfo"].includes(step);
}

function isPaying(step: Step): boolean {
  return ["WaitingForSwish", "RedirectedToDirectPaymentBank"].includes(step);
}

function openIn({ step, purchase, delivered, givenBack, cancelled }: Held): Minor {
  return step !== "Completed" || cancelled ? 0 : purchase.amount - delivered - givenBack;
}

/** A purchase as it goes over the wire, with the personal data that the real Avarda sends along. */
function shown(held: Held): Json {
  const { id, purchase, mode, step, method, token, orderReference } = held;
  const total = majorFromMinor(purchase.amount, purchase.currency);
  const side = { step: { current: step }, ...shopper };
  // The side that the mode does not name is there all the same, and says nothing.
  const other = { step: { current: "Unknown" }, userInputs: null };
  return {
    purchaseId: id,
    extraIdentifiers: { orderReference, description: "", attachment: null },
    totalPrice: total,
    createdUtc: new Date(held.createdAt).toISOString().replace("Z", "0000Z"),
    expiredUtc: new Date(held.expiresAt).toISOString().replace("Z", "0000Z"),
    checkoutSite: { siteCode: "12345", countryCode: "SE", currencyCode: purchase.currency },
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

function fieldIn(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}

function hasIn(body: unknown, name: string): boolean {
  return fieldIn(body, name) !== undefined;
}

function textIn(body: unknown, name: string): string | undefined {
  const text = fieldIn(body, name);
  return typeof text === "string" && text !== "" ? text : undefined;
}

function minorIn(body: unknown, name: string, currency: string): Minor | undefined {
  const major = fieldIn(body, name);
  return typeof major === "number" && major > 0 ? minorFromMajor(major, currency) : undefined;
}

/** The sum of the lines, which has to be above zero; single ones may be below: rebates. */
function itemsIn(body: unknown, currency: string): Minor | undefined {
  const items = fieldIn(body, "items");
  if (textIn(body, "orderReference") === undefined || !Array.isArray(items) || items.length === 0) return undefined;
  const amounts = items.map((item: unknown) => fieldIn(item, "amount"));
  const sum = amounts.reduce<number>((total, amount) => total + minorFromMajor(Number(amount), currency), 0);
  return sum > 0 ? sum : undefined;
}

function describe(held: Held): string {
  const { purchase, step, delivered, returned, givenBack, cancelled } = held;
  const show = (minor: Minor): string => majorFromMinor(minor, purchase.currency).toFixed(2);
  return [
    `${step} ${show(purchase.amount)} ${purchase.currency}`,
    ...(held.mode === "B2B" ? ["B2B"] : []),
    ...(delivered === 0 ? [] : [`delivered ${show(delivered)}`]),
    ...(returned === 0 ? [] : [`returned ${show(returned)}`]),
    ...(givenBack === 0 ? [] : [`given back ${show(givenBack)}`]),
    ...(cancelled ? ["cancelled"] : []),
  ].join(", ");
}
