import { describe, expect, test } from "vitest";
import type { Cause, CauseFacts } from "../queue/causes.ts";
import { type Decision, decide, delivered } from "./decide.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.parse("2026-03-04T12:00:00.000Z");

const account = { adapter: "any", merchant: "acme", channel: "se", count: 1 };
const letters = (count = 1, more: Partial<CauseFacts> = {}): CauseFacts => ({
  name: "dead-letters",
  of: "underpaid",
  since: start,
  count,
  accounts: [account],
  examples: [],
  ...more,
});
const dispute = (deadline: number, count = 1): CauseFacts => ({ ...letters(count), name: "dispute", deadline });

/** A cause, and a receiver that takes everything at once, or nothing. */
function follow(takes = true) {
  let known: Cause | undefined;
  let messages = 0;
  const told: string[] = [];
  let now = start;
  return {
    told,
    known: () => known,
    at: () => now,
    after(ms: number, present: CauseFacts | undefined, tried = false): Decision {
      now += ms;
      const next = decide(known, present, { now, newId: () => `alert_${(messages += 1)}` });
      if (next === "remove") known = undefined;
      else if (next !== "keep") known = next;
      const { message } = known ?? {};
      if (known !== undefined && message !== undefined && takes) {
        told.push(`${message.is} ${message.cause.count}`);
        known = delivered(known, now);
      } else if (known !== undefined && message !== undefined && tried)
        known = { ...known, message: { ...message, tries: message.tries + 1 } };
      return next;
    },
  };
}

describe("what goes on", () => {
  test("is told once it has stood for a while, with the number that it came to", () => {
    const cause = follow();
    cause.after(0, letters(1));
    cause.after(10 * second, letters(120));
    cause.after(21 * second, letters(200));
    for (let hours = 0; hours < 23; hours += 1) expect(cause.after(hour, letters(200))).toBe("keep");
    expect(cause.told).toEqual(["opened 200"]);
  });

  test("is reminded of once a day", () => {
    const cause = follow();
    for (let hours = 0; hours <= 73; hours += 1) cause.after(hour, letters(7));
    expect(cause.told).toEqual(["opened 7", "reminded 7", "reminded 7", "reminded 7"]);
  });

  test("is told again where it has grown tenfold, or got to another account, once an hour at most", () => {
    const cause = follow();
    cause.after(0, letters(1));
    cause.after(minute, letters(1));
    cause.after(minute, letters(100));
    cause.after(minute, letters(1_000));
    expect(cause.told).toEqual(["opened 1"]);
    cause.after(hour, letters(2_000));
    expect(cause.told).toEqual(["opened 1", "grown 2000"]);
    cause.after(2 * hour, letters(2_001));
    cause.after(minute, letters(2_002, { accounts: [account, { ...account, channel: "no" }] }));
    expect(cause.told.at(-1)).toBe("grown 2002");
  });

  test("is not told where it was over before it had stood for a while", () => {
    const cause = follow();
    cause.after(0, letters());
    expect(cause.after(10 * second, undefined)).toBe("remove");
    expect(cause.told).toEqual([]);
  });

  test("is told to be over once it has not been seen for a while; a moment without it is none", () => {
    const cause = follow();
    cause.after(0, letters());
    cause.after(minute, letters());
    cause.after(minute, undefined);
    cause.after(minute, letters());
    cause.after(minute, undefined);
    cause.after(4 * minute, undefined);
    expect(cause.told).toEqual(["opened 1"]);
    cause.after(2 * minute, undefined);
    expect(cause.told).toEqual(["opened 1", "resolved 1"]);
    cause.after(2 * hour, undefined);
    expect(cause.known()).toBeUndefined();
  });

  test("and comes and goes, is told no more than once an hour", () => {
    const cause = follow();
    for (let turn = 0; turn < 12; turn += 1) {
      for (let minutes = 0; minutes < 10; minutes += 1) cause.after(minute, letters());
      for (let minutes = 0; minutes < 10; minutes += 1) cause.after(minute, undefined);
    }
    // Four hours.
    expect(cause.told.filter((is) => is.startsWith("opened")).length).toBeLessThanOrEqual(4);
    expect(cause.told.length).toBeGreaterThanOrEqual(4);
  });
});

describe("a receiver that takes nothing", () => {
  test("keeps the same message, whatever becomes of the cause", () => {
    const cause = follow(false);
    cause.after(0, letters());
    cause.after(minute, letters());
    const { message } = cause.known() ?? {};
    for (let hours = 0; hours < 30; hours += 1) cause.after(hour, letters(hours * 100), true);
    expect(cause.known()?.message).toMatchObject({ id: message?.id, cause: { count: 1 } });
  });

  test("is not told that something is over of which it cannot have heard", () => {
    const cause = follow(false);
    cause.after(0, letters());
    cause.after(minute, letters());
    expect(cause.after(minute, undefined)).toBe("remove");
  });

  test("is told so where it may have heard, for three days", () => {
    const cause = follow(false);
    cause.after(0, letters());
    cause.after(minute, letters(), true);
    cause.after(minute, undefined, true);
    cause.after(6 * minute, undefined, true);
    expect(cause.known()?.message?.is).toBe("resolved");
    expect(cause.after(2 * day, undefined)).toBe("keep");
    expect(cause.after(2 * day, undefined)).toBe("remove");
  });
});

describe("a deadline", () => {
  test("is told of when it is found, and a week, three days and a day before", () => {
    const cause = follow();
    const deadline = start + 10 * day;
    while (cause.at() < deadline) cause.after(hour, dispute(deadline));
    expect(cause.told).toEqual(["opened 1", "due 1", "due 1", "due 1"]);
    // Its day has passed, and nothing was found that would say how it ended.
    cause.after(2 * day, undefined);
    cause.after(hour, undefined);
    expect(cause.told).toHaveLength(4);
    expect(cause.known()).toBeUndefined();
  });

  test("of what a look found gone is over, which is told once it has been so for a while", () => {
    const cause = follow();
    const deadline = start + 10 * day;
    const closed = { ...dispute(deadline), over: true } as const;
    cause.after(0, closed);
    expect(cause.known()).toBeUndefined();
    cause.after(0, dispute(deadline));
    cause.after(minute, dispute(deadline));
    cause.after(hour, closed);
    cause.after(4 * minute, closed);
    expect(cause.told).toEqual(["opened 1"]);
    cause.after(2 * minute, closed);
    cause.after(day, undefined);
    expect(cause.told).toEqual(["opened 1", "resolved 1"]);
    expect(cause.known()).toBeUndefined();
  });

  test("that is near when it is found is told of once; another one of that day again", () => {
    const cause = follow();
    const deadline = start + 20 * hour;
    cause.after(0, dispute(deadline));
    cause.after(minute, dispute(deadline));
    cause.after(2 * hour, dispute(deadline));
    cause.after(minute, dispute(deadline, 2));
    expect(cause.told).toEqual(["opened 1", "grown 2"]);
  });
});
