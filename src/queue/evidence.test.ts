import { expect, test } from "vitest";
import { createMemoryStore } from "../../test/support/memory-store.ts";
import { createEvidence } from "./evidence.ts";

/** Puts until there is no room. */
async function fill(evidence: ReturnType<typeof createEvidence>): Promise<string[]> {
  const names: string[] = [];
  for (let failed = 0; failed < 400;) {
    const name = await evidence.put("account", `body ${names.length}`);
    if (name === undefined) failed += 1;
    else names.push(name);
  }
  return names;
}

test("an account has as much room as there are places, and another one its own", async () => {
  const evidence = createEvidence(createMemoryStore());
  const names = await fill(evidence);
  expect(names.length).toBe(64);
  expect(new Set(names).size).toBe(64);
  expect(await evidence.put("another", "body")).toBeDefined();
  expect(await Promise.all(names.map(async (name) => await evidence.read(name)))).toEqual(
    names.map((_, index) => `body ${index}`),
  );
});

test("who judges twice neither reads nor removes what took the place meanwhile", async () => {
  const evidence = createEvidence(createMemoryStore());
  const [first = "", ...others] = await fill(evidence);
  await evidence.remove(first);
  let next: string | undefined;
  while (next === undefined) next = await evidence.put("account", "the next one");
  expect(await evidence.read(first)).toBeUndefined();
  await evidence.remove(first);
  expect(await evidence.read(next)).toBe("the next one");
  expect(others).not.toContain(next);
});

test("what was never acknowledged frees its place by itself; what was is kept", async () => {
  const ttls: unknown[] = [];
  const store = createMemoryStore();
  const evidence = createEvidence({
    ...store,
    async putIfAbsent(kind, id, value, ttlMs) {
      ttls.push(ttlMs);
      return await store.putIfAbsent(kind, id, value, ttlMs);
    },
    async extend(kind, id, version, ttlMs) {
      ttls.push(ttlMs);
      return await store.extend(kind, id, version, ttlMs);
    },
  });
  const name = await evidence.put("account", "body");
  expect(await evidence.keep(name ?? "")).toBe(true);
  const [atFirst, kept] = ttls as [number, number];
  expect(atFirst).toBeLessThanOrEqual(60_000);
  expect(kept).toBeGreaterThanOrEqual(3 * 24 * 3_600_000);
  await evidence.remove(name ?? "");
  expect(await evidence.keep(name ?? "")).toBe(false);
});
