import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { DesiredPayment, Money, OperationName } from "../../src/contract/adapter.ts";
import { stateOf } from "../../src/norce/states.ts";
import { sumMovedBy, sumsToBe } from "../../src/workers/operate/possible.ts";
import { type Act, openStage, partAmount, type Purchase, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();

/** How many actions one after the other: the walk takes the short ways first, and ends after so many. */
const deepest = 4;
/** What a simulator calls so moves the sum that an operation of the name moves. */
const moving: readonly string[] = ["capture", "cancel", "refund"] satisfies OperationName[];

describe.each(subjects)("$folder", (subject) => {
  describe.each([
    { states: "ten", version: "v0", mostPaths: 200 },
    // The same ways with other words at their ends.
    { states: "twelve", version: "v1", mostPaths: 80 },
  ] as const)("with $states states on $version", ({ states, version, mostPaths }) => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await openStage(subject, { states, version });
    });
    beforeEach(() => stage.reset());
    afterAll(() => stage.close());
    /** The sums at the end of each path, and by how much each action that moves money has changed its own. */
    const sums = new Map<string, Money>();
    const moved = new Map<string, number[]>();

    /** Notes what the last action did to the money. */
    function note(path: readonly Act[], desired: DesiredPayment | null): void {
      if (desired === null) return;
      const now = sumsToBe(desired);
      sums.set(JSON.stringify(path), now);
      const last = path.at(-1);
      const before = sums.get(JSON.stringify(path.slice(0, -1)));
      if (last === undefined || before === undefined || !moving.includes(last.name)) return;
      const name = last.name as OperationName;
      const label = `${name}${last.part ? ` of ${partAmount}` : ""}`;
      moved.set(label, [...(moved.get(label) ?? []), sumMovedBy(name, now) - sumMovedBy(name, before)]);
    }

    /** After each action: Norce says what the PSP says, and looking again writes nothing. */
    async function follow(path: readonly Act[]): Promise<Purchase | undefined> {
      const purchase = stage.purchase();
      for (const act of [undefined, ...path]) {
        if (act !== undefined && !purchase.act(act)) return undefined;
        // Whoever cannot be asked has to be heard.
        if ("fold" in subject.adapter) for (const webhook of purchase.sent()) await stage.deliver(webhook);
        await stage.look(purchase.key);
        await stage.rest(purchase.key);
      }
      const desired = await stage.desired(purchase);
      note(path, desired);
      if (desired !== null)
        expect(purchase.state(), "the state follows from money and phase").toBe(
          stateOf(desired.phase, desired.money, states),
        );
      const logged = purchase.eventKeys();
      for (const { key } of desired?.transactions ?? [])
        expect(
          logged.filter((line) => line === key),
          `${key} stands once in the log`,
        ).toHaveLength(1);
      const before = stage.writes();
      expect(await stage.look(purchase.key)).toMatchObject({ outcome: "unchanged" });
      expect(stage.writes() - before, "writes of a second look").toBe(0);
      return purchase;
    }

    test("a second look writes nothing, wherever the PSP's actions lead", async () => {
      const seen = new Set<string>();
      let frontier: (readonly Act[])[] = [[]];
      let paths = 0;
      for (let depth = 0; depth <= deepest && paths < mostPaths; depth += 1) {
        const next: (readonly Act[])[] = [];
        for (const path of frontier) {
          if ((paths += 1) > mostPaths) break;
          const purchase = await told(path, () => follow(path));
          if (purchase === undefined) continue;
          const place = JSON.stringify([
            stage.simulator.describe(purchase.reference),
            purchase.actions(),
            purchase.state(),
            purchase.transactions().map(({ event, pspEvent }) => [event, pspEvent]),
          ]);
          const here = unnamed(place, purchase);
          // Another way to the same place: what follows is the same.
          if (seen.has(here)) continue;
          seen.add(here);
          next.push(...purchase.actions().flatMap((name) => [false, true].map((part) => [...path, { name, part }])));
        }
        frontier = next;
      }
      expect(seen.size, "the simulator has no actions").toBeGreaterThan(1);
      for (const [label, changes] of moved) {
        // A cancellation is of everything, and some PSPs take other operations for everything only.
        const isPart = label.endsWith(String(partAmount)) && !label.startsWith("cancel");
        expect(Math.max(...changes), `money that map or fold shows after the PSP's ${label}`).toBeGreaterThan(0);
        if (isPart) expect(changes, `money that map or fold shows after the PSP's ${label}`).toContain(partAmount);
      }
    }, 120_000);
  });

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
});

/** The text without what tells this purchase from others: that is no place. */
function unnamed(text: string, { key: { orderId, paymentId }, reference }: Purchase): string {
  return [reference, orderId, paymentId].reduce((rest, name) => rest.replaceAll(name, ""), text);
}

/** Says on which path it happened. */
async function told<T>(path: readonly Act[], walk: () => Promise<T>): Promise<T> {
  try {
    return await walk();
  } catch (error) {
    const names = path.map(({ name, part }) => (part ? `${name} a part` : name)).join(" → ");
    throw new Error(`after ${names || "nothing"}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
