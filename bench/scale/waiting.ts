import { Redis } from "ioredis";
import { pino } from "pino";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { type Engine, openEngine } from "../../src/queue/engine.ts";
import { laneId, laneName } from "../../src/queue/names.ts";
import { createSeam, type HeldJob, type Seam } from "../../src/queue/seam.ts";
import type { ServerEngine } from "../../test/support/engines.ts";
import { median } from "../load.ts";
import { adapter } from "../messages.ts";

const steps = [0, 10_000, 100_000, 1_000_000] as const;
/** How many payments are really looked at, at each step. */
const looked = 2_000;
const asked = 10;
const hourMs = 3_600_000;
const reason = "not-at-psp";

/**
 * Copies what one waiting payment has in Redis (its note, its timer's job, its place among those that wait), with names of their own. Whatever a
 * payment is given in future is copied as well: everything whose name or member holds the payment's or the job's id.
 */
const copy = `
local lane, job, from, to = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local function plain(text) return (text:gsub('%p', '%%%0')) end
local lanes, jobs = plain(lane), plain(job)
local function named(text, index)
  text = text:gsub(lanes, string.format('%0' .. #lane .. 'd', index))
  return (text:gsub(jobs, string.format('%0' .. #job .. 'd', index)))
end
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local ttl = redis.call('PTTL', key)
  local value = nil
  if kind == 'hash' then value = redis.call('HGETALL', key) end
  if kind == 'string' then value = redis.call('GET', key) end
  local scores = {}
  if kind == 'zset' then
    -- Due within the next hours, one after the other: a score of BullMQ's is a time, times 4096.
    for member, step in pairs({ [lane] = 0, [job] = 4096 * 4 }) do
      local score = redis.call('ZSCORE', key, member)
      if score then scores[member] = { score, step } end
    end
  end
  for index = from, to - 1 do
    if kind == 'zset' then
      for member, at in pairs(scores) do redis.call('ZADD', key, at[1] + index * at[2], named(member, index)) end
    elseif value then
      local target = named(key, index)
      if kind == 'string' then redis.call('SET', target, named(value, index)) end
      if kind == 'hash' then
        local fields = {}
        for at = 1, #value do fields[at] = named(value[at], index) end
        redis.call('HSET', target, unpack(fields))
      end
      if ttl > 0 then redis.call('PEXPIRE', target, ttl) end
    end
  end
end`;

/** Prints what a waiting payment takes in Redis, and what it costs the others that it waits: 10,000, 100,000 and a million of them. */
export async function benchWaiting(server: ServerEngine): Promise<void> {
  console.log("\n### Payments that wait, in one Redis\n");
  console.log(
    "| waiting | Redis, MB | bytes each | looks asked for, read and settled per second | processor time per look, ms: Redis; process | a timer set, ms | numbers for /metrics, ms | Redis answers again after its restart, s |",
  );
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  const redis = new Redis(server.environment()["REDIS_URL"] ?? "");
  await redis.flushall();
  const engine = await openEngine(server.settings(), pino({ level: "silent" }));
  const seam = createSeam(engine);
  const first = keyOf("waits");
  const work = workOf(engine, seam);
  await lookAt([first], seam, work);
  await seam.timers.set(first, Date.now() + 2 * hourMs);
  const bare = await usedMb(redis);
  const job = (await redis.get(`{norce-psp}:timers:de:${laneId(first)}`)) ?? "";
  const keys: string[] = [];
  for (const name of await redis.keys("*")) {
    const isItsOwn = name.includes(laneId(first)) || name.includes(job) || (await redis.type(name)) === "zset";
    if (isItsOwn && !name.includes("journal")) keys.push(name);
  }
  let waiting = 0;
  for (const step of steps) {
    await redis.config("SET", "appendfsync", "no");
    for (; waiting < step; waiting = Math.min(step, waiting + 5_000))
      await redis.eval(copy, keys.length, ...keys, laneId(first), job, waiting, Math.min(step, waiting + 5_000));
    await redis.config("SET", "appendfsync", "always");
    const mb = await usedMb(redis);
    const [cpu, redisCpu] = [process.cpuUsage(), await cpuMs(redis)];
    const perSecond = await lookAt(
      Array.from({ length: looked }, (_, index) => keyOf(`${step}-${index}`)),
      seam,
      work,
    );
    const { user, system } = process.cpuUsage(cpu);
    const each = [(await cpuMs(redis)) - redisCpu, (user + system) / 1_000].map((ms) => (ms / looked).toFixed(2));
    const timers: number[] = [];
    for (let index = 0; index < 200; index += 1)
      timers.push(await taken(() => seam.timers.set(keyOf(`${step}-${index}`), Date.now() + 3 * hourMs)));
    const numbers: number[] = [];
    for (let round = 0; round < 3; round += 1)
      numbers.push(await taken(() => createSeam(engine).standing([{ merchant: "acme", channel: "se" }])));
    const back = await restarted(server);
    const bytes = step === 0 ? "" : (((mb - bare) * 2 ** 20) / step).toFixed(0);
    console.log(
      `| ${step.toLocaleString("en")} | ${mb.toFixed(0)} | ${bytes} | ${perSecond.toFixed(0)} | ${each.join("; ")} | ${median(timers).toFixed(2)} | ${median(numbers).toFixed(0)} | ${back.toFixed(1)} |`,
    );
  }
  await work.close();
  await engine.close();
  redis.disconnect();
}

