import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import klarnaPayments from "../../src/adapters/klarna-payments/index.ts";
import type { Snapshot } from "../../src/adapters/klarna-payments/schema.ts";
import type { DesiredPayment } from "../../src/contract/adapter.ts";
import { chooseAttempt } from "../../src/workers/look/choose-attempt.ts";

const fixtures = join(import.meta.dirname, "../../src/adapters/klarna-payments/fixtures");

function desiredOf(name: string): DesiredPayment {
  const snapshot = JSON.parse(readFileSync(join(fixtures, name, "snapshot.json"), "utf8")) as Snapshot;
  return klarnaPayments.map(snapshot, { kept: [], now: Date.parse("2026-02-03T10:20:00.000Z") });
}

test.each([
  ["session-open", "authorized"],
  ["session-approved", "authorized"],
  ["session-approved", "pending"],
  ["session-over", "authorized"],
])("a payment whose reference is a session (%s) becomes the order (%s) that a push names", (session, order) => {
  const [provisional, placed] = [desiredOf(session), desiredOf(order)];
  expect(provisional).toMatchObject({ provisional: true });
  const current = { reference: provisional.reference, record: { bound: provisional.reference, provisional: true } };
  const { chosen } = chooseAttempt(current as unknown as Parameters<typeof chooseAttempt>[0], [
    { asked: provisional.reference, desired: provisional },
    { asked: placed.reference, desired: placed },
  ]);
  expect(chosen?.asked).toBe(placed.reference);
});
