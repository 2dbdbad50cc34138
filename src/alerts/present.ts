/** What is wrong now, gathered by cause. Pure. Times in milliseconds since the epoch. */
import type { CauseFacts } from "../queue/causes.ts";
import type { News } from "../queue/bad-news.ts";
import type { DeadLetter } from "../queue/jobs.ts";
import { hashOf } from "../queue/names.ts";
import { norcePeer, type PeerRecord } from "../queue/peers.ts";
import { dayOf } from "../lib/time.ts";

/** One thing that belongs to a cause. */
interface Part {
  readonly name: string;
  readonly of: string;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly orderId?: string | undefined;
  readonly paymentId?: string | undefined;
  readonly since: number;
  readonly deadline?: number | undefined;
  readonly facts?: CauseFacts["facts"];
}

/** How many payments are named. */
const fewExamples = 5;
/** How many accounts are named. */
const mostAccounts = 20;
/** How many reasons of letters are told apart; the others are one cause. */
const mostReasons = 30;
/** How long a reason may be: a message of ours, where nobody gave it a name. */
const longestReason = 120;

/** Letters by their reason: one cause each, whatever the number of payments. */
export function fromLetters(letters: readonly DeadLetter[], more = false): CauseFacts[] {
  const parts = letters.map(({ key, since, context, reason }): Part => {
    const named = context?.["reason"];
    const of = (typeof named === "string" ? named : reason).slice(0, longestReason);
    const { adapter, merchant, channel, orderId, paymentId } = key;
    return { name: "dead-letters", of, adapter, merchant, channel, orderId, paymentId, since };
  });
  const byReason = [...Map.groupBy(parts, ({ of }) => of).values()].toSorted((one, other) => other.length - one.length);
  const rest = byReason.slice(mostReasons).flatMap((some) => some.map((part) => ({ ...part, of: "other reasons" })));
  const causes = [...byReason.slice(0, mostReasons), ...(rest.length === 0 ? [] : [rest])].map(causeOf);
  return more ? causes.map((cause) => ({ ...cause, more: true as const })) : causes;
}

/** What peers are in: one cause for all accounts of a PSP. @param after what was met last before that is over: nobody asks any more. */
export function fromPeers(peers: readonly PeerRecord[], after: number): CauseFacts[] {
  const parts = peers.flatMap(({ peer, merchant, channel, down, refused, silent }): Part[] => {
    const of = { of: peer, adapter: peer, merchant, channel };
    const met = [
      { name: peer === norcePeer.peer ? "norce-down" : "psp-down", trouble: down },
      { name: "credentials-refused", trouble: refused },
    ];
    return [
      ...met.flatMap(({ name, trouble }) =>
        trouble === undefined || trouble.last <= after
          ? []
          : [{ name, ...of, since: trouble.since, facts: trouble.facts }],
      ),
      ...(silent === undefined ? [] : [{ name: "webhooks-silent", ...of, since: silent.since }]),
    ];
  });
  return causesOf(parts);
}

/** Bad news by its name; where it has a deadline, by the day on which it ends. What was found gone does not count, and is over where all is. */
export function fromNews(news: readonly News[]): CauseFacts[] {
  const partOf = ({ at, id: _id, overAt: _over, ...one }: News): Part => {
    const day = one.deadline === undefined ? "" : dayOf(one.deadline);
    return { ...one, of: one.name === "credential-expires" ? one.adapter : day, since: at };
  };
  const standing = causesOf(news.filter(({ overAt }) => overAt === undefined).map(partOf));
  const stands = new Set(standing.map(causeId));
  const over = causesOf(news.filter(({ overAt }) => overAt !== undefined).map(partOf));
  return [
    ...standing,
    ...over.filter((cause) => !stands.has(causeId(cause))).map((cause) => ({ ...cause, over: true as const })),
  ];
}

/** Channels that no sweep came to the end of: one cause, however many there are. */
export function fromLateSweeps(
  late: readonly { readonly merchant: string; readonly channel: string; readonly swept: number }[],
): CauseFacts[] {
  const parts = late.map(({ swept, ...of }): Part => ({
    name: "sweep-late",
    of: "",
    adapter: "",
    ...of,
    since: swept,
  }));
  return parts.length === 0 ? [] : [causeOf(parts)];
}

/** Nobody looks at payments. */
export function noWorker(since: number): CauseFacts {
  return { name: "no-worker", of: "", since, count: 1, accounts: [], examples: [] };
}

/** One text for a cause, which stays the same. */
export function causeId({ name, of }: Pick<CauseFacts, "name" | "of">): string {
  return hashOf([name, of]);
}

function causesOf(parts: readonly Part[]): CauseFacts[] {
  return [...Map.groupBy(parts, causeId).values()].map(causeOf);
}

function causeOf(parts: readonly Part[]): CauseFacts {
  const sorted = parts.toSorted((one, other) => (one.deadline ?? one.since) - (other.deadline ?? other.since));
  const [first] = sorted;
  if (first === undefined) throw new Error("a cause has parts");
  const byAccount = Map.groupBy(sorted, ({ adapter, merchant, channel }) =>
    JSON.stringify([adapter, merchant, channel]),
  );
  const accounts = [...byAccount.values()].flatMap((some) => {
    const [{ adapter, merchant, channel } = first] = some;
    return merchant === "" ? [] : [{ adapter, merchant, channel, count: some.length }];
  });
  const { name, of, deadline, facts } = first;
  return {
    name,
    of,
    since: Math.min(...sorted.map(({ since }) => since)),
    count: parts.length,
    accounts: accounts.toSorted((one, other) => other.count - one.count).slice(0, mostAccounts),
    examples: sorted.slice(0, fewExamples).flatMap(exampleOf),
    ...(deadline === undefined ? {} : { deadline }),
    ...(facts === undefined || Object.keys(facts).length === 0 ? {} : { facts }),
  };
}

function exampleOf({ adapter, merchant, channel, orderId, paymentId }: Part): Record<string, string>[] {
  if (orderId === undefined && paymentId === undefined) return [];
  return [
    {
      adapter,
      merchant,
      channel,
      ...(orderId === undefined ? {} : { orderId }),
      ...(paymentId === undefined ? {} : { paymentId }),
    },
  ];
}
