import type { Engine } from "./engine.ts";
import type { QueueCount } from "./jobs.ts";
import { errandsName, eventsName, inboxName, laneName, operationsName, timersName } from "./names.ts";
import { promptly } from "./within.ts";

/** How long an answer is good enough for whoever asks next. */
const cachedMs = 1_000;

type Counts = (adapters: readonly string[]) => Promise<readonly QueueCount[]>;

/** How many jobs each queue has in each state, and how many letters there are. @throws WorkerError `QueueUnavailable` within a second. */
export function createCounts(engine: Engine): Counts {
  return async (adapters) => await promptly(countAll(engine, adapters));
}

/** The same, asked of the engine at most once a second: whoever scrapes more often gets what the last one got. */
export function cachedCounts(counts: Counts): Counts {
  let last: { readonly of: string; readonly at: number; readonly answer: ReturnType<Counts> } | undefined;
  return async (adapters) => {
    const of = adapters.join(" ");
    if (last === undefined || last.of !== of || Date.now() - last.at >= cachedMs) {
      const asked = { of, at: Date.now(), answer: counts(adapters) };
      last = asked;
      // What failed is no answer.
      asked.answer.catch(() => {
        if (last === asked) last = undefined;
      });
    }
    return await last.answer;
  };
}

async function countAll(engine: Engine, adapters: readonly string[]): Promise<QueueCount[]> {
  const own = [...new Set(adapters)].flatMap((adapter) => [laneName(adapter), eventsName(adapter)]);
  const queues = [inboxName, timersName, operationsName, errandsName, ...own].map(async (queue) => {
    const states = await engine.queue(queue, "prompt").getJobCounts("waiting", "active", "delayed", "failed");
    return Object.entries(states).map(([state, jobs]) => ({ queue, state, jobs }));
  });
  // Together: what is begun and awaited later ends the process where the other fails before.
  const [counts, letters] = await Promise.all([Promise.all(queues), engine.store("prompt").count("letter")]);
  return [...counts.flat(), { queue: "dead", state: "waiting", jobs: letters }];
}
