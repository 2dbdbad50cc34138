import { createContexts } from "../../src/adapters/contexts.ts";
import { createNorceClient } from "../../src/norce/client.ts";
import type { End, HeldJob } from "../../src/queue/seam.ts";
import type { Asking, Following } from "../../src/workers/asking.ts";
import { type EventParts, startEvents } from "../../src/workers/events/events.ts";
import { createGates } from "../../src/workers/gate/gates.ts";
import { type LookParts, startLooks } from "../../src/workers/look/looks.ts";
import { startOperate } from "../../src/workers/operate/operate.ts";
import type { OperateParts } from "../../src/workers/operate/parts.ts";
import { createTeller } from "../../src/workers/tell.ts";
import type { World } from "./service.ts";

/** Runs a job that it is handed, to its end. */
export type Runner = (job: HeldJob<never>) => Promise<End>;

/**
 * A worker whose jobs run when they are handed to it. Everything that it asks of anybody passes `passes` first: where that does not resolve, it
 * stands still at this place, as a frozen process does.
 */
export function handWorker(world: World, passes: () => Promise<void>): (queue: string) => Runner {
  const { config, log, queue, now } = world;
  const runs = new Map<string, Runner>();
  const through = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member === "object" && member !== null) return through(member);
        if (typeof member !== "function") return member;
        return async (...given: unknown[]) => {
          await passes();
          return (await Reflect.apply(member, target, given)) as unknown;
        };
      },
    });
  const { orderApi, token, version } = config.norce;
  const norce = createNorceClient({
    orderApi,
    token,
    version,
    adapterIdOf: (key) => config.find(key)?.settings.adapterId ?? "",
  });
  const contexts = createContexts();
  const asking: Asking = {
    config,
    norce: through(norce),
    contexts: (target, settings, via) => {
      const context = contexts(target, settings, via);
      return {
        ...context,
        http(options) {
          const http = context.http(options);
          return async (request) => {
            await passes();
            return await http(request);
          };
        },
      };
    },
  };
  const parts: Following<EventParts & LookParts & OperateParts> = {
    asking: () => asking,
    changed: () => undefined,
    queue: through(queue),
    shell: {
      work(name, process) {
        runs.set(name, process);
        return { close: async () => undefined };
      },
      gates: createGates({ config, log, now }),
      log,
      now,
      random: Math.random,
      stopping: new AbortController().signal,
    },
    teller: createTeller([], log),
    concurrency: 1,
    now,
  };
  startOperate(parts);
  startEvents(parts);
  startLooks(parts);
  return (name) => {
    const run = runs.get(name);
    if (run === undefined) throw new Error(`nothing runs ${name}: ${[...runs.keys()].join()}`);
    return run;
  };
}

/** A job as its holder sees it, who holds it as long as `holds` says so. */
export function jobOf(queue: string, data: unknown, holds: () => boolean): HeldJob<never> {
  const isMine = async (): Promise<boolean> => holds();
  const job: HeldJob<unknown> = { queue, name: "job", id: "1", token: "t", data, grantedAt: 0, stalls: 0, isMine };
  return job as HeldJob<never>;
}
