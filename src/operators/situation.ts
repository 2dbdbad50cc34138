/** How things stand, as people on call are told of it: what waits, peers, workers. Pure. Times are told as ISO 8601. */
import type { Target } from "../contract/adapter.ts";
import type { Config } from "../config.ts";
import type { StoredEvent } from "../queue/jobs.ts";
import type { OperationState } from "../queue/operations.ts";
import { norcePeer, type Peer, type PeerRecord, type PeerTrouble } from "../queue/peers.ts";
import type { Standing } from "../queue/standing.ts";
import { isoOf } from "../lib/time.ts";

/** A merchant's channel, or all of them. */
export interface Scope {
  readonly merchant?: string | undefined;
  readonly channel?: string | undefined;
}

/** Payments that wait for one reason. */
export interface ListedWaiting {
  readonly reason: string;
  readonly payments: number;
  /** Since when the oldest waits. */
  readonly since: string;
  /** When the first of them is looked at again. */
  readonly nextLook: string;
  /** Most first. */
  readonly accounts: readonly (Pick<Peer, "merchant" | "channel"> & {
    readonly adapter: string;
    readonly payments: number;
  })[];
}

/** Events or operations that wait. */
export interface ListedHeld {
  readonly what: "events" | "operations";
  /** In a sentence. */
  readonly says: string;
  readonly count: number;
  /** Since when the oldest waits. */
  readonly since: string;
  /** Most first. */
  readonly accounts: readonly (Pick<Peer, "merchant" | "channel"> & {
    readonly adapter: string;
    readonly count: number;
  })[];
}

/** A PSP's account, or Norce. What is not there did not happen. */
export interface ListedPeer {
  readonly peer: string;
  readonly merchant?: string;
  readonly channel?: string;
  readonly down?: { readonly since: string; readonly [fact: string]: unknown };
  readonly refused?: { readonly since: string; readonly [fact: string]: unknown };
  /** It is left alone until then. */
  readonly gate?: { readonly why: string; readonly until: string };
  readonly lastLook?: string;
  readonly lastWebhook?: string;
  /** No webhook came since then, so many payments moved, and so many webhooks usually come meanwhile. */
  readonly silent?: { readonly since: string; readonly found: number; readonly expected: number };
}

/** Payments that wait, by reason: most first. */
export function listedWaiting({ waiting }: Pick<Standing, "waiting">, scope: Scope): readonly ListedWaiting[] {
  const groups = Map.groupBy(
    waiting.filter((one) => isWithin(one, scope)),
    ({ reason }) => reason,
  );
  return [...groups]
    .map(([reason, group]) => ({
      reason,
      payments: group.reduce((sum, { payments }) => sum + payments, 0),
      since: isoOf(Math.min(...group.map(({ since }) => since))),
      nextLook: isoOf(Math.min(...group.map(({ nextLookAt }) => nextLookAt))),
      accounts: group
        .map(({ adapter, merchant, channel, payments }) => ({ adapter, merchant, channel, payments }))
        .toSorted((one, other) => other.payments - one.payments),
    }))
    .toSorted((one, other) => other.payments - one.payments);
}

/** Events and operations that wait, most first. */
export function listedHeld(
  events: readonly StoredEvent[],
  operations: readonly (OperationState & { readonly id: string })[],
  scope: Scope,
): readonly ListedHeld[] {
  const parts = [
    ...events.map(({ target, receivedAt, evidence }) => ({
      what: "events" as const,
      says: evidence === undefined ? "until their payment is found and their line is kept" : "until they are proven",
      of: target,
      since: receivedAt,
    })),
    ...operations
      .filter(({ name, outcome }) => name !== "preview" && outcome === undefined)
      .map(({ key, at, sent }) => ({
        what: "operations" as const,
        says: sent === undefined ? "not sent yet" : "sent to the PSP; what came of them is not known yet",
        of: key,
        since: at,
      })),
  ].filter(({ of }) => isWithin(of, scope));
  return [...Map.groupBy(parts, ({ says }) => says).values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const accounts = Map.groupBy(group, ({ of }) => JSON.stringify([of.adapter, of.merchant, of.channel]));
      const counted = [...accounts.values()].flatMap(([one, ...others]) =>
        one === undefined ? [] : [{ ...accountOf(one.of), count: 1 + others.length }],
      );
      return [
        {
          what: first.what,
          says: first.says,
          count: group.length,
          since: isoOf(Math.min(...group.map(({ since }) => since))),
          accounts: counted.toSorted((one, other) => other.count - one.count),
        },
      ];
    })
    .toSorted((one, other) => other.count - one.count);
}

function accountOf({ adapter, merchant, channel }: Target): Pick<Target, "adapter" | "merchant" | "channel"> {
  return { adapter, merchant, channel };
}

/** Norce and every account that is configured, whether or not anything was met of it. */
export function listedPeers(
  { peers, closures }: Pick<Standing, "peers" | "closures">,
  { targets }: Pick<Config, "targets">,
  scope: Scope,
): readonly ListedPeer[] {
  const known = new Map(peers.map((record) => [idOf(record), record]));
  const gates = new Map(closures.map(({ adapter, account, why, until }) => [`${adapter} ${account}`, { why, until }]));
  const accounts = targets
    .filter((target) => isWithin(target, scope))
    .map(({ adapter, merchant, channel }) => ({ peer: adapter.id, merchant, channel }));
  return [norcePeer, ...accounts].map((peer) => {
    const gate = gates.get(`${peer.peer} ${JSON.stringify([peer.merchant, peer.channel])}`);
    return { ...listedFrom(peer, known.get(idOf(peer))), ...(gate && { gate: { ...gate, until: isoOf(gate.until) } }) };
  });
}

function listedFrom({ peer, merchant, channel }: Peer, record: PeerRecord | undefined): ListedPeer {
  const whose = peer === norcePeer.peer ? { peer } : { peer, merchant, channel };
  if (record === undefined) return whose;
  const { down, refused, silent, lookedAt, heardAt, missed } = record;
  return {
    ...whose,
    ...(down === undefined ? {} : { down: troubleOf(down) }),
    ...(refused === undefined ? {} : { refused: troubleOf(refused) }),
    ...(lookedAt === undefined ? {} : { lastLook: isoOf(lookedAt) }),
    ...(heardAt === undefined ? {} : { lastWebhook: isoOf(heardAt) }),
    ...(silent && { silent: { since: isoOf(silent.since), found: missed, expected: silent.expected } }),
  };
}

function troubleOf({ since, facts }: PeerTrouble): { readonly since: string; readonly [fact: string]: unknown } {
  const { peer: _peer, ...rest } = facts;
  return { since: isoOf(since), ...rest };
}

function isWithin(of: Pick<Peer, "merchant" | "channel">, { merchant, channel }: Scope): boolean {
  return (merchant ?? of.merchant) === of.merchant && (channel ?? of.channel) === of.channel;
}

function idOf({ peer, merchant, channel }: Peer): string {
  return JSON.stringify([peer, merchant, channel]);
}
