/**
 * One event that takes more than its URL to turn into a look: it has to be proven, its payment has to be found, or it is to be kept in
 * the payment's log. Each delivery is a job of its own in its adapter's queue, so that nothing that it meets stops another. Two things and
 * never one: keeping the line (once) and asking for a look (every time, also for a repeat).
 */
import type { PspEvent, Webhook } from "../../contract/adapter.ts";
import type { AdapterSettings } from "../../config.ts";
import type { StoredEvent } from "../../queue/jobs.ts";
import { evidenceMs } from "../../queue/evidence.ts";
import { eventsName } from "../../queue/names.ts";
import type { End, HeldJob, Seam, Work } from "../../queue/seam.ts";
import { accountOf } from "../gate/gate.ts";
import { paymentFacts } from "../../lib/tracing.ts";
import { type Following, partsNow, perAdapter } from "../asking.ts";
import { type Held, type JobKind, runJobs, type Shell } from "../job.ts";
import type { OpenParts } from "../look/open.ts";
import { pauses } from "../patience.ts";
import { type Came, horizonOf, kindOf, placingAgain } from "../retry.ts";
import { placedLine, receivedLine } from "../tell/lines.ts";
import type { Teller } from "../tell.ts";
import { buryEvent, letterOf, notConfigured } from "./bury.ts";
import { keep } from "./keep.ts";
import { createLimits, type Limits } from "./limits.ts";
import { place, type Placed } from "./place.ts";

/** What placing and keeping events needs. */
export interface EventParts extends OpenParts {
  readonly shell: Shell;
  readonly queue: Pick<Seam, "events" | "looks" | "letters" | "references" | "evidence" | "locks" | "journal">;
  readonly teller: Teller;
  readonly concurrency: number;
}

/** What has become of an event. */
type Became =
  | { readonly is: "placed"; readonly placed: Placed; readonly looks: boolean }
  /** `judged`: what proves it is gone, because somebody has judged it, or because nobody could in time. */
  | { readonly is: "proven" | "disproved" | "judged" | "nowhere" | "not-configured" | "busy" | "crowded" };

/** Starts the workers that place and keep events: one queue per adapter that a merchant has configured. */
export function startEvents(parts: Following<EventParts>): Work {
  const limits = createLimits(parts.shell.now);
  return perAdapter(parts, (adapter) => runJobs(placing(adapter, limits, parts), parts.shell));
}

function placing(
  adapter: string,
  limits: Limits,
  parts: Following<EventParts>,
): JobKind<StoredEvent, StoredEvent, Became> {
  return {
    name: eventsName(adapter),
    concurrency: parts.concurrency,
    begin: async ({ data }) => data,
    // What proves webhooks has a gate of its own: that it asks to be left alone must not close the account's looks.
    gate: ({ target, evidence }) => ({ target, visitor: evidence === undefined ? "event" : "proof" }),
    traced: ({ target, webhook, trace }) => ({
      name: "event",
      facts: paymentFacts(target, { "norce_psp.webhook": webhook }),
      link: trace,
    }),
    work: (stored, held) => workOn(stored, held, limits, partsNow(parts)),
    end: (stored, job, came) => endOf(stored, job, came, partsNow(parts)),
    lost: ({ data }) => buryEvent(data, "stalled", "the worker died again and again on this event", partsNow(parts)),
  };
}

async function workOn(given: StoredEvent, held: Held, limits: Limits, parts: EventParts): Promise<Became> {
  const { target, webhook, evidence } = given;
  const found = parts.config.find(target);
  // Another process put it here, which knows settings that this one does not (yet, or any more).
  if (found === undefined) return { is: "not-configured" };
  if (evidence !== undefined) return { is: await judgeProof(given, held, found, parts) };
  const event = await eventAtPsp(given, held, found, parts);
  const stored = { ...given, event };
  const vouchedFor = isVouchedFor(found.adapter.webhooks[webhook]);
  const account = accountOf(target);
  if (!vouchedFor && limits.isExhausted(account)) return { is: "crowded" };
  const placed = await place(stored, found, parts, held);
  if (placed === null) {
    if (!vouchedFor) limits.spend(account);
    return { is: "nowhere" };
  }
  const { key, reference: hint } = placed;
  const { line } = event;
  const kept =
    line === undefined
      ? "looks"
      : // What was read again is the PSP's own word.
        await keep(
          key,
          { ...stored, event: { ...event, line } },
          vouchedFor || given.event.hearsay === true,
          held,
          parts,
        );
  if (kept === "busy" || kept === "nowhere") return { is: kept };
  const { rememberDays } = found.adapter;
  if (rememberDays !== undefined && hint !== undefined && event.clues !== undefined && kept === "looks")
    await parts.queue.references.put(key, hint, rememberDays);
  return { is: "placed", placed, looks: kept === "looks" };
}

/** Whether the PSP vouches for what stands in it: where its proof covers nothing of the body, whoever has seen one webhook can write others. */
function isVouchedFor(webhook: Pick<Webhook<unknown>, "verify" | "signed"> | undefined): boolean {
  return webhook?.verify.trust === "proven" && webhook.signed !== "none";
}

