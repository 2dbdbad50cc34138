import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import { start } from "./children.ts";
import { ask, type EndToEndOptions } from "./end-to-end.ts";
import { adapter, adapterId, type Applied, type Counts, type Paid } from "./messages.ts";

const orders = 100_000;
const unsettled = 500;
/** All within the first window of a sweep, so that one pass reads them all. */
const spanMs = 60 * 60_000;

/** Prints how fast the sweep reads orders, what it costs per payment, and how much memory it takes. */
export async function benchSweep(options: EndToEndOptions): Promise<void> {
  const settled = await sweepSettled(options);
  const moved = await sweepUnsettled(options);
  console.log(`\n### Sweep over ${orders.toLocaleString("en")} orders\n`);
  console.log("| | |\n| --- | ---: |");
  console.log(`| settled payments swept per second | ${settled.perSecond.toFixed(0)} |`);
  console.log(
    `| worker after start, at most during the sweep, MB | ${settled.before.toFixed(0)}, ${settled.peak.toFixed(0)} |`,
  );
  console.log(
    `| requests per settled payment, to Norce and to Klarna | ${settled.norce.toFixed(2)} + ${settled.psp.toFixed(2)} |`,
  );
  console.log(
    `| requests per payment that had moved, to Norce and to Klarna | ${moved.norce.toFixed(2)} + ${moved.psp.toFixed(2)} |`,
  );
}

/** A Norce that lists settled orders without having to hold them. */
async function sweepSettled({ environment, folder, empty }: EndToEndOptions) {
  await empty();
  const newest = Date.now();
  const seen = { pages: 0, others: 0, firstAt: 0, lastAt: 0 };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "", "http://norce");
    if (!url.pathname.endsWith("/orders")) {
      seen.others += 1;
      response.writeHead(500).end();
      return;
    }
    const to = Date.parse(url.searchParams.get("date_to") ?? "") || Infinity;
    const size = to > newest ? orders : 0;
    const offset = Number(url.searchParams.get("offset"));
    const limit = Math.max(0, Math.min(Number(url.searchParams.get("limit")), size - offset));
    if (size > 0) {
      seen.pages += 1;
      seen.firstAt ||= performance.now();
      if (offset + limit >= size) seen.lastAt ||= performance.now();
    }
    const data = Array.from({ length: limit }, (_, index) => orderAt(offset + index, newest));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ data, pagination: { offset, limit, size, totalSize: orders } }));
  };
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(
    join(folder, "sweep.yaml"),
    stringify({
      norce: { orderApi: url, token: "t" },
      merchants: { acme: { se: { [adapter]: { adapterId, apiUrl: url, username: "u", password: "p" } } } },
    }),
  );
  const worker = await start("src/worker.ts", { ...environment, CONFIG_FILE: "sweep.yaml" }, folder);
  const before = worker.residentMb();
  let peak = before;
  while (seen.lastAt === 0) {
    peak = Math.max(peak, worker.residentMb());
    await pause(50);
  }
  await worker.stop();
  server.closeAllConnections();
  server.close();
  const perSecond = orders / ((seen.lastAt - seen.firstAt) / 1_000);
  return { perSecond, before, peak, norce: seen.pages / orders, psp: seen.others / orders };
}

/** As large as orders are, without what the sweep does not read. */
function orderAt(index: number, newest: number): object {
  const payment = {
    id: `p_${index}`,
    adapterId,
    name: "Klarna",
    type: "default",
    currency: "SEK",
    amount: 100,
    state: "removed",
    reference: `k_${index}`,
    attributes: { norcePspWorker: { phase: "confirmed", removed: true, since: new Date(newest).toISOString() } },
  };
  return {
    id: `o_${index}`,
    created: new Date(newest - (index * spanMs) / orders).toISOString(),
    state: { currentStatus: "accepted", transitions: [] },
    cart: {
      items: Array.from({ length: 5 }, (_, item) => ({ id: `c_${item}`, name: "an item of the cart", price: 20 })),
    },
    payments: [payment],
  };
}

/** Payments that were paid at Klarna although no push has told: what it costs until all of them are written. */
async function sweepUnsettled({ peers, environment, folder, empty }: EndToEndOptions): Promise<Counts> {
  await empty();
  await ask(peers, { ask: "reset", latencyMs: 0 });
  const { payments } = await ask<Paid>(peers, { ask: "pay", count: unsettled });
  const before = await ask<Counts>(peers, { ask: "counts" });
  const worker = await start("src/worker.ts", { ...environment, SWEEP_INTERVAL_SECONDS: "5" }, folder);
  const keys = payments.map(({ key }) => key);
  while ((await ask<Applied>(peers, { ask: "applied", keys })).missing > 0) await pause(20);
  const after = await ask<Counts>(peers, { ask: "counts" });
  await worker.stop();
  return { norce: (after.norce - before.norce) / unsettled, psp: (after.psp - before.psp) / unsettled };
}
