import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { stateOf } from "../../src/norce/states.ts";
import { type Act, openStage, type Purchase, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();

/** How many actions one after the other, and how many paths at most: the walk takes the short ones first. */
const deepest = 4;
const mostPaths = 300;

describe.each(subjects)("$folder", (subject) => {
  describe.each([
    { states: "ten", version: "v0" },
    { states: "twelve", version: "v1" },
  ] as const)("with $states states on $version", ({ states, version }) => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await openStage(subject, { states, version });
    });
    beforeEach(() => stage.reset());
    afterAll(() => stage.close());

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
          const here = JSON.stringify([
            stage.simulator.describe(purchase.reference),
            purchase.actions(),
            purchase.state(),
            purchase.transactions().map(({ event, pspEvent }) => [event, pspEvent]),
          ]);
          // Another way to the same place: what follows is the same.
          if (seen.has(here)) continue;
          seen.add(here);
          next.push(...purchase.actions().flatMap((name) => [false, true].map((part) => [...path, { name, part }])));
        }
        frontier = next;
      }
      expect(seen.size, "the simulator has no actions").toBeGreaterThan(1);
    }, 60_000);
  });
});

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