/**
 * What is placed and kept: where it is hearsay, the event as the PSP itself tells it. Where it tells of none (it is invented, or not to be found
 * yet) nothing is kept, and the hint remains: a look finds what is true.
 */
async function eventAtPsp(
  { event, webhook, target }: StoredEvent,
  held: Held,
  found: AdapterSettings,
  { contexts }: EventParts,
): Promise<PspEvent> {
  if (event.hearsay !== true) return event;
  const rules = found.adapter.webhooks[webhook] as Webhook<unknown> | undefined;
  return (await rules?.reread?.(event, contexts(target, found, held))) ?? event;
}

async function judgeProof(
  { webhook, evidence, target }: StoredEvent,
  held: Held,
  found: AdapterSettings,
  { queue, contexts }: EventParts,
): Promise<"proven" | "disproved" | "judged"> {
  const rules = found.adapter.webhooks[webhook] as Webhook<unknown> | undefined;
  const stored = typeof evidence === "string" ? await queue.evidence.read(evidence) : undefined;
  if (stored === undefined) return "judged";
  if (rules?.proveLater === undefined) return "disproved";
  return (await rules.proveLater(stored, contexts(target, found, held))) ? "proven" : "disproved";
}

/** It is judged: what may hold personal data goes. */
async function forget(evidence: StoredEvent["evidence"], { queue }: EventParts): Promise<void> {
  if (typeof evidence === "string") await queue.evidence.remove(evidence);
}

/** Writes down what became of it; what takes the event's place is stored before the event goes. */
async function endOf(
  stored: StoredEvent,
  job: HeldJob<StoredEvent>,
  came: Came<Became>,
  parts: EventParts,
): Promise<End> {
  const { queue, teller } = parts;
  const { target, webhook, event, evidence, receivedAt } = stored;
  if ("turnedAway" in came) return { again: came.turnedAway.at };
  teller.met(target, "error" in came ? came.error : undefined);
  if ("error" in came) return await later(stored, job, kindOf(came.error), parts, came.error);
  const became = came.outcome;
  switch (became.is) {
    case "proven": {
      const { evidence: _judged, ...proven } = stored;
      await queue.events.add(`${job.id}-proven`, proven);
      teller.received([proven]);
      await forget(evidence, parts);
      return undefined;
    }
    case "disproved":
      await forget(evidence, parts);
      teller.event({ target, webhook, type: event.type, is: "disproved" });
      return undefined;
    case "judged":
      // A worker that had judged it died before it could say so: what takes its place was stored first.
      if (parts.shell.now() - receivedAt < evidenceMs) return undefined;
      return await giveUp(
        stored,
        job,
        "never-proven",
        "nobody could be asked whether this webhook is the PSP's",
        parts,
      );
    case "placed": {
      const { placed, looks } = became;
      const { key, reference: hint, how } = placed;
      const journal = [receivedLine(stored), placedLine(parts.shell.now(), event.type, how, looks, hint)];
      const ask = { key, by: "webhook", at: receivedAt, journal, ...(hint === undefined ? {} : { hint }) } as const;
      if (looks) await queue.looks.ask([ask], "patient");
      else await queue.journal.append(key, journal);
      await queue.letters.clear(letterOf(stored));
      return undefined;
    }
    case "busy":
      return { again: parts.shell.now() + pauses.turnMs };
    case "crowded":
    case "nowhere":
    case "not-configured":
      return await later(stored, job, became.is, parts);
  }
}

/** It waits as itself, and after the PSP's own horizon it is given up by name. */
async function later(
  stored: StoredEvent,
  job: HeldJob<StoredEvent>,
  why: string,
  parts: EventParts,
  error?: unknown,
): Promise<End> {
  const { config, shell, teller } = parts;
  const { target, webhook, receivedAt, event } = stored;
  const { unsettled } = config.adapters.get(target.adapter)?.horizonDays ?? {};
  const again = placingAgain(receivedAt, shell.now(), horizonOf(unsettled, 3), error);
  if (again !== undefined) {
    if (why !== "nowhere")
      teller.event({ target, webhook, type: event.type, is: "later", why, ...(error === undefined ? {} : { error }) });
    return { again };
  }
  const [reason, message] =
    error !== undefined
      ? [why, "the event could not be placed or kept"]
      : why === "not-configured"
        ? [why, notConfigured]
        : ["payment-unknown", "the payment of this event was never found"];
  return await giveUp(stored, job, reason, message, parts);
}

/** Gives it up by name, where it is still ours to give up: another worker may have placed it since this one began. */
async function giveUp(
  stored: StoredEvent,
  job: HeldJob<StoredEvent>,
  reason: string,
  message: string,
  parts: EventParts,
): Promise<End> {
  // Not ours, or an engine that does not say so: giving it back does nothing to what is another's.
  if (!(await job.isMine())) return { again: parts.shell.now() };
  await buryEvent(stored, reason, message, parts);
  return undefined;
}
