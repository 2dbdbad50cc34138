import { isoOf } from "../../lib/time.ts";
import type { Target } from "../../contract/adapter.ts";
import { laneId } from "../../queue/names.ts";
import type { Found } from "../found.ts";
import { unknownPatience } from "../patience.ts";
import type { Listener } from "./told.ts";

/** What findings about accounts are told with. */
interface UnknownParts {
  readonly found: (of: Target, found: Found) => void;
  /** Told once the PSP has known a payment again. */
  readonly over: (of: Target, name: string) => void;
}

const name = "payments-not-at-psp";

/**
 * A finding about the account, and not about the payments that meet it: its PSP does not know one payment after the other (404), as where
 * credentials are another account's, or `apiUrl` is another environment's. One that it knows ends it. One process's view.
 */
export function tellUnknown({ found, over }: UnknownParts): Listener {
  const accounts = new Map<string, { readonly since: number; readonly payments: Set<string> }>();
  return {
    looked({ key, came, now }) {
      if (!("outcome" in came)) return;
      const { psp, unknownAtPsp } = came.outcome;
      const { adapter, merchant, channel } = key;
      const account = { adapter, merchant, channel };
      const id = JSON.stringify([adapter, merchant, channel]);
      const { since, payments } = accounts.get(id) ?? { since: now, payments: new Set<string>() };
      if (psp !== undefined && accounts.delete(id) && payments.size >= unknownPatience.payments) over(account, name);
      if (unknownAtPsp !== true) return;
      if (payments.size < unknownPatience.payments) payments.add(laneId(key));
      accounts.set(id, { since, payments });
      if (payments.size < unknownPatience.payments) return;
      found(account, { name, facts: { since: isoOf(since), payments: payments.size } });
    },
  };
}
