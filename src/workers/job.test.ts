import { pino } from "pino";
import { expect, test } from "vitest";
import { createGate } from "./gate/gate.ts";
import { type ErrorContext, WorkerError } from "../lib/errors.ts";
import type { HeldJob } from "../queue/seam.ts";
import { type JobKind, runJobs, type Shell } from "./job.ts";
import type { Came } from "./retry.ts";

/** Runs one job while its process is told to stop; what its end is told. */
async function cameOf(thrown: WorkerError): Promise<Came<undefined> | undefined> {
  const stopping = new AbortController();
  let run: ((job: HeldJob<object>) => Promise<unknown>) | undefined;
  let came: Came<undefined> | undefined;
  const shell: Shell = {
    work: (_name, process) => {
      run = process as unknown as typeof run;
      return { close: async () => undefined };
    },
    gates: { of: () => createGate(1, Date.now), close: () => undefined },
    log: pino({ level: "silent" }),
    now: () => 1_000,
    random: () => 0,
    stopping: stopping.signal,
  };
  const kind: JobKind<object, object, undefined> = {
    name: "q",
    concurrency: 1,
    begin: async () => ({}),
    gate: () => undefined,
    async work() {
      stopping.abort();
      throw thrown;
    },
    async end(_begun, _job, how) {
      came = how;
      return undefined;
    },
    lost: async () => undefined,
  };
  runJobs(kind, shell);
  const isMine = async (): Promise<boolean> => true;
  await run?.({ queue: "q", name: "job", id: "1", token: "t", data: {}, grantedAt: 0, stalls: 0, isMine });
  return came;
}

const unreachable = (context: ErrorContext): WorkerError => new WorkerError("Unreachable", "no answer", { context });

test("what a stopping process cut short says nothing of anybody, and comes back at once", async () => {
  for (const context of [{ code: "given-up" }, { peer: "norce", code: "timeout" }])
    expect(await cameOf(unreachable(context))).toEqual({ turnedAway: { at: 1_500, why: "stopping" } });
});

test("a write that may still be carried out does so for a process that stops, too", async () => {
  const error = unreachable({ peer: "norce", code: "timeout", maybeCarriedOut: true });
  expect(await cameOf(error)).toEqual({ error });
});
