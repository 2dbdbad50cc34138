import { isDeepStrictEqual } from "node:util";
import type { PaymentKey } from "../contract/adapter.ts";
import type { DeadLetter } from "./jobs.ts";
import { reasonOf } from "./letter-filter.ts";
import { hashOf, laneId } from "./names.ts";
import type { Page, Store, Stored } from "./store.ts";

/** Dead letters: what needs a person. A payment has one, an event that was never placed has its own. */
export interface Letters {
  /**
   * Replaces the letter that stands there. Of the same reason it goes on: since when, and when it was first given up, stay as they were.
   * @returns the letter as it stands now.
   */
  put(letter: DeadLetter): Promise<DeadLetter>;
  /** Takes away the letter that stands there where it is this very one: whoever put it had lost its job. */
  withdraw(letter: DeadLetter): Promise<void>;
  /** The payment, or the event, needs nobody any more. */
  clear(of: PaymentKey | Pick<DeadLetter, "key" | "event">): Promise<void>;
  /** Whether a person is needed already. */
  has(key: PaymentKey): Promise<boolean>;
  /** The payment's own letter, with the id by which a person deals with it. */
  of(key: PaymentKey): Promise<(DeadLetter & { readonly id: string }) | undefined>;
  /** Newest first. */
  list(limit: number): Promise<(DeadLetter & { readonly id: string })[]>;
  /** Newest first, a page at a time. @param before what the last page answered as `next`. */
  page(limit: number, before?: string): Promise<Page<DeadLetter>>;
  /** Of an id that cannot be one there is nothing. */
  read(id: string): Promise<DeadLetter | undefined>;
  /** The same with its version, as a page has it. */
  stored(id: string): Promise<Stored<DeadLetter> | undefined>;
  /** A person has dealt with it; says whether it was there. @param version only where that still stands: its trouble may have come back meanwhile. */
  remove(id: string, version?: string): Promise<boolean>;
  count(): Promise<number>;
}

/** What a letter's id looks like: ids come from outside, too. */
const shape = /^[\w-]{43}$/;

/** The letters on one engine. They have no end of their own: a person or a look takes them away. */
export function createLetters(store: Store): Letters {
  type Written = DeadLetter & Record<string, never>;
  const page: Letters["page"] = async (limit, before) =>
    await store.list<Written>("letter", { limit, ...(before === undefined ? {} : { before }) });
  const stored: Letters["stored"] = async (id) => (shape.test(id) ? await store.get<Written>("letter", id) : undefined);
  return {
    async put(letter) {
      const id = letterId(letter);
      const stands = (await store.get<Written>("letter", id))?.value;
      const { since, at } = letter;
      // The sweep looks again at what was given up: who asks since when a person is needed wants to know of the first time.
      const goesOn = stands !== undefined && reasonOf(stands) === reasonOf(letter);
      const dated = goesOn ? { ...letter, since: Math.min(stands.since, since), at: Math.min(stands.at, at) } : letter;
      await store.put("letter", id, dated as Written);
      return dated;
    },
    async withdraw(letter) {
      const id = letterId(letter);
      const stands = await store.get<Written>("letter", id);
      // By what it says: an engine may bring the fields back in another order.
      if (stands !== undefined && isDeepStrictEqual(stands.value, JSON.parse(JSON.stringify(letter))))
        await store.remove("letter", id, stands.version);
    },
    async clear(of) {
      await store.remove("letter", letterId(of));
    },
    has: async (key) => (await store.get("letter", laneId(key))) !== undefined,
    async of(key) {
      const found = await store.get<Written>("letter", laneId(key));
      return found === undefined ? undefined : { ...found.value, id: found.id };
    },
    list: async (limit) => (await page(limit)).records.map(({ id, value }) => ({ ...value, id })),
    page,
    read: async (id) => (await stored(id))?.value,
    stored,
    async remove(id, version) {
      return shape.test(id) && (await store.remove("letter", id, version));
    },
    count: async () => await store.count("letter"),
  };
}

/** Under which name a letter stands. */
export function letterId(of: Pick<DeadLetter, "key" | "event"> | PaymentKey): string {
  if (!("key" in of)) return laneId(of);
  if (of.event === undefined) return laneId(of.key as PaymentKey);
  const { adapter, merchant, channel, orderId, paymentId } = of.key;
  return hashOf(["event", adapter, merchant, channel, orderId, paymentId, of.event.key]);
}
