import { pino } from "pino";
import { expect, test } from "vitest";
import { createGate } from "./gate/gate.ts";
import { type ErrorContext, WorkerError } from "../lib/errors.ts";
import type { HeldJob } from "../queue/seam.ts";
import { type JobKind, runJobs, type Shell } from "./job.ts";
import type { Came } from "./retry.ts";

/** Runs one job of a kind. */
async function ran(
  { work, end }: Pick<JobKind<object, object, undefined>, "work" | "end">,
  stopping = new AbortController(),
): Promise<void> {
  let run: ((job: HeldJob<object>) => Promise<unknown>) | undefined;
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
    work,
    end,
    lost: async () => undefined,
  };
  runJobs(kind, shell);
  const isMine = async (): Promise<boolean> => true;
  await run?.({ queue: "q", name: "job", id: "1", token: "t", data: {}, grantedAt: 0, stalls: 0, isMine });
}

/** Runs one job while its process is told to stop; what its end is told. */
async function cameOf(thrown: WorkerError): Promise<Came<undefined> | undefined> {
  const stopping = new AbortController();
  let came: Came<undefined> | undefined;
  const kind = {
    async work(): Promise<undefined> {
      stopping.abort();
      throw thrown;
    },
    async end(_begun: object, _job: HeldJob<object>, how: Came<undefined>): Promise<undefined> {
      came = how;
    },
  };
  await ran(kind, stopping);
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

test("an end that the engine does not take is written until it does; one that is a bug of ours is given up", async () => {
  const work = async (): Promise<undefined> => undefined;
  let tries = 0;
  const failing = (times: number, error: Error) => async (): Promise<undefined> => {
    tries += 1;
    if (tries <= times) throw error;
  };
  await ran({ work, end: failing(6, new Error("Connection is closed.")) });
  expect(tries).toBe(7);
  tries = 0;
  await expect(ran({ work, end: failing(Infinity, new TypeError("x is not a function")) })).rejects.toThrow(TypeError);
  expect(tries).toBeLessThanOrEqual(6);
}, 30_000);
