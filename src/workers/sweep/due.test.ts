import { describe, expect, test } from "vitest";
import { type Judgement, judge, passFor, periodOf, reachOf, type SeenPayment } from "./due.ts";

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
  test("that should move is looked at every pass for a quarter of an hour, then ever more rarely, hourly at last, then daily", () => {
    const ages = looks({ state: "processing" }, 3 * 1_440);
    expect(ages.filter((age) => age <= 15)).toHaveLength(15);
    expect(ages.filter((age) => age > 15 && age <= 300)).toEqual([
      18, 22, 26, 32, 38, 45, 54, 65, 78, 93, 112, 134, 161, 193, 232, 278,
    ]);
    const hourly = ages.filter((age) => age > 300 && age < 1_440);
    expect(hourly).toHaveLength(19);
    for (const [index, age] of hourly.slice(1).entries()) expect(age - (hourly[index] ?? 0)).toBeGreaterThanOrEqual(55);
    expect(ages.filter((age) => age >= 1_440)).toEqual([1_440, 2_880, 4_320]);
  });

  test("that nobody pays is looked at a few times and not for ever: 80 times in 30 days", () => {
    const ages = looks({ state: "intent" }, 30 * 1_440);
    expect(ages.length).toBeLessThanOrEqual(80);
    const gaps = ages.slice(1).map((age, index) => age - (ages[index] ?? 0));
    for (const [index, gap] of gaps.entries()) {
      const before = ages[index] ?? 0;
      // Never longer than a quarter of the age and a pass, an hour or a day: what moved in between is found soon for its age.
      expect(gap, `after ${before} min`).toBeLessThanOrEqual(before < 1_380 ? Math.min(before / 4 + 1, 61) : 1_440);
    }
  });

  test.each([minute, 7 * minute, hour])(
    "is looked at by passes %d ms apart as often as its schedule has points for them",
    (gap) => {
      const due = Array.from({ length: Math.ceil((2 * day) / gap) }, (_, index) => (index + 1) * gap).filter(
        (age) => judged({ state: "pending" }, age, gap) === "due",
      );
      // No gap between two looks is longer than an hour and a pass within the first day, whatever the pace.
      const first = due.filter((age) => age <= day);
      for (const [index, age] of first.entries()) expect(age - (first[index - 1] ?? 0)).toBeLessThanOrEqual(hour + gap);
      expect(due.at(-1)).toBeGreaterThanOrEqual(2 * day);
    },
  );

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
    ["rest", 211 * day, day],
  ] as const)("%s reaches back from the pass before it", (name, back, newest) => {
    const period = periodOf(name, minute);
    const swept = now - period;
    expect(passFor(name, swept, now, minute, 210)).toEqual({
      after: swept,
      until: now,
      from: swept - back,
      ...(newest === 0 ? {} : { to: now - newest }),
    });
    expect(passFor(name, now - period + minute, now, minute, 210)).toBeUndefined();
  });

  test("that never was swept looks a day back, and so does one that was swept by a clock that was ahead", () => {
    for (const swept of [undefined, now + hour])
      expect(passFor("recent", swept, now, minute, 210)).toEqual({
        after: now - day,
        until: now,
        from: now - day - 2 * hour,
      });
  });

  test("that was missed is swept as a whole", () => {
    expect(passFor("recent", now - 5 * hour, now, minute, 210)).toMatchObject({ from: now - 7 * hour });
  });

  test("of old orders has every payment that came to its state within the unsettled horizon, until its own has passed", () => {
    const reach = reachOf(horizon);
    for (const state of ["captured", "reserved", "pending", "confirmed", "removed"] as const)
      for (const changed of [0, 10 * day, 30 * day]) {
        const { unsettled, refund } = horizon;
        const ends = changed + (state === "captured" || state === "reserved" ? refund : unsettled) * day;
        // The order was created at 0; a pass a day, the one that sees the end included.
        for (let at = changed; at <= ends; at += day) {
          const pass = passFor("rest", at, at + day, minute, reach);
          if (pass === undefined) throw new Error("no pass");
          const judgement = judge(seen({ state, since: changed }), horizon, pass);
          if (judgement !== "waiting") expect(pass.from, `${state} at ${at / day} d`).toBeLessThanOrEqual(0);
        }
      }
  });

  test("of old orders has a payment that is pending since late in its order's life, until that is unresolved", () => {
    const changed = 151 * day;
    const pass = passFor("rest", changed + 29.5 * day, changed + 30.5 * day, minute, reachOf(horizon));
    if (pass === undefined) throw new Error("no pass");
    expect(judge(seen({ state: "pending", since: changed }), horizon, pass)).toBe("unresolved");
    expect(pass.from).toBeLessThan(0);
  });
});
