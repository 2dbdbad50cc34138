import { expect, test } from "vitest";
import { WorkerError } from "../lib/errors.ts";
import type { StoredEvent } from "../queue/jobs.ts";
import { storeTogether } from "./store-together.ts";

const event = (key: string, filling = ""): StoredEvent => ({
  target: { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" },
  webhook: "push",
  receivedAt: 0,
  event: { key, type: `push${filling}`, at: null },
});

function recording(): { groups: StoredEvent[][]; add: (events: readonly StoredEvent[]) => Promise<void> } {
  const groups: StoredEvent[][] = [];
  return {
    groups,
    add: async (events) => {
      groups.push([...events]);
    },
  };
}

test("events of the same turn share one job", async () => {
  const { groups, add } = recording();
  const inbox = storeTogether(add);
  await Promise.all([inbox([event("1")]), inbox([event("2")]), inbox([event("3")])]);
  await inbox([event("4")]);
  expect(groups.map((group) => group.map(({ event: { key } }) => key))).toEqual([["1", "2", "3"], ["4"]]);
});

/** An inbox whose queue answers when the gate opens, and the groups that it was given. */
function gated(): { groups: string[][]; gate: PromiseWithResolvers<void>; inbox: ReturnType<typeof storeTogether> } {
  const groups: string[][] = [];
  const gate = Promise.withResolvers<void>();
  const inbox = storeTogether(async (events) => {
    groups.push(events.map(({ event: { key } }) => key));
    if (groups.length <= 2) await gate.promise;
  });
  return { groups, gate, inbox };
}

/** Stores events one turn of the event loop after the other. */
async function inTurns(inbox: ReturnType<typeof storeTogether>, keys: readonly string[]): Promise<Promise<void>[]> {
  const storing: Promise<void>[] = [];
  for (const key of keys) {
    storing.push(inbox([event(key)]));
    await new Promise(setImmediate);
  }
  return storing;
}

test("events that arrive while two groups are on their way share the next one", async () => {
  const { groups, gate, inbox } = gated();
  const storing = await inTurns(inbox, ["1", "2", "3", "4"]);
  gate.resolve();
  await Promise.all(storing);
  expect(groups).toEqual([["1"], ["2"], ["3", "4"]]);
});

test("a queue that hangs does not hold up those who come later", async () => {
  const { groups, inbox } = gated();
  const [, , third] = await inTurns(inbox, ["1", "2", "3"]);
  await third;
  expect(groups).toEqual([["1"], ["2"], ["3"]]);
});

test("a group holds at most 100 events, and a request's events may span groups", async () => {
  const { groups, add } = recording();
  await storeTogether(add)(Array.from({ length: 250 }, (_, index) => event(String(index))));
  expect(groups.map((group) => group.length)).toEqual([100, 100, 50]);
});

test("a group holds at most 256 kB", async () => {
  const { groups, add } = recording();
  const large = "x".repeat(100_000);
  const inbox = storeTogether(add);
  await Promise.all(["1", "2", "3"].map((key) => inbox([event(key, large)])));
  expect(groups.map((group) => group.length)).toEqual([2, 1]);
});

test("nobody is told that an event was stored when its group was not", async () => {
  const inbox = storeTogether(() => Promise.reject(new WorkerError("QueueUnavailable", "down")));
  const answers = await Promise.allSettled([inbox([event("1")]), inbox([event("2")])]);
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("a webhook without events stores nothing", async () => {
  const { groups, add } = recording();
  await storeTogether(add)([]);
  expect(groups).toEqual([]);
});
