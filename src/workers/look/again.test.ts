import { describe, expect, test } from "vitest";
import type { DesiredPayment } from "../../contract/adapter.ts";
import { current, desired, money, nothing, readAt } from "../../../test/support/money.ts";
import { lookAgainMs } from "./again.ts";

const day = 24 * 3_600_000;
const horizonMs = 30 * day;
const iso = (time: number): string => new Date(time).toISOString();

/** A session that nobody pays, as it was first seen. */
const session = (over: Partial<DesiredPayment> = {}): DesiredPayment =>
  desired({ phase: "created", money: nothing, lookAgain: { growing: iso(readAt) }, ...over });
const seen = current({ state: "intent", record: { phase: "created", since: iso(readAt) } });

const againAt = (now: number, said = session(), payment = seen): number | undefined =>
  lookAgainMs(said, payment, horizonMs, now);

describe("when a payment is looked at again although nobody calls", () => {
  test("as its adapter says: after a pause, at a time, or with pauses that grow", () => {
    expect(againAt(readAt, session({ lookAgain: { afterSeconds: 7 } }))).toBe(7_000);
    expect(againAt(readAt, session({ lookAgain: { at: iso(readAt + 5) } }))).toBe(5);
    expect(againAt(readAt + day)).toBe(day / 4);
    expect(againAt(readAt, session({ lookAgain: undefined }))).toBeUndefined();
  });

  test("a time that has passed, or that none is, is no time", () => {
    expect(againAt(readAt, session({ lookAgain: { at: iso(readAt) } }))).toBeUndefined();
    expect(againAt(readAt, session({ lookAgain: { at: "soon" } }))).toBeUndefined();
  });

  test("what holds no money and has stood where it is for its whole horizon is not looked at for ever", () => {
    for (const lookAgain of [{ growing: iso(readAt) }, { afterSeconds: 3_600 }]) {
      expect(againAt(readAt + horizonMs - 1, session({ lookAgain }))).toBeDefined();
      expect(againAt(readAt + horizonMs, session({ lookAgain }))).toBeUndefined();
    }
    // What has moved since, or holds money, has something to come.
    const late = readAt + 2 * horizonMs;
    expect(againAt(late, session({ phase: "paying" }))).toBeDefined();
    expect(againAt(late, session({ money: money({ authorized: 1 }) }))).toBeDefined();
    expect(againAt(late, session(), current({ state: "intent", record: null }))).toBeDefined();
  });
});
