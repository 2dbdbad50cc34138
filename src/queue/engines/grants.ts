import { setTimeout as pause } from "node:timers/promises";
import type { BackendFactory, IQueueBackend } from "bullmq";

/** When each lock of a worker's was granted, and which of its jobs are done. */
export interface Grants {
  /** When the call that granted the lock left, in milliseconds since the epoch. */
  at(token: string): number | undefined;
  /** The job's process function came to its end: whatever its completion meets from here on is no failure of the job. */
  done(token: string, id: string): void;
}

type Call = (...parameters: readonly unknown[]) => Promise<unknown>;

/** Calls that may grant a lock, with the place of the token among their parameters. */
const granting = { moveToActive: 0, moveToCompleted: 3, moveToFailed: 3, moveToDelayed: 3 } as const;

/**
 * BullMQ asks for the next job again at once where the answer is an error that it does not take for a lost connection: a server that starts up,
 * a pool that has ended. Where such errors need no turn of the event loop, that loop starves every timer of the process (tried: deaf to
 * SIGTERM, 2.6 GB after eight minutes).
 */
const errorPauseMs = 250;

/**
 * Has every call that may grant a lock measured before it leaves: a process that is frozen while the answer is on its way would count from
 * too late. And has a job that is done never fail: where its completion meets an error it is completed again, or stays and runs again.
 */
export function grantsOn<Backend extends IQueueBackend, Connection>(
  make: BackendFactory<Backend, Connection>,
): { readonly grants: Grants; readonly make: BackendFactory<Backend, Connection> } {
  const left = new Map<string, number>();
  const finished = new Set<string>();
  const measured: BackendFactory<Backend, Connection> = (name, options, how) => {
    const backend = make(name, options, how);
    const calls = backend as unknown as Record<keyof typeof granting, Call>;
    const complete = calls.moveToCompleted.bind(backend);
    for (const [call, place] of Object.entries(granting) as [keyof typeof granting, number][]) {
      const original = calls[call].bind(backend);
      calls[call] = async (...parameters) => {
        const token = String(parameters[place]);
        const [job, , , , fetchNext] = parameters as readonly [{ readonly id?: string }?, ...unknown[]];
        left.set(token, Date.now());
        const done = `${token} ${job?.id ?? ""}`;
        const answer =
          call === "moveToFailed" && finished.has(done)
            ? withoutEnd(await complete(job, null, true, token, fetchNext))
            : await original(...parameters).catch(async (error: unknown) => {
                if (call === "moveToActive") await pause(errorPauseMs);
                throw error;
              });
        if (call !== "moveToActive") finished.delete(done);
        if (!hasNext(answer)) left.delete(token);
        return answer;
      };
    }
    return backend;
  };
  return {
    grants: { at: (token) => left.get(token), done: (token, id) => void finished.add(`${token} ${id}`) },
    make: measured,
  };
}

/** BullMQ takes what has an end here for failed, and whoever hears of that would call a person. */
function withoutEnd(answer: unknown): unknown {
  const { result } = answer as { readonly result: unknown };
  return { result };
}

/** Whether a job came with the answer: its data stand first, in an answer of their own or as `result`. */
function hasNext(answer: unknown): boolean {
  if (Array.isArray(answer)) return Boolean(answer[0]);
  return typeof answer === "object" && answer !== null && "result" in answer && hasNext(answer.result);
}
