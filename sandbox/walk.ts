import type { Minor } from "../src/contract/adapter.ts";
import type { Adapters } from "../src/adapters/registry.ts";
import { minorFromMajor } from "../src/lib/money.ts";
import { recordKey } from "../src/norce/payment.ts";
import { wait } from "./faults.ts";
import { numberOf, textOf } from "./history.ts";
import type { Change, Document, SandboxNorce } from "./norce.ts";
import { isObject } from "./norce-rules.ts";
import type { SandboxPsp } from "./psp.ts";
import { kinds } from "./purchases.ts";
import { type Scenario, scenarios as allScenarios, type Step } from "./scenarios.ts";
import { type Purchase, type Shop, titleKey } from "./shop.ts";
import { dim, formatMoney, type Move, moveLine, type Terminal, verdict } from "./terminal.ts";

export interface WalkParts {
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  readonly shop: Shop;
  readonly adapters: Adapters;
  readonly terminal: Terminal;
  /** Default: every scenario. */
  readonly scenarios?: readonly Scenario[];
  /** How long Norce may take to follow one step while no other payment moves either, in milliseconds. Default a minute. */
  readonly patienceMs?: number;
  /** How far apart purchases and steps are, in milliseconds, so that the lines can be read. Default 300. */
  readonly apartMs?: number;
}

/** A machine that is busy with other things stands still for a while. */
const usualPatienceMs = 60_000;

export interface WalkSummary {
  /** How many purchases ended as they should. */
  readonly purchases: number;
  /** Scenarios with an action that the PSP's simulator does not offer. */
  readonly leftOut: readonly string[];
  readonly seconds: number;
}

/**
 * Takes purchases through every state, side by side, and waits for Norce to say each time what is true.
 * @throws Error naming every purchase that did not end as it should, and what Norce said instead.
 */
export async function walk(parts: WalkParts): Promise<WalkSummary> {
  const { psp, terminal, apartMs = 300, scenarios = allScenarios } = parts;
  const started = performance.now();
  const plans = psp.adapters.flatMap((adapter) => scenarios.map((scenario) => ({ adapter, scenario })));
  const outcomes = await Promise.allSettled(
    plans.map(async ({ adapter, scenario }, index) => {
      await wait(index * apartMs);
      return await walkOne(parts, adapter, scenario);
    }),
  );
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const failures = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }) => messageOf(reason));
  if (failures.length > 0) {
    const count = `${failures.length} of ${plans.length} purchases did not end as they should`;
    terminal.write(verdict(`✗ ${count}`, false, terminal.colour));
    throw new Error([`${count}:`, ...failures.map((failure) => `  - ${failure}`)].join("\n"));
  }
  const leftOut = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
  const purchases = plans.length - leftOut.length;
  const text = `✓ ${purchases} purchases, each ended as it should`;
  terminal.write(`${verdict(text, true, terminal.colour)} ${dim(`(${seconds} s)`, terminal.colour)}`);
  if (leftOut.length > 0) {
    const perAdapter = Map.groupBy(leftOut, (left) => left.split(":")[0] ?? "");
    const counts = [...perAdapter].map(([adapter, of]) => `${adapter} ${of.length}`).join(", ");
    terminal.write(dim(`  left out, because the PSP has no such step or currency: ${counts}`, terminal.colour));
  }
  return { purchases, leftOut, seconds };
}

/** Prints each payment of the shop as it moves, until the function returned is called. */
export function printMoves({
  norce,
  shop,
  adapters,
  terminal,
}: Pick<WalkParts, "norce" | "shop" | "adapters" | "terminal">): () => void {
  return norce.onChange((change) => {
    const move = moveFrom(change, adapters, shop);
    if (move !== undefined) terminal.write(moveLine(move, terminal.colour));
  });
}

/** Walks one purchase to its end; what it returns says that it was left out, and why. */
async function walkOne(parts: WalkParts, adapter: string, scenario: Scenario): Promise<readonly string[]> {
  const { shop, norce, psp } = parts;
  const { title, kind, unbound = false } = scenario;
  const { currency } = kinds[kind];
  if (psp.simulator(adapter).currencies?.includes(currency) === false) return [`${adapter}: ${title} (no ${currency})`];
  const purchase = shop.startPurchase(kind, { adapter, title, unbound });
  for (const step of scenario.steps) {
    await wait(parts.apartMs ?? 300);
    const offered = psp.actions(adapter, purchase.reference);
    if (!offered.includes(step.act) && step.optional === true) continue;
    if (!offered.includes(step.act)) return [`${adapter}: ${title} (no ${step.act})`];
    if (!(await takeStep(parts, purchase, step))) return [`${adapter}: ${title} (no ${step.act} of a part)`];
  }
  const payment = (): Document => norce.payment(purchase.key.orderId, purchase.key.paymentId) ?? {};
  if (textOf(payment(), "reference") !== purchase.reference)
    throw new Error(`${title} (${adapter}): the payment has no reference of the PSP's`);
  // Some PSPs tell of the token by a webhook of its own.
  const hasToken = (): boolean => {
    const { recurring } = payment();
    return isObject(recurring) && textOf(recurring, "token") !== "";
  };
  if (scenario.token === true && !(await becomes(norce, hasToken, parts.patienceMs ?? usualPatienceMs)))
    throw new Error(`${title} (${adapter}): the payment has no recurring token`);
  return [];
}

