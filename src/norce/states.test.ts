import { expect, test } from "vitest";
import type { Money } from "../contract/adapter.ts";
import { stateOf } from "./states.ts";

const money = (authorized: number, captured = 0, refunded = 0, released = 0): Money => ({
  authorized,
  captured,
  refunded,
  released,
});

test.each([
  ["a session", "created", money(0), "intent", "intent"],
  ["a redirect that runs", "paying", money(0), "processing", "processing"],
  ["a review", "review", money(100), "pending", "pending"],
  ["details not readable yet", "confirmed", money(0), "confirmed", "confirmed"],
  ["an open authorisation", "confirmed", money(100), "reserved", "reserved"],
  ["a partial capture", "confirmed", money(100, 40), "reserved", "reserved"],
  ["a partial capture, all of it back, the rest still open", "confirmed", money(100, 40, 40), "reserved", "reserved"],
  ["all captured", "confirmed", money(100, 100), "captured", "captured"],
  ["a partial capture, the rest released", "confirmed", money(100, 40, 0, 60), "captured", "captured"],
  ["a partial refund", "confirmed", money(100, 100, 30), "captured", "captured"],
  ["all refunded", "confirmed", money(100, 100, 100), "credited", "refunded"],
  ["more refunded than captured", "confirmed", money(100, 100, 120), "credited", "refunded"],
  ["captured in part, refunded, released", "confirmed", money(100, 40, 40, 60), "credited", "refunded"],
  ["all voided", "confirmed", money(100, 0, 0, 100), "removed", "cancelled"],
  ["a refusal", "declined", money(0), "declined", "declined"],
  ["a technical failure", "failed", money(0), "failed", "failed"],
] as const)("%s", (_, phase, sums, ten, twelve) => {
  expect(stateOf(phase, sums, "ten")).toBe(ten);
  expect(stateOf(phase, sums, "twelve")).toBe(twelve);
});
