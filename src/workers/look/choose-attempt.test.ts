import { describe, expect, test } from "vitest";
import type { DesiredPayment } from "../../contract/adapter.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { current, desired, lookedAt, money, nothing, reasonOf } from "../../../test/support/money.ts";
import { refusal } from "../found.ts";
import { type Attempt, chooseAttempt, referencesToAsk } from "./choose-attempt.ts";

const attempt = (asked: string, over: Partial<DesiredPayment> | null): Attempt => ({
  asked,
  desired: over === null ? null : desired({ reference: asked, ...over }),
});
const refused = (asked: string, over: Partial<DesiredPayment> = {}): Attempt => ({
  ...attempt(asked, over),
  refused: refusal("other-order", "names another order"),
});

const created = { phase: "created", money: nothing } as const;
const paying = { phase: "paying", money: nothing } as const;
const failed = { phase: "failed", money: nothing } as const;
const reserved = {} as const;
const voided = { money: money({ released: 10_000 }) };

const unbound = current();
const empty = current({ reference: null });
/** Bound to s-1, whatever Norce names. */
const bound = (over: Partial<CurrentPayment> = {}): CurrentPayment => ({
  ...lookedAt(current({ reference: "s-1" }), desired({ ...created, reference: "s-1" })),
  ...over,
});
const boundProvisionally = lookedAt(
  current({ reference: "s-1" }),
  desired({ ...created, reference: "s-1", provisional: true }),
);

test("asked is what is bound, then what Norce names, then what webhooks named; each once", () => {
  expect(referencesToAsk(empty, [], false)).toEqual([]);
  expect(referencesToAsk(empty, ["s-2", "s-3"], false)).toEqual(["s-2", "s-3"]);
  expect(referencesToAsk(unbound, ["s-2", "ref-1"], false)).toEqual(["ref-1", "s-2"]);
  expect(referencesToAsk(bound(), ["s-1"], false)).toEqual(["s-1"]);
  expect(referencesToAsk(bound({ reference: "s-2" }), ["s-3"], false)).toEqual(["s-1", "s-2", "s-3"]);
  expect(referencesToAsk(bound({ reference: null }), [], false)).toEqual(["s-1"]);
  expect(referencesToAsk(unbound, ["s-2"], true)).toEqual([""]);
});

describe("which attempt counts", () => {
  test.each<readonly [string, CurrentPayment, readonly Attempt[], string | undefined]>([
    ["the only one", unbound, [attempt("ref-1", created)], "ref-1"],
    ["none, where nobody knows any", unbound, [attempt("ref-1", null)], undefined],
    ["what a webhook named, where Norce names none", empty, [attempt("s-2", reserved)], "s-2"],
    ["the one with money among those", empty, [attempt("s-2", created), attempt("s-3", reserved)], "s-3"],
    ["the one that is this payment's among those", empty, [refused("s-2"), attempt("s-3", created)], "s-3"],
    [
      "the one that pays, where Norce names one that nobody knows",
      unbound,
      [attempt("ref-1", null), attempt("s-2", reserved)],
      "s-2",
    ],
    ["the second, paid, after the first failed", bound(), [attempt("s-1", failed), attempt("s-2", reserved)], "s-2"],
    ["the second, paid, while the first is open", bound(), [attempt("s-1", created), attempt("s-2", reserved)], "s-2"],
    [
      "the second, paid, after the first was voided",
      bound(),
      [attempt("s-1", voided), attempt("s-2", reserved)],
      "s-2",
    ],
    ["the second, begun, after the first failed", bound(), [attempt("s-1", failed), attempt("s-2", created)], "s-2"],
    ["the second, begun, after the first is gone", bound(), [attempt("s-1", null), attempt("s-2", paying)], "s-2"],
    [
      "the order's, where the session's id is provisional",
      boundProvisionally,
      [attempt("s-1", created), attempt("k-1", paying)],
      "k-1",
    ],
    [
      "the session's, while the order has come no further",
      boundProvisionally,
      [attempt("s-1", paying), attempt("k-1", created)],
      "s-1",
    ],
    [
      "the first, while it is open and the second no more",
      bound(),
      [attempt("s-1", created), attempt("s-2", paying)],
      "s-1",
    ],
    ["the first, where both have failed", bound(), [attempt("s-1", failed), attempt("s-2", failed)], "s-1"],
    ["the first, where it holds the money", bound(), [attempt("s-1", reserved), attempt("s-2", paying)], "s-1"],
    ["the first, where the other is not this payment's", bound(), [attempt("s-1", failed), refused("s-2")], "s-1"],
    ["the first, where the other is not known", bound(), [attempt("s-1", failed), attempt("s-2", null)], "s-1"],
    [
      "the one that a storefront wrote after the first failed",
      bound({ reference: "s-2" }),
      [attempt("s-1", failed), attempt("s-2", created)],
      "s-2",
    ],
    [
      "the first with its money, whatever a storefront wrote",
      bound({ reference: "s-2" }),
      [attempt("s-1", reserved), attempt("s-2", created)],
      "s-1",
    ],
    [
      "none, while the PSP does not know what a storefront wrote",
      bound({ reference: "s-2" }),
      [attempt("s-1", failed), attempt("s-2", null)],
      undefined,
    ],
  ])("%s", (_, payment, attempts, chosen) => {
    expect(chooseAttempt(payment, attempts).chosen?.asked).toBe(chosen);
  });

  test.each<readonly [string, CurrentPayment, readonly Attempt[]]>([
    ["what Norce names is somebody else's", unbound, [refused("ref-1")]],
    [
      "what Norce names is somebody else's, whatever else is named",
      unbound,
      [refused("ref-1"), attempt("s-2", reserved)],
    ],
    ["all that is named is somebody else's", empty, [refused("s-2"), refused("s-3")]],
    [
      "what Norce has come to name is somebody else's, and the first holds nothing",
      bound({ reference: "s-2" }),
      [attempt("s-1", created), refused("s-2")],
    ],
  ])("nothing is written where %s", (_, payment, attempts) => {
    expect(reasonOf(() => chooseAttempt(payment, attempts))).toBe("other-order");
  });
});

test("two that hold money are paid twice: the first stays, a person is needed, both are named", () => {
  const { chosen, attention } = chooseAttempt(bound(), [
    attempt("s-1", { money: money({ captured: 10_000 }) }),
    attempt("s-2", reserved),
  ]);
  expect(chosen?.asked).toBe("s-1");
  expect(attention).toMatchObject({
    reason: "paid-twice",
    context: { reference: "s-1", captured: 10_000, otherReference: "s-2", otherAuthorized: 10_000, currency: "SEK" },
  });
  expect(chooseAttempt(bound(), [attempt("s-1", reserved), attempt("s-2", voided)])).not.toHaveProperty("attention");
  expect(chooseAttempt(bound(), [attempt("s-1", reserved), refused("s-2")])).not.toHaveProperty("attention");
  const both = chooseAttempt(empty, [attempt("s-1", reserved), attempt("s-2", reserved)]);
  expect(both).toMatchObject({ chosen: { asked: "s-1" }, attention: { reason: "paid-twice" } });
});

test.each<readonly [string, Partial<DesiredPayment>, Partial<DesiredPayment>]>([
  ["what is bound names the other", { aliases: ["k-1"] }, {}],
  ["the other names what is bound", {}, { aliases: ["p-1", "s-1"] }],
  ["both are answered under one id", {}, { reference: "s-1", aliases: ["k-1"] }],
])("two ids of one payment are not two payments: %s", (_, first, second) => {
  const attempts = [attempt("s-1", first), attempt("k-1", second)];
  const { chosen, findings, judged, ...rest } = chooseAttempt(bound(), attempts);
  expect({ asked: chosen?.asked, findings, judged, ...rest }).toEqual({
    asked: "s-1",
    findings: [],
    judged: ["s-1", "k-1"],
  });
});

test("an alias that two payments share makes them no one payment", () => {
  const attempts = [attempt("s-1", { aliases: ["shop-7"] }), attempt("s-2", { aliases: ["shop-7"] })];
  expect(chooseAttempt(bound(), attempts)).toMatchObject({ attention: { reason: "paid-twice" } });
});

test("what else is named is refused and counted, once the PSP has answered about it", () => {
  const { findings, judged } = chooseAttempt(bound(), [
    attempt("s-1", created),
    refused("s-2"),
    attempt("s-3", paying),
    attempt("s-4", null),
  ]);
  expect(findings).toMatchObject([
    { name: "reference-refused", id: "s-2", facts: { asked: "s-2", bound: "s-1", why: "other-order" } },
    { name: "reference-refused", id: "s-3", facts: { authorized: 0 } },
  ]);
  expect(judged).toEqual(["s-1", "s-2", "s-3"]);
});

test("a hint stays until the PSP has answered about it, unless the money is here already", () => {
  expect(chooseAttempt(unbound, [attempt("ref-1", null), attempt("s-2", null)]).judged).toEqual([]);
  expect(chooseAttempt(bound(), [attempt("s-1", reserved), attempt("s-2", null)]).judged).toEqual(["s-1", "s-2"]);
});
