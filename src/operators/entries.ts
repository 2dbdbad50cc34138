/** The ledger's entries as people on call are told of them: each cause once, and whether it is still so. Pure. */
import { calmNames, type Entry } from "../queue/ledger.ts";
import { norcePeer, type PeerRecord } from "../queue/peers.ts";
import { isoOf } from "../lib/time.ts";

/** A difference as it is told: found at `at`, and last at `last` where it was found again. Times are ISO 8601. */
export type ListedEntry = Omit<Entry, "at" | "last" | "resolvedAt" | "dismissedAt"> & {
  readonly at: string;
  readonly last?: string;
  /** It is so no longer: since then, or `true` where nobody noted when. */
  readonly resolved?: string | true;
  /** A person has dealt with it. */
  readonly dismissed?: string;
  /** A person is needed. */
  readonly attention: boolean;
};

/** What tells whether an entry is still so. */
export interface EntryContext {
  /** The ids of the dead letters that stand. */
  readonly letters: ReadonlySet<string>;
  readonly peers: readonly PeerRecord[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What is found as long as it is so, at least once a day: after this time without it, it is so no longer. */
const lastingMs = 50 * 3_600_000;
const lasting: ReadonlySet<string> = new Set([
  "two-live-payments",
  "payment-good-order-not-accepted",
  "payments-not-at-psp",
]);
/** What stands in a peer's record as long as it is so. */
const ofPeers: Readonly<Record<string, "down" | "refused" | "silent">> = {
  "credentials-refused": "refused",
  "norce-down": "down",
  "psp-down": "down",
  "webhooks-silent": "silent",
};

/**
 * What is found again and again is told once, with its first time and its last; a repair is told each time. What a dead letter that stands
 * tells already is left out.
 */
export function listedEntries(drift: readonly Entry[], context: EntryContext): readonly ListedEntry[] {
  const same = Map.groupBy(drift, (entry) => (entry.from === undefined ? nameOf(entry) : entry.id));
  return [...same.values()].flatMap((entries) => {
    const [first] = entries;
    const newest = entries.at(-1);
    if (first === undefined || newest === undefined) return [];
    if (newest.letter !== undefined && context.letters.has(newest.letter)) return [];
    const last = Math.max(...entries.map((one) => one.last ?? one.at));
    return [listedFrom({ ...newest, at: first.at, ...(last === first.at ? {} : { last }) }, context)];
  });
}

/** A payment may have several of a name, such as two disputes. */
function nameOf({ name, adapter, merchant, channel, orderId, paymentId, facts }: Entry): string {
  const about = orderId === undefined ? undefined : facts?.["id"];
  return JSON.stringify([name, adapter, merchant, channel, orderId, paymentId, about]);
}

function listedFrom({ at, last, resolvedAt, dismissedAt, ...entry }: Entry, context: EntryContext): ListedEntry {
  const since = resolvedAt ?? goneSince({ at, ...(last === undefined ? {} : { last }), ...entry }, context);
  const resolved = typeof since === "number" ? isoOf(since) : since;
  return {
    ...entry,
    at: isoOf(at),
    ...(last === undefined ? {} : { last: isoOf(last) }),
    ...(resolved === undefined ? {} : { resolved }),
    ...(dismissedAt === undefined ? {} : { dismissed: isoOf(dismissedAt) }),
    attention: !calmNames.has(entry.name) && resolved === undefined && dismissedAt === undefined,
  };
}

/** Whether it tells what a peer is in, which stands with the peer as well. */
export function isOfPeer({ name }: Pick<Entry, "name">): boolean {
  return Object.hasOwn(ofPeers, name);
}

/** Since when it is so no longer, as far as that is known; `undefined`: it is so. */
function goneSince(entry: Entry, { peers, now }: EntryContext): number | true | undefined {
  const { name, letter, at, last = at } = entry;
  // Its letter was taken away, by a look or by a person.
  if (letter !== undefined) return true;
  if (lasting.has(name)) return now - last > lastingMs ? last : undefined;
  const is = Object.hasOwn(ofPeers, name) ? ofPeers[name] : undefined;
  if (is === undefined) return undefined;
  const record = peers.find((peer) => isAbout(entry, peer));
  if (record === undefined || record[is] !== undefined) return undefined;
  return (is === "silent" ? record.heardAt : record.overAt) ?? true;
}

function isAbout(entry: Entry, { peer, merchant, channel }: PeerRecord): boolean {
  if (entry.name === "norce-down" || entry.facts?.["peer"] === norcePeer.peer) return peer === norcePeer.peer;
  return peer === entry.adapter && merchant === entry.merchant && channel === entry.channel;
}
