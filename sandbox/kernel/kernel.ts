import { createHash } from "node:crypto";
import type { Minor } from "../../src/contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedHeld,
  SimulatedPayment,
  SimulatedPurchase,
  SimulatedRequest,
  Simulate,
  Simulation,
  Simulator,
} from "../../src/contract/simulator.ts";
import { seeded } from "./chance.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { createRouter, type Router } from "./routes.ts";

/** How a simulator is run. */
export interface SimulatorOptions {
  /** Shrinks the PSP's schedules: 1/60 makes minutes seconds, 0 makes the next attempt due at once. Default 1. */
  readonly timeScale?: number;
  /** Unix milliseconds. Default: the process's clock. */
  readonly now?: () => number;
  /** From 0 to 1. Default: counted from a seed, so that a run can be repeated. */
  readonly random?: () => number;
  readonly lists?: ListOptions;
}

/** How the PSP serves its lists. */
export interface ListOptions {
  /** How long a page is at most, whatever was asked for. */
  readonly page?: number;
  /** `given`: as the simulation keeps them. `shuffled`: another order at every answer. Default: `given`. */
  readonly order?: "given" | "reversed" | "shuffled";
}

/** Runs a simulation. */
export function createSimulator<Held extends SimulatedHeld>(
  simulate: Simulate<Held>,
  options: SimulatorOptions = {},
): Simulator {
  const { timeScale = 1, now = Date.now, random = seeded(1), lists = {} } = options;
  const held = new Map<string, Held>();
  const outboxes = new Map<string, Outbox>();
  const nextId = (): string => `webhook-${counted("webhook")}`;
  /** Of what belongs to no payment. */
  const accountOutbox = createOutbox({ callbackUrls: {}, now, timeScale, nextId });
  const counted = createCounter();
  let servedAt = "";

  const kernel: Kernel<Held> = {
    now,
    random,
    time: (afterMs = 0) => new Date(now() + afterMs).toISOString(),
    apiUrl: () => servedAt,
    count: (kind = "") => counted(kind),
    uuid: () => uuidOf(0, counted("uuid")),
    grant: (lifeMs) => `simulated-token-${counted("token")}-${now() + lifeMs}`,
    isGranted: (token) => Number(/^(?:Bearer )?simulated-token-\d+-(\d+)$/i.exec(token ?? "")?.[1] ?? 0) > now(),
    find: (reference) => held.get(reference),
    all: () => [...held.values()],
    send: (url, outgoing) => accountOutbox.send(outgoing, url),
    listed: (items) => ordered(items, lists.order ?? "given", random),
    page(items, from, most) {
      const length = Math.max(1, Math.min(most, lists.page ?? most));
      const next = from + length;
      return { items: items.slice(from, next), ...(next < items.length ? { next } : {}) };
    },
  };
  const simulation = simulate(kernel);
  const answer = answering(simulation, now);
  const grants = createRouter(simulation.grants ?? {});

  const preliminary = isOf(simulation.grants ?? {});

  const heldOf = (reference: string): Held => {
    const found = held.get(reference);
    if (found === undefined) throw new Error(`the PSP knows no payment ${reference}`);
    return found;
  };
  const actionOf = (name: string): SimulatedAction<Held> | undefined =>
    Object.hasOwn(simulation.actions, name) ? simulation.actions[name] : undefined;

  return {
    settings(apiUrl) {
      servedAt = apiUrl;
      return { apiUrl, ...simulation.settings(apiUrl) };
    },
    answer: (request) => grants(request) ?? answer(request),
    preliminary,
    isHarmless: (request) => request.method === "GET" || preliminary(request) || isOf(simulation.reads ?? {})(request),
    currencies: simulation.currencies,
    namesReversals: simulation.namesReversals,
    open(purchase) {
      if (simulation.currencies?.includes(purchase.currency) === false)
        throw new Error(`the PSP sells nothing in ${purchase.currency}`);
      const number = held.size + 1;
      const outbox = createOutbox({
        callbackUrls: purchase.callbackUrls,
        about: purchase.paymentId,
        now,
        timeScale,
        nextId,
      });
      const opened = simulation.open(paymentOf(number, purchase, outbox));
      held.set(opened.reference, opened);
      outboxes.set(opened.reference, outbox);
      return opened.reference;
    },
    actions(reference) {
      const of = heldOf(reference);
      return Object.keys(simulation.actions).filter((name) => actionOf(name)?.possible(of));
    },
    takesAmount: (name) => actionOf(name)?.amount !== undefined,
    act(reference, name, amount) {
      const of = heldOf(reference);
      const action = actionOf(name);
      if (!action?.possible(of)) throw new Error(`nobody can ${name} this payment now`);
      action.act(of, amountFor(name, action, of, amount));
    },
    money: (reference) => simulation.money(heldOf(reference)),
    disturb: (reference, fault) => outboxes.get(reference)?.disturb(fault),
    due(at, underWay = new Set()) {
      const due = [...accountOutbox.due(at, underWay)];
      // Most have nothing to tell.
      for (const outbox of outboxes.values()) if (!outbox.isEmpty()) due.push(...outbox.due(at, underWay));
      return due;
    },
    answered({ id }, ack) {
      if (id !== undefined) for (const outbox of [accountOutbox, ...outboxes.values()]) outbox.answered(id, ack);
    },
    undelivered: (reference) => outboxes.get(reference)?.undelivered() ?? 0,
    describe: (reference) => simulation.describe(heldOf(reference)),
  };
}

