import { findingNames } from "../../contract/desired.ts";
import type { Logger } from "../../lib/log.ts";
import type { Target } from "../../contract/adapter.ts";
import type { BadNews, NewsName } from "../../queue/bad-news.ts";
import type { Found } from "../found.ts";
import { findOf } from "../look/finds.ts";
import { tellPauses } from "../patience.ts";
import type { Listener } from "./told.ts";
import { createWrites } from "./writes.ts";

/** Keeps bad news for whoever tells people. It holds up nothing: nothing waits for it but `close`. */
export interface BadNewsTeller extends Listener {
  /** Waits for what is being written. */
  close(): Promise<void>;
}

interface BadNewsParts {
  readonly badNews: Pick<BadNews, "keep" | "over">;
  readonly log: Logger;
  readonly now: () => number;
}

const names: ReadonlySet<string> = new Set(findingNames);
/** It is the account's, and not that of the payment whose look met it. */
const ofAccount: ReadonlySet<string> = new Set(["credential-expires"]);
/** How many are remembered as kept. */
const mostKnown = 10_000;

/** Whose it is: a payment's, or the account's. */
function nameOf(target: Target, { name, id }: Pick<Found, "name" | "id">): NewsName {
  const { adapter, merchant, channel } = target;
  const { orderId, paymentId } = ofAccount.has(name) ? {} : target;
  return {
    name,
    adapter,
    merchant,
    channel,
    ...(orderId === undefined ? {} : { orderId }),
    ...(paymentId === undefined ? {} : { paymentId }),
    ...(id === undefined ? {} : { id }),
  };
}

/** One process's hand in it. */
export function tellBadNews({ badNews, log, now }: BadNewsParts): BadNewsTeller {
  const writes = createWrites(log, "alert.unnoted");
  /** What was kept already, and when: the same is met at every look. */
  const known = new Map<string, number>();

  return {
    found(target, { name, id, deadline, facts }) {
      if (!names.has(name)) return;
      const of = nameOf(target, { name, ...(id === undefined ? {} : { id }) });
      const text = JSON.stringify(of);
      const before = known.get(text);
      // Another process may have found it gone meanwhile, and it may have come back.
      if (before !== undefined && Math.abs(now() - before) < tellPauses.knownMs) return;
      if (known.size >= mostKnown) known.clear();
      known.set(text, now());
      const until = Date.parse(deadline ?? "");
      const news = {
        ...of,
        at: now(),
        ...(Number.isNaN(until) ? {} : { deadline: until }),
        ...(facts === undefined ? {} : { facts }),
      };
      writes.add(badNews.keep(news), () => known.delete(text));
    },
    looked({ key, resolved = [], now: at }) {
      for (const one of resolved.map(findOf)) {
        if (!names.has(one.name)) continue;
        const of = nameOf(key, one);
        known.delete(JSON.stringify(of));
        writes.add(badNews.over(of, at));
      }
    },
    close: () => writes.close(),
  };
}
