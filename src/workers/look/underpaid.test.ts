import { describe, expect, test } from "vitest";
import type { DesiredPayment } from "../../contract/adapter.ts";
import { coverAmount } from "./underpaid.ts";
import { compare, confirm, current, desired, lookedAt, money, nothing, readAt } from "../../../test/support/money.ts";

const minute = 60_000;
const hour = 60 * minute;
const logged = new Set(["confirm"]);

/** One krona of a thousand. */
const short = (over: Partial<DesiredPayment> = {}): DesiredPayment =>
  desired({ total: 100, money: money({ authorized: 100 }), ...over });
const thousand = current({ amount: 100_000 });
const facts = { asked: 100_000, total: 100, authorized: 100, currency: "SEK" };

test("sums that differ by an adapter's rounding are the same, whichever is more", () => {
  for (const total of [99_997, 100_003]) {
    const said = desired({ total, money: money({ authorized: total }) });
    expect(coverAmount(thousand, said, "reserved", 3, readAt), String(total)).toMatchObject({
      accepted: true,
      findings: [],
    });
    expect(coverAmount(thousand, said, "reserved", 2, readAt).findings).toHaveLength(total < 100_000 ? 0 : 1);
    expect(coverAmount(thousand, said, "reserved", 2, readAt).accepted).toBe(total > 100_000);
  }
});

describe("less than was asked", () => {
  test.each<readonly [string, DesiredPayment, string]>([
    ["reserved", short(), "pending"],
    ["captured", short({ money: money({ authorized: 100, captured: 100 }) }), "pending"],
    ["in review", short({ phase: "review" }), "pending"],
    ["released", short({ money: money({ authorized: 100, released: 100 }) }), "removed"],
    ["refunded", short({ money: money({ authorized: 100, captured: 100, refunded: 100 }) }), "credited"],
    ["declined", short({ phase: "declined", money: nothing }), "declined"],
  ])("%s leaves the amount as it was asked, and does not look paid", (_, said, state) => {
    expect(lookedAt(thousand, said)).toMatchObject({ state, amount: 100_000 });
  });

  test("stands in the record with its sums", () => {
    const { record } = lookedAt(thousand, short());
    expect(record).toMatchObject({
      authorized: 100,
      underpaid: { since: "2026-02-03T10:00:00.000Z", total: 100, asked: 100_000 },
    });
    expect(record).not.toHaveProperty("accepted");
  });

  test("does not rest on what an earlier look saw: a session that was not paid yet accepts nothing", () => {
    const session = lookedAt(thousand, short({ phase: "created", money: nothing }));
    expect(session).toMatchObject({ state: "intent", record: { bound: "ref-1" } });
    expect(lookedAt(session, short())).toMatchObject({ state: "pending", amount: 100_000 });
  });

  test("calls a person once a second look a minute later agrees", () => {
    const first = compare({ current: thousand, desired: short() });
    expect(first).toMatchObject({ findings: [], lookAgainMs: minute });
    expect(first).not.toHaveProperty("attention");
    const after = lookedAt(thousand, short());
    const again = (ms: number): unknown => compare({ current: after, desired: short(), logged, now: readAt + ms });
    expect(again(minute - 1)).toEqual({ is: "agreed", findings: [], lookAgainMs: 1 });
    expect(again(minute)).toEqual({
      is: "agreed",
      findings: [{ name: "underpaid", facts }],
      attention: { reason: "underpaid", message: expect.any(String), context: facts },
    });
  });

  test("calls nobody for what was given back", () => {
    const after = lookedAt(thousand, short());
    const back = short({ money: money({ authorized: 100, released: 100 }) });
    expect(compare({ current: after, desired: back, now: readAt + hour })).not.toHaveProperty("attention");
  });

  test("is accepted as soon as Norce asks for no more, and stays accepted", () => {
    const after = lookedAt(thousand, short());
    const lowered = lookedAt({ ...after, amount: 100 }, short(), { now: readAt + hour });
    expect(lowered).toMatchObject({ state: "reserved", amount: 100, record: { accepted: true } });
    expect(lowered.record).not.toHaveProperty("underpaid");
    expect(compare({ current: { ...lowered, amount: 100_000 }, desired: short() })).toMatchObject({
      changes: { payment: { amount: 100 } },
    });
  });

  test("is a finding alone where another adapter had reserved it before we saw it", () => {
    for (const state of ["reserved", "captured"] as const) {
      const verdict = compare({ current: { ...thousand, state: "reserved" }, desired: short() });
      expect(verdict).toMatchObject({ is: "differs", findings: [{ name: "underpaid", facts }] });
      expect(verdict).not.toHaveProperty("attention");
      expect(lookedAt({ ...thousand, state }, short()).record).toMatchObject({ accepted: true, amountAsked: 100_000 });
    }
    const seen = lookedAt(thousand, short({ phase: "created", money: nothing }));
    expect(lookedAt({ ...seen, state: "reserved" }, short()).state, "somebody wrote it after we saw it").toBe(
      "pending",
    );
  });

  test("is asked again of another attempt: what was accepted of one says nothing of the next", () => {
    const paid = lookedAt(
      { ...thousand, reference: "s-1" },
      desired({ reference: "s-1", total: 100_000, money: money({ authorized: 100_000 }) }),
    );
    expect(paid.record).toMatchObject({ accepted: true });
    const next = lookedAt({ ...paid, amount: 100_000 }, short({ reference: "s-2" }));
    expect(next).toMatchObject({ state: "pending", amount: 100_000, record: { bound: "s-2", earlier: ["s-1"] } });
    expect(next.record).not.toHaveProperty("accepted");
  });

  test("is decided once the PSP has decided: what a review is over may yet change", () => {
    const review = lookedAt(
      current(),
      desired({ phase: "review", money: money({ authorized: 12_000 }), total: 12_000 }),
    );
    expect(review).toMatchObject({ state: "pending", amount: 10_000 });
    expect(review.record).not.toHaveProperty("accepted");
    expect(lookedAt(review, desired()).record).not.toHaveProperty("amountAsked");
  });

  test("is what differs by more than the adapter rounds", () => {
    const off = (by: number): string => lookedAt(current(), desired({ total: 10_000 - by }), { rounding: 3 }).state;
    expect([off(3), off(4)]).toEqual(["reserved", "pending"]);
    expect(lookedAt(current(), desired({ total: 9_999 })).state).toBe("pending");
  });

  test("is asked of the shopper: an issuer's part counts as the adapter says, a later reduction does not", () => {
    expect(lookedAt(current(), desired({ money: money({ authorized: 4_000 }) })).state).toBe("reserved");
    expect(lookedAt(current(), desired({ money: money({ authorized: 4_000 }), total: 4_000 })).state).toBe("pending");
    const paid = lookedAt(current(), desired());
    expect(lookedAt(paid, desired({ total: 4_000, money: money({ authorized: 4_000 }) }))).toMatchObject({
      state: "reserved",
      amount: 4_000,
    });
  });
});

