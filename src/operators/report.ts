import type { RequestHandler, Response } from "express";
import { z } from "zod";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import { within } from "../queue/within.ts";
import type { Drift, Ledger, LedgerQuery } from "../queue/ledger.ts";
import type { DeadLetter } from "../queue/jobs.ts";
import type { Inbox } from "../queue/event-queues.ts";
import type { Letters } from "../queue/letters.ts";
import { insistOnAdmin } from "../signatures/admin-token.ts";
import type { OperatorLooks } from "../webhooks/operations.ts";
import { queryOf } from "../webhooks/request.ts";

/** What the report is made from. */
export interface ReportParts {
  readonly config: Pick<Config, "adminTokens">;
  readonly ledger: Pick<Ledger, "read">;
  readonly dead: Pick<Letters, "list" | "read" | "remove">;
  readonly inbox: Pick<Inbox, "add">;
  readonly looks: Pick<OperatorLooks, "ask">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What looks came to that neither a webhook nor an operation had asked for. */
interface Sums {
  readonly compared: number;
  readonly agreed: number;
  readonly repaired: number;
  readonly unresolved: number;
}

/** A difference as it is told: found at `at`, and last at `last` where it was found again. */
type Listed = Omit<Drift, "at" | "last"> & {
  readonly at: string;
  readonly last?: string;
  readonly attention: boolean;
};

/** What is told of a period. */
interface Report extends Sums {
  readonly from: string;
  readonly to: string;
  /** The same by day, merchant, channel and adapter. */
  readonly days: readonly (Sums & { readonly day: string; readonly [name: string]: unknown })[];
  readonly drift: readonly Listed[];
  /** Every payment that needs a person now, whenever it came to that. */
  readonly dead: readonly object[];
  /** There was more than is listed. */
  readonly truncated: boolean;
  readonly needsAttention: boolean;
}

const dayMs = 24 * 3_600 * 1_000;
/** How many entries are listed. */
const most = 5_000;
/** A long ledger is read in many steps. */
const longestMs = 30_000;

/** Mended already, or to be known: the others need a person. */
const calm: ReadonlySet<string> = new Set(["missed-event", "late-event", "amount-differs", "unknown-reference"]);

const date = z.iso.date().transform((day) => Date.parse(`${day}T00:00:00.000Z`));
const name = z.string().min(1).max(200).optional();
const querySchema = z.object({ from: date.optional(), to: date.optional(), merchant: name, channel: name });

/** A digest, as `deadId` makes it: an engine keeps other things under shorter names. */
const letterId = z.string().regex(/^[\w-]{43}$/);

/** What to do with a dead letter: look or place the event again, or take it away because a person has dealt with it. */
const letterSchema = z.union([z.strictObject({ retry: letterId }), z.strictObject({ dismiss: letterId })]);

/**
 * Deals with one dead letter, by the id that the report tells: `?retry=` or `?dismiss=`. For operators only.
 * @throws WorkerError `UnknownTarget` where there is no such letter.
 */
export function answerLetter(parts: ReportParts): RequestHandler {
  return async (request, response) => {
    insistOnAdmin(parts.config, request.get("authorization"));
    const asked = letterSchema.safeParse(Object.fromEntries(queryOf(request.originalUrl)));
    if (!asked.success) throw new WorkerError("MalformedWebhook", "retry or dismiss has to be the id of a dead letter");
    const id = "retry" in asked.data ? asked.data.retry : asked.data.dismiss;
    const letter = await orUnavailable(parts.dead.read(id));
    if (letter === undefined) throw new WorkerError("UnknownTarget", "there is no such dead letter");
    if ("dismiss" in asked.data) await orUnavailable(parts.dead.remove(id));
    else await retried(id, letter, parts);
    answer(response, { id, done: true });
  };
}

/** An event is placed again as if it came now; a payment is looked at, which takes its letter away where it ends well. */
async function retried(
  id: string,
  { key, stored }: DeadLetter,
  { dead, inbox, looks, now }: ReportParts,
): Promise<void> {
  const { orderId, paymentId } = key;
  if (stored !== undefined) {
    await inbox.add([{ ...stored, receivedAt: now() }]);
    await orUnavailable(dead.remove(id));
  } else if (orderId !== undefined && paymentId !== undefined) await looks.ask({ ...key, orderId, paymentId });
}

/**
 * Answers what was compared, repaired and left for a person within a period: `from` and `to` are days in UTC, both included; a week where
 * they are left out. For operators only: without an admin token there is no such path.
 */
export function answerReport(parts: ReportParts): RequestHandler {
  return async (request, response) => {
    insistOnAdmin(parts.config, request.get("authorization"));
    answer(response, await reportFrom(queryOf(request.originalUrl), parts));
  };
}

/** The report of a period, as a query says it. @throws WorkerError `MalformedWebhook`, `QueueUnavailable` */
export async function reportFrom(query: URLSearchParams, parts: ReportParts): Promise<object> {
  return await reportOn(queryFrom(query, parts.now()), parts);
}

function answer(response: Response, body: object): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}

