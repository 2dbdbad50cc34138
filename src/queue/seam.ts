/** All that the two halves know of the queue: `webhooks/` and `workers/` meet nowhere else. */
import { type BadNews, createBadNews } from "./bad-news.ts";
import { type Causes, createCauses } from "./causes.ts";
import { type Arrivals, createArrivals } from "./arrivals.ts";
import { type Closures, createClosures } from "./closures.ts";
import { createCounts } from "./counts.ts";
import type { Engine } from "./engine.ts";
import { createErrands, type Errands } from "./errands.ts";
import { createEvents, createInbox, type Events, type Inbox } from "./event-queues.ts";
import { createEvidence, type Evidence } from "./evidence.ts";
import { createHeartbeats, type Heartbeats } from "./heartbeats.ts";
import type { QueueCount } from "./jobs.ts";
import { createJournal, type Journal, journalBounds } from "./journal.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { createLetters, type Letters } from "./letters.ts";
import { createLocks, type Locks } from "./locks.ts";
import { createLooks, type Looks } from "./note.ts";
import { createOperationRecords, type OperationRecords } from "./operations.ts";
import { createPeers, type Peers } from "./peers.ts";
import { createTimers, type Timers } from "./timers.ts";
import { type Claims, createClaims, createReferences, type References } from "./references.ts";
import { createStanding, type ReadStanding } from "./standing.ts";
import { createSweeps, type Sweeps } from "./sweeps.ts";
import { createTurns, type TakeTurn } from "./turns.ts";

export type * from "./errands.ts";
export type * from "./arrivals.ts";
export type * from "./event-queues.ts";
export type { DeadLetter, InboxJob, QueueCount, StoredEvent } from "./jobs.ts";
export type * from "./journal.ts";
export type * from "./letter-filter.ts";
export type * from "./letters.ts";
export type * from "./operations.ts";
export type * from "./peers.ts";
export type * from "./references.ts";
export type * from "./standing.ts";
export type * from "./turns.ts";
export type * from "./note.ts";
export type * from "./store.ts";
export type { SweptChannel } from "./sweeps.ts";
export type * from "./work.ts";

/** What moves, and what remembers. */
export interface Seam {
  readonly looks: Looks;
  readonly timers: Timers;
  readonly inbox: Inbox;
  readonly events: Events;
  readonly operations: OperationRecords;
  readonly letters: Letters;
  readonly errands: Errands;
  readonly references: References;
  readonly claims: Claims;
  readonly closures: Closures;
  readonly sweeps: Sweeps;
  readonly ledger: Ledger;
  readonly heartbeats: Heartbeats;
  readonly peers: Peers;
  readonly badNews: BadNews;
  readonly causes: Causes;
  readonly arrivals: Arrivals;
  readonly journal: Journal;
  readonly evidence: Evidence;
  readonly locks: Locks;
  readonly turn: TakeTurn;
  readonly work: Engine["work"];
  /** Jobs per queue and state. @throws WorkerError `QueueUnavailable` within a second. */
  readonly counts: (adapters: readonly string[]) => Promise<readonly QueueCount[]>;
  readonly standing: ReadStanding;
}

/** How the seam is opened. */
export interface SeamOptions {
  /** How much all journals together may take. */
  readonly journalBytes?: number;
  /** The service's clock, where it is not the engine's: times are said by it. Milliseconds since the epoch. */
  readonly now?: () => number;
  /** Where we are in a trace: looks are linked to it. */
  readonly here?: () => string | undefined;
}

/** The seam on one engine. */
export function createSeam(engine: Engine, { journalBytes, now = Date.now, here }: SeamOptions = {}): Seam {
  const bounds = journalBounds(journalBytes);
  const store = engine.store("patient");
  const looks = createLooks(engine, bounds, here);
  return {
    looks,
    timers: createTimers(engine, bounds, now),
    inbox: createInbox(engine),
    events: createEvents(engine, now),
    operations: createOperationRecords(engine),
    letters: createLetters(store),
    errands: createErrands(engine, now),
    references: createReferences(store),
    claims: createClaims(store),
    closures: createClosures(engine),
    sweeps: createSweeps(engine),
    ledger: createLedger(engine, "patient"),
    heartbeats: createHeartbeats(store),
    peers: createPeers(store),
    badNews: createBadNews(store, now),
    causes: createCauses(engine),
    arrivals: createArrivals(engine.store("prompt")),
    journal: createJournal(store, bounds),
    evidence: createEvidence(engine.store("prompt")),
    locks: createLocks(store),
    turn: createTurns(store),
    work: (name, process, options) =>
      engine.work(
        name,
        async (job) => {
          const end = await process(job);
          return end === undefined ? undefined : { again: end.again - now() + Date.now() };
        },
        options,
      ),
    counts: createCounts(engine),
    standing: createStanding(engine, looks),
  };
}
