import { createServer } from "node:http";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import { createSigningKeys } from "../../src/signatures/signing-keys.ts";
import { callbackSignature } from "../../src/signatures/signed-url.ts";

import { start } from "../children.ts";
import type { EndToEndOptions } from "../end-to-end.ts";
import { load } from "../load.ts";
import { adapter, adapterId, signingKey } from "../messages.ts";

const steps = [
  { channels: 100, latencyMs: 0 },
  { channels: 1_000, latencyMs: 0 },
  { channels: 10_000, latencyMs: 0 },
  { channels: 1_000, latencyMs: 50 },
] as const;
/** How long webhooks are sent. */
const seconds = 4;

/** Prints what merchants' channels cost that have nothing to do: the sweep asks Norce for the orders of each. */
export async function benchChannels(options: EndToEndOptions): Promise<void> {
  console.log("\n### Channels, of one merchant and one adapter each\n");
  console.log(
    "| channels | Norce answers in | config.yaml, MB | web: started in, s; MB | webhooks acknowledged per second, over all channels | /metrics, s | worker: started in, s; MB | recent orders of all swept, s | MB then |",
  );
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const step of steps) console.log(await rowOf(step, options));
}

async function rowOf(
  { channels, latencyMs }: (typeof steps)[number],
  { environment, folder, port, empty }: EndToEndOptions,
): Promise<string> {
  await empty();
  const swept = Promise.withResolvers<number>();
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    const merchant = String(request.headers["x-merchant"]);
    seen.add(merchant);
    const isLast = seen.size === channels;
    setTimeout(() => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ data: [], pagination: { offset: 0, limit: 100, size: 0, totalSize: 0 } }));
      if (isLast) swept.resolve(performance.now());
    }, latencyMs);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = { adapterId, apiUrl: url, username: "u", password: "p" };
  const names = Array.from({ length: channels }, (_, index) => `merchant-${index}`);
  const text = stringify(
    {
      norce: { orderApi: url, token: "t" },
      merchants: Object.fromEntries(names.map((name) => [name, { se: { [adapter]: settings } }])),
    },
    { aliasDuplicateObjects: false },
  );
  writeFileSync(join(folder, "channels.yaml"), text);
  const given = { ...environment, CONFIG_FILE: "channels.yaml", PORT: String(port), ADMIN_TOKEN: "bench-admin-token" };
  const [web, webSeconds] = await timed(() => start("src/web.ts", given, folder));
  const webMb = web.residentMb();
  const base = `http://127.0.0.1:${port}`;
  const { perSecond, failed } = await load({ base, paths: names.map(pathOf), connections: 50, seconds });
  if (failed > 0) throw new Error(`${failed} webhooks were not acknowledged`);
  await empty();
  const began = performance.now();
  const [worker, workerSeconds] = await timed(() => start("src/worker.ts", given, folder));
  const workerMb = worker.residentMb();
  const sweptSeconds = ((await swept.promise) - began) / 1_000 - workerSeconds;
  // What is known of each account by now is counted.
  await pause(1_500);
  const [, metricsSeconds] = await timed(() =>
    fetch(`${base}/metrics`, { headers: { authorization: "Bearer bench-admin-token" } }),
  );
  const row = [
    channels.toLocaleString("en"),
    `${latencyMs} ms`,
    (text.length / 1e6).toFixed(1),
    `${webSeconds.toFixed(1)}; ${webMb.toFixed(0)}`,
    perSecond.toFixed(0),
    metricsSeconds.toFixed(2),
    `${workerSeconds.toFixed(1)}; ${workerMb.toFixed(0)}`,
    sweptSeconds.toFixed(1),
    worker.residentMb().toFixed(0),
  ];
  await Promise.all([web.stop(), worker.stop()]);
  server.closeAllConnections();
  server.close();
  return `| ${row.join(" | ")} |`;
}

const keys = createSigningKeys([signingKey]);

function pathOf(merchant: string): string {
  const key = { adapter, merchant, channel: "se", orderId: "o_1", paymentId: "p_1" };
  const [callbackKey] = keys.of("callback", key);
  const sig = callbackSignature(callbackKey, key, "push");
  return `/${adapter}/api/checkout/v1/callback/orders/o_1/payments/p_1/push?merchant=${merchant}&channel=se&sig=${sig}&klarna_order_id=k_1`;
}

/** With how many seconds it took. */
async function timed<Value>(work: () => Promise<Value>): Promise<readonly [Value, number]> {
  const began = performance.now();
  const value = await work();
  return [value, (performance.now() - began) / 1_000];
}
