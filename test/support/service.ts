import { randomUUID } from "node:crypto";
import { pino } from "pino";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { type Adapters, loadAdapters } from "../../src/adapters/registry.ts";
import { loadSimulator } from "../../sandbox/kernel/load.ts";
import { type Config, createConfig } from "../../src/config.ts";
import type { Logger } from "../../src/lib/log.ts";
import { createMeters, type Meters } from "../../src/lib/meters.ts";
import { type Engine, openEngine } from "../../src/queue/engine.ts";
import { createSeam, type QueueCount, type Seam } from "../../src/queue/seam.ts";
import { createSandboxNorce, type Document, type SandboxNorce } from "../../sandbox/norce.ts";
import { createSandboxPsp, type SandboxPsp } from "../../sandbox/psp.ts";
import { listenOnLoopback } from "../../sandbox/loopback.ts";
import { readNumbers } from "../../src/standing-numbers.ts";
import { startWeb } from "../../src/web.ts";
import { bareOperationUrl, callbackUrl } from "../../src/signatures/urls.ts";
import { startWorker } from "../../src/worker.ts";
import { until } from "./until.ts";
import { fixtureSigningKey, signingKeysOf } from "./signing.ts";

const adminToken = "an-admin-token-of-ours";
const adapterId = "acme_klarna_adapter";

/** Norce, the PSP and the service on one engine, in this process; everything ends with `stop`. */
export interface World {
  readonly config: Config;
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  readonly engine: Engine;
  readonly queue: Seam;
  readonly meters: Meters;
  readonly log: Logger;
  /** Every line that was logged, as text. */
  readonly logged: string[];
  readonly url: string;
  /** The service's clock. */
  now(): number;
  /** Moves the service's clock on, in milliseconds. */
  advance(ms: number): void;
  /** A Norce order with one payment, and the purchase at the PSP that belongs to it. */
  purchase(options?: PurchaseOptions): Purchase;
  post(url: string, init?: RequestInit): Promise<Response>;
  /** Resolves once no lane has anything to do. */
  idle(): Promise<void>;
  /** Jobs per queue and state, as soon as a busy machine says so in time. */
  counts(): Promise<readonly QueueCount[]>;
  looks(): Promise<number>;
  /** Ends the worker half alone. */
  stopWorker(): Promise<void>;
  /** Ends it in the middle of what it does, and starts another one. */
  restartWorker(): Promise<void>;
  stop(): Promise<void>;
}

export interface PurchaseOptions {
  readonly amount?: number;
  readonly payment?: Document;
  /** False: the payment has no reference yet. */
  readonly referenced?: boolean;
  /** False: Norce knows neither order nor payment yet; `appear` makes them. */
  readonly present?: boolean;
  readonly recurring?: boolean;
}

export interface Purchase {
  readonly key: PaymentKey;
  readonly reference: string;
  readonly pushUrl: string;
  payment(): Document;
  state(): string;
  transactions(): readonly Document[];
  /** Makes order and payment appear in Norce. */
  appear(): void;
  /** Does something at the PSP without its webhook being sent by itself. */
  act(action: string, amount?: number): void;
  push(): Promise<Response>;
  refresh(): Promise<Response>;
  reaches(wanted: string): Promise<void>;
}

export interface WorldOptions {
  /** Adapter folder; Klarna Checkout unless said otherwise. */
  readonly adapter?: string;
  readonly engine: { readonly redisUrl?: string; readonly queueUrl?: string; readonly dataDir: string };
  /** Whether the simulated PSP sends its webhooks by itself. */
  readonly pushes?: boolean;
  readonly environment?: Record<string, string>;
  readonly norce?: Record<string, unknown>;
  readonly settings?: Record<string, unknown>;
  /** Merchants besides `acme`: channel, adapter, settings. */
  readonly others?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, object>>>>>>;
}

