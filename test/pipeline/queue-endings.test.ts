import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../src/queue/engine.ts";
import type { End, HeldJob, LostJob, Work } from "../../src/queue/seam.ts";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { type Meddler, meddlerOf } from "../support/meddler.ts";
import { type TwinEngine, twinEngine } from "../support/twin.ts";
import { until } from "../support/until.ts";

interface Data {
  readonly name: string;
}

describe.each([...serverEngines(), twinEngine()])("how jobs end on $name", (testEngine: ServerEngine | TwinEngine) => {
  let engine: Engine;
  let meddler: Meddler;
  const working: Work[] = [];

  const add = async (queue: string, options: object = {}): Promise<string> => {
    const jobId = randomUUID();
    const kept = { jobId, removeOnComplete: true, removeOnFail: false, ...options };
    await engine.queue<Data>(queue, "patient").add("job", { name: jobId }, kept);
    return jobId;
  };
  function work(
    queue: string,
    process: (job: HeldJob<Data>) => Promise<End>,
    lost: (job: LostJob<Data>) => Promise<void> = async () => undefined,
  ): Work {
    const made = engine.work<Data>(queue, process, { concurrency: 4, lost });
    working.push(made);
    return made;
  }
  const exists = async (queue: string, id: string): Promise<boolean> =>
    (await engine.queue(queue, "patient").getJob(id)) !== undefined;

  beforeAll(async () => {
    await testEngine.start();
    engine = await testEngine.open(pino({ level: "silent" }));
    meddler = await meddlerOf(testEngine);
  }, 300_000);
  afterEach(async () => {
    await Promise.all(working.splice(0).map((made) => made.close()));
  });
  afterAll(async () => {
    await meddler.close();
    await engine.close();
    await testEngine.stop();
  });

  test("one whose holders died six times is run no more: it goes once something took its place", async () => {
    const queue = `q-${randomUUID()}`;
    const [six, five] = [await add(queue), await add(queue)];
    await meddler.stalled(queue, six, 6);
    await meddler.stalled(queue, five, 5);
    const lost: LostJob<Data>[] = [];
    const ran: string[] = [];
    let stored = false;
    work(
      queue,
      async ({ id, stalls }) => {
        ran.push(`${id} ${stalls}`);
        return undefined;
      },
      async (job) => {
        lost.push(job);
        if (lost.length < 2) throw new Error("the successor could not be stored");
        expect(await exists(queue, job.id)).toBe(true);
        stored = true;
      },
    );
    await until(() => stored, "the successor");
    await until(async () => !(await exists(queue, six)), "the job to go");
    expect(lost.map(({ id, data, why }) => [id, data.name, why])).toEqual([1, 2].map(() => [six, six, "stalled"]));
    expect(ran).toEqual([`${five} 5`]);
  });

  test("one that failed stays until something took its place, also when the process that saw it died before", async () => {
    const queue = `q-${randomUUID()}`;
    const id = await add(queue);
    const tried: string[] = [];
    const first = work(
      queue,
      async () => {
        throw new Error("a bug");
      },
      async () => {
        tried.push("first");
        throw new Error("the engine is away");
      },
    );
    await until(() => tried.length > 0, "the first try");
    await first.close();
    expect(await exists(queue, id)).toBe(true);
    // Nothing new happens in this queue: it is found at the start.
    const lost: LostJob<Data>[] = [];
    work(
      queue,
      async () => undefined,
      async (job) => void lost.push(job),
    );
    await until(() => lost.length > 0, "it to be found");
    expect(lost).toMatchObject([{ id, data: { name: id }, why: "failed", message: "a bug" }]);
    await until(async () => !(await exists(queue, id)), "the job to go");
  });

  test("its lock counts from before it was granted, and is the engine's to confirm", async () => {
    const queue = `q-${randomUUID()}`;
    const before = Date.now();
    const id = await add(queue);
    const answers: unknown[] = [];
    const lost: unknown[] = [];
    const done = Promise.withResolvers<void>();
    work(
      queue,
      async (job) => {
        const found = await engine.queue(queue, "patient").getJob(job.id);
        answers.push(job.grantedAt >= before && job.grantedAt <= (found?.processedOn ?? 0), await job.isMine());
        await meddler.steal(queue, job.id);
        answers.push(await job.isMine());
        setTimeout(() => done.resolve(), 300);
        return { again: Date.now() };
      },
      async (job) => void lost.push(job),
    );
    await done.promise;
    expect(answers).toEqual([true, true, false]);
    // Who lost it can give nothing back and fail nothing.
    expect(await (await engine.queue(queue, "patient").getJob(id))?.getState()).toBe("active");
    expect(lost).toEqual([]);
  });

  test("one that is done and cannot be completed has not failed", async () => {
    const queue = `q-${randomUUID()}`;
    const id = await add(queue);
    const lost: unknown[] = [];
    const done = Promise.withResolvers<void>();
    work(
      queue,
      async (job) => {
        await meddler.steal(queue, job.id);
        setTimeout(() => done.resolve(), 300);
        return undefined;
      },
      async (job) => void lost.push(job),
    );
    await done.promise;
    expect(await (await engine.queue(queue, "patient").getJob(id))?.getState()).toBe("active");
    expect(lost).toEqual([]);
  });

  test("given back it runs again, then, and is done", async () => {
    const queue = `q-${randomUUID()}`;
    const id = await add(queue);
    const at: number[] = [];
    work(queue, async () => {
      at.push(Date.now());
      return at.length === 1 ? { again: Date.now() + 120.5 } : undefined;
    });
    await until(() => at.length === 2, "the second run");
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(110);
    await until(async () => !(await exists(queue, id)), "the job to go");
  });
});
