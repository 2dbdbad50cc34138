import type { RequestHandler, Response } from "express";
import { z } from "zod";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { PaymentKey } from "../contract/adapter.ts";
import { dismissLetters, retryLetters } from "../queue/deal.ts";
import type { Journal } from "../queue/journal.ts";
import type { Stored } from "../queue/store.ts";
import { answeredWithin } from "../queue/within.ts";
import type { Ledger, LedgerQuery } from "../queue/ledger.ts";
import type { DeadLetter, StoredEvent } from "../queue/jobs.ts";
import type { OperationState } from "../queue/operations.ts";
import type { Inbox } from "../queue/event-queues.ts";
import type { Letters } from "../queue/letters.ts";
import type { Standing } from "../queue/standing.ts";
import { insistOnAdmin } from "../signatures/admin-token.ts";
import type { OperatorLooks } from "../webhooks/operations.ts";
import { queryOf } from "../webhooks/request.ts";
import { type Call, callsOf } from "./calls.ts";
import { type ListedEntry, listedEntries } from "./entries.ts";
import { type ListedKey, isUrlKey, listedKeys } from "./keys.ts";
import {
  type ListedHeld,
  listedHeld,
  type ListedPeer,
  listedPeers,
  type ListedWaiting,
  listedWaiting,
} from "./situation.ts";
import { dayOf, isoOf } from "../lib/time.ts";

