import { describe, expect, test } from "vitest";
import { type Judgement, judge, passFor, periodOf, type SeenPayment } from "./due.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.parse("2026-03-04T12:00:00.000Z");
const horizon = { unsettled: 30, refund: 180 };

const seen = (payment: Partial<SeenPayment>): SeenPayment => ({
  state: "reserved",
  since: now,
  removedByUs: false,
  referenced: true,
  folds: false,
  ...payment,
});

/** How a pass that follows another one after `gap` judges a payment of this age. */
const judged = (payment: Partial<SeenPayment>, age: number, gap: number): Judgement =>
  judge(seen({ ...payment, since: now - age }), horizon, { after: now - gap, until: now });

/** The ages at which passes a minute apart look, in minutes. */
function looks(payment: Partial<SeenPayment>, minutes: number): number[] {
  return Array.from({ length: minutes }, (_, index) => index + 1).filter(
    (age) => judged(payment, age * minute, minute) === "due",
  );
}

describe("a payment", () => {
  test("that should move is looked at every pass for two hours, then hourly, then daily", () => {
    const ages = looks({ state: "processing" }, 3 * 1_440);
    expect(ages.filter((age) => age < 120)).toHaveLength(119);
    expect(ages.filter((age) => age >= 120 && age <= 1_440)).toEqual(
      Array.from({ length: 23 }, (_, index) => (index + 2) * 60),
    );
    expect(ages.filter((age) => age > 1_440)).toEqual([2_880, 4_320]);
  });

  test("that is reserved is looked at on a widening schedule", () => {
    expect(looks({ state: "reserved" }, 3 * 1_440)).toEqual([
      1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_440, 2_880, 4_320,
    ]);
  });

  test("whose adapter folds is looked at daily", () => {
    expect(looks({ state: "processing", folds: true, referenced: false }, 3 * 1_440)).toEqual([1_440, 2_880, 4_320]);
  });

  test.each<readonly [string, Partial<SeenPayment>, number, Judgement]>([
    ["reserved for 179 days", { state: "reserved" }, 179 * day, "due"],
    ["captured for 180 days", { state: "captured" }, 180 * day, "settled"],
    ["removed by us", { state: "removed", removedByUs: true }, minute, "settled"],
    ["cancelled by us", { state: "cancelled", removedByUs: true }, minute, "settled"],
    ["removed by somebody", { state: "removed" }, 8 * minute, "due"],
    ["removed by somebody long ago", { state: "removed" }, 31 * day, "settled"],
    ["declined for an hour", { state: "declined" }, 64 * minute, "due"],
    ["declined for a day", { state: "declined" }, day, "settled"],
    ["failed for two days", { state: "failed" }, 2 * day, "settled"],
    ["credited for six days", { state: "credited" }, 6 * day, "due"],
    ["credited for a week", { state: "credited" }, 7 * day, "settled"],
    ["refunded for a week", { state: "refunded" }, 7 * day, "settled"],
    ["pending for 29 days", { state: "pending" }, 29 * day, "due"],
    ["pending for 30 days", { state: "pending" }, 30 * day, "unresolved"],
    ["pending for more than 30 days", { state: "pending" }, 30 * day + hour, "unresolved"],
    ["without a reference", { state: "intent", referenced: false }, minute, "waiting"],
    ["never paid for 30 days", { state: "intent", referenced: false }, 30 * day, "settled"],
    ["from a clock that is ahead", { state: "intent" }, -hour, "due"],
  ])("%s", (_, payment, age, expected) => {
    expect(judged(payment, age, minute)).toBe(expected);
  });

  test("that stays unresolved is so in every pass from its horizon on, so that no pass that went wrong loses it", () => {
    for (const gap of [minute, 7 * minute, hour, day])
      for (let at = 29 * day; at < 33 * day; at += gap) {
        const judgement = judge(seen({ state: "confirmed", since: 0 }), horizon, { after: at, until: at + gap });
        expect(judgement === "unresolved", `${at / hour} h`).toBe(at + gap >= 30 * day);
      }
  });

  test("that became due while nobody swept is found by the next pass", () => {
    expect(judged({ state: "reserved" }, 9 * hour, 30 * minute)).toBe("due");
    expect(judged({ state: "reserved" }, 9 * hour, 10 * minute)).toBe("waiting");
    expect(judged({ state: "pending" }, 10 * day + 5 * hour, 6 * hour)).toBe("due");
  });
});

describe("a window", () => {
  test.each([
    ["recent", 2 * hour, 0],
    ["day", day, 2 * hour],
    ["rest", 181 * day, day],
  ] as const)("%s reaches back from the pass before it", (name, back, newest) => {
    const period = periodOf(name, minute);
    const swept = now - period;
    expect(passFor(name, swept, now, minute, 180)).toEqual({
      after: swept,
      until: now,
      from: swept - back,
      ...(newest === 0 ? {} : { to: now - newest }),
    });
    expect(passFor(name, now - period + minute, now, minute, 180)).toBeUndefined();
  });

  test("that never was swept looks a day back, and so does one that was swept by a clock that was ahead", () => {
    for (const swept of [undefined, now + hour])
      expect(passFor("recent", swept, now, minute, 180)).toEqual({
        after: now - day,
        until: now,
        from: now - day - 2 * hour,
      });
  });

  test("that was missed is swept as a whole", () => {
    expect(passFor("recent", now - 5 * hour, now, minute, 180)).toMatchObject({ from: now - 7 * hour });
  });
});
