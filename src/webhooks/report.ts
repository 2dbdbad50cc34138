import type { RequestHandler } from "express";
import { z } from "zod";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import { within } from "../queue/bull.ts";
import type { Drift, Ledger, LedgerQuery } from "../queue/ledger.ts";
import type { DeadLetter, Queues } from "../queue/queues.ts";
import { byAdmin } from "./admin.ts";
import { queryOf } from "./request.ts";

/** What the report is made from. */
export interface ReportParts {
  readonly config: Pick<Config, "adminToken">;
  readonly ledger: Pick<Ledger, "read">;
  readonly dead: Pick<Queues["dead"], "list">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the sweep and operators' looks came to. */
interface Sums {
  readonly compared: number;
  readonly agreed: number;
  readonly repaired: number;
  readonly unresolved: number;
}

/** What is told of a period. */
interface Report extends Sums {
  readonly from: string;
  readonly to: string;
  /** The same by day, merchant, channel and adapter. */
  readonly days: readonly (Sums & { readonly day: string; readonly [name: string]: unknown })[];
  readonly drift: readonly (Omit<Drift, "at"> & { readonly at: string; readonly attention: boolean })[];
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

/**
 * Answers what was compared, repaired and left for a person within a period: `from` and `to` are days in UTC, both included; a week where
 * they are left out. For operators only: without an admin token there is no such path.
 */
export function answerReport(parts: ReportParts): RequestHandler {
  return async (request, response) => {
    if (parts.config.adminToken === undefined) throw new WorkerError("UnknownTarget", "no such path");
    if (!byAdmin(parts.config, request.get("authorization")))
      throw new WorkerError("UntrustedWebhook", "the report needs the admin token");
    const report = await reportOn(queryFrom(queryOf(request.originalUrl), parts.now()), parts);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(report));
  };
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
  const listed = drift.slice(-most).map((one) => ({
    ...one,
    at: new Date(one.at).toISOString(),
    attention: !calm.has(one.name),
  }));
  return {
    from: dayOf(query.from),
    to: dayOf(query.to - 1),
    ...sumOf(tallies),
    days: [...byDay]
      .map(([of, some]) => ({ ...(JSON.parse(of) as { day: string }), ...sumOf(some) }))
      .toSorted((one, other) => one.day.localeCompare(other.day)),
    drift: listed,
    dead: letters.slice(0, most).map(letterOf),
    truncated: drift.length > most || all.length > most,
    needsAttention: letters.length > 0 || listed.some(({ attention }) => attention),
  };
}

async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await within(longestMs, work);
  } catch (cause) {
    throw new WorkerError("QueueUnavailable", "the queue does not answer now", { cause });
  }
}

function letterOf({ key, kind, reason, since, at, context, event }: DeadLetter): object {
  return {
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