/** What the report is made from. */
export interface ReportParts {
  readonly config: Pick<Config, "adminTokens" | "targets" | "signingKeys">;
  readonly ledger: Pick<Ledger, "read" | "dismiss">;
  readonly dead: Pick<Letters, "list" | "stored" | "remove">;
  readonly journal: Pick<Journal, "append">;
  readonly inbox: Pick<Inbox, "add">;
  readonly looks: Pick<OperatorLooks, "ask">;
  /** What waits in its queue as itself. */
  readonly held: {
    events(adapter: string, most: number): Promise<readonly StoredEvent[]>;
    operations(most: number): Promise<readonly (OperationState & { readonly id: string })[]>;
  };
  /** How things stand now. */
  readonly standing: () => Promise<Standing>;
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

/** What is told: of a period what was found, and of now what waits, who is away, and what needs a person. */
export interface Report extends Sums {
  readonly from: string;
  readonly to: string;
  /** What a person is needed for, each cause once. */
  readonly calls: readonly Call[];
  /** The same by day, merchant, channel and adapter. */
  readonly days: readonly (Sums & { readonly day: string; readonly [name: string]: unknown })[];
  readonly drift: readonly ListedEntry[];
  /** Every payment that needs a person now, whenever it came to that. */
  readonly dead: readonly object[];
  readonly waiting: readonly ListedWaiting[];
  /** Events and operations that wait. */
  readonly held: readonly ListedHeld[];
  readonly peers: readonly ListedPeer[];
  readonly keys: readonly ListedKey[];
  /** Worker processes that are there, with none of them since when (`null`: there never was one), and when the last sweep began that ended. */
  readonly workers: { readonly there: number; readonly noneSince?: string | null; readonly swept?: string };
  /** There was more than is listed. */
  readonly truncated: boolean;
  readonly needsAttention: boolean;
}

const dayMs = 24 * 3_600 * 1_000;
/** How many entries are listed. */
const most = 5_000;
/** How many events and operations that wait are read, of each queue and state. */
const mostHeld = 500;
/** A long ledger is read in many steps. */
const longestMs = 30_000;

const date = z.iso.date().transform((day) => Date.parse(`${day}T00:00:00.000Z`));
const name = z.string().min(1).max(200).optional();
const querySchema = z.strictObject({ from: date.optional(), to: date.optional(), merchant: name, channel: name });

/** A digest, or a random id of an entry: an engine keeps other things under shorter names. */
const namedBy = z.string().regex(/^[\w-]{36,43}$/);

/** What to do with a dead letter: look or place the event again, or take it away because a person has dealt with it, like an entry. */
const letterSchema = z.union([z.strictObject({ retry: namedBy }), z.strictObject({ dismiss: namedBy })]);

/**
 * Deals with one dead letter, or entry of the ledger, by the id that the report tells: `?retry=` or `?dismiss=`. For operators only.
 * @throws WorkerError `UnknownTarget` where there is none.
 */
export function answerLetter(parts: ReportParts): RequestHandler {
  return async (request, response) => {
    const who = insistOnAdmin(parts.config, request.get("authorization"));
    const asked = letterSchema.safeParse(Object.fromEntries(queryOf(request.originalUrl)));
    if (!asked.success)
      throw new WorkerError(
        "MalformedWebhook",
        "retry has to be the id of a dead letter, dismiss that of one or of an entry",
      );
    const named = "retry" in asked.data ? asked.data.retry : asked.data.dismiss;
    const letter = await answeredWithin(longestMs, parts.dead.stored(named));
    if (letter !== undefined) await answeredWithin(longestMs, dealWith(letter, "dismiss" in asked.data, who, parts));
    else if (!("dismiss" in asked.data) || !(await answeredWithin(longestMs, parts.ledger.dismiss(named, parts.now()))))
      throw new WorkerError("UnknownTarget", "there is no such dead letter, and no such entry");
    answer(response, { id: named, done: true });
  };
}

/** Takes a letter away, or tries it again. */
async function dealWith(
  letter: Stored<DeadLetter>,
  dismisses: boolean,
  who: string,
  { dead: letters, journal, inbox, looks, now }: ReportParts,
): Promise<void> {
  if (dismisses) await dismissLetters([letter], { letters, journal, now, who });
  else {
    const look = async (keys: readonly PaymentKey[]) => await Promise.all(keys.map((key) => looks.ask(key)));
    await retryLetters([letter], { letters, inbox, now, look });
  }
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
export async function reportFrom(query: URLSearchParams, parts: ReportParts): Promise<Report> {
  return await readReport(queryFrom(query, parts), parts);
}

function answer(response: Response, body: object): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}

/** @throws WorkerError `MalformedWebhook` with a sentence. */
function queryFrom(query: URLSearchParams, { config: { targets }, now }: ReportParts): LedgerQuery {
  const asked = querySchema.safeParse(Object.fromEntries(query));
  if (!asked.success) {
    const unknown = asked.error.issues.some(({ code }) => code === "unrecognized_keys");
    throw malformed(
      unknown ? "from, to, merchant and channel can be asked for" : "from and to have to be days, such as 2026-01-31",
    );
  }
  const { from, to, merchant, channel } = asked.data;
  if (from !== undefined && to !== undefined && from > to) throw malformed("from has to be no later than to");
  const ofMerchant = targets.filter((target) => (merchant ?? target.merchant) === target.merchant);
  if (merchant !== undefined && ofMerchant.length === 0) throw malformed("no such merchant is configured");
  if (channel !== undefined && !ofMerchant.some((target) => target.channel === channel))
    throw malformed(merchant === undefined ? "no merchant has such a channel" : "the merchant has no such channel");
  const end = (to ?? Math.max(Math.floor(now() / dayMs) * dayMs, from ?? 0)) + dayMs;
  return {
    from: from ?? end - 7 * dayMs,
    to: end,
    ...(merchant === undefined ? {} : { merchant }),
    ...(channel === undefined ? {} : { channel }),
  };
}

function malformed(message: string): WorkerError {
  return new WorkerError("MalformedWebhook", message);
}

/** Reads the report of a period. @throws WorkerError `QueueUnavailable` */
async function readReport(query: LedgerQuery, parts: ReportParts): Promise<Report> {
  const { ledger, dead, config, now } = parts;
  const adapters = [...new Set(config.targets.map(({ adapter }) => adapter.id))];
  const [{ drift, tallies }, all, standing, operations, ...events] = await answeredWithin(
    longestMs,
    Promise.all([
      ledger.read(query),
      dead.list(most + 1),
      parts.standing(),
      parts.held.operations(mostHeld),
      ...adapters.map(async (adapter) => await parts.held.events(adapter, mostHeld)),
    ]),
  );
  const letters = all.filter(
    ({ key }) => (query.merchant ?? key.merchant) === key.merchant && (query.channel ?? key.channel) === key.channel,
  );
  const byDay = Map.groupBy(tallies, ({ hour, merchant, channel, adapter }) =>
    JSON.stringify({ day: dayOf(hour), merchant, channel, adapter }),
  );
  const ids = new Set(letters.map(({ id: letter }) => letter));
  const found = listedEntries(drift, { letters: ids, peers: standing.peers, now: now() });
  const peers = listedPeers(standing, config, query);
  const calls = callsOf({ letters, entries: found, peers, workers: standing });
  return {
    from: dayOf(query.from),
    to: dayOf(query.to - 1),
    calls,
    ...sumOf(tallies),
    days: [...byDay]
      .map(([of, some]) => ({ ...(JSON.parse(of) as { day: string }), ...sumOf(some) }))
      .toSorted((one, other) => one.day.localeCompare(other.day)),
    drift: lastOf(found),
    dead: letters.slice(0, most).map(letterOf),
    waiting: listedWaiting(standing, query),
    held: listedHeld(events.flat(), operations, query),
    peers,
    keys: listedKeys(config, standing.peers, now()).filter(
      (key) =>
        isUrlKey(key) ||
        ((query.merchant ?? key.merchant) === key.merchant && (query.channel ?? key.channel) === key.channel),
    ),
    workers: { there: standing.workers, ...noneSince(standing), ...sweptOf(standing) },
    truncated: found.length > most || all.length > most,
    needsAttention: calls.length > 0,
  };
}

function noneSince({ workers, workerAt }: Standing): Pick<Report["workers"], "noneSince"> {
  if (workers > 0) return {};
  return { noneSince: workerAt === undefined ? null : isoOf(workerAt) };
}

/** Where the sweep is furthest behind. */
function sweptOf({ sweeps }: Standing): Pick<Report["workers"], "swept"> {
  const times = sweeps.flatMap(({ progress }) => progress["recent"]?.swept ?? []);
  return times.length === 0 ? {} : { swept: isoOf(Math.min(...times)) };
}

/** As many as are listed, oldest first. However much was repaired, what needs a person is among them. */
function lastOf(found: readonly ListedEntry[]): readonly ListedEntry[] {
  const gravest = found.toSorted((one, other) => Number(one.attention) - Number(other.attention)).slice(-most);
  return gravest.toSorted((one, other) => one.at.localeCompare(other.at));
}

function letterOf({ id, key, kind, reason, since, at, context, event }: DeadLetter & { readonly id: string }): object {
  return {
    id,
    ...key,
    kind,
    reason: context?.["reason"] ?? reason,
    since: isoOf(since),
    at: isoOf(at),
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