/** @throws WorkerError `MalformedWebhook` */
function queryFrom(query: URLSearchParams, now: number): LedgerQuery {
  const asked = querySchema.safeParse(Object.fromEntries(query));
  if (!asked.success) throw new WorkerError("MalformedWebhook", "from and to have to be days, such as 2026-01-31");
  const { from, to, merchant, channel } = asked.data;
  const end = (to ?? Math.floor(now / dayMs) * dayMs) + dayMs;
  return {
    from: from ?? end - 7 * dayMs,
    to: end,
    ...(merchant === undefined ? {} : { merchant }),
    ...(channel === undefined ? {} : { channel }),
  };
}

async function reportOn(query: LedgerQuery, { ledger, dead }: ReportParts): Promise<Report> {
  const [{ drift, tallies }, all] = await orUnavailable(Promise.all([ledger.read(query), dead.list(most + 1)]));
  const letters = all.filter(
    ({ key }) => (query.merchant ?? key.merchant) === key.merchant && (query.channel ?? key.channel) === key.channel,
  );
  const byDay = Map.groupBy(tallies, ({ hour, merchant, channel, adapter }) =>
    JSON.stringify({ day: dayOf(hour), merchant, channel, adapter }),
  );
  const found = distinct(drift).map(listedFrom);
  return {
    from: dayOf(query.from),
    to: dayOf(query.to - 1),
    ...sumOf(tallies),
    days: [...byDay]
      .map(([of, some]) => ({ ...(JSON.parse(of) as { day: string }), ...sumOf(some) }))
      .toSorted((one, other) => one.day.localeCompare(other.day)),
    drift: lastOf(found),
    dead: letters.slice(0, most).map(letterOf),
    truncated: found.length > most || all.length > most,
    needsAttention: letters.length > 0 || found.some(({ attention }) => attention),
  };
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await within(longestMs, work);
  } catch (cause) {
    throw new WorkerError("QueueUnavailable", "the queue does not answer now", { cause });
  }
}

/** What is found again and again is told once, with its first time and its last; a repair is told each time. */
function distinct(drift: readonly Drift[]): Drift[] {
  const same = Map.groupBy(drift, ({ adapter, merchant, channel, orderId, paymentId, ...one }, index) =>
    one.from === undefined ? JSON.stringify([one.name, adapter, merchant, channel, orderId, paymentId]) : index,
  );
  return [...same.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const last = [first, ...more].reduce((latest, one) => Math.max(latest, one.last ?? one.at), first.at);
    return [last === first.at ? first : { ...first, last }];
  });
}

function listedFrom({ at, last, ...drift }: Drift): Listed {
  return {
    ...drift,
    at: new Date(at).toISOString(),
    ...(last === undefined ? {} : { last: new Date(last).toISOString() }),
    attention: !calm.has(drift.name),
  };
}

/** As many as are listed, oldest first. However much was repaired, what needs a person is among them. */
function lastOf(found: readonly Listed[]): Listed[] {
  const gravest = found.toSorted((one, other) => Number(one.attention) - Number(other.attention)).slice(-most);
  return gravest.toSorted((one, other) => one.at.localeCompare(other.at));
}

function letterOf({ id, key, kind, reason, since, at, context, event }: DeadLetter & { readonly id: string }): object {
  return {
    id,
    ...key,
    kind,
    reason: context?.["reason"] ?? reason,
    since: new Date(since).toISOString(),
    at: new Date(at).toISOString(),
    ...(event === undefined ? {} : { event: event.type }),
  };
}

function sumOf(tallies: readonly Sums[]): Sums {
  const sum = { compared: 0, agreed: 0, repaired: 0, unresolved: 0 };
  for (const tally of tallies) {
    sum.compared += tally.compared;
    sum.agreed += tally.agreed;
    sum.repaired += tally.repaired;
    sum.unresolved += tally.unresolved;
  }
  return sum;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
