/** Processes that run worlds side by side: one world a process at a time, as each has all of time and chance to itself. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { runWorld, type WorldOptions, type WorldResult } from "./world.ts";

/** What a process is told to run: a story is told at home. */
type Errand = Omit<WorldOptions, "story">;

/** What it came to, and how many seconds of processor time its process has taken in all. */
interface Report {
  readonly result: WorldResult;
  readonly seconds: number;
}

/** Whoever runs worlds. */
export interface Crew {
  /** How many worlds are run at a time. */
  readonly size: number;
  /** Runs a world as soon as somebody is free. */
  run(errand: Errand): Promise<WorldResult>;
  /** Seconds of processor time that all worlds have taken, with what loading the service took. */
  spent(): number;
  close(): void;
}

/** Seconds of processor time that this process has taken. */
function ownSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Runs the worlds that the process is told to that has started this one, for as long as it lives. */
export async function serve(): Promise<never> {
  process.on("message", (errand: Errand) => {
    void runWorld(errand).then((result) => process.send?.({ result, seconds: ownSeconds() } satisfies Report));
  });
  await once(process, "disconnect");
  return process.exit();
}

/** @param size how many processes; 1: this one. */
export function openCrew(size: number): Crew {
  if (size <= 1) return { size: 1, run: runWorld, spent: ownSeconds, close: () => undefined };
  const hands = Array.from({ length: size }, () =>
    fork(join(import.meta.dirname, "run.ts"), { serialization: "advanced" }),
  );
  const free = [...hands];
  const seconds = new Map<ChildProcess, number>();
  const waiting: ((hand: ChildProcess) => void)[] = [];
  const takeHand = async (): Promise<ChildProcess> => {
    const hand = free.pop();
    return hand ?? (await new Promise<ChildProcess>((resolve) => void waiting.push(resolve)));
  };
  const giveBack = (hand: ChildProcess): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(hand);
    else next(hand);
  };
  return {
    size,
    async run(errand) {
      const hand = await takeHand();
      hand.send(errand);
      const over = new AbortController();
      const ended = once(hand, "exit", { signal: over.signal }).then(([code]) => {
        throw new Error(`a process that ran seed ${errand.seed} ended with ${String(code)}`);
      });
      ended.catch(() => undefined);
      const [report] = (await Promise.race([once(hand, "message", { signal: over.signal }), ended])) as [Report];
      over.abort();
      seconds.set(hand, report.seconds);
      giveBack(hand);
      return report.result;
    },
    spent: () => [...seconds.values()].reduce((sum, one) => sum + one, 0),
    close() {
      for (const hand of hands) hand.kill();
    },
  };
}
