import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createMemoryStore } from "../../test/support/memory-store.ts";
import { type Arrival, createArrivals } from "../queue/arrivals.ts";
import { createArrived } from "./arrivals.ts";

const account = { adapter: "mollie", merchant: "acme", channel: "se" };

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

it("writes each webhook and key once a second at most, the newest last", () => {
  const written: Arrival[] = [];
  const arrived = createArrived(async (_, arrival) => void written.push(arrival));
  for (let at = 0; at < 5; at += 1) arrived(account, { webhook: "event", by: "one", at });
  arrived(account, { webhook: "event", by: "other", at: 9 });
  expect(written.map(({ at }) => at)).toEqual([0, 9]);
  vi.advanceTimersByTime(1_000);
  expect(written.map(({ at }) => at)).toEqual([0, 9, 4]);
  vi.advanceTimersByTime(2_000);
  arrived(account, { webhook: "event", by: "one", at: 10 });
  expect(written.map(({ at }) => at)).toEqual([0, 9, 4, 10]);
});

it("fails nobody where it cannot be written", () => {
  const arrived = createArrived(() => Promise.reject(new Error("away")));
  expect(() => arrived(account, { webhook: "event", at: 0 })).not.toThrow();
});

it("is told by account, the newest of each webhook and key", async () => {
  const arrivals = createArrivals(createMemoryStore());
  await arrivals.note(account, { webhook: "event", by: "one", at: 1 });
  await arrivals.note(account, { webhook: "event", by: "one", at: 2 });
  await arrivals.note(account, { webhook: "event", at: 3 });
  await arrivals.note({ ...account, channel: "no" }, { webhook: "event", at: 4 });
  expect((await arrivals.list(account)).toSorted((one, other) => one.at - other.at)).toEqual([
    { webhook: "event", by: "one", at: 2 },
    { webhook: "event", at: 3 },
  ]);
});