function keyOf(name: string): PaymentKey {
  return { adapter, merchant: "acme", channel: "se", orderId: `o_${name}`, paymentId: `p_${name}` };
}

/** Looks that find the payment waiting. */
function workOf(engine: Engine, seam: Seam) {
  let [left, done] = [0, Promise.withResolvers<void>()];
  const look = async (held: HeldJob<PaymentKey>): Promise<undefined> => {
    const read = await seam.looks.read(held.data);
    const since = Date.now();
    await seam.looks.settle(held.data, held, {
      read,
      judged: { hints: Object.keys(read.asked?.hints ?? {}), announcement: false },
      known: { clocks: { [reason]: { since, tries: 3, dueAt: since + hourMs } }, timerAt: since + hourMs },
      nextLookAt: since + hourMs,
      wait: { reason, since },
    });
    left -= 1;
    if (left === 0) done.resolve();
    return undefined;
  };
  const work = engine.work<PaymentKey>(laneName(adapter), look, { concurrency: 16, lost: async () => undefined });
  return {
    close: async () => await work.close(),
    async all(count: number, ask: () => Promise<void>): Promise<void> {
      [left, done] = [count, Promise.withResolvers()];
      await ask();
      await done.promise;
    },
  };
}

/** @returns looks per second. */
async function lookAt(keys: readonly PaymentKey[], seam: Seam, work: ReturnType<typeof workOf>): Promise<number> {
  const ms = await taken(async () => {
    await work.all(keys.length, async () => {
      for (let at = 0; at < keys.length; at += asked)
        await seam.looks.ask(
          keys.slice(at, at + asked).map((key) => ({ key, by: "webhook", hint: key.paymentId })),
          "patient",
        );
    });
  });
  return keys.length / (ms / 1_000);
}

/** Killed, and started on what it had appended. Seconds until it has read it. */
async function restarted(server: ServerEngine): Promise<number> {
  await server.kill();
  const began = performance.now();
  await server.restart();
  const redis = new Redis(server.environment()["REDIS_URL"] ?? "");
  while (
    !(await redis.ping().then(
      () => true,
      () => false,
    ))
  );
  redis.disconnect();
  return (performance.now() - began) / 1_000;
}

async function usedMb(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1] ?? 0) / 2 ** 20;
}

/** Processor time that Redis has used, in milliseconds. */
async function cpuMs(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const of = (name: string): number => Number(new RegExp(`${name}:([0-9.]+)`).exec(info)?.[1] ?? 0) * 1_000;
  return of("used_cpu_user") + of("used_cpu_sys");
}

/** Milliseconds. */
async function taken(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
