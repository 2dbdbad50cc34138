/**
 * `npm run bench`: what the service costs and how fast it is, as Markdown tables. `-- client`, `-- acknowledge`, `-- end-to-end`, `-- requests`, `-- memory`
 * and `-- sweep` run a part; `-- waiting` and `-- channels`, which are no part of the whole, show how the cost grows with what there is; `--rounds` and `--seconds` shorten it. Sends load to this machine only and stops by itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { stringify } from "yaml";
import { asked } from "../scripts/asked.ts";
import { serverEngines } from "../test/support/engines.ts";
import { freePort } from "../test/support/ports.ts";
import { benchAcknowledge } from "./acknowledge.ts";
import { start, stopAll } from "./children.ts";
import { benchClient } from "./client.ts";
import { ask, benchEndToEnd, benchRequests } from "./end-to-end.ts";
import { benchMemory } from "./memory.ts";
import { adapter, adapterId, type PeersReady, signingKey } from "./messages.ts";
import { benchChannels } from "./scale/channels.ts";
import { benchWaiting } from "./scale/waiting.ts";
import { benchSweep } from "./sweep.ts";

const usage = `npm run bench -- [parts...] [--rounds 5] [--seconds 4]  measures all of acknowledge, end-to-end, client, requests, memory and sweep, or those parts; waiting and channels by name only`;
const { positionals, values } = asked(usage, {
  allowPositionals: true,
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "4" } },
});
const named = (part: string): boolean => positionals.includes(part);
const wanted = (part: string): boolean => positionals.length === 0 || named(part);
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);

const engine = serverEngines().find(({ name }) => name === "redis");
if (engine === undefined) throw new Error("the benchmark needs a redis-server (Debian: apt-get install redis-server)");
const folder = mkdtempSync(join(tmpdir(), "norce-psp-bench-"));
try {
  await engine.start();
  const redis = new Redis(engine.environment()["REDIS_URL"] ?? "");
  const empty = async (): Promise<void> => void (await redis.flushall());
  const peers = await start("bench/peers.ts", {}, folder);
  const where = await ask<PeersReady>(peers, { ask: "where" });
  writeFileSync(
    join(folder, "config.yaml"),
    stringify({
      norce: { orderApi: `${where.norceUrl}/checkout/order`, token: where.token },
      merchants: { acme: { se: { [adapter]: { adapterId, ...where.settings } } } },
    }),
  );
  const port = await freePort();
  const environment = { ...engine.environment(), URL_SIGNING_KEYS: signingKey, CONFIG_FILE: "config.yaml" };
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, all processes on this machine`,
  );
  const endToEnd = { rounds, peers, where, environment, folder, port, empty };
  if (wanted("client")) await benchClient({ rounds, folder });
  if (wanted("acknowledge")) await benchAcknowledge({ rounds, seconds, environment, folder, port, empty });
  if (wanted("end-to-end")) await benchEndToEnd(endToEnd);
  if (wanted("requests")) await benchRequests(endToEnd);
  if (wanted("memory")) await benchMemory(endToEnd);
  if (wanted("sweep")) await benchSweep(endToEnd);
  if (named("channels")) await benchChannels(endToEnd);
  // Last: it restarts Redis.
  if (named("waiting")) await benchWaiting(engine);
  redis.disconnect();
} finally {
  await stopAll();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
}
