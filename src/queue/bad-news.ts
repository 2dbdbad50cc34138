import type { Json } from "../contract/adapter.ts";
import { hashOf } from "./names.ts";
import type { Store } from "./store.ts";

/** Something bad that a PSP told of, by the name of the finding. No secret, nothing personal. Times in milliseconds since the epoch. */
export interface News {
  readonly name: string;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  /** Absent where it concerns all of the account's payments. */
  readonly orderId?: string;
  readonly paymentId?: string;
  /** What it is about, where a payment can have several: the PSP's id of a dispute or a refund. */
  readonly id?: string;
  /** When it became known. */
  readonly at: number;
  /** Until when somebody has to act. */
  readonly deadline?: number;
  readonly facts?: Readonly<Record<string, Json>>;
  /** When a look found it gone: a dispute that is closed. */
  readonly overAt?: number;
}

/** What one piece of bad news is known by. */
export type NewsName = Pick<News, "name" | "adapter" | "merchant" | "channel" | "orderId" | "paymentId" | "id">;

/** The bad news that people are told of, beside the ledger, which is gone through from one end to the other. */
export interface BadNews {
  /** Kept once, however often it is met; what was over is bad news again. */
  keep(news: News): Promise<void>;
  /** A look found it gone. Of what is not kept, nothing is written. */
  over(of: NewsName, at: number): Promise<void>;
  /** Those whose deadline is not over, and a day longer. */
  due(): Promise<readonly News[]>;
  /** Those without a deadline that became known after that time, newest first. */
  after(time: number): Promise<readonly News[]>;
}

function idOf({ name, adapter, merchant, channel, orderId, paymentId, id }: NewsName): string {
  return hashOf([name, adapter, merchant, channel, orderId, paymentId, id]);
}

/** How long what happened is not told once more. */
const keptMs = 90 * 24 * 3_600_000;
/** How long after its deadline it is remembered. */
const afterMs = 24 * 3_600_000;
/** How many are read at most. */
const most = 5_000;
const chunk = 500;

type Written = News & Record<string, never>;

/** The bad news on one engine. @param now the service's clock. */
export function createBadNews(store: Store, now: () => number = Date.now): BadNews {
  const all = async (sort: "due" | "news", after = 0): Promise<News[]> => {
    const found: News[] = [];
    let before: string | undefined;
    do {
      const page = await store.list<Written>("news", {
        limit: chunk,
        prefix: `${sort}-`,
        ...(before === undefined ? {} : { before }),
      });
      const fresh = page.records.filter(({ value }) => value.at > after);
      found.push(...fresh.map(({ value }) => value));
      before = fresh.length < page.records.length ? undefined : page.next;
    } while (before !== undefined && found.length < most);
    return found;
  };
  return {
    async keep(news) {
      const { deadline } = news;
      const isDue = deadline !== undefined && deadline > now();
      const ttlMs = isDue ? deadline - now() + afterMs : keptMs;
      const name = `${isDue ? "due" : "news"}-${idOf(news)}`;
      const { mine, stored } = await store.putIfAbsent<Written>("news", name, news as Written, ttlMs);
      if (!mine && stored.value.overAt !== undefined)
        await store.update("news", name, stored.version, news as Written, ttlMs);
    },
    async over(of, at) {
      for (const sort of ["due", "news"]) {
        const name = `${sort}-${idOf(of)}`;
        const found = await store.get<Written>("news", name);
        if (found === undefined || found.value.overAt !== undefined) continue;
        // A while longer, so that whoever was told of it is told of this.
        const over = { ...found.value, overAt: at } as Written;
        await store.update("news", name, found.version, over, afterMs);
      }
    },
    due: () => all("due"),
    after: (time) => all("news", time),
  };
}
