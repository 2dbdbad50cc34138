import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { createGauges, type StandingNumbers } from "./gauges.ts";

/** What is counted; the names are what dashboards and alerts are built on. */
export interface Meters {
  readonly contentType: string;
  /** The Prometheus exposition of everything counted in this process, and of the queues as they are now. */
  text(): Promise<string>;
  webhook(adapter: string, webhook: string, result: string): void;
  /** A webhook was proven by the secret of this fingerprint: an older one that proves none any longer may be retired. */
  proof(adapter: string, webhook: string, key: string, age: string): void;
  /** A call on an operator's route was refused. */
  refusal(route: string, code: string): void;
  /** Log lines that nobody read in time. */
  dropped(lines: number): void;
  look(adapter: string, outcome: string, seconds: number): void;
  /** Something that a person should see, by reason: a refused reference, a difference, a conflict. */
  oddity(adapter: string, reason: string): void;
  request(fact: { peer: string; method: string; route: string; status: number; seconds: number }): void;
  /** Payments of ours that a pass of the sweep judged. */
  swept(adapter: string, judgement: string): void;
  /** Which configuration counts, by its fingerprint, and since when in milliseconds since the epoch. */
  config(fingerprint: string, at: number): void;
  /** The configuration was read anew: `reloaded`, or `refused` for its faults. */
  reload(result: string): void;
  /** A try of sending an alert, by its cause: `delivered` or `failed`. */
  alert(cause: string, result: string): void;
  /** A difference that nobody had announced, by name. */
  drift(adapter: string, name: string): void;
  /** Read when `text` is asked: jobs per queue and state. */
  queues(read: () => Promise<readonly { queue: string; state: string; jobs: number }[]>): void;
  /** Read when `text` is asked: how things stand, as all processes together know. */
  standing(read: () => Promise<StandingNumbers>): void;
}

/** Counters of one process. */
export function createMeters(): Meters {
  const registers = [new Registry()];
  const registry = registers[0] as Registry;
  collectDefaultMetrics({ register: registry });
  const webhooks = new Counter({
    name: "norce_psp_webhooks_total",
    help: "Webhooks by result",
    labelNames: ["adapter", "webhook", "result"],
    registers,
  });
  const proofs = new Counter({
    name: "norce_psp_webhook_proofs_total",
    help: "Webhooks by the fingerprint of the secret that proved them",
    labelNames: ["adapter", "webhook", "key", "age"],
    registers,
  });
  const refusals = new Counter({
    name: "norce_psp_operator_refusals_total",
    help: "Calls on operators' routes that were refused, by code",
    labelNames: ["route", "code"],
    registers,
  });
  const dropped = new Counter({
    name: "norce_psp_log_lines_dropped_total",
    help: "Log lines that nobody read in time",
    registers,
  });
  const looks = new Histogram({
    name: "norce_psp_look_seconds",
    help: "Looks at a payment by outcome",
    labelNames: ["adapter", "outcome"],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const oddities = new Counter({
    name: "norce_psp_oddities_total",
    help: "What a person should see, by reason",
    labelNames: ["adapter", "reason"],
    registers,
  });
  const requests = new Histogram({
    name: "norce_psp_request_seconds",
    help: "Requests to Norce and to PSPs; status 0 means no answer",
    labelNames: ["peer", "method", "route", "status"],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const swept = new Counter({
    name: "norce_psp_sweep_payments_total",
    help: "Payments that the sweep came by, by what it judged",
    labelNames: ["adapter", "judgement"],
    registers,
  });
  const drift = new Counter({
    name: "norce_psp_drift_total",
    help: "Differences that nobody had announced, by name",
    labelNames: ["adapter", "name"],
    registers,
  });
  const alerts = new Counter({
    name: "norce_psp_alerts_total",
    help: "Tries of sending an alert, by cause and by whether it was taken",
    labelNames: ["cause", "result"],
    registers,
  });
  const configs = new Gauge({
    name: "norce_psp_config_loaded_timestamp_seconds",
    help: "Since when the configuration of this fingerprint counts",
    labelNames: ["fingerprint"],
    registers,
  });
  const reloads = new Counter({
    name: "norce_psp_config_reloads_total",
    help: "How often the configuration was read anew, by whether it was taken",
    labelNames: ["result"],
    registers,
  });
  const jobs = new Gauge({
    name: "norce_psp_jobs",
    help: "Jobs per queue and state",
    labelNames: ["queue", "state"],
    registers,
  });
  const gauges = createGauges(registers);
  let readStanding: (() => Promise<StandingNumbers>) | undefined;
  let readQueues: (() => Promise<readonly { queue: string; state: string; jobs: number }[]>) | undefined;
  return {
    contentType: registry.contentType,
    async text() {
      // While the queue is away, everything else is worth knowing all the more.
      const counts = (await readQueues?.().catch(() => [])) ?? [];
      for (const count of counts) jobs.set({ queue: count.queue, state: count.state }, count.jobs);
      const standing = await readStanding?.().catch(() => undefined);
      if (standing !== undefined) gauges.set(standing);
      return await registry.metrics();
    },
    webhook: (adapter, webhook, result) => webhooks.inc({ adapter, webhook, result }),
    proof: (adapter, webhook, key, age) => proofs.inc({ adapter, webhook, key, age }),
    refusal: (route, code) => refusals.inc({ route, code }),
    dropped: (lines) => dropped.inc(lines),
    look: (adapter, outcome, seconds) => looks.observe({ adapter, outcome }, seconds),
    oddity: (adapter, reason) => oddities.inc({ adapter, reason }),
    request: ({ peer, method, route, status, seconds }) => requests.observe({ peer, method, route, status }, seconds),
    swept: (adapter, judgement) => swept.inc({ adapter, judgement }),
    config(fingerprint, at) {
      // One counts at a time.
      configs.reset();
      configs.set({ fingerprint }, at / 1_000);
    },
    reload: (result) => reloads.inc({ result }),
    alert: (cause, result) => alerts.inc({ cause, result }),
    drift: (adapter, name) => drift.inc({ adapter, name }),
    queues(read) {
      readQueues = read;
    },
    standing(read) {
      readStanding = read;
    },
  };
}
