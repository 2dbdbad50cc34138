import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../../src/contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest } from "../../src/contract/simulator.ts";
import { isWorkerError } from "../../src/lib/errors.ts";
import { replaced } from "../support/enums.ts";
import { openStage, type Purchase, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = (await loadSubjects()).flatMap((subject) => {
  const { adapter } = subject;
  return "fetch" in adapter ? [{ ...subject, adapter }] : [];
});

/** What nobody expects in a field: another type, and nothing. */
const oddities: readonly Json[] = [null, "NOBODY_KNOWS_THIS", { odd: [1] }];

describe.each(subjects)("$folder", (subject) => {
  const { adapter } = subject;
  const decides = (adapter.decides ?? []).map((path) => path.split("."));

  test("says on which fields of its snapshot money hangs", () => {
    expect(decides, "write decides in index.ts").not.toHaveLength(0);
  });

  describe("asked over HTTP", () => {
    let stage: Stage;
    let answered: (answer: SimulatedAnswer, request: SimulatedRequest) => SimulatedAnswer = (answer) => answer;
    beforeAll(async () => {
      stage = await openStage(subject, { answered: (answer, request) => answered(answer, request) });
    });
    afterAll(() => stage.close());

    const fits = (at: readonly string[]): boolean =>
      decides.some((path) =>
        path.some((_, from) =>
          path
            .slice(from, from + at.length)
            .every((name, index) => (name === "*" ? /^\d+$/.test(at[index] ?? "") : name === at[index])),
        ),
      );
    /** Money is read strictly: at its paths, and below; the document may lie deeper in the snapshot, and in an envelope of the answer's. */
    const isStrict = (at: readonly string[]): boolean => fits(at) || (at.length > 1 && fits(at.slice(1)));

    /** Purchases of which everything can be read: bought, taken in part, given back in part. */
    async function purchases(): Promise<Purchase[]> {
      const bought: Purchase[] = [];
      for (const name of stage.purchase().actions()) {
        const purchase = stage.purchase({ recurring: true });
        if (!purchase.act({ name, part: false })) continue;
        for (const next of ["capture", "refund"])
          if (purchase.actions().includes(next)) purchase.act({ name: next, part: stage.simulator.takesAmount(next) });
        await stage.look(purchase.key);
        await stage.rest(purchase.key);
        bought.push(purchase);
      }
      return bought;
    }

    const sums = async (purchase: Purchase): Promise<unknown> => {
      try {
        const { phase, money, currency } = (await stage.desired(purchase)) ?? {};
        return { phase, money, currency };
      } catch (error) {
        if (isWorkerError(error)) return error.message;
        throw error;
      }
    };

    test("where no money hangs, a field may be absent or say anything", async () => {
      const tried = new Set<string>();
      const wrong: string[] = [];
      for (const purchase of await purchases()) {
        const found = new Map<string, { readonly path: string; readonly at: readonly string[] }>();
        answered = (answer, { path }) => {
          for (const at of answer.status < 300 ? placesIn(answer.body ?? null) : [])
            found.set(JSON.stringify([path, at]).replaceAll(purchase.reference, ""), { path, at });
          return answer;
        };
        const plain = await sums(purchase);
        for (const [place, { path, at }] of found) {
          const kind = JSON.stringify([place.replaceAll(/\d+/g, ""), plain]);
          const holdsStrict = [...found.values()].some(
            (other) => other.path === path && at.every((name, index) => other.at[index] === name) && isStrict(other.at),
          );
          if (tried.has(kind) || holdsStrict) continue;
          tried.add(kind);
          for (const odd of [undefined, ...oddities]) {
            answered = (answer, request) =>
              request.path === path && answer.body !== undefined && answer.status < 300
                ? { ...answer, body: odd === undefined ? without(answer.body, at) : replaced(answer.body, at, odd) }
                : answer;
            const said = await sums(purchase);
            if (JSON.stringify(said) !== JSON.stringify(plain))
              wrong.push(
                `${at.join(".")} ${odd === undefined ? "absent" : JSON.stringify(odd)}: ${JSON.stringify(said)}`,
              );
          }
        }
      }
      expect(tried.size, "no field was tried").toBeGreaterThan(0);
      expect(wrong, "read past it, or name it in decides").toEqual([]);
    });
  });
});

/** Where every field of a document stands, the documents within it included. */
function placesIn(document: Json, at: readonly string[] = []): string[][] {
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, inner]: [string, Json]) => {
    const here = [...at, name];
    return Array.isArray(document) ? placesIn(inner, here) : [here, ...placesIn(inner, here)];
  });
}

/** A copy of the document without what stands at the path. */
function without(document: Json, [name, ...path]: readonly string[]): Json {
  if (name === undefined || typeof document !== "object" || document === null) return document;
  if (Array.isArray(document))
    return document.map((item: Json, index) => (String(index) === name ? without(item, path) : item));
  const { [name]: inner, ...rest } = document as { readonly [key: string]: Json };
  return path.length === 0 || inner === undefined ? rest : { ...rest, [name]: without(inner, path) };
}