/** Starts a world of its own. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { adapter = "klarna-checkout" } = options;
  const others = Object.values(options.others ?? {}).flatMap((channels) =>
    Object.values(channels).flatMap(Object.keys),
  );
  const adapters: Adapters = await loadAdapters([...new Set([adapter, ...others])]);
  let skew = 0;
  const now = (): number => Date.now() + skew;
  const simulator = await loadSimulator(adapter, { timeScale: 0 });
  if (simulator === undefined) throw new Error("no simulator");
  const norce = createSandboxNorce({ now });
  const silent = options.pushes === true ? simulator : { ...simulator, due: () => [] };
  const psp = createSandboxPsp({ simulators: new Map([[adapter, silent]]), now });
  const norceServer = await listenOnLoopback(norce.handler);
  const pspServer = await listenOnLoopback(psp.handler);
  const config = createConfig(
    {
      PORT: "0",
      URL_SIGNING_KEYS: fixtureSigningKey,
      ADMIN_TOKEN: adminToken,
      // The sweep looks at whatever there is; who counts looks wants none but those asked for.
      SWEEP_INTERVAL_SECONDS: "86400",
      ...options.environment,
    },
    {
      norce: { orderApi: `${norceServer.url}/checkout/order`, token: norce.token, ...options.norce },
      merchants: {
        acme: {
          se: { [adapter]: { adapterId, ...simulator.settings(`${pspServer.url}/${adapter}`), ...options.settings } },
        },
        ...options.others,
      },
    },
    adapters,
  );
  const logged: string[] = [];
  const log = pino({ level: "debug", base: null }, { write: (line: string) => void logged.push(line) });
  const meters = createMeters();
  const engine = await openEngine(options.engine, log);
  const seam = createSeam(engine, { now });
  meters.standing(async () => await readNumbers({ config, queue: seam, now }));
  const start = () => startWorker({ config, engine, queue: seam, log, meters, now });
  let worker = start();
  const web = await startWeb({ config, engine, queue: seam, log, meters });
  const url = `http://127.0.0.1:${web.port}`;
  const maker = { publicUrl: url, keys: signingKeysOf() };

  const world: World = {
    config,
    norce,
    psp,
    engine,
    queue: seam,
    meters,
    log,
    logged,
    url,
    now,
    advance(ms) {
      skew += ms;
    },
    purchase(given = {}) {
      const key: PaymentKey = {
        adapter,
        merchant: "acme",
        channel: "se",
        orderId: `o_${randomUUID()}`,
        // As long as the shortest merchant reference that a PSP takes (Avarda).
        paymentId: `p_${randomUUID().slice(0, 18)}`,
      };
      const amount = given.amount ?? 100_00;
      const found = config.adapters.get(adapter);
      if (found === undefined) throw new Error("no adapter");
      const { orderId: _order, paymentId: _payment, ...account } = key;
      const urls = Object.fromEntries(
        Object.entries(found.webhooks).map(([name, { scope }]) => [
          name,
          callbackUrl(maker, found, scope === "payment" ? key : account, name),
        ]),
      );
      const reference = psp.open(adapter, {
        ...key,
        amount,
        currency: "SEK",
        callbackUrls: urls,
        ...(given.recurring === undefined ? {} : { recurring: given.recurring }),
      });
      const appear = (): void => {
        norce.createOrder({
          merchant: "acme",
          channel: "se",
          id: key.orderId,
          order: { currency: "SEK", country: "SE", culture: "sv-SE" },
        });
        norce.addPayment(key.orderId, {
          id: key.paymentId,
          adapterId,
          name: found.title,
          type: "default",
          currency: "SEK",
          amount: amount / 100,
          state: "intent",
          ...(given.referenced === false ? {} : { reference }),
          ...given.payment,
        });
      };
      if (given.present !== false) appear();
      const state = (): string => {
        const value = payment()["state"];
        return typeof value === "string" ? value : "";
      };
      const payment = (): Document => norce.payment(key.orderId, key.paymentId) ?? {};
      const pushUrl = (urls["push"] ?? "").replace("{checkout.order.id}", reference);
      return {
        key,
        reference,
        pushUrl,
        payment,
        state,
        transactions: () => norce.transactions(key.orderId, key.paymentId),
        appear,
        act: (action, part) => psp.act(adapter, reference, action, part),
        push: () => world.post(pushUrl),
        refresh: () =>
          world.post(bareOperationUrl(url, key, "refresh"), { headers: { authorization: `Bearer ${adminToken}` } }),
        reaches: (wanted) => until(() => state() === wanted, `the payment to be ${wanted}`),
      };
    },
    post: (to, init) => fetch(to, { method: "POST", ...init }),
    async counts() {
      let counts: readonly QueueCount[] | undefined;
      const counted = async (): Promise<boolean> => {
        counts = await seam.counts([adapter]).catch(() => undefined);
        return counts !== undefined;
      };
      await until(counted, "the queues to be counted");
      return counts ?? [];
    },
    idle: () =>
      until(async () => {
        const counts = await world.counts();
        return counts.every(
          ({ queue, state, jobs }) => queue === "dead" || queue === "timers" || state === "delayed" || jobs === 0,
        );
      }, "the queues to be idle"),
    async looks() {
      const text = await meters.text();
      return [...text.matchAll(/norce_psp_look_seconds_count\{[^}]*\} (\d+)/g)].reduce(
        (sum, match) => sum + Number(match[1]),
        0,
      );
    },
    stopWorker: () => worker.close(),
    async restartWorker() {
      await worker.close();
      worker = start();
    },
    async stop() {
      await Promise.all([web.close(), psp.close()]);
      await worker.close();
      await engine.close();
      await Promise.all([norceServer.close(), pspServer.close()]);
    },
  };
  return world;
}
