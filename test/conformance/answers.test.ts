import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Json } from "../../src/contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest } from "../../src/contract/simulator.ts";
import { flipped } from "../support/forgeries.ts";
import { openStage, type Purchase, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();

describe.each(subjects)("$folder", (subject) => {
  const { adapter } = subject;
  let stage: Stage;
  /** What stands for what in the PSP's answers, by the path that was asked, and in how many of them it stood. */
  let swap: ((path: string) => ReadonlyMap<string, string>) | undefined;
  let swapped = 0;
  beforeAll(async () => {
    stage = await openStage(subject, { sockets: true, answered: (answer, request) => withOther(answer, request) });
  });
  beforeEach(async () => {
    swap = undefined;
    await stage.reset();
  });
  afterAll(() => stage.close());

  function withOther(answer: SimulatedAnswer, { path }: SimulatedRequest): SimulatedAnswer {
    if (answer.body === undefined || answer.status >= 300 || swap === undefined) return answer;
    const body = exchanged(answer.body, swap(path));
    if (JSON.stringify(body) !== JSON.stringify(answer.body)) swapped += 1;
    return { ...answer, body };
  }

  /** Everything that one action leads to, told of by its webhooks. */
  async function each(tell: (purchase: Purchase, name: string) => Promise<void>): Promise<void> {
    const names = stage.purchase().actions();
    expect(names, "the simulator has no actions").not.toHaveLength(0);
    for (const name of names) {
      const purchase = stage.purchase({ recurring: true });
      await tell(purchase, name);
    }
  }

  async function hear(purchase: Purchase): Promise<void> {
    for (const webhook of purchase.sent()) await stage.deliver(webhook);
    await stage.look(purchase.key);
  }

  const written = (): number => Object.values(stage.norce.writes).reduce((sum, count) => sum + count, 0);

  /** What the next look writes, and at how many answers it was given something else. */
  async function lookSwapped(purchase: Purchase, others: NonNullable<typeof swap>): Promise<number | undefined> {
    const before = written();
    swapped = 0;
    swap = others;
    await stage.look(purchase.key);
    swap = undefined;
    return swapped === 0 ? undefined : written() - before;
  }

  describe.runIf("fetch" in adapter)("asked over HTTP", () => {
    /** What was asked for: the payment's ids, and whatever id stands in the path. */
    const idsOf = (purchase: Purchase) => {
      const { reference } = purchase.payment();
      return (path: string): ReadonlyMap<string, string> => {
        const named = path
          .split("/")
          .map(decodeURIComponent)
          .filter((part) => part.length > 3 && /\d/.test(part));
        const bound = typeof reference === "string" ? [reference] : [];
        const ids = [purchase.reference, ...bound, ...named].filter((id) => id !== "");
        return new Map(ids.map((id) => [id, flipped(id)]));
      };
    };

    test("an answer about another id than was asked writes nothing, be it the first or a later one", async () => {
      const wrong: string[] = [];
      let met = 0;
      await each(async (purchase, name) => {
        if (!purchase.act({ name, part: false })) return;
        const first = await lookSwapped(purchase, idsOf(purchase));
        await hear(purchase);
        const next = purchase.actions().find((action) => purchase.act({ name: action, part: false }));
        const later = next === undefined ? undefined : await lookSwapped(purchase, idsOf(purchase));
        for (const [way, writes] of [
          [name, first],
          [`${name}, looked at, ${next}`, later],
        ] as const) {
          met += writes === undefined ? 0 : 1;
          if (writes !== undefined && writes > 0) wrong.push(way);
        }
      });
      expect(wrong, "compare what the answer names with what was asked").toEqual([]);
      expect(met, "no answer of the simulator's names what was asked").toBeGreaterThan(0);
    });

    test("a first answer that gives back another payment's or order's id writes nothing", async () => {
      const wrong: string[] = [];
      await each(async (purchase, name) => {
        if (!purchase.act({ name, part: false })) return;
        const { orderId, paymentId } = purchase.key;
        const others = new Map([
          [paymentId, "p_another"],
          [orderId, "o_another"],
          [`${orderId}:${paymentId}`, "o_another:p_another"],
        ]);
        const writes = await lookSwapped(purchase, () => others);
        if (writes !== undefined && writes > 0) wrong.push(name);
      });
      expect(wrong, "hand over in echoes what the PSP gives back of ours").toEqual([]);
    });
  });

  test("an answer of Norce's about another payment, order, merchant or channel writes nothing", async () => {
    const [name = ""] = stage.purchase().actions();
    for (const field of ["id", "orderId", "merchant", "channel"]) {
      const purchase = stage.purchase();
      expect(purchase.act({ name, part: false }), "the simulator has no actions").toBe(true);
      for (const webhook of purchase.sent()) await stage.deliver(webhook);
      const before = written();
      const fault = stage.norce.fault({
        match: ({ method, path }) => method === "GET" && /\/payments\/[^/]+$/.test(path),
        answer: (body) => ({ ...(body as Record<string, Json>), [field]: "another" }),
      });
      await stage.look(purchase.key);
      stage.norce.clearFaults();
      expect(fault.struck, "Norce was asked").toBeGreaterThan(0);
      expect(written() - before, `${field} is another`).toBe(0);
    }
  });
});

/** The document with other texts, or numbers, in the places of some. */
function exchanged(document: Json, others: ReadonlyMap<string, string>): Json {
  if (typeof document === "string" || typeof document === "number") {
    const other = others.get(String(document));
    if (other === undefined) return document;
    return typeof document === "number" ? Number(other) : other;
  }
  if (typeof document !== "object" || document === null) return document;
  if (Array.isArray(document)) return document.map((item: Json) => exchanged(item, others));
  return Object.fromEntries(
    Object.entries(document).map(([name, inner]: [string, Json]) => [name, exchanged(inner, others)]),
  );
}
