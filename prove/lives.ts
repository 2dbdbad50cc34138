import type { AnyAdapter, Minor } from "../src/contract/adapter.ts";
import { deliveryFaults, type Simulator } from "../src/contract/simulator.ts";
import type { Adapters } from "../src/adapters/registry.ts";
import { majorFromMinor } from "../src/lib/money.ts";
import { bareOperationUrl } from "../src/signatures/urls.ts";
import { kinds, purchaseKinds } from "../sandbox/purchases.ts";
import type { SandboxPsp } from "../sandbox/psp.ts";
import type { Purchase, Shop } from "../sandbox/shop.ts";
import { setTimeout as pause } from "node:timers/promises";
import type { Chance } from "./random.ts";

/** Sums that operations move. */
export type Moved = "captured" | "refunded" | "released";

/** An operation that was asked for, and what the service says of it. */
interface Asked {
  readonly sum: Moved;
  readonly amount: Minor;
  status: string;
}

/** One payment from its beginning to its end, and what was told to the service about it. */
export interface Life {
  readonly purchase: Purchase;
  readonly operations: Asked[];
  /** What happened, for people. */
  readonly story: string[];
  /** When news of it was acknowledged, or a look at it was taken, oldest first; milliseconds since the epoch. */
  readonly announcedAt: number[];
  /** The most that the PSP ever held at once: what is less than was asked had been whole where this is not. */
  mostAuthorized: Minor;
  /** When it changed at the PSP the last time. */
  changedAt: number;
  isOver: boolean;
}

/** What lives are lived with. */
export interface LifeParts {
  readonly shop: Shop;
  readonly psp: SandboxPsp;
  readonly adapters: Adapters;
  readonly front: string;
  readonly adminToken: string;
  readonly chance: Chance;
  /** Notes what went wrong on purpose, by name. */
  readonly struck: (fault: string) => void;
}

/** Every life so far, by payment id. */
export interface Lives {
  readonly all: ReadonlyMap<string, Life>;
  /** Begins one and lives it to its end. */
  live(number: number): Promise<Life>;
  /** Nothing more happens to anybody: whoever still lives asks for looks, and ends. */
  rest(): void;
  /** A payment is paid at a PSP that tells of it; for measuring. */
  payQuickly(number: number): Life;
}

const operations: Readonly<Record<string, Moved>> = { capture: "captured", refund: "refunded", cancel: "released" };
/** What every PSP whose news no schedule repeats needs: somebody who asks for a look. */
const graceMs = 4_000;

/** The lives of payments. */
export function createLives(parts: LifeParts): Lives {
  const { shop, psp, chance } = parts;
  const all = new Map<string, Life>();
  const folders = psp.adapters;
  const resting = new AbortController();

  const begin = (number: number, mine: Chance, folder: string): Life => {
    const sold = purchaseKinds.filter(
      (kind) => psp.simulator(folder).currencies?.includes(kinds[kind].currency) !== false,
    );
    const purchase = shop.startPurchase(mine.pick(sold), { adapter: folder, title: `life ${number}` });
    const life: Life = {
      purchase,
      operations: [],
      story: [],
      announcedAt: [],
      mostAuthorized: 0,
      changedAt: Date.now(),
      isOver: false,
    };
    all.set(purchase.key.paymentId, life);
    return life;
  };

  return {
    all,
    async live(number) {
      const mine = chance.for(`life-${number}`);
      const life = begin(number, mine, folders[number % folders.length] ?? "");
      const steps = mine.between(2, 6);
      for (let step = 0; step < steps && !resting.signal.aborted; step += 1) {
        await pause(mine.between(20, 1_500));
        await takeStep(parts, life, mine);
      }
      // Some PSPs answer for a while what was true before (docs/psp/walley.md): who asks because nobody told, asks again.
      for (let looks = 0; looks < 3; looks += 1) {
        await pause(graceMs);
        await lookUntilTaken(parts, life);
      }
      life.isOver = true;
      return life;
    },
    rest: () => resting.abort(),
    payQuickly(number) {
      // One that calls at once, and again where nobody answers.
      const folder = folders.find((name) => name === "klarna-checkout") ?? folders[0] ?? "";
      const life = begin(number, chance.for(`quick-${number}`), folder);
      shop.act(life.purchase, "pay");
      life.changedAt = Date.now();
      life.isOver = true;
      return life;
    },
  };
}

