/**
 * What happened to an order and why: `GET /explain?merchant=&channel=&order=&payment=`, or `&reference=` for who only knows the PSP's id. Reads
 * what the service remembers and writes nothing; neither Norce nor a PSP is asked.
 */
import type { RequestHandler } from "express";
import { z } from "zod";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import { orUnavailable, within } from "../queue/within.ts";
import { insistOnAdmin } from "../signatures/admin-token.ts";
import { queryOf } from "../webhooks/request.ts";
import type { Standing } from "../queue/standing.ts";
import { aboutOf, type EventTold, eventTold, type Question } from "./about.ts";
import { type Action, actionsFor } from "./actions.ts";
import { type Call, troublesOf } from "./calls.ts";
import { listedPeers } from "./situation.ts";
import { isKnown, keysOf, most, read, searchEvents, searchLetters, type SearchParts, type Targets } from "./search.ts";
import { type LetterTold, letterTold, type Read, type PaymentStanding, standingOf } from "./payment-standing.ts";
import { type TimelineEntry, timelineOf } from "./timeline.ts";
import { norcePeer } from "../queue/peers.ts";
import { isoOf } from "../lib/time.ts";

/** What explaining reads. */
export interface ExplainParts extends SearchParts {
  readonly config: Pick<Config, "adminTokens" | "find" | "targets">;
  /** How things stand now. */
  readonly standing: () => Promise<Standing>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What happened, what stands now, and what can be done. Times in ISO 8601, amounts in major units. */
export interface Explanation {
  readonly at: string;
  readonly asked: Question;
  /** Anything is known of it. */
  readonly known: boolean;
  /** Nothing is remembered from before: the queue's engine was empty then, or it is ninety days ago. */
  readonly rememberedSince: string;
  /** What keeps it waiting whatever it is: no worker is there, or Norce or its PSP is away or refuses us. */
  readonly troubles: readonly Call[];
  readonly payments: readonly PaymentStanding[];
  /** Letters of the order's events and operations; a payment's own stands with the payment. */
  readonly letters: readonly LetterTold[];
  /** Events that wait until their payment is found. */
  readonly events: readonly EventTold[];
  /** All payments' together, oldest first. */
  readonly timeline: readonly TimelineEntry[];
  readonly next: readonly Action[];
  /** Not everything was searched: there are more letters or waiting events than are read at once. */
  readonly truncated: boolean;
  readonly needsAttention: boolean;
}

/** A search of all letters takes its time. */
const longestMs = 20_000;
/** How long anything is remembered. */
const keptMs = 90 * 24 * 3_600_000;
const id = z.string().min(1).max(200);
const querySchema = z
  .strictObject({ merchant: id, channel: id, order: id.optional(), payment: id.optional(), reference: id.optional() })
  .refine(({ order, reference }) => (order === undefined) !== (reference === undefined))
  .refine(({ order, payment }) => payment === undefined || order !== undefined);

/** Answers what happened to an order. For operators only: without an admin token there is no such path. */
export function answerExplain(parts: ExplainParts): RequestHandler {
  return async (request, response) => {
    insistOnAdmin(parts.config, request.get("authorization"));
    const asked = querySchema.safeParse(Object.fromEntries(queryOf(request.originalUrl)));
    if (!asked.success)
      throw new WorkerError(
        "MalformedWebhook",
        "merchant and channel have to be given, and either order, with or without payment, or reference",
      );
    const explanation = await explain(asked.data, parts);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(explanation));
  };
}

/**
 * What happened, what stands now, and what can be done.
 * @throws WorkerError `UnknownTarget` where the merchant's channel is not configured, `QueueUnavailable`.
 */
export async function explain(asked: Question, parts: ExplainParts): Promise<Explanation> {
  const { merchant, channel } = asked;
  const targets = parts.config.targets.filter((one) => one.merchant === merchant && one.channel === channel);
  if (targets.length === 0)
    throw new WorkerError("UnknownTarget", `no adapter is configured for ${merchant}/${channel}`);
  return await orUnavailable(within(longestMs, gather(asked, targets, parts)));
}

async function gather(asked: Question, targets: Targets, parts: ExplainParts): Promise<Explanation> {
  const { queue, now: clock } = parts;
  const now = clock();
  const [stands, found, waiting, running] = await Promise.all([
    // What happened is told also where that is not known in time.
    parts.standing().catch(() => undefined),
    searchLetters(parts),
    searchEvents(targets, parts),
    queue.operations.running(most.jobs),
  ]);
  const named = await keysOf(asked, targets, [...found.letters, ...running], parts);
  const reads = (await Promise.all(named.map((key) => read(key, running, parts)))).filter(isKnown);
  const about = aboutOf(asked, reads);
  const payments = reads.map((one) => standingOf(one, now));
  const own = new Set(reads.map(({ letter }) => letter?.id));
  const letters = found.letters.filter((letter) => !own.has(letter.id) && about(letter.key, letter.stored));
  const events = waiting.events.filter((stored) => about(stored.target, stored)).map(eventTold);
  const adapters = new Set(reads.map(({ key }) => key.adapter));
  const troubles = stands === undefined ? [] : troublesAround(stands, adapters, asked, parts);
  const toldLetters = letters.map((letter) => letterTold(letter));
  return {
    at: isoOf(now),
    asked,
    known: reads.length > 0 || letters.length > 0 || events.length > 0,
    rememberedSince: rememberedSince(stands, now),
    troubles,
    payments,
    letters: toldLetters,
    events,
    timeline: reads
      .flatMap((one) => timelineOf(one.key, one.entries, earlierOf(one), now))
      .toSorted((one, other) => one.at.localeCompare(other.at)),
    next: actionsFor(asked, { payments, letters: toldLetters, events }, now),
    truncated: found.truncated || waiting.truncated,
    needsAttention: troubles.length > 0 || letters.length > 0 || payments.some(({ letter }) => letter !== undefined),
  };
}

/** What keeps payments of these adapters waiting, whatever they are. */
function troublesAround(
  stands: Standing,
  adapters: ReadonlySet<string>,
  asked: Question,
  { config }: ExplainParts,
): readonly Call[] {
  const peers = listedPeers(stands, config, asked);
  return troublesOf(
    stands,
    peers.filter(({ peer }) => peer === norcePeer.peer || adapters.has(peer)),
  );
}

/** Since when anything is remembered: for ninety days, or since the queue's engine was empty. */
function rememberedSince(stands: Standing | undefined, now: number): string {
  return isoOf(Math.max(stands?.firstAt ?? 0, now - keptMs));
}

/** What says that something was before the journal begins. */
function earlierOf({ note, letter, operations }: Read): {
  readonly known: boolean;
  readonly since?: number | undefined;
} {
  const { clocks = {}, suspect } = note.known ?? {};
  const times = [
    ...Object.values(clocks).map(({ since }) => since),
    ...(suspect === undefined ? [] : [suspect.at]),
    ...(letter === undefined ? [] : [letter.since]),
    ...operations.map(({ at }) => at),
  ];
  return { known: true, ...(times.length === 0 ? {} : { since: Math.min(...times) }) };
}
