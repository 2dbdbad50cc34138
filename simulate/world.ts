/** One world: merchants with their accounts, payments and their lives, processes of the service, and whatever goes wrong; one seed says it all. */
import { createHash } from "node:crypto";
import { loadAdapters, type Adapters } from "../src/adapters/registry.ts";
import { createMeters } from "../src/lib/meters.ts";
import { Agenda } from "./agenda.ts";
import { startDelivery } from "./delivery.ts";
import { type Draw, drawsOf, streamOf } from "./draws.ts";
import { setEdge } from "./edge.ts";
import { Faults, type Struck } from "./faults.ts";
import { beginLife, refresh } from "./lives.ts";
import { accountsOf, adaptersOf, isAbout, isGrant, paymentOf } from "./merchants.ts";
import type { NetworkParts } from "./network.ts";
import { createPeers } from "./norce-and-psps.ts";
import { Oracles, type Violation } from "./oracles.ts";
import type { SimulatedProcess } from "./processes.ts";
import { Service } from "./service.ts";
import { adminToken, configOf } from "./settings.ts";
import { TwinServer } from "./twin/server.ts";
import { blow } from "./weather.ts";

/** What is simulated. */
export interface WorldOptions {
  readonly seed: number;
  /** Adapter folders; default: a few, drawn by the seed. */
  readonly adapters?: readonly string[];
  /** How many payments are opened; default: drawn by the seed. */
  readonly payments?: number;
  /** How long the world runs on after its last fault, in hours. */
  readonly hours?: number;
  /** The only kinds of faults; default: a few, drawn by the seed. */
  readonly kinds?: readonly string[];
  /** Which payments are lived, by their index; the others are opened, and nothing happens to them. */
  readonly only?: ReadonlySet<number>;
  /** Faults that do not strike, by id. */
  readonly without?: ReadonlySet<string>;
  /** Hears of everything that happens. */
  readonly story?: (at: number, line: string) => void;
}

/** What became of it. */
export interface WorldResult {
  /** Of everything that happened: the same for the same seed, lock file and Node version. */
  readonly hash: string;
  readonly violations: readonly Violation[];
  readonly struck: readonly Struck[];
  readonly adapters: readonly string[];
  /** How many payments were lived, and of how many Norce's word was compared with the PSP's at the end. */
  readonly lives: number;
  readonly judged: number;
  readonly looks: number;
  readonly operations: number;
  readonly letters: Readonly<Record<string, number>>;
  readonly steps: number;
  /** Milliseconds that passed in the world. */
  readonly passedMs: number;
}

const beginning = Date.parse("2026-02-03T10:00:00.000Z");
const settleMs = 20 * 60_000;
const usualHours = 5;
/** Some worlds go on for weeks. */
const longHours = 21 * 24;
const longWorlds = 0.03;
/** Some have many payments. */
const bigWorlds = 0.02;
/** How often it is asked whether what is owed is named. */
const namedEvery = 100;

let loaded: Adapters | undefined;
let meters: ReturnType<typeof createMeters> | undefined;