test("more than was asked follows the truth, and is told calmly", () => {
  const more = desired({ total: 12_000, money: money({ authorized: 12_000 }) });
  const verdict = compare({ desired: more });
  expect(verdict).toMatchObject({
    changes: { payment: { state: "reserved", amount: 12_000, record: { amountAsked: 10_000, accepted: true } } },
    findings: [{ name: "amount-differs", facts: { asked: 10_000, total: 12_000, authorized: 12_000 } }],
  });
  expect(verdict).not.toHaveProperty("attention");
});

describe("parts", () => {
  const part = desired({ partial: true, money: money({ authorized: 4_000 }), transactions: [confirm] });
  const at = (ms: number) => ({ now: readAt + ms });

  test("are processing while they are short, for an hour", () => {
    const first = compare({ desired: part });
    expect(first).toMatchObject({ lookAgainMs: hour });
    const after = lookedAt(current(), part);
    expect(after).toMatchObject({ state: "processing", amount: 10_000, record: { partial: expect.any(String) } });
    expect(compare({ current: after, desired: part, logged, ...at(hour - 1) })).toMatchObject({ is: "agreed" });
    const late = lookedAt(after, part, at(hour));
    expect(late).toMatchObject({ state: "pending", amount: 10_000, record: { underpaid: { total: 4_000 } } });
  });

  test("that are complete are paid, and those that never will be are short", () => {
    const after = lookedAt(current(), part);
    expect(lookedAt(after, desired(), at(minute))).toMatchObject({ state: "reserved" });
    const closed = desired({ total: 4_000, money: money({ authorized: 4_000 }) });
    expect(lookedAt(after, closed, at(minute))).toMatchObject({ state: "pending" });
  });
});
