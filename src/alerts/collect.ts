import type { Config } from "../config.ts";
import type { CauseFacts } from "../queue/causes.ts";
import type { DeadLetter, Seam } from "../queue/seam.ts";
import { norcePeer, type Peer } from "../queue/peers.ts";
import { watchPauses } from "./pauses.ts";
import { causeId, fromLateSweeps, fromLetters, fromNews, fromPeers, noWorker } from "./present.ts";

/** What is asked for what is wrong. */
export interface CollectParts {
  readonly config: Config;
  readonly queue: Pick<Seam, "letters" | "peers" | "badNews" | "heartbeats" | "sweeps">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Reads what is wrong now. */
export type Collect = () => Promise<ReadonlyMap<string, CauseFacts>>;

/** How many letters are read; further ones are counted as "or more". */
const mostLetters = 5_000;
const chunk = 500;

/** Everything that is wrong now, by cause; made once per process, since letters that did not change are not read again. */
export function createCollect({ config, queue, now }: CollectParts): Collect {
  const startedAt = now();
  const letters = letterCauses(queue.letters);

  const lateSweeps = async (): Promise<CauseFacts[]> => {
    const { sweepLateMs, sweepLatePeriods } = watchPauses;
    const limitMs = Math.max(sweepLateMs, sweepLatePeriods * config.sweepIntervalSeconds * 1_000);
    const channels = new Map(
      config.targets.map(({ merchant, channel }) => [`${merchant}\n${channel}`, { merchant, channel }]),
    );
    const swept = await Promise.all(
      [...channels.values()].map(async (of) => {
        const { recent } = await queue.sweeps.read(of.merchant, of.channel);
        // Where none came to its end yet, this process has not waited for it any longer than it runs.
        return { ...of, swept: recent?.swept ?? startedAt };
      }),
    );
    return fromLateSweeps(swept.filter((one) => now() - one.swept > limitMs));
  };

  return async () => {
    const [fromLetter, peers, due, news, workers] = await Promise.all([
      letters(),
      queue.peers.list(),
      queue.badNews.due(),
      queue.badNews.after(now() - watchPauses.newsMs),
      queue.heartbeats.list(),
    ]);
    const ours = peers.filter((peer) => isOurs(peer, config));
    const fromPeer = fromPeers(ours, now() - watchPauses.staleMs);
    const isExplained = workers.length === 0 || fromPeer.some(({ of }) => of === norcePeer.peer);
    const causes = [
      ...fromLetter,
      ...fromPeer,
      ...fromNews([...due, ...news]),
      ...(workers.length === 0 ? [noWorker(now())] : []),
      // Who hears that Norce is away, or that nobody works, need not hear that the sweep is late.
      ...(isExplained ? [] : await lateSweeps()),
    ];
    return new Map(causes.map((cause) => [causeId(cause), cause]));
  };
}

/** An account that is not configured any more troubles nobody. */
function isOurs({ peer, merchant, channel }: Peer, config: Config): boolean {
  return peer === norcePeer.peer || config.find({ adapter: peer, merchant, channel }) !== undefined;
}

/** The causes of letters. Thousands may stand for weeks: they are read again where their number or the newest one changed. */
function letterCauses(letters: Pick<Seam["letters"], "count" | "page">): () => Promise<CauseFacts[]> {
  let last: { readonly mark: string; readonly causes: CauseFacts[] } | undefined;
  return async () => {
    const [count, { records }] = await Promise.all([letters.count(), letters.page(1)]);
    const mark = JSON.stringify([count, records[0]?.version]);
    if (last?.mark === mark) return last.causes;
    const all: DeadLetter[] = [];
    let before: string | undefined;
    do {
      const page = await letters.page(chunk, before);
      all.push(...page.records.map(({ value }) => value));
      before = page.next;
    } while (before !== undefined && all.length < mostLetters);
    last = { mark, causes: fromLetters(all, before !== undefined) };
    return last.causes;
  };
}
