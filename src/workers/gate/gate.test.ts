import { beforeEach, expect, test } from "vitest";
import { createGate, type Entered, type Gate } from "./gate.ts";

let now = 0;
let gate: Gate;
beforeEach(() => {
  now = 1_000_000;
  gate = createGate(2, () => now);
});

function entered(account = "acme"): Entered {
  const entry = gate.enter(account, 0);
  if (!entry.entered) throw new Error(`turned away: ${entry.why}`);
  return entry;
}

function fail(times: number, account = "acme"): void {
  for (let time = 0; time < times; time += 1) entered(account).leave({ failed: true });
}

test("one account's crowd leaves room for the others", () => {
  const inside = [entered(), entered()];
  expect(gate.enter("acme", 0)).toMatchObject({ entered: false, why: "crowded", afterMs: 500 });
  expect(gate.enter("other", 0)).toMatchObject({ entered: true });
  inside[0]?.leave({ failed: false });
  expect(gate.enter("acme", 0)).toMatchObject({ entered: true });
});

test("the longer the crowd, the later its last one comes back", () => {
  entered();
  entered();
  const waits = Array.from({ length: 40 }, () => gate.enter("acme", 0)).map((entry) =>
    entry.entered ? 0 : entry.afterMs,
  );
  expect(waits.at(-1)).toBeGreaterThan(5_000);
});

test("a PSP that fails again and again is left alone, and others are not", () => {
  fail(4);
  expect(gate.enter("acme", 0)).toMatchObject({ entered: true });
  fail(5, "down");
  expect(gate.enter("down", 0)).toMatchObject({ entered: false, why: "psp-down", afterMs: 5_000 });
  expect(gate.enter("other", 0)).toMatchObject({ entered: true });
});

test("after the pause one look probes; what comes meanwhile waits; a good answer opens the gate", () => {
  fail(5);
  now += 5_000;
  const probe = entered();
  expect(gate.enter("acme", 0)).toMatchObject({ entered: false, why: "psp-down" });
  probe.leave({ failed: false });
  entered();
  entered();
});

test("a probe that fails doubles the pause, to a minute at most", () => {
  fail(5);
  for (const pauseMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
    expect(gate.enter("acme", 0)).toMatchObject({ entered: false, afterMs: pauseMs });
    now += pauseMs;
    fail(1);
  }
});

test("those who were inside when it closed do not make the pause longer", () => {
  gate = createGate(20, () => now);
  const inside = Array.from({ length: 20 }, () => entered());
  for (const look of inside) look.leave({ failed: true });
  expect(gate.enter("acme", 0)).toMatchObject({ entered: false, afterMs: 5_000 });
});

test("one good answer in between is a PSP that works", () => {
  fail(4);
  entered().leave({ failed: false });
  fail(4);
  expect(gate.enter("acme", 0)).toMatchObject({ entered: true });
});

test("Retry-After closes the gate for the whole account until then", () => {
  entered().leave({ failed: true, retryAfterMs: 7_000 });
  expect(gate.enter("acme", 0)).toMatchObject({ entered: false, why: "psp-busy", afterMs: 7_000 });
  now += 7_000;
  expect(gate.enter("acme", 0)).toMatchObject({ entered: true });
});