/** Runs a world to its end, or to its first violation. */
export async function runWorld(options: WorldOptions): Promise<WorldResult> {
  loaded ??= await loadAdapters();
  meters ??= createMeters();
  const { seed } = options;
  const draw = drawsOf(seed);
  const hours = options.hours ?? (draw("long") < longWorlds ? longHours : usualHours);
  const chosen = options.adapters ?? adaptersOf(seed, [...loaded.keys()]);
  const agenda = new Agenda();
  const wall = (): number => Math.floor(beginning + agenda.now);
  const accounts = await accountsOf(chosen, loaded, wall, seed);
  const many = options.payments ?? (draw("big") < bigWorlds ? sized(draw, 60, 400) : sized(draw, 12, 48));
  const payments = Array.from({ length: many }, (_, index) => paymentOf(index, accounts, seed));
  const faults = new Faults(seed, many * 2, options.without ?? new Set(), options.kinds);
  const violations: Violation[] = [];
  const hash = createHash("sha256");
  let unhashed = "";
  const note = (line: string): void => {
    unhashed += `${agenda.now.toFixed(3)} ${line}\n`;
    if (unhashed.length > 50_000) {
      hash.update(unhashed);
      unhashed = "";
    }
    options.story?.(agenda.now, line);
  };
  const violated = (violation: Violation): void => {
    note(`VIOLATION ${violation.oracle}: ${violation.what}`);
    violations.push(violation);
  };

  const server = new TwinServer({ now: wall });
  let woke = (): void => undefined;
  const peers = createPeers(
    accounts,
    wall,
    (account, request, answer) => {
      if (request.method === "GET") {
        const answered = answer();
        woke();
        return answered;
      }
      const opened = payments.filter((payment) => payment.account === account && payment.reference !== "");
      // What time has done by itself is nobody's call.
      for (const payment of opened) payment.notice(agenda.now, false);
      const answered = answer();
      for (const payment of opened) {
        const moved = payment.notice(agenda.now, true);
        // What is refused moves nothing; it may tell of what had happened before.
        if (moved !== undefined && answered.status < 400) oracles.moved(payment, moved);
        if (answered.status >= 400 && isAbout(request, payment)) payment.refusedAt = agenda.now;
      }
      woke();
      return answered;
    },
    (account) => {
      for (const payment of payments) if (payment.account === account) payment.lagged = true;
    },
  );
  const oracles = new Oracles({ payments, norce: peers.norce, server, now: () => agenda.now, violated });
  // What webhooks lose is not to be hidden, but where all memory is lost.
  const sweeps = faults.kinds.has("engine-empties") || faults.kinds.has("clock-leaps");
  const settings = { adapters: loaded, norceToken: peers.norce.token, sweepSeconds: sweeps ? 600 : 86_400 };
  const config = configOf(accounts, settings);
  const otherConfig = configOf(accounts.slice(0, -1), settings);
  const away = new Set<string>();
  const network: NetworkParts = {
    agenda,
    faults,
    epoch: beginning,
    ask: (request, fault, answered) => peers.ask(request, fault === "lags", answered),
    isAway: (host) => away.has(host),
    left: (request) => {
      if (isGrant(request, accounts)) return;
      oracles.left(
        request,
        payments.find((payment) => isAbout(request, payment)),
      );
    },
    kill: (dying, why) => kill(dying, why),
    freeze: (frozen, ms, why) => freeze(frozen, ms, why),
    note,
  };
  const service: Service = new Service({ seed, agenda, config, otherConfig, server, meters, note, network });
  const kill = (process: SimulatedProcess, why: string): void => {
    if (!service.kill(process)) return;
    note(`${process.name} dies (${why})`);
    const afterMs = faults.number(`restart ${process.name} ${process.life}`, 400, 15_000);
    agenda.after(afterMs, () => service.start(process.name), { process: null });
  };
  const freeze = (process: SimulatedProcess, ms: number, why: string): void => {
    if (process.state !== "running") return;
    note(`${process.name} stands still for ${Math.round(ms)} ms (${why})`);
    process.state = "frozen";
    agenda.after(ms, () => thaw(process), { process: null });
  };
  const thaw = (process: SimulatedProcess): void => {
    if (process.state !== "frozen") return;
    process.state = "running";
    process.thawedAt = agenda.now;
    note(`${process.name} goes on`);
    agenda.resume(process.missed());
  };

  setEdge({
    wall: () => Math.floor(beginning + agenda.now + (agenda.running?.skewMs ?? 0)),
    steady: () => agenda.now,
    after: (ms, run) => later(agenda, ms, run),
    soon: (run) => later(agenda, 0, run),
    random: () => (agenda.running === undefined ? outsideRandom() : agenda.running.random()),
  });
  const outsideRandom = streamOf(seed);
  const rejected = (error: unknown): void => {
    violated({ oracle: "nothing is thrown at nobody", what: String(error), at: agenda.now });
  };
  process.on("unhandledRejection", rejected);
  let looks = 0;
  let judged = { judged: 0, letters: {} as Readonly<Record<string, number>> };
  try {
    for (const name of ["web-1", "web-2", "worker-1", "worker-2", "worker-3"]) service.start(name);
    woke = startDelivery({ agenda, faults, service, oracles, accounts, payments, wall, note });
    const spreadMs = many * 9_000;
    const life = { agenda, draw, faults, config, peers, service, adminToken, note, woke: () => woke() };
    const ends = payments.map((payment) =>
      beginLife(
        payment,
        2_000 + draw("begin", payment.index) * spreadMs,
        options.only?.has(payment.index) ?? true,
        life,
      ),
    );
    const lastMs = Math.max(...ends);
    const empty = (): void => {
      note("the engine comes back empty");
      server.empty();
      for (const payment of payments) payment.forget(agenda.now, peers.isBound(payment.key));
      const again = (): void => payments.forEach((payment) => refresh(payment, `emptied-${agenda.now}`, life));
      agenda.after(faults.number("emptied", 20_000, 200_000), again, { process: null });
    };
    blow({ agenda, faults, service, away, lastMs, kill, empty, note });
    agenda.after(lastMs + settleMs, () => (faults.over = true), { process: null });
    const endMs = lastMs + settleMs + hours * 3_600_000;
    agenda.after(endMs, () => undefined, { process: null });
    agenda.watch = () => {
      if (agenda.steps % namedEvery !== 0) return;
      oracles.named();
      const [strange] = process.getActiveResourcesInfo().filter((kind) => !known.has(kind));
      if (strange !== undefined) oracles.tell("Node holds nothing that no world has made", strange);
    };
    const known = new Set([...process.getActiveResourcesInfo(), "Immediate"]);
    await agenda.run(() => {
      if (violations.length > 0 || agenda.now >= endMs) return true;
      leap(agenda, server, service);
      return false;
    });
    if (violations.length === 0) judged = oracles.atRest(!faults.kinds.has("clock-leaps"));
    looks = service.looks;
  } finally {
    process.off("unhandledRejection", rejected);
    setEdge(undefined);
  }
  const lives = options.only?.size ?? many;
  return {
    hash: hash.update(unhashed).digest("hex").slice(0, 16),
    violations,
    struck: faults.struck,
    adapters: chosen,
    lives,
    ...judged,
    looks,
    operations: payments.reduce((sum, { asked }) => sum + asked.length, 0),
    steps: agenda.steps,
    passedMs: agenda.now,
  };
}

/** How many payments there are, from `least` to `most`. */
function sized(draw: Draw, least: number, most: number): number {
  return least + Math.floor(draw("payments") * (most - least));
}

/** A timer in the running process. */
function later(agenda: Agenda, ms: number, run: () => void): () => void {
  const entry = agenda.after(ms, run);
  return () => void (entry.over = true);
}

/** How much has to be gained. */
const leastLeapMs = 500;

/** Passes over time in which nobody has anything to do: until a job is due, or something happens outside. */
function leap(agenda: Agenda, server: TwinServer, service: Service): void {
  if (service.isBusy) return;
  let due = Infinity;
  let next = new Set<string>();
  for (const { name, waiting, active, delayed } of server.queues.values()) {
    if (waiting.length > 0 || active.size > 0) return;
    const of = delayed[0]?.due ?? Infinity;
    if (of < due) [due, next] = [of, new Set()];
    if (of <= due + leastLeapMs) next.add(name);
  }
  const ahead = Math.max(...service.processes.map(({ skewMs }) => skewMs));
  const until = Math.min(due - beginning - ahead, agenda.nextOutside()) - 1;
  if (until - agenda.now > leastLeapMs) agenda.leapTo(until, next);
}
