import { expect, test } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import type { Known } from "../../queue/note.ts";
import type { Looked } from "../tell.ts";
import { waitOf } from "./waiting.ts";

const wait = (known: Partial<Known> = {}): Looked["step"] => ({ do: "wait", at: 99, known: { clocks: {}, ...known } });
const since = (at: number) => ({ since: at, tries: 1, dueAt: 99 });

test.each<[string, Looked["came"], Looked["step"], ReturnType<typeof waitOf>]>([
  [
    "a clock that runs",
    { outcome: { is: "later", why: "not-at-psp" } },
    wait({ clocks: { "not-at-psp": since(3) } }),
    { reason: "not-at-psp", since: 3 },
  ],
  [
    "an error",
    { error: new WorkerError("Unauthorized", "no") },
    wait({ clocks: { unauthorized: since(4) } }),
    { reason: "unauthorized", since: 4 },
  ],
  ["a bug", { error: new Error("ours") }, wait({ clocks: { bug: since(5) } }), { reason: "bug", since: 5 }],
  [
    "a suspicion",
    { outcome: { is: "suspect", state: "reserved", suspect: { fingerprint: "f", at: 6 } } },
    wait({ suspect: { fingerprint: "f", at: 6 } }),
    { reason: "suspect", since: 6 },
  ],
  [
    "a closed gate: since the PSP is away",
    { turnedAway: { at: 99, why: "psp-down" } },
    wait({ clocks: { unreachable: since(7) } }),
    { reason: "psp-down", since: 7 },
  ],
  ["a crowd: since now", { turnedAway: { at: 99, why: "crowded" } }, wait(), { reason: "crowded", since: 10 }],
  ["nothing", { outcome: { is: "unchanged", state: "reserved" } }, { do: "rest", at: 99 }, null],
])("a payment waits for %s", (_, came, step, expected) => {
  expect(waitOf({ came, step, now: 10 })).toEqual(expected);
});
