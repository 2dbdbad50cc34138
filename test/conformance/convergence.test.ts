import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { DesiredPayment, Money, OperationName } from "../../src/contract/adapter.ts";
import type { SimulatedWebhook } from "../../src/contract/simulator.ts";
import { minorFromMajor } from "../../src/lib/money.ts";
import type { Document } from "../../sandbox/norce.ts";
import { recordKey } from "../../src/norce/payment.ts";
import { stateOf } from "../../src/norce/states.ts";
import { sumMovedBy, sumsToBe } from "../../src/workers/operate/possible.ts";
import { bodyWithPeople, expectSilence, norceToken, person, tokenOf, withPeople } from "../support/canaries.ts";
import { type Act, openStage, partAmount, type Purchase, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";
import { walk } from "../support/walk.ts";

const subjects = await loadSubjects();

/** What a simulator calls so moves the sum that an operation of the name moves. */
const moving: readonly string[] = ["capture", "cancel", "refund"] satisfies OperationName[];
/** Which sum is the running total of which lines. */
const totals = { capture: "captured", refund: "refunded", cancel: "released" } as const;

/** Worlds that differ in Norce's words, in what is bought with, in how the PSP serves its lists, and in whether its webhooks arrive. */
const worlds = [
  { states: "ten", version: "v0", heard: "webhooks", lists: {}, currencies: ["SEK"], deepest: 5, mostSteps: 130 },
  {
    states: "twelve",
    version: "v1",
    // Where the PSP can be asked, looks alone have to find what there is.
    heard: "no webhook",
    lists: { page: 1, order: "shuffled" },
    // With no decimals, with two and with three.
    currencies: ["JPY", "EUR", "KWD", "SEK"],
    deepest: 4,
    mostSteps: 60,
  },
] as const;

describe.each(subjects)("$folder", (subject) => {
  const isFolded = "fold" in subject.adapter;

  describe.each(worlds)(
    "with $states states on $version, hearing $heard",
    ({ states, version, heard, lists, deepest, mostSteps, ...world }) => {
      let stage: Stage;
      beforeAll(async () => {
        stage = await openStage(subject, {
          states,
          version,
          lists,
          norceToken,
          answered: (answer) => (answer.body === undefined ? answer : { ...answer, body: withPeople(answer.body) }),
        });
      });
      afterAll(() => stage.close());
      const purchases: Purchase[] = [];
      /** The sums at the end of each way, and by how much each action that moves money has changed its own. */
      const sums = new Map<string, Money>();
      const moved = new Map<string, number[]>();

      /** Notes what the last action did to the money. */
      function note(way: readonly Act[], desired: DesiredPayment): void {
        const now = sumsToBe(desired);
        sums.set(JSON.stringify(way), now);
        const last = way.at(-1);
        const before = sums.get(JSON.stringify(way.slice(0, -1)));
        if (last === undefined || before === undefined || !moving.includes(last.name)) return;
        const name = last.name as OperationName;
        const label = `${name}${last.part ? ` of ${partAmount}` : ""}`;
        moved.set(label, [...(moved.get(label) ?? []), sumMovedBy(name, now) - sumMovedBy(name, before)]);
      }

      /** In each of the world's currencies that the PSP sells in, one after the other. */
      function begin(): Purchase {
        const sold = world.currencies.filter((currency) => stage.simulator.currencies?.includes(currency) ?? true);
        const currency = sold[purchases.length % sold.length] ?? stage.simulator.currencies?.[0] ?? "SEK";
        const purchase = stage.purchase({ recurring: purchases.length % 2 === 1, currency });
        purchases.push(purchase);
        return purchase;
      }

      /** Whatever is changed in the body of such a webhook makes it nobody's. */
      const isSigned = ({ webhook }: SimulatedWebhook): boolean =>
        subject.adapter.webhooks[webhook]?.verify.scheme !== "signed-url";

      /** Whether it is all there is: an event of it is kept, because nobody could be asked for what it says. */
      function isKept({ key }: Purchase, { webhook, url, body, ...rest }: SimulatedWebhook): boolean {
        const request = { ...rest, url, query: new URL(url).searchParams, body: Buffer.from(body) };
        const events = subject.adapter.webhooks[webhook]?.parse(request, key, stage.config.find(key)?.settings);
        return isFolded || events?.some(({ line, hearsay }) => line !== undefined || hearsay === true) === true;
      }

      async function follow(purchase: Purchase, again: boolean): Promise<void> {
        // Whoever cannot be asked has to be heard; what others send is heard as well, where it is new, or lost.
        const arrived = purchase.sent().filter((webhook) => heard === "webhooks" || isKept(purchase, webhook));
        const sent = new Map(arrived.map((webhook) => [webhook.id ?? webhook, webhook]));
        for (const webhook of sent.values()) {
          const headers = { ...webhook.headers, "x-shopper": `${person}-in-a-header` };
          // Where the PSP signs the body, the people in it are the simulator's own.
          const bodies =
            again || isFolded || isSigned(webhook) ? [webhook.body] : [bodyWithPeople(webhook.body), webhook.body];
          for (const body of bodies) await stage.deliver({ ...webhook, headers, body });
        }
        await stage.look(purchase.key);
        // What a webhook told may wait for a while before it is looked at.
        await stage.rest(purchase.key, "patient");
      }

      /** Norce says what the PSP says, and looking again writes nothing. */
      async function check(purchase: Purchase, way: readonly Act[]): Promise<void> {
        const snapshot = await stage.snapshot(purchase);
        const desired = await stage.desired(purchase, snapshot);
        if (desired !== null) {
          note(way, desired);
          if (desired.reversal !== undefined && !isFolded)
            expect(stage.simulator.namesReversals, "say namesReversals in simulator.ts").toBe(true);
          expect(purchase.state(), "the state follows from money and phase").toBe(
            stateOf(desired.phase, desired.money, states),
          );
          const logged = purchase.eventKeys();
          for (const { key } of desired.transactions)
            expect(
              logged.filter((line) => line === key),
              `${key} stands once in the log`,
            ).toHaveLength(1);
          const wrong = wrongLines(purchase, desired);
          expect(wrong, "lines of the log").toEqual([]);
        }
        expectStated(stage, purchase);
        const before = stage.writes();
        const { outcome } = await stage.look(purchase.key);
        expect({ outcome, writes: stage.writes() - before }, "a second look").toEqual({
          outcome: "unchanged",
          writes: 0,
        });
        expect(JSON.stringify(snapshot), "what is not read cannot leak").not.toContain(person);
      }

      test("wherever the PSP's actions lead, Norce says what the PSP states, and a second look writes nothing", async () => {
        const places = await walk({ stage, begin, follow, check, deepest, mostSteps });
        expect(places, "the simulator has no actions").toBeGreaterThan(1);
        for (const [label, changes] of moved) {
          // A cancellation is of everything, and some PSPs take other operations for everything only.
          const isPart = label.endsWith(String(partAmount)) && !label.startsWith("cancel");
          expect(Math.max(...changes), `money that map or fold shows after the PSP's ${label}`).toBeGreaterThan(0);
          if (isPart) expect(changes, `money that map or fold shows after the PSP's ${label}`).toContain(partAmount);
        }
      });

      test("no secret and nothing personal gets out on the way", async () => {
        const tokens = purchases.flatMap(({ payment }) => tokenOf(payment()["recurring"] ?? null));
        await expectSilence(subject, stage, purchases, tokens);
      });
    },
  );

  // Where nothing has to be told there is nothing to tell twice.
  test.runIf("afterWrite" in subject.adapter && subject.adapter.afterWrite !== undefined)(
    "what the PSP is told once Norce has been written is told again after a crash, and changes nothing the second time",
    async () => {
      const stage = await openStage(subject);
      onTestFinished(() => stage.close());
      const tellings = (): number => stage.asked.filter(({ method }) => method !== "GET").length;
      let repeats = 0;
      for (const name of stage.purchase().actions()) {
        const purchase = stage.purchase();
        if (!purchase.act({ name, part: false })) continue;
        // The line that marks it as told is lost on its way.
        stage.norce.fault({ match: ({ method }) => method === "POST", status: 500 });
        const before = tellings();
        await stage.look(purchase.key);
        stage.norce.clearFaults();
        if (tellings() === before) continue;
        const once = stage.simulator.describe(purchase.reference);
        await stage.look(purchase.key);
        await stage.rest(purchase.key);
        expect(stage.simulator.describe(purchase.reference), `after ${name}, told again`).toBe(once);
        repeats += 1;
      }
      expect(repeats, "nothing that the simulator's actions lead to has to be told").toBeGreaterThan(0);
    },
  );

  // Whom nobody calls asks no shopper for anything.
  test.runIf(Object.keys(subject.adapter.webhooks).length > 0)(
    "less than Norce asks for is paid nowhere, whatever the shopper does: Norce's amount stays, and a person is asked",
    async () => {
      const stage = await openStage(subject);
      onTestFinished(() => stage.close());
      const { currencies: [currency = "SEK"] = [] } = stage.simulator;
      const asked: unknown[] = [];
      let authorized = 0;
      for (const name of stage.purchase({ currency }).actions()) {
        await stage.reset();
        const purchase = stage.purchase({ currency });
        const { orderId, paymentId } = purchase.key;
        const amount = Number(purchase.payment()["amount"]) * 10;
        stage.norce.edit(orderId, paymentId, (payment) => ({ ...payment, amount }));
        if (!purchase.act({ name, part: false })) continue;
        for (const webhook of purchase.sent()) await stage.deliver(webhook);
        for (const _ of ["it is seen", "its parts stay short", "it is seen again"]) {
          // What ends with a letter is one of the ends that are wanted here.
          await stage.rest(purchase.key, "patient").catch(() => undefined);
          await stage.look(purchase.key);
          vi.setSystemTime(Date.now() + 2 * hourMs);
        }
        if ((stage.simulator.money(purchase.reference)?.authorized ?? 0) === 0) continue;
        authorized += 1;
        const { state, payment } = purchase;
        expect([paidStates.includes(String(state())), payment()["amount"]], name).toEqual([false, amount]);
        asked.push(...(await stage.letters()).map(({ context }) => context?.["reason"]));
      }
      expect(authorized, "ways to pay").toBeGreaterThan(0);
      expect(asked).toContain("underpaid");
    },
  );

  test("the simulator states its money", async () => {
    const simulator = await subject.simulator();
    const callbackUrls = {};
    const [currency = "SEK"] = simulator.currencies ?? [];
    const reference = simulator.open({ orderId: "o_1", paymentId: "p_1", amount: 100_00, currency, callbackUrls });
    expect(simulator.money(reference), "write money in simulator.ts").not.toBeUndefined();
  });
});

/** What is wrong with the lines of the log: one that is no longer what it was, a last one of its kind that is not the sum. */
function wrongLines(purchase: Purchase, { currency, money, reversal, transactions }: DesiredPayment): string[] {
  const keys = purchase.eventKeys();
  const logged = purchase.transactions();
  const minor = (line: Document | undefined): number => minorFromMajor(Number(line?.["amount"]), currency);
  const changed = transactions.flatMap(({ key, event, amount }) => {
    const line = logged[keys.indexOf(key)];
    const same = line?.["event"] === event && minor(line) === amount;
    return same ? [] : [`${key} was logged over ${minor(line)}, and would be over ${amount} now`];
  });
  // Money that went back is told in lines of the PSP's own.
  if (reversal !== undefined) return changed;
  const own = logged.filter((_, index) => transactions.some(({ key }) => key === keys[index]));
  const wrong = Object.entries(totals).flatMap(([event, sum]) => {
    const last = own.findLast((line) => line["event"] === event && line["isSuccess"] !== false);
    const same = last === undefined || minor(last) === money[sum];
    return same ? [] : [`the last ${event} is over ${minor(last)}, ${sum} is ${money[sum]}`];
  });
  return [...changed, ...wrong];
}

/** Norce's sums are the simulator's. */
function expectStated(stage: Stage, purchase: Purchase): void {
  const stated = stage.simulator.money(purchase.reference);
  const payment = purchase.payment();
  const attributes = payment["attributes"] as Record<string, Record<string, unknown>> | undefined;
  const record = attributes?.[recordKey] ?? {};
  const { currency, ...sums } = stated ?? { currency: payment["currency"], ...nothing };
  const said = Object.fromEntries(Object.keys(nothing).map((name) => [name, record[name] ?? 0]));
  expect({ ...said, currency: payment["currency"] }, "Norce's sums are those that the PSP states").toEqual({
    ...sums,
    currency,
  });
}

const hourMs = 60 * 60_000;
const paidStates: readonly string[] = ["reserved", "captured", "confirmed"];

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };
