import { describe, expect, test } from "vitest";
import type { Money, Repeat } from "../../contract/adapter.ts";
import { money, readAt } from "../../../test/support/money.ts";
import {
  type Decision,
  decideSending,
  endKey,
  hasUnknownSending,
  type Known,
  noteSending,
  sendingKey,
} from "./decide.ts";

const minute = 60_000;
const hour = 60 * minute;
const sent = { at: readAt, first: readAt, times: 1, before: money({ captured: 2_000 }), amount: 4_000, whole: false };
const decide = (repeat: Repeat, over: Partial<Known> = {}): Decision =>
  decideSending({
    name: "capture",
    operations: { repeat },
    sent,
    sums: sent.before,
    settledMs: minute,
    now: readAt + 2 * minute,
    ...over,
  });
const after = (captured: number): { readonly sums: Money } => ({ sums: money({ captured }) });
const repeats: readonly Repeat[] = ["idempotency-key", "look-first", "never", { idempotencyKeyHours: 24 }];

describe("an operation", () => {
  test.each(repeats)("that was never sent is sent (%j)", (repeat) => {
    expect(decide(repeat, { sent: undefined })).toBe("send");
  });

  test.each<readonly [string, Repeat, Partial<Known>, Decision]>([
    ["its sum shows it", "look-first", after(6_000), "done"],
    ["its sum shows it", "idempotency-key", after(6_000), "done"],
    ["its sum shows more", "look-first", after(7_000), "done"],
    ["its sum shows a part of it", "look-first", after(5_999), "send"],
    ["its sum shows it, which may be another one's doing", "never", after(6_000), "unknown"],
    ["nothing shows it", "never", {}, "unknown"],
    ["nothing shows it, and keys are known", "idempotency-key", { now: readAt }, "send"],
    ["nothing shows it yet", "look-first", { now: readAt + minute - 1 }, "wait"],
    ["nothing shows it any more", "look-first", { now: readAt + minute }, "send"],
    ["its key lives", { idempotencyKeyHours: 24 }, { now: readAt + minute }, "send"],
    ["its key is about to die", { idempotencyKeyHours: 1 }, { now: readAt + hour - minute }, "send"],
    [
      "its key died with the first sending",
      { idempotencyKeyHours: 1 },
      { sent: { ...sent, at: readAt + hour }, now: readAt + hour },
      "wait",
    ],
    [
      "its key died, and it was sent again",
      { idempotencyKeyHours: 1 },
      { sent: { ...sent, at: readAt + hour }, now: readAt + hour + minute },
      "send",
    ],
    [
      "the PSP would lock the payment",
      "idempotency-key",
      { operations: { repeat: "idempotency-key", mostTries: 1 } },
      "unknown",
    ],
    [
      "the PSP would lock the payment, and reads lag",
      "idempotency-key",
      { operations: { repeat: "idempotency-key", mostTries: 1 }, now: readAt },
      "wait",
    ],
    [
      "the PSP would lock the payment, but it was carried out",
      "idempotency-key",
      { ...after(6_000), operations: { repeat: "idempotency-key", mostTries: 1 } },
      "done",
    ],
    [
      "what it gives back was lowered, as it was not settled yet",
      "look-first",
      { name: "refund", sent: { ...sent, before: money({ captured: 6_000 }) }, ...after(2_000) },
      "done",
    ],
    [
      "the PSP takes another try",
      "idempotency-key",
      { operations: { repeat: "idempotency-key", mostTries: 2 } },
      "send",
    ],
  ])("that was sent, and %s (%j)", (_, repeat, over, decision) => {
    expect(decide(repeat, over)).toBe(decision);
  });

  test.each([
    ["cancel", money({ released: 4_000 })],
    ["refund", money({ captured: 2_000, refunded: 4_000 })],
  ] as const)("is known by the sum that it moves: %s", (name, sums) => {
    expect(decide("look-first", { name, sums })).toBe("done");
    expect(decide("look-first", { name, ...after(9_000) })).toBe("send");
  });
});

test("a key that dies a minute from now is not sent any more: it has to arrive alive", () => {
  const repeat = { idempotencyKeyHours: 1 };
  expect(decide(repeat, { now: readAt + hour - minute - 1, sent: { ...sent, at: readAt + hour - minute - 1 } })).toBe(
    "send",
  );
  expect(decide(repeat, { now: readAt + hour - minute, sent: { ...sent, at: readAt + hour - minute } })).toBe("wait");
});

test("a repeat says what was said first, and is counted", () => {
  const said = { before: money(), amount: 1, whole: true };
  const first = noteSending(undefined, said, readAt);
  expect(first).toEqual({ at: readAt, first: readAt, times: 1, ...said });
  const other = { before: money({ captured: 1 }), amount: 2, whole: false };
  expect(noteSending(first, other, readAt + 5)).toEqual({ ...first, at: readAt + 5, times: 2 });
});

describe("a sending that Norce's log tells of and that has no end", () => {
  const log = (...keys: readonly string[]): ReadonlySet<string> => new Set(keys);
  test.each<readonly [string, ReadonlySet<string>, boolean, boolean]>([
    ["none", log("confirm", "capture:1"), false, false],
    ["its own, forgotten by the record", log(sendingKey("a")), false, true],
    ["its own, which the record knows", log(sendingKey("a")), true, false],
    ["another one's", log(sendingKey("b")), false, true],
    ["another one's, beside its own", log(sendingKey("a"), sendingKey("b")), true, true],
    ["another one's, which came to an end", log(sendingKey("b"), endKey("b")), false, false],
  ])("%s", (_, logged, known, unknown) => {
    expect(hasUnknownSending("a", logged, known)).toBe(unknown);
  });
});
