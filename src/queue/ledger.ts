import { randomUUID } from "node:crypto";
import type { Json, PaymentKey, Target } from "../contract/adapter.ts";
import type { Engine, Temper } from "./engine.ts";
import { hashOf, laneId } from "./names.ts";
import type { Store } from "./store.ts";

/** A difference between Norce and a PSP, by name. No personal data. */
export interface Drift {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** When it was last found to be so, where it goes on being true. */
  readonly last?: number;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly orderId?: string;
  readonly paymentId?: string;
  /** States, where it is a repair. */
  readonly from?: string;
  readonly to?: string;
  /** What a person compares, and whom it is about. */
  readonly facts?: Readonly<Record<string, Json>>;
  /** The dead letter that tells the same. */
  readonly letter?: string;
  /** When a later look found it gone. */
  readonly resolvedAt?: number;
  /** When a person said that it is dealt with. */
  readonly dismissedAt?: number;
}

/** A difference as it stands in the ledger. */
export type Entry = Drift & { readonly id: string };

/** What comparisons came to within an hour, of one merchant's channel and adapter. */
export interface Tally {
  /** Milliseconds since the epoch: the beginning of the hour. */
  readonly hour: number;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly compared: number;
  readonly agreed: number;
  readonly repaired: number;
  readonly unresolved: number;
}

/** Which entries of the ledger: from `from` until before `to`, in milliseconds since the epoch. */
export interface LedgerQuery {
  readonly from: number;
  readonly to: number;
  readonly merchant?: string;
  readonly channel?: string;
}

/** What the ledger has of a period. */
export interface LedgerExtract {
  /** Oldest first. */
  readonly drift: readonly Entry[];
  readonly tallies: readonly Tally[];
}

/** What was found to differ, and how much was compared, for 90 days. */
export interface Ledger {
  /** A repair that nobody had announced; a webhook that comes within minutes makes it a late one. */
  repaired(key: PaymentKey, drift: Drift): Promise<void>;
  /** A difference that is kept once, however often it is met; one that was resolved is open again. */
  once(id: readonly string[], drift: Drift): Promise<void>;
  /** A difference that goes on being true: one entry, that says when it was found first and when last. */
  standing(id: readonly string[], drift: Drift): Promise<void>;
  /** A later look found it gone. Of what never was kept, nothing is written. */
  resolved(id: readonly string[], at: number): Promise<void>;
  /** A person has dealt with it: found again, it stays so. @returns whether there is such an entry. */
  dismiss(entryId: string, at: number): Promise<boolean>;
  /** A webhook came that had nothing left to tell: was it about a repair of some minutes ago? */
  late(key: PaymentKey): Promise<void>;
  /** Keeps one process's tallies of an hour; replaces what it kept of that hour before. */
  tally(id: readonly string[], tallies: readonly Tally[]): Promise<void>;
  read(query: LedgerQuery): Promise<LedgerExtract>;
}

/** Mended already, or to be known: the others need a person. */
export const calmNames: ReadonlySet<string> = new Set([
  "missed-event",
  "late-event",
  "amount-differs",
  "unknown-reference",
]);

/** The names of what was repaired: before and after a webhook came for it. */
export const missedEvent = "missed-event";
const lateEvent = "late-event";

const keptMs = 90 * 24 * 3_600 * 1_000;
/** A webhook that comes later than this after a repair is another one. */
const lateMs = 15 * 60 * 1_000;
/** How many records are read at once. */
const chunk = 500;

type Written<Value> = Value & Record<string, never>;

/** The ledger on one engine. */
export function createLedger(engine: Engine, temper: Temper): Ledger {
  const store = engine.store(temper);
  /** Changes an entry that is there; who comes second changes what the first one left. */
  const change = async (id: string, changed: (drift: Drift) => Drift): Promise<boolean> => {
    for (;;) {
      const found = await store.get<Written<Drift>>("drift", id);
      if (found === undefined) return false;
      const written = await store.update("drift", id, found.version, { ...changed(found.value) }, keptMs);
      if (written !== undefined) return true;
    }
  };
  return {
    async repaired(key, drift) {
      const id = randomUUID();
      await store.put("drift", id, { ...drift }, keptMs);
      // Only the last repair of a payment can be told late; the one before stays as it is.
      await store.put("repair", laneId(key), id, lateMs);
    },
    async once(id, drift) {
      const name = hashOf(id);
      const { mine, stored } = await store.putIfAbsent<Written<Drift>>(
        "drift",
        name,
        { ...drift } as Written<Drift>,
        keptMs,
      );
      if (!mine && stored.value.resolvedAt !== undefined) await change(name, (known) => reopen(known, drift.at));
    },
    async standing(id, drift) {
      const name = hashOf(id);
      const { mine } = await store.putIfAbsent("drift", name, { ...drift }, keptMs);
      if (!mine) await change(name, (known) => reopen(known, drift.at));
    },
    async resolved(id, at) {
      await change(hashOf(id), (known) => ({ ...known, resolvedAt: at }));
    },
    dismiss: async (entryId, at) =>
      shape.test(entryId) && (await change(entryId, (known) => ({ ...known, dismissedAt: at }))),
    async late(key) {
      const repair = await store.get<string>("repair", laneId(key));
      if (repair === undefined) return;
      await change(repair.value, (drift) => (drift.name === missedEvent ? { ...drift, name: lateEvent } : drift));
    },
    tally: async (id, tallies) =>
      await store.put(
        "tally",
        hashOf(id),
        tallies.map((tally) => ({ ...tally })),
        keptMs,
      ),
    async read(query) {
      const drift = (await all(store, "drift")).map(({ id, value }): Entry => ({ ...(value as Written<Drift>), id }));
      const tallies = (await all(store, "tally")).flatMap(({ value }) => value as Written<Tally>[]);
      return {
        drift: drift
          .filter((entry) => isWithin(query, entry, entry.at, entry.last))
          .toSorted((one, other) => one.at - other.at),
        tallies: tallies.filter((tally) => isWithin(query, tally, tally.hour)),
      };
    },
  };
}

/** It is so now, whatever was found in between. */
function reopen({ resolvedAt: _resolved, ...known }: Drift, at: number): Drift {
  return { ...known, last: Math.max(known.last ?? known.at, at) };
}

/** What an entry's id looks like: ids come from outside, too. */
const shape = /^[\w-]{36,43}$/;

/** All records of a kind, each once: what is written meanwhile is at the beginning. */
async function all(
  store: Store,
  kind: "drift" | "tally",
): Promise<readonly { readonly id: string; readonly value: Json }[]> {
  const found = new Map<string, Json>();
  let before: string | undefined;
  do {
    const page = await store.list(kind, { limit: chunk, ...(before === undefined ? {} : { before }) });
    for (const { id, value } of page.records) found.set(id, value);
    before = page.next;
  } while (before !== undefined);
  return [...found].map(([id, value]) => ({ id, value }));
}

/**
 * @param of what is Norce's names no merchant and no channel: it is everybody's.
 * @param last where it went on being true: it belongs to every period from the one to the other.
 */
function isWithin(
  { from, to, merchant, channel }: LedgerQuery,
  of: Pick<Target, "merchant" | "channel">,
  at: number,
  last = at,
): boolean {
  const isMeant = (wanted: string | undefined, is: string): boolean =>
    wanted === undefined || is === "" || wanted === is;
  return last >= from && at < to && isMeant(merchant, of.merchant) && isMeant(channel, of.channel);
}
