import type { PaymentKey } from "../../contract/adapter.ts";
import type { Config } from "../../config.ts";
import { pspAccountOf } from "../../queue/references.ts";
import type { Seam } from "../../queue/seam.ts";
import type { Drift, Ledger } from "../../queue/ledger.ts";
import { reasonOf } from "../../queue/letter-filter.ts";
import { searchLetters } from "../search.ts";
import type { Found } from "./search.ts";

/** What is searched for who knows only one id. */
export interface FindParts {
  readonly config: Pick<Config, "targets" | "find">;
  readonly queue: Pick<Seam, "journal" | "looks" | "letters" | "operations" | "events" | "references" | "claims">;
  readonly ledger: Pick<Ledger, "read">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How far back the ledger is read. */
const ledgerMs = 90 * 24 * 3_600_000;
/** How many operations under way are read. */
const mostRunning = 500;
/** How many are shown: whoever gets more has to say more. */
const mostFound = 50;

/** Whatever goes by that id: an order by Norce's, a payment by Norce's, or a payment by the PSP's. */
export async function find(
  q: string,
  { merchant, channel }: { readonly merchant?: string | undefined; readonly channel?: string | undefined },
  parts: FindParts,
): Promise<readonly Found[]> {
  const { config, queue, ledger, now } = parts;
  const targets = config.targets.filter(
    (one) => (merchant ?? one.merchant) === one.merchant && (channel ?? one.channel) === one.channel,
  );
  const channels = new Map(targets.map((one) => [JSON.stringify([one.merchant, one.channel]), one]));
  const isMeant = (of: Partial<PaymentKey>): boolean => of.orderId === q || of.paymentId === q;
  const [orders, references, letters, running, { drift }] = await Promise.all([
    Promise.all([...channels.values()].map(async (of) => await queue.journal.payments({ ...of, orderId: q }))),
    Promise.all(
      targets.flatMap((of) => {
        const { merchant: whose, channel: where } = of;
        const adapter = of.adapter.id;
        const account = { account: pspAccountOf(of), reference: q };
        return [
          queue.references.get(q, { adapter, merchant: whose, channel: where }),
          queue.claims.holder(adapter, account),
        ];
      }),
    ),
    searchLetters(parts),
    queue.operations.running(mostRunning),
    ledger.read({ from: now() - ledgerMs, to: now() + 1 }),
  ]);
  const named = (key: PaymentKey, says: string): Found => ({ ...key, says });
  const isOurs = (of: Pick<PaymentKey, "merchant" | "channel">): boolean =>
    (merchant ?? of.merchant) === of.merchant && (channel ?? of.channel) === of.channel;
  const found: Found[] = [
    ...orders.flat().map((key) => named(key, "an order that this service knows")),
    ...references.filter((key) => key !== null).map((key) => named(key, "the PSP's id of this payment")),
    ...letters.letters
      .filter(({ key }) => isOurs(key) && isMeant(key))
      .flatMap((letter) => foundIn(letter.key, `a letter: ${reasonOf(letter)}`)),
    ...running.filter(({ key }) => isOurs(key) && isMeant(key)).map(({ key, name }) => named(key, `${name} under way`)),
    ...drift.filter((entry) => isOurs(entry) && isMeant(entry)).flatMap((entry) => foundIn(entry, entry.name)),
  ];
  return distinct(found).slice(0, mostFound);
}

function foundIn(of: Pick<Drift, "adapter" | "merchant" | "channel" | "orderId" | "paymentId">, says: string): Found[] {
  const { adapter, merchant, channel, orderId, paymentId } = of;
  if (orderId === undefined) return [];
  return [{ adapter, merchant, channel, orderId, ...(paymentId === undefined ? {} : { paymentId }), says }];
}

/** A payment once, with all that is said of it. */
function distinct(found: readonly Found[]): Found[] {
  const same = Map.groupBy(found, ({ adapter, merchant, channel, orderId, paymentId }) =>
    JSON.stringify([adapter, merchant, channel, orderId, paymentId]),
  );
  return [...same.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [{ ...first, says: [...new Set([first, ...more].map(({ says }) => says))].join(", ") }],
  );
}
