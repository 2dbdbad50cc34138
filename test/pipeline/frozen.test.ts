import { expect, test } from "vitest";
import type { OperationJobName } from "../../src/queue/operations.ts";
import type { End, HeldJob } from "../../src/queue/seam.ts";
import { createGates } from "../../src/workers/gate/gates.ts";
import { createContexts } from "../../src/adapters/contexts.ts";
import type { Asking } from "../../src/workers/asking.ts";
import { startOperate } from "../../src/workers/operate/operate.ts";
import { createNorceClient } from "../../src/norce/client.ts";
import { createTeller } from "../../src/workers/tell.ts";
import { embeddedEngine } from "../support/engines.ts";
import type { Purchase, World } from "../support/service.ts";
import { openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

/**
 * A worker that is frozen (a VM's pause, SIGSTOP) at any moment after the engine gave it an operation, loses it to another one, and wakes when
 * that one is done. Avarda promises nothing about a repeated request: what is sent twice is captured twice.
 */
const engine = embeddedEngine();
let world: World;
openWorldFor(engine, (opened) => (world = opened), { adapter: "avarda-checkout" });

type Runner = (job: HeldJob<OperationJobName>) => Promise<End>;

/** A worker of its own: its job runs when it is told to, and everything that it asks of anybody passes `passes` first. */
function worker(passes: () => Promise<void>): Runner {
  const { config, log, queue } = world;
  let run: Runner | undefined;
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
  startOperate({
    asking: () => asking,
    changed: () => undefined,
    queue: through(queue),
    shell: {
      work: (_name, process) => {
        run = process as unknown as Runner;
        return { close: async () => undefined };
      },
      gates: createGates({ config, log, now: Date.now }),
      log,
      now: Date.now,
      random: Math.random,
      stopping: new AbortController().signal,
    },
    teller: createTeller([], log),
    concurrency: 1,
    now: Date.now,
  });
  if (run === undefined) throw new Error("nothing runs operations");
  return run;
}

function jobOf(id: string, holds: () => boolean): HeldJob<OperationJobName> {
  const isMine = async (): Promise<boolean> => holds();
  return { queue: "operations", name: "operation", id, token: "t", data: { id }, grantedAt: 0, stalls: 0, isMine };
}

async function reserved(): Promise<Purchase> {
  const purchase = world.purchase();
  purchase.act("pay");
  await purchase.refresh();
  await purchase.reaches("reserved");
  return purchase;
}

/** More than there are moments at which one operation waits for somebody. */
const mostMoments = 24;

test("an operation is sent once at most, wherever its worker was frozen when it lost it", async () => {
  const purchases: Purchase[] = [];
  for (let moment = 0; moment < mostMoments; moment += 1) purchases.push(await reserved());
  await world.stopWorker();
  const other = worker(async () => undefined);
  /** What became of each, and how often the PSP was told. */
  const told: string[] = [];
  for (const [moment, purchase] of purchases.entries()) {
    const { key, reference } = purchase;
    const id = await world.queue.operations.ask({ key, name: "capture" }, `key-${moment}`);
    const captures = world.psp.fault({
      match: ({ method, path }) => method === "POST" && path.includes(reference) && path.endsWith("/order"),
      slowMs: 0,
    });
    const [frozen, thawed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let [passed, lost] = [0, false];
    const running = worker(async () => {
      passed += 1;
      if (passed !== moment + 1) return;
      frozen.resolve();
      await thawed.promise;
    })(jobOf(id, () => !lost));
    const ended = await Promise.race([frozen.promise.then(() => false), running.then(() => true)]);
    lost = true;
    const outcome = async (): Promise<string | undefined> =>
      (await world.queue.operations.read(id))?.state.outcome?.status;
    if (!ended)
      await until(async () => {
        await other(jobOf(id, () => true));
        return (await outcome()) !== undefined;
      }, "the other worker to end it");
    thawed.resolve();
    await running;
    const end = (await outcome()) ?? "";
    const lines = purchase.transactions().map((line) => JSON.stringify(line["responseJson"] ?? null));
    const linesOf = (name: string): number => lines.filter((line) => line.includes(`${name}:${id}`)).length;
    expect({ moment, sent: linesOf("sent"), ended: linesOf("operation") }).toEqual({ moment, sent: 1, ended: 1 });
    told.push(`${end} ${captures.struck}`);
    if (ended) break;
  }
  // Frozen before that it is sent was written down, the other one captures. From then on nobody does who has not, and a person is asked.
  const before = told.indexOf("unknown 0");
  const after = told.indexOf("unknown 1");
  expect(told.slice(0, before), told.join()).toEqual(Array.from({ length: before }, () => "done 1"));
  expect([before > 5, after > before], told.join()).toEqual([true, true]);
  expect(new Set(told)).toEqual(new Set(["done 1", "unknown 0", "unknown 1"]));
  // The last one came to its end before it could be frozen.
  expect([told.length < mostMoments, told.at(-1)]).toEqual([true, "done 1"]);
}, 300_000);
