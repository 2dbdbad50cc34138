import type { Json } from "../contract/adapter.ts";
import { hashOf } from "./names.ts";
import type { Store } from "./store.ts";

/** Whom we ask: one merchant's account at a PSP, or `norce`, which is one for all: its merchant and channel are empty. */
export interface Peer {
  readonly peer: string;
  readonly merchant: string;
  readonly channel: string;
}

/** Norce: its token is one for all merchants. */
export const norcePeer: Peer = { peer: "norce", merchant: "", channel: "" };

/** What a peer is met in. Times in milliseconds since the epoch. */
export interface PeerTrouble {
  readonly since: number;
  /** When it was last met. */
  readonly last: number;
  /** What it answered: host, status, code, the id that its support asks for. */
  readonly facts: Readonly<Record<string, Json>>;
}

/** Which webhooks one secret has proven. Times in milliseconds since the epoch. */
export interface KeyUse {
  readonly webhooks: number;
  readonly since: number;
  readonly last: number;
}

/** How many webhooks come at which time of day, in UTC. Bounded: 48 numbers, however many there are. */
export interface Rhythm {
  /** Days since the epoch. */
  readonly day: number;
  /** By hour of that day. */
  readonly today: readonly number[];
  /** The same of a usual day, recent days above older ones; absent before a day has passed. */
  readonly usual?: readonly number[];
}

/** What is known of a peer by all processes together. Times in milliseconds since the epoch. */
export interface PeerRecord extends Peer {
  /** When it was first heard of. */
  readonly since: number;
  readonly down?: PeerTrouble;
  readonly refused?: PeerTrouble;
  /** When the last trouble was over. */
  readonly overAt?: number;
  readonly lookedAt?: number;
  /** The last webhook of the account that was proven. */
  readonly heardAt?: number;
  /** By the fingerprint of a secret that proves webhooks. */
  readonly keys: Readonly<Record<string, KeyUse>>;
  readonly rhythm: Rhythm;
  /** How many payments moved without a webhook since the last one came. */
  readonly missed: number;
  /** Its webhooks have stopped: since then. */
  readonly silent?: { readonly since: number; readonly toldAt: number; readonly expected: number };
}

/** What is known of PSPs' accounts and of Norce. */
export interface Peers {
  /**
   * Changes what is known of a peer, by compare and set: what another process wrote meanwhile is handed in once more. What was written last by
   * this process is remembered, so that one command does where nobody else writes.
   * @returns what stood there, and what stands there now.
   */
  change(
    peer: Peer,
    changed: (known: PeerRecord | undefined) => PeerRecord,
  ): Promise<{ readonly before: PeerRecord | undefined; readonly after: PeerRecord }>;
  list(): Promise<readonly PeerRecord[]>;
}

/** Of a peer that nobody asks any more nothing is kept after this time. */
const keptMs = 90 * 24 * 3_600_000;
const chunk = 500;

type Written = PeerRecord & Record<string, never>;
interface Standing {
  readonly version: string;
  readonly value: PeerRecord;
}

/** The peers on one engine. */
export function createPeers(store: Store): Peers {
  const written = new Map<string, Standing>();
  return {
    async change({ peer, merchant, channel }, changed) {
      const id = hashOf(["peer", peer, merchant, channel]);
      for (let stands = written.get(id); ; stands = undefined) {
        stands ??= await store.get<Written>("peer", id);
        const after = changed(stands?.value);
        if (stands === undefined) {
          const { mine, stored } = await store.putIfAbsent("peer", id, after as Written, keptMs);
          if (!mine) continue;
          written.set(id, { version: stored.version, value: after });
          return { before: undefined, after };
        }
        const version = await store.update("peer", id, stands.version, after as Written, keptMs);
        written.delete(id);
        if (version === undefined) continue;
        written.set(id, { version, value: after });
        return { before: stands.value, after };
      }
    },
    async list() {
      const found: PeerRecord[] = [];
      let before: string | undefined;
      do {
        const page = await store.list<Written>("peer", { limit: chunk, ...(before === undefined ? {} : { before }) });
        found.push(...page.records.map(({ value }) => value));
        before = page.next;
      } while (before !== undefined);
      return [...new Map(found.map((one) => [hashOf([one.peer, one.merchant, one.channel]), one])).values()];
    },
  };
}