function paymentOf(number: number, purchase: SimulatedPurchase, { send }: Outbox): SimulatedPayment {
  const counted = createCounter();
  return {
    purchase,
    number,
    count: (kind = "") => counted(kind),
    uuid: () => uuidOf(number, counted("uuid")),
    send,
  };
}

/** @throws Error where the action takes no amount, or not this one. */
function amountFor<Held>(
  name: string,
  { amount: takes }: SimulatedAction<Held>,
  held: Held,
  given: Minor | undefined,
): Minor {
  if (takes === undefined) {
    if (given !== undefined) throw new Error(`${name} takes no amount`);
    return 0;
  }
  const most = takes.most(held);
  const amount = given ?? takes.usual?.(held) ?? most;
  if (!Number.isSafeInteger(amount) || amount <= 0 || amount > most) throw new Error(`not an amount up to ${most}`);
  return amount;
}

/** Everything but grants: credentials first, then what a repeated key was answered, then the routes. */
function answering<Held extends SimulatedHeld>(
  simulation: Simulation<Held>,
  now: () => number,
): (request: SimulatedRequest) => SimulatedAnswer {
  const { idempotency, unknown = { status: 404 } } = simulation;
  const routes: Router = createRouter({ ...simulation.routes, ...simulation.reads });
  const first = new Map<string, { readonly at: number; readonly answer: SimulatedAnswer }>();
  return (request) => {
    const refused = simulation.refuse?.(request);
    if (refused !== undefined) return refused;
    const key = request.method === "GET" ? undefined : request.headers[idempotency?.header ?? ""];
    if (idempotency === undefined || key === undefined) return routes(request) ?? unknown;
    const known = first.get(key);
    if (known !== undefined && now() - known.at < (idempotency.windowMs ?? Infinity))
      return idempotency.repeated?.(known.answer, request) ?? known.answer;
    const answer = routes(request) ?? unknown;
    if (idempotency.keeps?.(answer) ?? true) first.set(key, { at: now(), answer });
    return answer;
  };
}

/** Whether a call is one of these routes, whose paths hold no names. */
function isOf(routes: Routes): (request: Pick<SimulatedRequest, "method" | "path">) => boolean {
  return ({ method, path }) => Object.keys(routes).includes(`${method} ${path}`);
}

function createCounter(): (kind: string) => number {
  const counts = new Map<string, number>();
  return (kind) => {
    const next = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, next);
    return next;
  };
}

/** Payment 0 stands for what belongs to no payment. As with real ids, nothing follows from which of two comes first in the alphabet. */
function uuidOf(payment: number, count: number): string {
  const digits = createHash("sha256").update(`${payment}/${count}`).digest("hex");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}

function ordered<Item>(items: readonly Item[], order: "given" | "reversed" | "shuffled", random: () => number): Item[] {
  if (order === "given") return [...items];
  if (order === "reversed") return items.toReversed();
  return items
    .map((item) => ({ item, rank: random() }))
    .toSorted((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}
