import { expect, test } from "vitest";
import { createPatience } from "./patience.ts";

/** A patience whose waits end when they are told to. */
function patienceAt(clock: { now: number }) {
  const waits: { readonly ms: number; readonly end: () => void }[] = [];
  const patience = createPatience(
    () => clock.now,
    (ms) => new Promise<void>((resolve) => waits.push({ ms, end: resolve })),
  );
  return { patience, waits };
}

test("the first refusals cost nothing, each further one waits longer, and who waits for a while is forgotten", async () => {
  const clock = { now: 0 };
  const { patience, waits } = patienceAt(clock);
  const guess = (): void => void patience.wait();
  for (let tries = 0; tries < 5; tries += 1) expect(await patience.wait()).toBe(true);
  expect(waits).toHaveLength(0);
  for (let tries = 0; tries < 8; tries += 1) guess();
  expect(waits.map(({ ms }) => ms)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
  for (const { end } of waits) end();
  clock.now += 60_001;
  expect(await patience.wait()).toBe(true);
  expect(waits).toHaveLength(8);
});

test("of 4,000 guesses at once no more than 50 wait: the others are told to come again", async () => {
  const { patience, waits } = patienceAt({ now: 0 });
  const answers = Array.from({ length: 4_000 }, () => patience.wait());
  for (const { end } of waits) end();
  const waited = (await Promise.all(answers)).filter(Boolean);
  expect(waits).toHaveLength(50);
  expect(waited).toHaveLength(5 + 50);
});
