import { describe, expect, test } from "vitest";
import type { DesiredPayment } from "../../src/contract/adapter.ts";
import { isWorkerError } from "../../src/lib/errors.ts";
import { stateOf } from "../../src/norce/states.ts";
import { loadSubjects, timeOf } from "../support/subjects.ts";

const subjects = await loadSubjects();

const dayMs = 24 * 60 * 60_000;
/** For how long a payment is looked at that comes to no end, where an adapter does not say it. */
const usualDays = 30;

describe.each(subjects)("$folder", ({ adapter, fixtures, say }) => {
  test("a day after the horizon no fixture waits without anybody having heard of it", async () => {
    const days = adapter.horizonDays?.unsettled ?? usualDays;
    const waiting: string[] = [];
    for (const fixture of fixtures) {
      const now = timeOf(fixture) + (days + 1) * dayMs;
      const context = { ...fixture.context, now: new Date(now).toISOString() };
      const desired = await orBuried(() => say({ ...fixture, context }));
      if (desired !== null && waits(desired) && (desired.findings ?? []).length === 0) waiting.push(fixture.name);
    }
    expect(waiting, "end it, or name it in findings").toEqual([]);
  });
});

/** Whether Norce's state says that there is something still to come. That nothing is looked at for ever is the core's (`look/again.ts`). */
function waits({ phase, money }: DesiredPayment): boolean {
  const state = stateOf(phase, money, "ten");
  return state === "processing" || state === "pending";
}

/** A dead letter is an end with a name. */
async function orBuried(ask: () => Promise<DesiredPayment | null>): Promise<DesiredPayment | null> {
  try {
    return await ask();
  } catch (error) {
    if (isWorkerError(error)) return null;
    throw error;
  }
}
