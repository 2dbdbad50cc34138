import type { Target } from "../contract/adapter.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import type { Ledger } from "../queue/ledger.ts";
import { dayOf } from "../lib/time.ts";

/** What findings of the web half are told with. */
interface FindingParts {
  readonly ledger: Pick<Ledger, "once">;
  readonly log: Logger;
  readonly meters: Meters;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Keeps in the ledger that a body at a configured URL was longer than is taken. Whoever knows the URL may send as many as they like: each
 * webhook of an account has one entry a day, and an answer waits for none.
 */
export function tooLargeInLedger({
  ledger,
  log,
  meters,
  now,
}: FindingParts): (target: Target, webhook: string) => void {
  const name = "body-too-large";
  let today = "";
  const known = new Set<string>();
  return ({ adapter, merchant, channel }, webhook) => {
    const at = now();
    const day = dayOf(at);
    if (day !== today) known.clear();
    today = day;
    const id = JSON.stringify([adapter, merchant, channel, webhook]);
    if (known.has(id)) return;
    known.add(id);
    meters.drift(adapter, name);
    const drift = { name, at, adapter, merchant, channel, facts: { webhook } };
    ledger.once(["drift", name, adapter, merchant, channel, webhook, day], drift).catch((error: unknown) => {
      known.delete(id);
      log.warn({ error }, "ledger.unwritten");
    });
  };
}
