import { createClosures, type ToldClosure } from "./closures.ts";
import type { Engine } from "./engine.ts";
import { createHeartbeats } from "./heartbeats.ts";
import type { DeadLetter } from "./jobs.ts";
import { createLetters, type Letters } from "./letters.ts";
import { inboxName } from "./names.ts";
import type { Looks, Waiting } from "./note.ts";
import { createPeers, type PeerRecord } from "./peers.ts";
import { createSweeps, type SweepProgress, type SweptChannel } from "./sweeps.ts";

/** Letters of one reason and adapter. */
export interface LetterCount {
  readonly adapter: string;
  readonly reason: string;
  readonly letters: number;
}

/** How things stand, for whoever watches: the same from every process. Times in milliseconds since the epoch. */
export interface Standing {
  readonly waiting: readonly Waiting[];
  readonly peers: readonly PeerRecord[];
  /** PSP accounts that are left alone now. */
  readonly closures: readonly ToldClosure[];
  readonly letters: readonly LetterCount[];
  readonly sweeps: readonly (SweptChannel & { readonly progress: SweepProgress })[];
  /** Worker processes that are there. */
  readonly workers: number;
  /** When one was last heard of; absent: never. */
  readonly workerAt?: number;
  /** When a worker was first heard of: nothing is remembered from before. */
  readonly firstAt?: number;
  /** Since when the oldest job waits in the inbox; absent: none does. */
  readonly inboxSince?: number;
}

/** Reads how things stand, in the channels that are swept. @throws what the engine's driver throws; the reader decides how long it waits. */
export type ReadStanding = (channels: readonly SweptChannel[]) => Promise<Standing>;

/** So many letters are told apart; those of further ones are one number. */
const mostLetters = 10_000;
const further = "further";
const chunk = 500;
/** Whoever asks more often gets what the last one got. */
const keptMs = 1_000;

/** How things stand on one engine. A few commands, whatever the number of payments; letters are read again where they changed. */
export function createStanding(engine: Engine, looks: Pick<Looks, "waiting">): ReadStanding {
  // Who watches while the engine is away must not queue up behind it.
  const store = engine.store("prompt");
  const [peers, heartbeats] = [createPeers(store), createHeartbeats(store)];
  const [closures, sweeps] = [createClosures(engine, "prompt"), createSweeps(engine, "prompt")];
  const letters = letterCounts(createLetters(store));
  let kept: { readonly at: number; readonly of: string; readonly answer: Promise<Standing> } | undefined;
  const read: ReadStanding = async (channels) => {
    const [waiting, known, closed, counts, swept, workers, workerAt, firstAt, inboxSince] = await Promise.all([
      looks.waiting(),
      peers.list(),
      closures.list(),
      letters(),
      sweeps.all(channels),
      heartbeats.list(),
      heartbeats.last(),
      heartbeats.first(),
      oldestInInbox(engine),
    ]);
    return {
      waiting,
      peers: known,
      closures: closed,
      letters: counts,
      sweeps: swept,
      workers: workers.length,
      ...(workerAt === undefined ? {} : { workerAt }),
      ...(firstAt === undefined ? {} : { firstAt }),
      ...(inboxSince === undefined ? {} : { inboxSince }),
    };
  };
  return async (channels) => {
    const of = JSON.stringify(channels);
    if (kept === undefined || kept.of !== of || Date.now() - kept.at >= keptMs) {
      const asked = { at: Date.now(), of, answer: read(channels) };
      kept = asked;
      asked.answer.catch(() => {
        if (kept === asked) kept = undefined;
      });
    }
    return await kept.answer;
  };
}

/** A rule's name, or the kind of the error: what an error says in its own words is no label. */
function labelOf({ context, kind }: Pick<DeadLetter, "context" | "kind">): string {
  const reason = context?.["reason"];
  return typeof reason === "string" ? reason : kind;
}

function letterCounts(letters: Pick<Letters, "count" | "page">): () => Promise<readonly LetterCount[]> {
  let last: { readonly mark: string; readonly counts: readonly LetterCount[] } | undefined;
  return async () => {
    const [count, { records }] = await Promise.all([letters.count(), letters.page(1)]);
    const mark = JSON.stringify([count, records[0]?.version]);
    if (last?.mark === mark) return last.counts;
    const counts = new Map<string, LetterCount>();
    let read = 0;
    let before: string | undefined;
    do {
      const page = await letters.page(chunk, before);
      for (const { value } of page.records) {
        const [adapter, reason] = [value.key.adapter, labelOf(value)];
        const id = JSON.stringify([adapter, reason]);
        counts.set(id, { adapter, reason, letters: (counts.get(id)?.letters ?? 0) + 1 });
      }
      read += page.records.length;
      before = page.next;
    } while (before !== undefined && read < mostLetters);
    const rest = before === undefined ? [] : [{ adapter: "", reason: further, letters: Math.max(0, count - read) }];
    last = { mark, counts: [...counts.values(), ...rest] };
    return last.counts;
  };
}

/** By the job's own time, which is that of the process that added it. */
async function oldestInInbox(engine: Engine): Promise<number | undefined> {
  const [oldest] = await engine.queue(inboxName, "prompt").getJobs(["waiting"], 0, 0, true);
  return oldest?.timestamp;
}
