import { randomUUID } from "node:crypto";
import { createSigningKeys } from "../src/signatures/signing-keys.ts";
import { callbackSignature } from "../src/signatures/signed-url.ts";
import { start } from "./children.ts";
import { type Load, load, median } from "./load.ts";
import { adapter, signingKey } from "./messages.ts";

/** Servers that acknowledge webhooks, compared on one Redis. */
const servers = [
  { name: "(a) node:http + XADD", file: "bench/servers/bare.ts" },
  { name: "(b) Express + HMAC + queue.add", file: "bench/servers/express-queue.ts" },
  { name: "(c) norce-psp-worker", file: "src/web.ts" },
] as const;

export interface AcknowledgeOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly environment: Record<string, string>;
  readonly folder: string;
  readonly port: number;
  /** Empties Redis, so that every run meets the same. */
  readonly empty: () => Promise<void>;
}

interface Row {
  readonly server: string;
  readonly connections: number;
  readonly loads: Load[];
  /** Microseconds of the server's processor time per webhook: a machine that others use too disturbs this least. */
  readonly cpu: number[];
}

/** Prints how many webhooks a second each server acknowledges and how long they take; the runs take turns. */
export async function benchAcknowledge({
  rounds,
  seconds,
  environment,
  folder,
  port,
  empty,
}: AcknowledgeOptions): Promise<void> {
  const base = `http://127.0.0.1:${port}`;
  const paths = Array.from({ length: 500 }, pushPath);
  const rows: Row[] = [10, 50].flatMap((connections) =>
    servers.map(({ name }) => ({ server: name, connections, loads: [], cpu: [] })),
  );
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, file } of servers) {
      const child = await start(file, { ...environment, PORT: String(port), CALLBACK_KEY: callbackKey.text }, folder);
      await load({ base, paths, connections: 10, seconds: 1 });
      for (const row of rows.filter(({ server }) => server === name)) {
        await empty();
        const cpuBefore = child.cpuMs();
        const result = await load({ base, paths, connections: row.connections, seconds });
        if (result.failed > 0) throw new Error(`${name} failed ${result.failed} times`);
        row.loads.push(result);
        row.cpu.push(((child.cpuMs() - cpuBefore) * 1_000) / result.answered);
      }
      await child.stop();
    }
    console.error(`acknowledge: round ${round} of ${rounds}`);
  }
  console.log(
    `\n### Acknowledged webhooks (Redis, appendfsync always; ${rounds} rounds of ${seconds} s, medians, spread in brackets)\n`,
  );
  console.log(
    "| server | connections | webhooks/s | p50 ms | p99 ms | CPU µs per webhook |\n| --- | ---: | ---: | ---: | ---: | ---: |",
  );
  for (const { server, connections, loads, cpu } of rows) {
    console.log(
      `| ${server} | ${connections} | ${figure(
        loads.map((one) => one.perSecond),
        0,
      )} | ${figure(
        loads.map((one) => one.p50),
        2,
      )} | ${figure(
        loads.map((one) => one.p99),
        2,
      )} | ${figure(cpu, 0)} |`,
    );
  }
  const at = (server: string, connections: number) =>
    rows.find((row) => row.server === server && row.connections === connections)?.loads ?? [];
  for (const connections of [10, 50]) {
    const [b, c] = [at(servers[1].name, connections), at(servers[2].name, connections)];
    const ratios = c.map((one, index) => one.perSecond / (b[index]?.perSecond ?? Number.NaN));
    console.log(
      `\n(c) / (b) at ${connections} connections, round by round: ${figure(ratios, 2)} × the webhooks, p99 ${figure(
        c.map((one, index) => one.p99 / (b[index]?.p99 ?? Number.NaN)),
        2,
      )} ×`,
    );
  }
}

/** The median, and from the least to the most. */
export function figure(values: readonly number[], digits: number): string {
  const text = (value: number): string => value.toFixed(digits);
  return `${text(median(values))} [${text(Math.min(...values))}–${text(Math.max(...values))}]`;
}

/** A signed push of Klarna's to a payment of its own. */
function pushPath(): string {
  const key = {
    adapter,
    merchant: "acme",
    channel: "se",
    orderId: `o_${randomUUID()}`,
    paymentId: `p_${randomUUID()}`,
  };
  return pathOfPush(key, randomUUID());
}

const [callbackKey] = createSigningKeys([signingKey]).of("callback", { merchant: "acme", channel: "se" });

export function pathOfPush(
  key: { adapter: string; merchant: string; channel: string; orderId: string; paymentId: string },
  reference: string,
): string {
  const sig = callbackSignature(callbackKey, key, "push");
  return `/${key.adapter}/api/checkout/v1/callback/orders/${key.orderId}/payments/${key.paymentId}/push?merchant=${key.merchant}&channel=${key.channel}&sig=${sig}&klarna_order_id=${reference}`;
}
