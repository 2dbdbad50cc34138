import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SimulatedWebhook } from "../../src/contract/simulator.ts";
import { recordKey } from "../../src/norce/payment.ts";
import type { Document } from "../../sandbox/norce.ts";
import { type Act, openStage, type Purchase, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();

/** Somebody's way through what is possible at each step. */
const story = fc.record({
  referenced: fc.boolean(),
  recurring: fc.boolean(),
  steps: fc.array(fc.record({ which: fc.nat(), part: fc.boolean() }), { minLength: 1, maxLength: 6 }),
});

/** Which of the webhooks that were sent arrive, in which order and how often; some in a burst, some while nothing else happens. */
const arrivals = fc.array(fc.record({ which: fc.nat(), pause: fc.boolean() }), { minLength: 1, maxLength: 6 });

describe.each(subjects)("$folder", (subject) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage(subject);
  });
  afterAll(() => stage.close());

  interface Told {
    readonly purchase: Purchase;
    readonly webhooks: readonly SimulatedWebhook[];
    readonly acts: readonly string[];
  }

  /** The story from its beginning to its end at the PSP, while Norce hears nothing. */
  async function tell({
    referenced,
    recurring,
    steps,
  }: typeof story extends fc.Arbitrary<infer S> ? S : never): Promise<Told> {
    await stage.reset();
    const purchase = stage.purchase({ referenced, recurring });
    const webhooks: SimulatedWebhook[] = [];
    const acts: string[] = [];
    for (const { which, part } of steps) {
      const possible = purchase.actions();
      const name = possible[which % possible.length];
      if (name === undefined) break;
      const act: Act = { name, part: part && stage.simulator.takesAmount(name) };
      if (!purchase.act(act)) continue;
      acts.push(act.part ? `${name} (part)` : name);
      webhooks.push(...purchase.sent());
    }
    return { purchase, webhooks, acts };
  }

  /**
   * Whether every webhook has to arrive: where the events are the truth, or some of them are kept because nobody could be asked for what
   * they say.
   */
  const needsAll = (): boolean =>
    "fold" in subject.adapter || stage.stored.some(({ event }) => event.line !== undefined || event.hearsay === true);

  /** What Norce says once the webhooks have arrived and nothing is left to do. */
  async function arrive({ purchase }: Told, webhooks: readonly { webhook: SimulatedWebhook; pause: boolean }[]) {
    for (const { webhook, pause } of webhooks) {
      expect((await stage.deliver(webhook)).ok, `${webhook.webhook} is acknowledged`).toBe(true);
      if (pause) await stage.rest(purchase.key);
    }
    await stage.rest(purchase.key, "patient");
    const payment = withoutChance(purchase.payment());
    if (!needsAll()) return { payment, transactions: purchase.transactions() };
    // Events are kept in the order in which they came.
    const transactions = purchase.transactions().map((line) => JSON.stringify(line));
    return { payment, transactions: transactions.toSorted() };
  }

  test("webhooks in any order, repeated, or some of them only end in the same payment", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(story, arrivals, async (given, deliveries) => {
        const first = await tell(given);
        if (first.webhooks.length === 0) return;
        const expected = await arrive(
          first,
          first.webhooks.map((webhook) => ({ webhook, pause: false })),
        );
        const all = needsAll();
        const again = await tell(given);
        const picked = deliveries.flatMap(({ which, pause }) => {
          const webhook = again.webhooks[which % again.webhooks.length];
          return webhook === undefined ? [] : [{ webhook, pause }];
        });
        const missed = again.webhooks.filter((webhook) => !picked.some((pick) => pick.webhook === webhook));
        const shuffled = [...picked, ...(all ? missed.map((webhook) => ({ webhook, pause: false })) : [])];
        const names = shuffled.map(({ webhook }) => webhook.webhook).join(", ");
        expect(await arrive(again, shuffled), `${again.acts.join(" → ")}; then ${names}`).toEqual(expected);
        compared += 1;
      }),
      { numRuns: 45 },
    );
    const sends = Object.keys(subject.adapter.webhooks).length > 0;
    if (sends) expect(compared, "stories in which the PSP sent a webhook").toBeGreaterThan(0);
  });

  /** What the PSP has sent of it arrives. */
  async function hear(purchase: Purchase): Promise<void> {
    for (const webhook of purchase.sent()) await stage.deliver(webhook);
    await stage.rest(purchase.key, "patient");
  }

  /** Does it, hears of it, and says where the payment stands. */
  async function live(purchase: Purchase, name: string): Promise<unknown> {
    if (!purchase.act({ name, part: false })) return undefined;
    await hear(purchase);
    return purchase.state();
  }

  /** The first of the shopper's actions after which the payment's state is one of these. */
  async function actionTo(states: readonly string[]): Promise<string | undefined> {
    for (const name of stage.purchase().actions()) {
      await stage.reset();
      const state = await live(stage.purchase(), name);
      if (typeof state === "string" && states.includes(state)) return name;
    }
    return undefined;
  }

  const paid: readonly string[] = ["reserved", "captured"];

  // What is folded has no other attempt that could be asked about.
  test.skipIf("fold" in subject.adapter)(
    "another attempt of the shopper's that is paid takes the place of one that ends without money, before or after, and none of one that holds it",
    async () => {
      await stage.reset();
      const [ending, paying] = [await actionTo(["failed", "declined"]), await actionTo(paid)];
      if (ending === undefined || paying === undefined) return;
      const standing = ({ state, payment }: Purchase) => [paid.includes(String(state())), payment()["reference"]];

      await stage.reset();
      const left = stage.purchase();
      await live(left, ending);
      const next = stage.purchase({ againAt: left });
      await live(next, paying);
      expect(standing(left), `${ending}, then ${paying} in another attempt`).toEqual([true, next.reference]);

      await stage.reset();
      const stale = stage.purchase();
      const second = stage.purchase({ againAt: stale });
      await live(second, paying);
      await live(stale, ending);
      expect(standing(stale), `${paying} in another attempt, then ${ending} in the first`).toEqual([
        true,
        second.reference,
      ]);

      await stage.reset();
      const first = stage.purchase();
      await live(first, paying);
      await live(stage.purchase({ againAt: first }), ending);
      expect(standing(first), `${paying}, then ${ending} in another attempt`).toEqual([true, first.reference]);
    },
  );
});

/** Without our notes of what was asked for at the first look, and when it was: which events were there by then is chance. */
function withoutChance(payment: Document): Document {
  const attributes = payment["attributes"] as Record<string, Document> | undefined;
  if (attributes === undefined) return payment;
  const { amountAsked: _asked, since: _since, earlier: _earlier, ...record } = attributes[recordKey] ?? {};
  return { ...payment, attributes: { ...attributes, [recordKey]: record } };
}
