import { setTimeout as pause } from "node:timers/promises";
import { ask, type EndToEndOptions } from "./end-to-end.ts";
import { pathOfPush } from "./acknowledge.ts";
import { type Child, start } from "./children.ts";
import { load } from "./load.ts";
import type { Paid, Payment } from "./messages.ts";

const events = 100_000;
const payments = 1_000;

/** Prints the resident memory of each process while 100,000 events wait. */
export async function benchMemory(options: EndToEndOptions): Promise<void> {
  const { environment, folder, port, empty } = options;
  console.log(`\n### Resident memory with ${events.toLocaleString("en")} events waiting\n`);
  console.log("| engine | process | after start, MB | with the events waiting, MB |\n| --- | --- | ---: | ---: |");

  await empty();
  const paths = await pathsOf(options);
  const web = await start("src/web.ts", { ...environment, PORT: String(port) }, folder);
  const webBefore = web.residentMb();
  await flood(port, paths);
  row("Redis", "web", webBefore, web.residentMb());
  const worker = await start("src/worker.ts", environment, folder);
  const workerBefore = worker.residentMb();
  row("Redis", "worker, working them off", workerBefore, await peak(worker));
  await Promise.all([web.stop(), worker.stop()]);

  const embedded = await start("src/start.ts", { ...withoutRedis(environment), PORT: String(port) }, folder);
  const embeddedBefore = embedded.residentMb();
  await flood(port, await pathsOf(options));
  row("embedded", "start (web, worker and the database)", embeddedBefore, await peak(embedded));
  await embedded.stop();
}

/** Norce and Klarna are slow, so that the events wait while they are measured. */
async function pathsOf({ peers }: EndToEndOptions): Promise<string[]> {
  await ask(peers, { ask: "reset", latencyMs: 50 });
  const paid = await ask<Paid>(peers, { ask: "pay", count: payments });
  return paid.payments.map(({ key, reference }: Payment) => pathOfPush(key, reference));
}

async function flood(port: number, paths: readonly string[]): Promise<void> {
  const { failed } = await load({ base: `http://127.0.0.1:${port}`, paths, connections: 50, amount: events });
  if (failed > 0) throw new Error(`${failed} webhooks were not acknowledged`);
}

async function peak(child: Child): Promise<number> {
  let most = 0;
  for (let sample = 0; sample < 100; sample += 1) {
    most = Math.max(most, child.residentMb());
    await pause(100);
  }
  return most;
}

function row(engine: string, name: string, before: number, after: number): void {
  console.log(`| ${engine} | ${name} | ${before.toFixed(0)} | ${after.toFixed(0)} |`);
}

function withoutRedis(environment: Record<string, string>): Record<string, string> {
  return { ...environment, REDIS_URL: "" };
}
