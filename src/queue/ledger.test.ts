import { describe, expect, test } from "vitest";
import type { Engine } from "./engine.ts";
import { createLedger, type Drift } from "./ledger.ts";

interface Kept {
  readonly id: string;
  data: { drift?: Drift };
}

/** The ledger's queue as BullMQ keeps it, without a store: jobs that are delayed, the one that is due last at the end. */
function queueOf(jobs: (Kept | "vanished")[]) {
  const asked: (readonly [number, number])[] = [];
  const jobOf = (kept: Kept) => ({
    ...kept,
    updateData: async (data: Kept["data"]) => {
      kept.data = data;
    },
  });
  const queue = {
    async getJobs(_: unknown, start: number, end: number, ascending = false) {
      asked.push([start, end]);
      const ordered = ascending ? jobs : jobs.toReversed();
      // What has been forgotten between the reading of the ids and of the jobs is left out.
      return ordered.slice(start, end + 1).flatMap((job) => (job === "vanished" ? [] : [jobOf(job)]));
    },
    getJobCounts: async () => ({ delayed: jobs.length }),
    async getJob(id: string) {
      const kept = jobs.find((job) => job !== "vanished" && job.id === id);
      return kept === undefined || kept === "vanished" ? undefined : jobOf(kept);
    },
    async add(_: string, data: Kept["data"], { jobId }: { jobId: string }) {
      jobs.push({ id: jobId, data });
    },
  };
  const engine = { queue: () => queue } as unknown as Engine;
  return { ledger: createLedger(engine, "patient"), jobs, asked, queue };
}

const drift = (at: number, name = "missed-event"): Drift => ({
  name,
  at,
  adapter: "any",
  merchant: "acme",
  channel: "se",
  orderId: `o_${at}`,
  paymentId: "p_1",
});
const kept = (at: number): Kept => ({ id: String(at), data: { drift: drift(at) } });
const all = { from: 0, to: Infinity };

describe("reading", () => {
  test("goes on where a job vanished from a step", async () => {
    const jobs: (Kept | "vanished")[] = Array.from({ length: 650 }, (_, at) => kept(at));
    for (const at of [3, 210, 420, 640]) jobs[at] = "vanished";
    const { ledger } = queueOf(jobs);
    expect((await ledger.read(all)).drift).toHaveLength(646);
  });

  test("passes over none when the oldest are forgotten and others are added meanwhile, and brings none twice", async () => {
    const jobs: (Kept | "vanished")[] = Array.from({ length: 650 }, (_, at) => kept(at));
    const { ledger, queue } = queueOf(jobs);
    const { getJobs } = queue;
    let step = 0;
    queue.getJobs = async (...parameters) => {
      const read = await getJobs(...parameters);
      jobs.splice(0, 5);
      jobs.push(kept(1_000 + (step += 1)));
      return read;
    };
    const read = (await ledger.read(all)).drift.map(({ at }) => at);
    expect(new Set(read).size).toBe(read.length);
    expect(read).toEqual(expect.arrayContaining(Array.from({ length: 600 }, (_, index) => index + 50)));
  });

  test("asks an empty ledger for nothing", async () => {
    const { ledger, asked } = queueOf([]);
    expect(await ledger.read(all)).toEqual({ drift: [], tallies: [] });
    expect(asked).toEqual([]);
  });
});

describe("what goes on being true", () => {
  const day = 24 * 3_600_000;
  const id = ["drift", "two-live-payments", "p_1"];

  test("is one entry, which says when it was first and when it was last", async () => {
    const { ledger, jobs } = queueOf([]);
    for (const at of [1, day, 9 * day]) await ledger.standing(id, drift(at, "two-live-payments"));
    expect(jobs).toHaveLength(1);
    expect((await ledger.read(all)).drift).toEqual([{ ...drift(1, "two-live-payments"), last: 9 * day }]);
  });

  test("belongs to every period in which it was true", async () => {
    const { ledger } = queueOf([]);
    for (const at of [2 * day, 9 * day]) await ledger.standing(id, drift(at, "two-live-payments"));
    const found = async (from: number, to: number): Promise<number> =>
      (await ledger.read({ from: from * day, to: to * day })).drift.length;
    expect(await found(0, 2)).toBe(0);
    expect(await found(0, 3)).toBe(1);
    expect(await found(5, 6)).toBe(1);
    expect(await found(9, 10)).toBe(1);
    expect(await found(10, 11)).toBe(0);
  });
});
