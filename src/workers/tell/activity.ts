import type { Target } from "../../contract/adapter.ts";
import type { Logger } from "../../lib/log.ts";
import { isoOf } from "../../lib/time.ts";
import type { StoredEvent } from "../../queue/jobs.ts";
import { norcePeer, type Peer, type PeerRecord, type Peers } from "../../queue/peers.ts";
import { within } from "../../queue/within.ts";
import type { Found } from "../found.ts";
import { tellPauses } from "../patience.ts";
import { repairs } from "./facts.ts";
import { type PeerNews, withNews } from "./known-peer.ts";
import type { PeerStanding } from "./peers.ts";
import type { Listener } from "./told.ts";

/**
 * Writes down, for all processes together, what was met of each PSP account and of Norce: looks, webhooks and the secrets that proved them,
 * troubles, and payments that moved without a webhook. It gathers for a few seconds and writes then, so that a burst costs as much as one look;
 * a process that dies takes a few counts with it. From what all processes have met follows that an account's webhooks are silent.
 */
export interface Activity extends Listener, PeerStanding {
  /** Hands over what is still held. */
  close(): Promise<void>;
}

interface ActivityParts {
  readonly peers: Pick<Peers, "change">;
  readonly log: Logger;
  readonly now: () => number;
  /** Told for as long as an account's webhooks are silent, whenever something more is found. */
  readonly found: (of: Target, found: Found) => void;
  /** Told once when a webhook has come again. */
  readonly over: (of: Target, name: string) => void;
}

/** No webhook of an account came for longer than usual, while payments moved. */
const webhooksSilent = "webhooks-silent";
/** How many webhooks of an account are held at most until they are written down. */
const mostHeld = 10_000;

/** One process's hand in it. */
export function tellActivity({ peers, log, now, found, over }: ActivityParts): Activity {
  const held = new Map<string, { readonly peer: Peer; news: PeerNews }>();
  let underWay: Promise<void> | undefined;
  let told = false;

  const newsOf = (peer: Peer): PeerNews => {
    const id = JSON.stringify([peer.peer, peer.merchant, peer.channel]);
    const known = held.get(id) ?? { peer, news: { webhooks: [], missed: [] } };
    held.set(id, known);
    return known.news;
  };

  const write = async (peer: Peer, news: PeerNews): Promise<void> => {
    const at = now();
    const { before, after } = await peers.change(peer, (known) => withNews(known, peer, news, at));
    if (peer.peer !== norcePeer.peer) tellSilence(before, after, news);
  };

  const tellSilence = (before: PeerRecord | undefined, after: PeerRecord, news: PeerNews): void => {
    const { peer: adapter, merchant, channel, silent, missed } = after;
    const of = { adapter, merchant, channel };
    if (silent !== undefined && (before?.silent === undefined || news.missed.length > 0)) {
      const facts = { since: isoOf(silent.since), found: missed, expected: silent.expected };
      if (before?.silent === undefined) log.error({ ...of, ...facts }, "webhook.silent");
      found(of, { name: webhooksSilent, facts });
    }
    if (silent === undefined && before?.silent !== undefined) {
      const { since } = before.silent;
      const lastedMs = (after.heardAt ?? now()) - since;
      log.info({ ...of, since: isoOf(since), lastedMs, found: before.missed }, "webhook.heard");
      over(of, webhooksSilent);
    }
  };

  /** What could not be written is held on to, and written with what comes next. */
  const flush = async (): Promise<void> => {
    const taken = [...held.values()];
    held.clear();
    for (const { peer, news } of taken) {
      try {
        await write(peer, news);
        told = false;
      } catch (error) {
        putBack(newsOf(peer), news);
        if (!told) log.warn({ error }, "ledger.unwritten");
        told = true;
      }
    }
  };
  const flushNow = (): Promise<void> => {
    underWay ??= flush().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  const timer = setInterval(() => void flushNow(), tellPauses.flushMs).unref();

  return {
    received(events) {
      for (const { peer, at, by } of webhooksOf(events)) {
        const { webhooks } = newsOf(peer);
        if (webhooks.length < mostHeld) webhooks.push({ at, ...(by === undefined ? {} : { by }) });
      }
    },
    looked({ key, announced, came, now: at }, facts) {
      if ("turnedAway" in came) return;
      const news = newsOf(peerOf(key));
      news.lookedAt = at;
      newsOf(norcePeer).lookedAt = at;
      if (!announced && repairs(facts) && news.missed.length < mostHeld) news.missed.push(at);
    },
    peerFails(peer, is, since, facts) {
      const news = newsOf(peer);
      const isNew = news[is] === undefined && news.goodAt === undefined;
      news[is] = { since, last: now(), facts: facts ?? {} };
      // The first minute counts.
      if (isNew) void flushNow();
    },
    peerAnswers(peer, wasTold) {
      newsOf(peer).goodAt = now();
      if (wasTold) void flushNow();
    },
    async close() {
      clearInterval(timer);
      const all = async (): Promise<void> => {
        await underWay;
        await flushNow();
      };
      await within(tellPauses.closeMs, all()).catch(() => undefined);
    },
  };
}

/** Webhooks and not their events: those of one request came at once. */
function webhooksOf(
  events: readonly StoredEvent[],
): Iterable<{ readonly peer: Peer; readonly at: number; readonly by?: string | undefined }> {
  const webhooks = events.map(({ target, webhook, receivedAt, by }) => {
    const { adapter, merchant, channel, orderId, paymentId } = target;
    const id = JSON.stringify([adapter, merchant, channel, orderId, paymentId, webhook, receivedAt]);
    return [id, { peer: peerOf(target), at: receivedAt, by }] as const;
  });
  return new Map(webhooks).values();
}

function peerOf({ adapter, merchant, channel }: Target): Peer {
  return { peer: adapter, merchant, channel };
}

function putBack(into: PeerNews, news: PeerNews): void {
  into.webhooks.unshift(...news.webhooks.slice(0, mostHeld));
  into.missed.unshift(...news.missed);
  into.down ??= news.down;
  into.refused ??= news.refused;
  into.goodAt ??= news.goodAt;
  into.lookedAt ??= news.lookedAt;
}
