import type { PaymentKey } from "../../src/contract/adapter.ts";
import { createArrivals } from "../../src/queue/arrivals.ts";
import { createClaims, createReferences } from "../../src/queue/references.ts";
import { createEvidence } from "../../src/queue/evidence.ts";
import type { Engine } from "../../src/queue/engine.ts";
import { createHeartbeats } from "../../src/queue/heartbeats.ts";
import { createLetters } from "../../src/queue/letters.ts";
import { createLocks } from "../../src/queue/locks.ts";
import { inboxName, laneId, laneName } from "../../src/queue/names.ts";
import type { Asked, End, HeldJob, InboxJob, Known, Note, Seam, StoredEvent } from "../../src/queue/seam.ts";
import type { Store } from "../../src/queue/store.ts";
import { createBadNews } from "../../src/queue/bad-news.ts";
import { createPeers } from "../../src/queue/peers.ts";
import { createTurns } from "../../src/queue/turns.ts";
import { createMemoryStore } from "./memory-store.ts";

/** A queue that is lists: nothing runs by itself, no time passes, and nobody else holds a lock. */
export interface ListSeam {
  readonly seam: Seam;
  readonly engine: Engine;
  /** Every event that was stored. */
  readonly stored: readonly StoredEvent[];
  readonly inbox: InboxJob[];
  /** Payments that somebody asked to look at. */
  readonly asked: PaymentKey[];
  /** Events that wait by themselves. */
  readonly events: { readonly id: string; readonly at: number; readonly event: StoredEvent }[];
  timerOf(key: PaymentKey): number | undefined;
  noteOf(key: PaymentKey): Note;
  /** Runs the job of a queue. */
  run(name: string, data: unknown, id?: string): Promise<void>;
  forget(): void;
}

/** Opens an empty one. */
export function createListSeam(): ListSeam {
  let standing = createMemoryStore();
  /** The store that there is now. */
  const store = new Proxy(standing, { get: (_, name) => standing[name as keyof Store] });
  const processors = new Map<string, (job: HeldJob<unknown>) => Promise<End>>();
  const inbox: InboxJob[] = [];
  const asked: PaymentKey[] = [];
  const stored: StoredEvent[] = [];
  const events: { readonly id: string; readonly at: number; readonly event: StoredEvent }[] = [];
  const timers = new Map<string, number>();
  const notes = new Map<string, { asked?: Asked; known?: Known }>();
  let made = 0;

  const looks: Seam["looks"] = {
    async ask(asks) {
      for (const { key, by, hint, at = Date.now() } of asks) {
        const id = laneId(key);
        const note = notes.get(id) ?? {};
        made += 1;
        const hints = { ...note.asked?.hints, ...(hint === undefined ? {} : { [hint]: String(made) }) };
        const announced = by === "webhook" || by === "operation" ? { announcedAt: at } : {};
        if (by !== "timer")
          notes.set(id, { ...note, asked: { ...note.asked, ...announced, askedBy: by, hints, version: String(made) } });
        if (!asked.some((one) => laneId(one) === id)) asked.push(key);
      }
      return asks.map(({ key }) => ({ id: laneId(key) }));
    },
    waiting: async () => [],
    read: async (key) => ({ ...notes.get(laneId(key)) }),
    async settle(key, _lock, { read, known, judged }) {
      const { asked: before } = notes.get(laneId(key)) ?? {};
      const kept = Object.entries(before?.hints ?? {}).filter(
        ([hint, value]) => !judged.hints.includes(hint) || read.asked?.hints[hint] !== value,
      );
      const rests = judged.announcement && before?.version === read.asked?.version;
      const hints = Object.fromEntries(kept);
      const after = rests ? { hints, version: "" } : before === undefined ? undefined : { ...before, hints };
      const isEmpty = after === undefined || (after.version === "" && kept.length === 0);
      notes.set(laneId(key), { ...(isEmpty ? {} : { asked: after }), ...(known === undefined ? {} : { known }) });
      return true;
    },
  };

  const seam = {
    looks,
    timers: {
      set: async (key, at) => void timers.set(laneId(key), at),
      clear: async (key) => void timers.delete(laneId(key)),
      setSweep: async () => undefined,
    },
    inbox: {
      async add(some) {
        stored.push(...some);
        inbox.push({ events: some });
      },
    },
    events: {
      async add(id, event, at = Date.now()) {
        if (!events.some((one) => one.id === id)) events.push({ id, at, event });
      },
      waiting: async () => events.map(({ event }) => event),
    },
    operations: {
      ask: async () => "",
      running: async () => [],
      ended: async () => [],
      read: async () => undefined,
      write: async () => undefined,
    },
    letters: createLetters(store),
    errands: {
      ask: async () => {
        throw new Error("nobody here runs errands");
      },
      read: async () => undefined,
      list: async () => [],
      write: async () => false,
      stop: async () => undefined,
      start: async () => undefined,
    },
    references: createReferences(store),
    claims: createClaims(store),
    closures: { tell: async () => undefined, list: async () => [] },
    sweeps: { read: async () => ({}), save: async () => undefined, all: async () => [] },
    ledger: {
      repaired: async () => undefined,
      once: async () => undefined,
      standing: async () => undefined,
      late: async () => undefined,
      resolved: async () => undefined,
      dismiss: async () => false,
      tally: async () => undefined,
      read: async () => ({ drift: [], tallies: [] }),
    },
    journal: { append: async () => undefined, read: async () => [], payments: async () => [] },
    evidence: createEvidence(store),
    arrivals: createArrivals(store),
    heartbeats: createHeartbeats(store),
    peers: createPeers(store),
    badNews: createBadNews(store),
    causes: {
      list: async () => [],
      read: async () => undefined,
      write: async () => true,
      remove: async () => undefined,
      send: async () => undefined,
    },
    locks: createLocks(store),
    turn: createTurns(store),
    work(name, process) {
      processors.set(name, process as (job: HeldJob<unknown>) => Promise<End>);
      return { close: async () => undefined };
    },
    counts: async () => [],
    standing: async () => ({ waiting: [], peers: [], closures: [], letters: [], sweeps: [], workers: 0 }),
  } satisfies Seam;

  // The sweep has a schedule of its own; nobody tells its story here.
  const schedule = { getJobScheduler: async () => ({}), upsertJobScheduler: async () => undefined };
  const engine = { kind: "embedded", store: () => store, queue: () => schedule, work: seam.work };

  return {
    seam,
    engine: engine as unknown as Engine,
    stored,
    inbox,
    asked,
    events,
    timerOf: (key) => timers.get(laneId(key)),
    noteOf: (key) => notes.get(laneId(key)) ?? {},
    async run(name, data, id = `job-${(made += 1)}`) {
      const isLane = name === laneName((data as Partial<PaymentKey>).adapter ?? "");
      // A timer that is due is gone.
      if (isLane && (timers.get(laneId(data as PaymentKey)) ?? Infinity) <= Date.now())
        timers.delete(laneId(data as PaymentKey));
      const job = {
        queue: name,
        id,
        name: "",
        token: "",
        data,
        grantedAt: Date.now(),
        stalls: 0,
        isMine: async () => true,
      };
      const end = await processors.get(name)?.(job);
      if (end === undefined) return;
      if (name === inboxName) throw new Error("nobody is configured for an event");
      events.push({ id, at: end.again, event: data as StoredEvent });
    },
    forget() {
      for (const list of [inbox, asked, stored, events]) list.length = 0;
      for (const map of [timers, notes]) map.clear();
      standing = createMemoryStore();
    },
  };
}
