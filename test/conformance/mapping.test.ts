import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { DesiredPayment, Json } from "../../src/contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest } from "../../src/contract/simulator.ts";
import { isWorkerError } from "../../src/lib/errors.ts";
import { namesOfWords, replaced, schemasOf, wordsIn } from "../support/enums.ts";
import { expectLegal } from "../support/legal.ts";
import { openStage, type Purchase, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();

const nobodysWord = "NOBODY_KNOWS_THIS";

describe.each(subjects)("$folder", (subject) => {
  const { adapter, fixtures, say } = subject;

  test.each(fixtures)("$name is mapped to something legal", async (fixture) => {
    const desired = await say(fixture);
    if (desired !== null) expectLegal(desired);
  });

  test.each(fixtures)("$name is mapped without being touched, and always the same way", async (fixture) => {
    const frozen = deepFrozen(structuredClone(fixture));
    const first = await say(frozen);
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2031-05-05T05:05:05.000Z") });
    expect(await say(frozen), "on another day").toEqual(first);
    expect(frozen).toEqual(fixture);
  });

  test.each(fixtures)("$name with any other word that the schema knows is legal or Unmapped", async (fixture) => {
    const { snapshot } = fixture;
    for (const { path, options } of wordsIn(await schemasOf(subject), snapshot)) {
      for (const option of options) {
        const desired = await orUnmapped(() => say(fixture, replaced(snapshot, path, option)));
        if (desired !== "Unmapped" && desired !== null) expectLegal(desired);
      }
    }
  });

  test("every word that the schema knows is mapped in some circumstances", async () => {
    const schemas = await schemasOf(subject);
    const words = new Map<string, boolean>();
    for (const fixture of fixtures) {
      const { snapshot } = fixture;
      for (const { path, options } of wordsIn(schemas, snapshot)) {
        for (const option of options) {
          // Where in a list it stands does not matter.
          const word = `${path.filter((part) => !/^\d+$/.test(part)).join(".")} ${option}`;
          const mapped = (await orUnmapped(() => say(fixture, replaced(snapshot, path, option)))) !== "Unmapped";
          words.set(word, mapped || words.get(word) === true);
        }
      }
    }
    expect([...words].filter(([, mapped]) => !mapped).map(([word]) => word)).toEqual([]);
  });

  test("an event that nobody mapped is Unmapped, or counts for nothing", async () => {
    if (!("fold" in adapter)) return;
    for (const fixture of fixtures) {
      const without = fixture.kept.map((_, index) => fixture.kept.toSpliced(index, 1));
      for (const [index, event] of fixture.kept.entries()) {
        const unknown = { ...event, key: "another", type: nobodysWord, pspStatus: nobodysWord };
        const [told, plain] = await Promise.all(
          [fixture.kept.with(index, unknown), without[index]].map((kept) =>
            orUnmapped(() => say(fixture, kept as unknown as Json)),
          ),
        );
        if (told === "Unmapped" || told === null || told === undefined || plain === "Unmapped") continue;
        const { phase, money } = told;
        expect({ phase, money }, `${fixture.name}, event ${index}`).toEqual({
          phase: plain?.phase,
          money: plain?.money,
        });
      }
    }
  });

  // Where nobody calls and nobody is asked, there is nothing to read.
  const talks = "fetch" in adapter || Object.keys(adapter.webhooks).length > 0;
  describe.runIf(talks)("told of other purchases", () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await openStage(subject);
    });
    afterAll(() => stage.close());

    test.each([
      { amount: 1_15, currency: "SEK" },
      { amount: 8_200_19, currency: "EUR" },
    ])("one over $amount $currency is read to the last digit", async (purchased) => {
      let read = 0;
      for (const name of stage.purchase().actions()) {
        const purchase = boughtFor(purchased);
        if (purchase?.act({ name, part: false }) !== true) continue;
        for (const webhook of purchase.sent()) await stage.deliver(webhook);
        await stage.look(purchase.key);
        await stage.rest(purchase.key);
        const desired = await stage.desired(purchase);
        // Of a payment in parts not all is there yet.
        if (desired === null || desired.partial === true) continue;
        read += 1;
        expectLegal(desired);
        const { total: amount, currency } = desired;
        expect({ amount, currency }, `after ${name}`).toEqual(purchased);
      }
      // Who only deals in kronor sells nothing for euros.
      if (purchased.currency === "SEK") expect(read, "nothing could be bought").toBeGreaterThan(0);
    });

    function boughtFor(purchased: { readonly amount: number; readonly currency: string }): Purchase | undefined {
      try {
        return stage.purchase(purchased);
      } catch {
        return undefined;
      }
    }
  });

  // Nobody can be asked where the events are the truth.
  describe.runIf("fetch" in adapter)("asked over HTTP", () => {
    let stage: Stage;
    let answered: (answer: SimulatedAnswer, request: SimulatedRequest) => SimulatedAnswer = (answer) => answer;
    beforeAll(async () => {
      stage = await openStage(subject, { answered: (answer, request) => answered(answer, request) });
    });
    afterAll(() => stage.close());

    /** Every purchase that one action leads to. */
    function purchases(): Purchase[] {
      return stage
        .purchase()
        .actions()
        .flatMap((name) => {
          const purchase = stage.purchase({ recurring: true });
          return purchase.act({ name, part: false }) ? [purchase] : [];
        });
    }

    test("a word that nobody mapped is Unmapped, wherever it is read", async () => {
      const names = new Set((await schemasOf(subject)).flatMap((schema) => namesOfWords(schema)));
      for (const purchase of purchases()) {
        const found = new Set<string>();
        answered = (answer, { path }) => {
          for (const at of fieldsIn(answer.body ?? null, names)) found.add(JSON.stringify([path, at]));
          return answer;
        };
        await stage.desired(purchase);
        let unmapped = 0;
        for (const place of found) {
          const [path, at] = JSON.parse(place) as [string, string[]];
          const asked = (change: boolean): Promise<DesiredPayment | null | "Unmapped"> => {
            answered = (answer, request) =>
              change && request.path === path && answer.body !== undefined
                ? { ...answer, body: replaced(answer.body, at, nobodysWord) }
                : answer;
            return orUnmapped(() => stage.desired(purchase));
          };
          const changed = await asked(true);
          if (changed === "Unmapped") unmapped += 1;
          else expect(changed, `${path} ${at.join(".")} is either read or without effect`).toEqual(await asked(false));
        }
        expect(found.size === 0 || unmapped > 0, "no status is looked at").toBe(true);
      }
    });

    test("no word is guessed at: where another stands, the money and how far it came are the same, or it is Unmapped", async () => {
      const tried = new Set<string>();
      for (const purchase of purchases()) {
        const found = new Map<string, { readonly path: string; readonly at: readonly string[] }>();
        // A PSP that lags does so for a while.
        answered = (answer) => answer;
        await stage.look(purchase.key);
        await stage.rest(purchase.key);
        answered = (answer, { path }) => {
          for (const { at, word } of answer.status < 300 ? wordsAt(answer.body ?? null) : [])
            // Which of the purchases it is does not matter.
            found.set(JSON.stringify([path, at, word]).replaceAll(/\d/g, ""), { path, at });
          return answer;
        };
        const plain = await stage.desired(purchase);
        for (const [place, { path, at }] of found) {
          if (tried.has(place)) continue;
          tried.add(place);
          answered = (answer, request) =>
            request.path === path && answer.body !== undefined && answer.status < 300
              ? { ...answer, body: replaced(answer.body, at, nobodysWord) }
              : answer;
          const told = await orRefused(() => stage.desired(purchase));
          if (told === "refused" || told === null) continue;
          const { phase, money } = told;
          expect({ phase, money }, `with a word that nobody knows in ${at.join(".")} of ${path}`).toEqual({
            phase: plain?.phase,
            money: plain?.money,
          });
        }
      }
    });

    test("fields that the PSP adds one day change nothing", async () => {
      for (const purchase of purchases()) {
        answered = (answer) => answer;
        // A PSP that lags does so for a while; what is compared is what it says in the end.
        await stage.look(purchase.key);
        await stage.rest(purchase.key);
        const plain = await stage.desired(purchase);
        answered = (answer) => (answer.body === undefined ? answer : { ...answer, body: withMore(answer.body) });
        expect(await stage.desired(purchase)).toEqual(plain);
      }
    });
  });
});

