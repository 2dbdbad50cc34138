import { expect, test } from "vitest";
import { current, desired, key, lookedAt } from "../../../test/support/money.ts";
import { asking } from "../../../test/support/asking.ts";
import { lookContext } from "./open.ts";

test("an adapter remembers what it wanted to remember, and no fact of ours or for people by the same name", () => {
  const found = desired({ attributes: { status: "AUTHORIZED", bound: "of-old" }, memory: { asked: 10_000 } });
  const { kept: _kept, memory: _memory, ...parts } = asking();
  const given = { ...parts, config: {}, signal: AbortSignal.timeout(1) };
  const remembered = (payment: ReturnType<typeof current>): unknown =>
    lookContext(key, payment, given as never, Promise.resolve({ keys: new Set<string>(), kept: [] })).memory;
  expect(remembered(current())).toEqual({});
  expect(remembered(lookedAt(current(), found))).toEqual({ asked: 10_000 });
  expect(remembered(lookedAt(current(), { ...found, memory: undefined }))).toEqual({});
});
