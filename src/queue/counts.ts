import type { Engine } from "./engine.ts";
import type { QueueCount } from "./jobs.ts";
import { eventsName, inboxName, laneName, operationsName, timersName } from "./names.ts";
import { promptly } from "./within.ts";

/** How long an answer is good enough for whoever asks next. */
const cachedMs = 1_000;

/** How many jobs each queue has in each state, and how many letters there are: asked of the engine at most once a second. */
export function createCounts(engine: Engine): (adapters: readonly string[]) => Promise<readonly QueueCount[]> {
  let last: { readonly of: string; readonly at: number; readonly counts: Promise<readonly QueueCount[]> } | undefined;
  return async (adapters) => {
    const of = [...new Set(adapters)].toSorted().join(" ");
    if (last === undefined || last.of !== of || Date.now() - last.at >= cachedMs) {
      const asked = { of, at: Date.now(), counts: promptly(countAll(engine, adapters)) };
      last = asked;
      // What failed is no answer.
      asked.counts.catch(() => {
        if (last === asked) last = undefined;
      });
    }
    return await last.counts;
  };
}

async function countAll(engine: Engine, adapters: readonly string[]): Promise<QueueCount[]> {
  const own = [...new Set(adapters)].flatMap((adapter) => [laneName(adapter), eventsName(adapter)]);
  const queues = [inboxName, timersName, operationsName, ...own].map(async (queue) => {
    const states = await engine.queue(queue, "prompt").getJobCounts("waiting", "active", "delayed", "failed");
    return Object.entries(states).map(([state, jobs]) => ({ queue, state, jobs }));
  });
  const letters = engine.store("prompt").count("letter");
  return [...(await Promise.all(queues)).flat(), { queue: "dead", state: "waiting", jobs: await letters }];
}
