import { setTimeout as pause } from "node:timers/promises";
import { ask, type EndToEndOptions } from "./end-to-end.ts";
import { pathOfPush } from "./acknowledge.ts";
import { type Child, start } from "./children.ts";
import { load } from "./load.ts";
import type { Paid, Payment } from "./messages.ts";

const events = 100_000;
/** The embedded engine takes a few hundred a second: a flood that ends. */
const embeddedEvents = 20_000;
const payments = 1_000;

/** Prints the resident memory of each process while events wait: 100,000 on Redis, 20,000 on the embedded engine. */
export async function benchMemory(options: EndToEndOptions): Promise<void> {
  const { environment, folder, port, empty } = options;
  console.log("\n### Resident memory with events waiting\n");
  console.log("| engine | events | process | after start, MB | most, MB |\n| --- | ---: | --- | ---: | ---: |");

  await empty();
  const paths = await pathsOf(options);
  const web = await start("src/web.ts", { ...environment, PORT: String(port) }, folder);
  const webBefore = web.residentMb();
  await flood(port, paths, events);
  row("Redis", events, "web", webBefore, web.residentMb());
  const worker = await start("src/worker.ts", environment, folder);
  const workerBefore = worker.residentMb();
  row("Redis", events, "worker, working them off", workerBefore, await peak(worker));
  await Promise.all([web.stop(), worker.stop()]);

  const embedded = await start("src/start.ts", { ...withoutRedis(environment), PORT: String(port) }, folder);
  const embeddedBefore = embedded.residentMb();
  await flood(port, await pathsOf(options), embeddedEvents);
  row("embedded", embeddedEvents, "start (web, worker and the database)", embeddedBefore, await peak(embedded));
  await embedded.stop();
}

/** Norce and Klarna are slow, so that the events wait while they are measured. */
async function pathsOf({ peers }: EndToEndOptions): Promise<string[]> {
  await ask(peers, { ask: "reset", latencyMs: 50 });
  const paid = await ask<Paid>(peers, { ask: "pay", count: payments });
  return paid.payments.map(({ key, reference }: Payment) => pathOfPush(key, reference));
}

async function flood(port: number, paths: readonly string[], amount: number): Promise<void> {
  const { failed } = await load({ base: `http://127.0.0.1:${port}`, paths, connections: 50, amount });
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

function row(engine: string, amount: number, name: string, before: number, after: number): void {
  console.log(`| ${engine} | ${amount.toLocaleString("en")} | ${name} | ${before.toFixed(0)} | ${after.toFixed(0)} |`);
}

function withoutRedis(environment: Record<string, string>): Record<string, string> {
  return { ...environment, REDIS_URL: "" };
}
