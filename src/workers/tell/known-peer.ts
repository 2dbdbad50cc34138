import type { KeyUse, Peer, PeerRecord, PeerTrouble } from "../../queue/peers.ts";
import { heard, newRhythm, rhythmAt, silenceOf } from "./silence.ts";

/** What one process has met of a peer and not written down yet. Times in milliseconds since the epoch. */
export interface PeerNews {
  down?: PeerTrouble | undefined;
  refused?: PeerTrouble | undefined;
  /** When it last answered as it should. */
  goodAt?: number | undefined;
  lookedAt?: number | undefined;
  /** When its webhooks came, and the fingerprints of what proved them. */
  readonly webhooks: { readonly at: number; readonly by?: string }[];
  /** Payments that moved without a webhook: when that was found. */
  readonly missed: number[];
}

/** Secrets that are remembered of an account; the ones not seen for the longest time give way. */
const mostKeys = 20;

/** What is known of a peer with what one process has met. Pure: it may be asked more than once with the same news. */
export function withNews(known: PeerRecord | undefined, peer: Peer, news: PeerNews, now: number): PeerRecord {
  const times = news.webhooks.map(({ at }) => at);
  const since = known?.since ?? Math.min(now, ...times);
  const before = known ?? { ...peer, since, keys: {}, rhythm: newRhythm(now), missed: 0 };
  const heardAt = latest(before.heardAt, ...times);
  // What was found before the last webhook came is made up for.
  const hears = heardAt !== undefined && heardAt > (before.heardAt ?? -Infinity);
  const missed = (hears ? 0 : before.missed) + news.missed.filter((at) => at > (heardAt ?? -Infinity)).length;
  // Nothing is learned of days on which webhooks are known to be missing.
  const rhythm =
    before.silent === undefined || hears ? rhythmAt(before.rhythm, since, before.silent?.since ?? now) : before.rhythm;
  const { down, refused, silent: _silent, ...rest } = before;
  const standing = {
    // Who refuses us is there.
    down: standingOf(latestOf(down, news.down), latest(news.goodAt, news.refused?.last)),
    refused: standingOf(latestOf(refused, news.refused), news.goodAt),
  };
  const isOver =
    (down !== undefined && standing.down === undefined) || (refused !== undefined && standing.refused === undefined);
  const after: PeerRecord = {
    ...rest,
    ...(standing.down === undefined ? {} : { down: standing.down }),
    ...(standing.refused === undefined ? {} : { refused: standing.refused }),
    ...(isOver && news.goodAt !== undefined ? { overAt: news.goodAt } : {}),
    ...timesOf({ lookedAt: latest(before.lookedAt, news.lookedAt), heardAt }),
    keys: keysWith(before.keys, news.webhooks),
    rhythm: times.reduce(heard, rhythm),
    missed,
  };
  const silence = hears ? undefined : silenceOf(after, now);
  const silent = before.silent !== undefined && !hears ? before.silent : silence && { ...silence, toldAt: now };
  return silent === undefined ? after : { ...after, silent };
}

/** Of the same trouble, met again: since its beginning, as it was last. */
function latestOf(one: PeerTrouble | undefined, other: PeerTrouble | undefined): PeerTrouble | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const [earlier, later] = one.last <= other.last ? [one, other] : [other, one];
  return { ...later, since: Math.min(earlier.since, later.since) };
}

/** What was met before the peer last answered as it should is over. */
function standingOf(trouble: PeerTrouble | undefined, goodAt = -Infinity): PeerTrouble | undefined {
  return trouble !== undefined && trouble.last >= goodAt ? trouble : undefined;
}

function keysWith(
  keys: Readonly<Record<string, KeyUse>>,
  webhooks: PeerNews["webhooks"],
): Readonly<Record<string, KeyUse>> {
  const uses = new Map(Object.entries(keys));
  for (const { at, by } of webhooks) {
    if (by === undefined) continue;
    const { webhooks: before, since, last } = uses.get(by) ?? { webhooks: 0, since: at, last: at };
    uses.set(by, { webhooks: before + 1, since: Math.min(since, at), last: Math.max(last, at) });
  }
  const newest = [...uses].toSorted(([, one], [, other]) => other.last - one.last);
  return Object.fromEntries(newest.slice(0, mostKeys));
}

function latest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function timesOf(times: Readonly<Record<"lookedAt" | "heardAt", number | undefined>>): {
  lookedAt?: number;
  heardAt?: number;
} {
  return Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined));
}
