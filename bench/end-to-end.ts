import { setTimeout as pause } from "node:timers/promises";
import type { LoopResult, LoopTask } from "./bare-loop.ts";
import { figure, pathOfPush } from "./acknowledge.ts";
import { type Child, start } from "./children.ts";
import { load, median, percentile } from "./load.ts";
import type { Applied, Counts, Paid, Payment, PeersMessage, PeersReady } from "./messages.ts";

export interface EndToEndOptions {
  readonly rounds: number;
  readonly peers: Child;
  readonly where: PeersReady;
  readonly environment: Record<string, string>;
  readonly folder: string;
  readonly port: number;
  readonly empty: () => Promise<void>;
}

const concurrency = 16;

interface Round {
  readonly perSecond: number;
  readonly p99: number;
  readonly bare: number;
  /** Milliseconds of processor time per payment. */
  readonly cpu: { readonly web: number; readonly worker: number; readonly bare: number };
}

/** Prints how many webhooks a second end as a written payment, and how long that takes, with every payment checked. */
export async function benchEndToEnd(options: EndToEndOptions): Promise<void> {
  console.log(
    `\n### Webhook → payment written (${options.rounds} rounds, ${concurrency} looks at once, medians, spread in brackets)\n`,
  );
  console.log(
    "(d) is a bare loop that makes the same HTTP calls with the same client and concurrency. p99 is from webhook to written payment, at a third of the pace.\n",
  );
  console.log(
    "| Norce and Klarna answer in | payments | payments/s | p99 ms | (d) payments/s | ratio | CPU ms per payment: web, worker, (d) |",
  );
  console.log("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
  for (const { latencyMs, count } of [
    { latencyMs: 0, count: 3_000 },
    { latencyMs: 50, count: 1_000 },
  ]) {
    const rounds: Round[] = [];
    for (let round = 1; round <= options.rounds; round += 1) {
      rounds.push(await oneRound(options, latencyMs, count));
      console.error(`end to end: ${latencyMs} ms, round ${round} of ${options.rounds}`);
    }
    const of = (read: (round: Round) => number, digits: number): string => figure(rounds.map(read), digits);
    const cpu = [
      of(({ cpu: { web } }) => web, 1),
      of(({ cpu: { worker } }) => worker, 1),
      of((round) => round.cpu.bare, 1),
    ];
    console.log(
      `| ${latencyMs} ms | ${count} | ${of((one) => one.perSecond, 0)} | ${of((one) => one.p99, 0)} | ${of((one) => one.bare, 0)} | ${of((one) => one.perSecond / one.bare, 2)} | ${cpu.join(", ")} |`,
    );
  }
}

async function oneRound(options: EndToEndOptions, latencyMs: number, count: number): Promise<Round> {
  const { peers, where, environment, folder, port, empty } = options;
  const paid = async (amount: number): Promise<readonly Payment[]> => {
    await ask(peers, { ask: "reset", latencyMs });
    return (await ask<Paid>(peers, { ask: "pay", count: amount })).payments;
  };
  const loop = await start("bench/bare-loop.ts", environment, folder);
  const runLoop = async (amount: number): Promise<number> => {
    const task: LoopTask = { peers: where, payments: await paid(amount), concurrency };
    return (await loop.ask<LoopResult>(task)).seconds;
  };
  await runLoop(300);
  const loopCpu = loop.cpuMs();
  const bare = count / (await runLoop(count));
  const bareCpu = (loop.cpuMs() - loopCpu) / count;
  await loop.stop();

  await empty();
  const web = await start("src/web.ts", { ...environment, PORT: String(port) }, folder);
  const worker = await start("src/worker.ts", environment, folder);
  await apply(options, await paid(300), 50);
  const payments = await paid(count);
  const [webCpu, workerCpu] = [web.cpuMs(), worker.cpuMs()];
  const full = await apply(options, payments, 50);
  const perSecond = count / ((Math.max(...full.writtenAt) - full.startedAt) / 1_000);
  const cpu = { web: (web.cpuMs() - webCpu) / count, worker: (worker.cpuMs() - workerCpu) / count, bare: bareCpu };
  // How long one takes is asked where the service is busy, not where a queue of our own making builds up.
  const paced = await applyPaced(options, await paid(Math.round(count / 3)), perSecond / 3);
  await Promise.all([web.stop(), worker.stop()]);
  return { perSecond, p99: percentile(paced, 0.99), bare, cpu };
}

/** Pushes once for every payment, waits until all are written, and insists that they are. */
async function apply(
  { peers, port }: EndToEndOptions,
  payments: readonly Payment[],
  connections: number,
): Promise<Applied & { startedAt: number }> {
  const startedAt = Date.now();
  const paths = payments.map(({ key, reference }) => pathOfPush(key, reference));
  const { failed } = await load({ base: `http://127.0.0.1:${port}`, paths, connections, amount: payments.length });
  if (failed > 0) throw new Error(`${failed} webhooks were not acknowledged`);
  return { ...(await allApplied(peers, payments)), startedAt };
}

async function applyPaced(
  { peers, port }: EndToEndOptions,
  payments: readonly Payment[],
  perSecond: number,
): Promise<number[]> {
  const sentAt: number[] = [];
  const answers: Promise<Response>[] = [];
  const started = performance.now();
  for (const [index, { key, reference }] of payments.entries()) {
    const due = started + (index * 1_000) / perSecond;
    if (due > performance.now()) await pause(due - performance.now());
    sentAt.push(Date.now());
    answers.push(fetch(`http://127.0.0.1:${port}${pathOfPush(key, reference)}`, { method: "POST" }));
  }
  for (const answer of await Promise.all(answers))
    if (answer.status !== 200) throw new Error(`a webhook was answered ${answer.status}`);
  const { writtenAt } = await allApplied(peers, payments);
  return writtenAt.map((at, index) => at - (sentAt[index] ?? 0));
}

async function allApplied(peers: Child, payments: readonly Payment[]): Promise<Applied> {
  const keys = payments.map(({ key }) => key);
  const deadline = Date.now() + 120_000;
  for (;;) {
    const applied = await ask<Applied>(peers, { ask: "applied", keys });
    if (applied.missing === 0) return applied;
    if (Date.now() > deadline) throw new Error(`${applied.missing} of ${keys.length} payments were not applied`);
    await pause(100);
  }
}

/** Prints how many requests a webhook costs Norce and the PSP. */
export async function benchRequests({ peers, environment, folder, port, empty }: EndToEndOptions): Promise<void> {
  await empty();
  await ask(peers, { ask: "reset", latencyMs: 0 });
  const web = await start("src/web.ts", { ...environment, PORT: String(port) }, folder);
  const worker = await start("src/worker.ts", environment, folder);
  const measure = async (bursts: number): Promise<{ first: Counts; again: Counts }> => {
    const samples: { first: Counts; again: Counts }[] = [];
    for (let sample = 0; sample < 30; sample += 1) {
      const { payments } = await ask<Paid>(peers, { ask: "pay", count: 1 });
      const [payment] = payments;
      if (payment === undefined) throw new Error("no payment");
      samples.push({ first: await costOf(payment, bursts), again: await costOf(payment, bursts) });
    }
    const mid = (read: (sample: { first: Counts; again: Counts }) => number): number => median(samples.map(read));
    return {
      first: { norce: mid((s) => s.first.norce), psp: mid((s) => s.first.psp) },
      again: { norce: mid((s) => s.again.norce), psp: mid((s) => s.again.psp) },
    };
  };
  const costOf = async ({ key, reference }: Payment, times: number): Promise<Counts> => {
    const before = await ask<Counts>(peers, { ask: "counts" });
    await Promise.all(
      Array.from({ length: times }, () =>
        fetch(`http://127.0.0.1:${port}${pathOfPush(key, reference)}`, { method: "POST" }),
      ),
    );
    let last = await ask<Counts>(peers, { ask: "counts" });
    // Quiet for half a second: nothing more comes of these webhooks.
    for (let quiet = 0; quiet < 5;) {
      await pause(100);
      const now = await ask<Counts>(peers, { ask: "counts" });
      quiet = now.norce === last.norce && now.psp === last.psp && now.norce > before.norce ? quiet + 1 : 0;
      last = now;
    }
    return { norce: last.norce - before.norce, psp: last.psp - before.psp };
  };
  const [single, burst] = [await measure(1), await measure(10)];
  console.log("\n### Requests per webhook (medians of 30)\n");
  console.log(
    "| webhooks | to Norce | to Klarna | to Norce, once settled | to Klarna, once settled |\n| --- | ---: | ---: | ---: | ---: |",
  );
  console.log(`| one | ${single.first.norce} | ${single.first.psp} | ${single.again.norce} | ${single.again.psp} |`);
  console.log(
    `| a burst of ten on one payment | ${burst.first.norce} | ${burst.first.psp} | ${burst.again.norce} | ${burst.again.psp} |`,
  );
  await Promise.all([web.stop(), worker.stop()]);
}

export async function ask<Answer>(peers: Child, message: PeersMessage): Promise<Answer> {
  return await peers.ask<Answer>(message);
}
