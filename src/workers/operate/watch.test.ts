import { expect, test } from "vitest";
import type { DesiredPayment } from "../../contract/adapter.ts";
import type { OperationState } from "../../queue/operations.ts";
import { current, desired, key, money, readAt } from "../../../test/support/money.ts";
import type { OperateParts } from "./parts.ts";
import { watch, watchAt } from "./watch.ts";

const sent = { at: readAt, first: readAt, times: 1, before: money(), amount: 4_000, whole: false };
const accepted: OperationState = { key, name: "capture", at: readAt, tries: 0, sent, outcome: { status: "accepted" } };

function partsOf(truth: DesiredPayment | null, patienceSeconds: number | undefined = 60) {
  const letters: unknown[] = [];
  const adapter = {
    operations: { repeat: "look-first", patienceSeconds },
    fetch: async () => truth,
    map: (snapshot: DesiredPayment) => snapshot,
  };
  const parts = {
    config: { find: () => ({ adapter, settings: { adapterId: "acme_adapter" } }) },
    norce: { payment: async () => current(), log: async () => ({ keys: new Set(), kept: [] }) },
    contexts: () => ({ now: readAt }),
    queue: {
      letters: { put: async ({ context }: { context: unknown }) => void letters.push(context) },
      journal: { append: async () => undefined },
    },
    teller: { buried: () => undefined },
    now: () => readAt + 60_000,
  } as unknown as OperateParts;
  return { parts, letters };
}

test("what was accepted is looked for once its time is over, where the adapter knows how long that is", () => {
  expect(watchAt(accepted, partsOf(null).parts)).toBe(readAt + 60_000);
  expect(watchAt({ ...accepted, watched: true }, partsOf(null).parts)).toBeUndefined();
  expect(watchAt({ ...accepted, outcome: { status: "done" } }, partsOf(null).parts)).toBeUndefined();
  const { parts } = partsOf(null);
  const endless = { ...parts, config: { find: () => ({ adapter: { operations: { repeat: "look-first" } } }) } };
  expect(watchAt(accepted, endless as unknown as OperateParts)).toBeUndefined();
});

test.each<readonly [string, DesiredPayment | null, readonly unknown[]]>([
  ["was carried out", desired({ money: money({ captured: 4_000 }) }), []],
  ["is still under way", desired({ underWay: { capture: 4_000 } }), [overdue()]],
  ["was forgotten", null, [overdue()]],
  ["another payment's answer shows", desired({ reference: "ref-9", money: money({ captured: 4_000 }) }), [overdue()]],
])("an operation that %s", async (_, truth, told) => {
  const { parts, letters } = partsOf(truth);
  const held = { id: "op", signal: new AbortController().signal, prove: async () => undefined };
  await watch("op", accepted, parts, held);
  expect(letters).toEqual(told);
});

function overdue(): unknown {
  return { reason: "operation-overdue", operationId: "op", amount: 4_000 };
}