/** Takes a step to its end; false where the PSP does not do it for a part of the amount. */
async function takeStep(parts: WalkParts, purchase: Purchase, step: Step): Promise<boolean> {
  const { norce, shop, patienceMs = usualPatienceMs } = parts;
  const { orderId, paymentId } = purchase.key;
  const logged = norce.transactions(orderId, paymentId).length;
  const followed = (): boolean => {
    const state = textOf(norce.payment(orderId, paymentId) ?? {}, "state");
    if (![step.says].flat().some((expected) => expected === state)) return false;
    const since = norce.transactions(orderId, paymentId).slice(logged);
    return step.logs === undefined || since.some(({ event }) => event === step.logs);
  };
  try {
    shop.act(purchase, step.act, amountOf(purchase, step));
  } catch (error) {
    if (step.part === undefined) throw error;
    return false;
  }
  if (step.says === undefined) return true;
  if (step.look === true) await shop.look(purchase);
  if (await becomes(norce, followed, patienceMs)) return true;
  const says = textOf(norce.payment(orderId, paymentId) ?? {}, "state");
  throw new Error(
    `${purchase.title} (${orderId}): after ${step.act} Norce should say ${[step.says].flat().join(" or ")}, it says ${says}`,
  );
}

function amountOf({ amount }: Purchase, { part }: Step): Minor | undefined {
  return part === undefined ? undefined : Math.round(amount * part);
}

/**
 * Waits for a condition on what Norce stores; false where it does not come true in time. As long as payments move the machine is only slow:
 * patience counts from the last move.
 */
async function becomes(norce: SandboxNorce, condition: () => boolean, patienceMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const deadline = setTimeout(() => resolve(false), patienceMs);
  const check = (): void => {
    if (condition()) resolve(true);
  };
  const stop = norce.onChange(({ before }) => {
    if (before !== undefined) deadline.refresh();
    check();
  });
  check();
  try {
    return await promise;
  } finally {
    clearTimeout(deadline);
    stop();
  }
}

function moveFrom(
  { what, paymentId = "", orderId, before, after }: Change,
  adapters: Adapters,
  shop: Shop,
): Move | undefined {
  if (what !== "payment") return undefined;
  const to = textOf(after, "state");
  const from = before === undefined ? null : textOf(before, "state");
  const currency = textOf(after, "currency");
  const note = before === undefined ? titleOf(after) : noteOf(before, after, currency);
  if (before !== undefined && from === to && note === undefined) return undefined;
  const adapter = shop.find(paymentId)?.key.adapter ?? "";
  // The shop knows a purchase only once it has created the payment; the payment's own name is the PSP's product.
  const psp = adapters.get(adapter)?.title ?? textOf(after, "name");
  const amount = minorFromMajor(numberOf(after, "amount"), currency);
  return { at: Date.now(), orderId, psp, from, to, amount, currency, ...(note === undefined ? {} : { note }) };
}

/** What was captured or refunded so far, where that changed but is not all of it. */
function noteOf(before: Document | undefined, after: Document, currency: string): string | undefined {
  const notes = ["captured", "refunded"].filter((name) => sumOf(after, name) !== sumOf(before, name));
  if (notes.length === 0) return undefined;
  return notes.map((name) => `${name} ${formatMoney(sumOf(after, name), currency)}`).join(", ");
}

/** What the purchase shows, as the shop noted it. */
function titleOf({ attributes }: Document): string | undefined {
  return isObject(attributes) ? textOf(attributes, titleKey) : undefined;
}

function sumOf(payment: Document | undefined, name: string): Minor {
  return numberOf(recordOf(payment), name);
}

/** What the service keeps under its own key in the payment's attributes. */
function recordOf(payment: Document | undefined): Document[string] | undefined {
  const attributes = payment?.["attributes"];
  return isObject(attributes) ? attributes[recordKey] : undefined;
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
