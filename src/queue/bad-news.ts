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
}

/** The bad news that people are told of, beside the ledger, which is gone through from one end to the other. */
export interface BadNews {
  /** Kept once, however often it is met. */
  keep(news: News): Promise<void>;
  /** Those whose deadline is not over, and a day longer. */
  due(): Promise<readonly News[]>;
  /** Those without a deadline that became known after that time, newest first. */
  after(time: number): Promise<readonly News[]>;
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
      const { name, adapter, merchant, channel, orderId, paymentId, id, deadline } = news;
      const isDue = deadline !== undefined && deadline > now();
      const ttlMs = isDue ? deadline - now() + afterMs : keptMs;
      const of = hashOf([name, adapter, merchant, channel, orderId, paymentId, id]);
      await store.putIfAbsent("news", `${isDue ? "due" : "news"}-${of}`, news as Written, ttlMs);
    },
    due: () => all("due"),
    after: (time) => all("news", time),
  };
}