/** Something happens: on the way, at the PSP, or because somebody asks the service for an operation. */
async function takeStep(parts: LifeParts, life: Life, chance: Chance): Promise<void> {
  const { psp, shop, adapters } = parts;
  const { key, reference } = life.purchase;
  const simulator = psp.simulator(key.adapter);
  if (chance.is(0.2)) {
    const fault = chance.pick(deliveryFaults);
    simulator.disturb(reference, fault);
    parts.struck(`webhook ${fault}`);
    note(life, `the next webhook: ${fault}`);
  }
  const adapter = adapters.get(key.adapter);
  const operation = adapter === undefined ? undefined : possibleOperation(adapter, simulator, reference, chance);
  if (operation !== undefined && chance.is(0.6)) {
    await operate(parts, life, operation, chance);
    return;
  }
  const offered = simulator.actions(reference);
  const paying = offered.filter((name) => name.startsWith("pay"));
  const action =
    paying.length > 0 && chance.is(0.8) ? chance.pick(paying) : offered[chance.between(0, offered.length - 1)];
  if (action === undefined) return;
  const part = partOf(simulator, reference, action, chance);
  note(life, `at the PSP: ${action}${part === undefined ? "" : ` ${part}`}`);
  try {
    shop.act(life.purchase, action, part);
  } catch (error) {
    // A portal that takes whole rows only, for example.
    note(life, `not possible: ${error instanceof Error ? error.message : String(error)}`);
  }
  life.changedAt = Date.now();
}

/** A part of what is there where the action takes one and chance wants it. */
function partOf(simulator: Simulator, reference: string, action: string, chance: Chance): Minor | undefined {
  const money = simulator.money(reference);
  if (!simulator.takesAmount(action) || money === null || !chance.is(0.4)) return undefined;
  const most =
    action === "refund" ? money.captured - money.refunded : money.authorized - money.captured - money.released;
  return most < 2 ? undefined : Math.ceil(most * 0.4);
}

interface PossibleOperation {
  readonly name: "capture" | "cancel" | "refund";
  readonly most: Minor;
}

function possibleOperation(
  { operations: offered }: AnyAdapter,
  simulator: Simulator,
  reference: string,
  chance: Chance,
): PossibleOperation | undefined {
  const money = simulator.money(reference);
  if (money === null) return undefined;
  const open = money.authorized - money.captured - money.released;
  const possible = [
    { name: "capture", most: open },
    { name: "refund", most: money.captured - money.refunded },
    { name: "cancel", most: open },
  ] as const;
  const choices = possible.filter(({ name, most }) => most > 0 && offered?.[name] !== undefined);
  return choices.length === 0 ? undefined : chance.pick(choices);
}

/** Asks for it until the service has taken it or refused, with one idempotency key, and then for what has become of it. */
async function operate(
  { front, adminToken }: LifeParts,
  life: Life,
  { name, most }: PossibleOperation,
  chance: Chance,
): Promise<void> {
  const { key, currency } = life.purchase;
  const amount = name !== "cancel" && chance.is(0.5) ? Math.max(1, Math.ceil(most * 0.4)) : most;
  const url = bareOperationUrl(front, key, name);
  const headers = {
    authorization: `Bearer ${adminToken}`,
    "idempotency-key": `${key.paymentId}-${life.operations.length}`,
    "content-type": "application/json",
  };
  const body = amount === most ? {} : { body: JSON.stringify({ amount: majorFromMinor(amount, currency) }) };
  const asked: Asked = { sum: operations[name] ?? "captured", amount, status: "asked" };
  life.operations.push(asked);
  note(life, `asked: ${name} ${amount}`);
  const taken = await insist(() => answerOf(url, { method: "POST", headers, ...body }));
  if (typeof taken?.operationId !== "string") {
    asked.status = "refused";
    note(life, `${name} ${amount}: refused`);
    return;
  }
  const deadline = Date.now() + 40_000;
  asked.status = String(taken.status);
  while (["queued", "running"].includes(asked.status) && Date.now() < deadline) {
    await pause(500);
    const known = await answerOf(`${url}&operationId=${taken.operationId}`, { headers });
    if (typeof known.body?.status === "string") asked.status = known.body.status;
  }
  note(life, `${name} ${amount}: ${asked.status}`);
  life.changedAt = Date.now();
}

/** One line of a payment's story, with its time. */
export function note({ story }: Life, what: string): void {
  story.push(`${new Date().toISOString().slice(11, 23)} ${what}`);
}

/** As any operator's script would: until the service takes it. */
async function lookUntilTaken({ front, adminToken }: LifeParts, life: Life): Promise<void> {
  const url = bareOperationUrl(front, life.purchase.key, "refresh");
  const headers = { authorization: `Bearer ${adminToken}` };
  await insist(() => answerOf(url, { method: "POST", headers }));
  life.announcedAt.push(Date.now());
  note(life, "a look was taken");
}

interface Answer {
  readonly status: number;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
}

/** Repeats while there is no answer, or one that says "later"; what the service said then, `undefined` where it refused. */
export async function insist(ask: () => Promise<Answer>): Promise<Answer["body"]> {
  for (;;) {
    const { status, body } = await ask();
    if (status === 200) return body ?? {};
    if (status >= 400 && status < 500 && status !== 429) return undefined;
    await pause(400);
  }
}

/** An answer's status and its JSON; 0 where there is none. */
export async function answerOf(url: string, init: RequestInit): Promise<Answer> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(12_000) });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith("{") ? (JSON.parse(text) as Answer["body"]) : undefined };
  } catch {
    return { status: 0 };
  }
}
