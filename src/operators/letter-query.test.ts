import { describe, expect, test } from "vitest";
import { isMeant, reasonOf, subjectOf } from "../queue/letter-filter.ts";
import type { DeadLetter } from "../queue/jobs.ts";
import { filterOfForm } from "./letter-query.ts";

const letter: DeadLetter = {
  key: { adapter: "mollie", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" },
  kind: "Refused",
  reason: "the payment is another order's",
  since: Date.parse("2026-01-30T00:00:00Z"),
  at: Date.parse("2026-01-31T12:00:00Z"),
  context: { reason: "other-order" },
};
const id = "a".repeat(43);

describe("a letter is meant where all applies that was said", () => {
  test.each([
    ["", true],
    ["reason=other-order", true],
    ["reason=the payment is another order's", true],
    ["reason=paid-twice", false],
    ["kind=Refused&adapter=mollie&merchant=acme&channel=se&about=payment", true],
    ["kind=Unreachable", false],
    ["adapter=stripe", false],
    ["merchant=other", false],
    ["channel=fi", false],
    ["about=event", false],
    ["from=2026-01-31&to=2026-01-31", true],
    ["from=2026-02-01", false],
    ["to=2026-01-30", false],
    ["from=2026-01-31T12:00Z", true],
    ["to=2026-01-31T12:00:00Z", false],
    ["from=2026-01-31T13:00%2B01:00", true],
    [`id=${id}`, true],
    [`id=${"b".repeat(43)}`, false],
    ["reason=&kind= &from=", true],
    ["do=retry-all&token=x&nobody=knows", true],
  ])("%s: %s", (form, wanted) => {
    const filter = filterOfForm(new URLSearchParams(form));
    expect(filter && isMeant(filter, id, letter)).toBe(wanted);
  });
});

test.each(["from=yesterday", "to=2026-02-31", "about=nothing", "id=../x", `reason=${"x".repeat(501)}`])(
  "%s is not understood",
  (form) => {
    expect(filterOfForm(new URLSearchParams(form))).toBeUndefined();
  },
);

test("a reason is a word: a rule's name, or the kind of the error", () => {
  expect(reasonOf(letter)).toBe("other-order");
  expect(reasonOf({ kind: "Unreachable", context: { status: 503 } })).toBe("Unreachable");
});

test("what a letter is about is seen by what it holds", () => {
  const event = { key: "k", type: "capture" };
  const stored = { target: letter.key, webhook: "w", receivedAt: 1, event: { ...event, at: null, clues: [] } };
  expect([subjectOf(letter), subjectOf({ event }), subjectOf({ event, stored })]).toEqual([
    "payment",
    "operation",
    "event",
  ]);
});
