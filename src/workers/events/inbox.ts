/** Empties the inbox: turns stored events into looks, or into jobs of their own where that takes more than their URL. Neither Norce nor a PSP is asked. */
import type { PaymentKey } from "../../contract/adapter.ts";
import type { Config } from "../../config.ts";
import type { InboxJob, StoredEvent } from "../../queue/jobs.ts";
import { inboxName, laneId } from "../../queue/names.ts";
import type { Ask, End, HeldJob, LostJob, Seam, Work } from "../../queue/seam.ts";
import { type JobKind, runJobs, type Shell } from "../job.ts";
import { horizonOf, placingAgain } from "../retry.ts";
import { receivedLine } from "../tell/lines.ts";
import type { Teller } from "../tell.ts";
import { buryEvent, notConfigured } from "./bury.ts";

/** What emptying the inbox needs. */
export interface InboxParts {
  readonly config: Config;
  readonly shell: Shell;
  readonly queue: Pick<Seam, "inbox" | "events" | "looks" | "letters" | "journal">;
  readonly teller: Teller;
  readonly concurrency: number;
}

/** One job holds up to a hundred events: a few at once keep every lane busy, many would only fill the memory. */
const mostAtOnce = 4;

/** Starts the worker that empties the inbox. */
export function startInbox(parts: InboxParts): Work {
  const kind: JobKind<InboxJob, readonly StoredEvent[], undefined> = {
    name: inboxName,
    concurrency: Math.min(parts.concurrency, mostAtOnce),
    begin: async ({ data }) => data.events,
    gate: () => undefined,
    work: async () => undefined,
    end: (events, job) => fanOut(events, job, parts),
    lost: (job) => divide(job, parts),
  };
  return runJobs(kind, parts.shell);
}

/** Everything is handed on before the job ends: a crash in between hands it on twice. */
async function fanOut(events: readonly StoredEvent[], job: HeldJob<InboxJob>, parts: InboxParts): Promise<End> {
  const { config, queue } = parts;
  const [known, strange] = split(events, ({ target }) => config.find(target) !== undefined);
  const [plain, others] = split(known, (event) => paymentNamed(event) !== undefined);
  await queue.looks.ask(looksOf(plain), "patient");
  // The same names in every run of this job, whatever has been handed on by then.
  await Promise.all(others.map((event) => queue.events.add(`${job.id}-${events.indexOf(event)}`, event)));
  // What has yet to be proven says nothing of its PSP.
  parts.teller.received(known.filter(({ evidence }) => evidence === undefined));
  const [only] = strange;
  if (only === undefined) return undefined;
  if (events.length === 1) return await waitForSettings(only, parts);
  for (const event of strange) await queue.inbox.add([event]);
  return undefined;
}

/** Events of one payment that arrived together ask for one look; each hint is asked with, for none may be lost. */
function looksOf(events: readonly StoredEvent[]): readonly Ask[] {
  const asks = new Map<string, Ask>();
  for (const stored of events) {
    const key = paymentNamed(stored);
    if (key === undefined) continue;
    const { receivedAt, event } = stored;
    const id = `${laneId(key)} ${event.reference ?? ""}`;
    const hint = event.reference === undefined ? {} : { hint: event.reference };
    const journal = [...(asks.get(id)?.journal ?? []), receivedLine(stored)];
    const trace = asks.get(id)?.trace ?? stored.trace;
    asks.set(id, { key, by: "webhook", at: receivedAt, journal, trace, ...hint });
  }
  return [...asks.values()];
}

/**
 * Whoever received it was configured for it: this process may be an older one that is about to be replaced, or a newer one whose settings
 * lost an entry. It is given up no sooner than an event whose payment is not known.
 */
async function waitForSettings(event: StoredEvent, parts: InboxParts): Promise<End> {
  const { config, shell, teller } = parts;
  const { target, webhook, receivedAt, event: told } = event;
  const { unsettled } = config.adapters.get(target.adapter)?.horizonDays ?? {};
  const again = placingAgain(receivedAt, shell.now(), horizonOf(unsettled, 3));
  if (again === undefined) {
    await buryEvent(event, "not-configured", notConfigured, parts);
    return undefined;
  }
  teller.event({ target, webhook, type: told.type, is: "later", why: "not-configured" });
  return { again };
}

/** A job whose workers died again and again: one of its events may be to blame, the others go on by themselves. */
async function divide({ data: { events } }: LostJob<InboxJob>, parts: InboxParts): Promise<void> {
  const [only] = events;
  if (only === undefined) return;
  if (events.length === 1) await buryEvent(only, "stalled", "the worker died again and again on this event", parts);
  else for (const event of events) await parts.queue.inbox.add([event]);
}

/** The payment that a look can be asked for at once: its URL names it, and nothing else has to be done. */
function paymentNamed({ target, event, evidence }: StoredEvent): PaymentKey | undefined {
  const { orderId, paymentId, ...account } = target;
  if (orderId === undefined || paymentId === undefined) return undefined;
  return event.line !== undefined || event.hearsay === true || evidence !== undefined
    ? undefined
    : { ...account, orderId, paymentId };
}

function split<T>(items: readonly T[], belongs: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}
