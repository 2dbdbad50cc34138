import { findingNames } from "../../contract/desired.ts";
import type { Logger } from "../../lib/log.ts";
import type { BadNews } from "../../queue/bad-news.ts";
import { within } from "../../queue/within.ts";
import { tellPauses } from "../patience.ts";
import type { Listener } from "./told.ts";

/** Keeps bad news for whoever tells people. It holds up nothing: nothing waits for it but `close`. */
export interface BadNewsTeller extends Listener {
  /** Waits for what is being written. */
  close(): Promise<void>;
}

interface BadNewsParts {
  readonly badNews: Pick<BadNews, "keep">;
  readonly log: Logger;
  readonly now: () => number;
}

const names: ReadonlySet<string> = new Set(findingNames);
/** It is the account's, and not that of the payment whose look met it. */
const ofAccount: ReadonlySet<string> = new Set(["credential-expires"]);
/** How many are remembered as kept. */
const mostKnown = 10_000;

/** One process's hand in it. */
export function tellBadNews({ badNews, log, now }: BadNewsParts): BadNewsTeller {
  const underWay = new Set<Promise<void>>();
  /** What was kept already: the same is met at every look. */
  const known = new Set<string>();
  let told = false;

  return {
    found({ adapter, merchant, channel, ...ids }, { name, id, deadline, facts }) {
      if (!names.has(name)) return;
      const { orderId, paymentId } = ofAccount.has(name) ? {} : ids;
      const text = JSON.stringify([name, adapter, merchant, channel, orderId, paymentId, id]);
      if (known.has(text)) return;
      if (known.size >= mostKnown) known.clear();
      known.add(text);
      const until = Date.parse(deadline ?? "");
      const news = {
        name,
        adapter,
        merchant,
        channel,
        at: now(),
        ...(orderId === undefined ? {} : { orderId }),
        ...(paymentId === undefined ? {} : { paymentId }),
        ...(id === undefined ? {} : { id }),
        ...(Number.isNaN(until) ? {} : { deadline: until }),
        ...(facts === undefined ? {} : { facts }),
      };
      const kept = (async () => {
        try {
          await badNews.keep(news);
          told = false;
        } catch (error) {
          known.delete(text);
          if (!told) log.warn({ error }, "alert.unnoted");
          told = true;
        }
      })();
      underWay.add(kept);
      void kept.finally(() => underWay.delete(kept));
    },
    async close() {
      await within(tellPauses.closeMs, Promise.all(underWay)).catch(() => undefined);
    },
  };
}