async function orUnmapped<T>(ask: () => Promise<T>): Promise<T | "Unmapped"> {
  try {
    return await ask();
  } catch (error) {
    if (isWorkerError(error, "Unmapped")) return "Unmapped";
    throw error;
  }
}

/** An answer that is not taken, for whatever reason that has a name. */
async function orRefused<T>(ask: () => Promise<T>): Promise<T | "refused"> {
  try {
    return await ask();
  } catch (error) {
    if (isWorkerError(error)) return "refused";
    throw error;
  }
}

/** Where in a document a field holds a word: no number, time or id. What stands in a list is one of several things that are possible. */
function wordsAt(
  document: Json,
  at: readonly string[] = [],
): { readonly at: readonly string[]; readonly word: string }[] {
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, inner]: [string, Json]) => {
    if (typeof inner !== "string") return wordsAt(inner, [...at, name]);
    return !Array.isArray(document) && /^[a-z][a-z _-]*$/i.test(inner) ? [{ at: [...at, name], word: inner }] : [];
  });
}

/** Where in a document a field of one of these names holds a text. */
function fieldsIn(document: Json, names: ReadonlySet<string>, path: readonly string[] = []): string[][] {
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, inner]: [string, Json]) =>
    typeof inner === "string" && names.has(name) ? [[...path, name]] : fieldsIn(inner, names, [...path, name]),
  );
}

function withMore(document: Json): Json {
  if (typeof document !== "object" || document === null) return document;
  if (Array.isArray(document)) return document.map((item: Json) => withMore(item));
  const fields = Object.entries(document).map(([name, inner]: [string, Json]) => [name, withMore(inner)]);
  return { ...(Object.fromEntries(fields) as Record<string, Json>), added_in_2031: { a: [1, null, "text"] } };
}

function deepFrozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFrozen(inner);
    Object.freeze(value);
  }
  return value;
}
