/** Looks at payments: the note is read after the job became active, and what a look leaves is written in an order that loses nothing. */
import type { PaymentKey } from "../../contract/adapter.ts";
import type { DeadLetter } from "../../queue/jobs.ts";
import type { AskedBy, HeldJob, Known, LostJob, Note, Seam, Work } from "../../queue/seam.ts";
import { laneId, laneName } from "../../queue/names.ts";
import { paymentFacts } from "../../lib/tracing.ts";
import { type Following, partsNow, perAdapter } from "../asking.ts";
import { givenUp, type JobKind, provingFirst, runJobs, type Shell } from "../job.ts";
import { notBeforeWriting, tooEarlyUntil } from "../late-writes.ts";
import { type Look, reconcile } from "../reconcile.ts";
import { type Came, horizonOf, isLast, type Next, next, waitUntil } from "../retry.ts";
import { buriedWith, linesOf } from "../tell/lines.ts";
import type { Looked, Teller } from "../tell.ts";
import type { CompareParts } from "./compare.ts";
import { findsOf } from "./finds.ts";
import type { Outcome } from "./outcome.ts";
import { waitOf } from "./waiting.ts";

/** What looking needs. */
export interface LookParts extends CompareParts {
  readonly shell: Shell;
  readonly queue: Pick<Seam, "looks" | "timers" | "letters" | "references" | "claims" | "journal">;
  readonly teller: Teller;
  readonly concurrency: number;
}

/** A look that has begun. */
interface Begun extends Omit<Look, "writing"> {
  readonly job: HeldJob<PaymentKey>;
  readonly startedAt: number;
  /** What is known, as the note says it by now. */
  known: Known | undefined;
}

/** Starts the workers that look at payments: one lane queue per adapter that a merchant has configured. */
export function startLooks(parts: Following<LookParts>): Work {
  return perAdapter(parts, (adapter) => runJobs(looking(adapter, parts), parts.shell));
}

function looking(adapter: string, parts: Following<LookParts>): JobKind<PaymentKey, Begun, Outcome> {
  const { queue, shell, concurrency } = parts;
  return {
    name: laneName(adapter),
    concurrency,
    async begin(job) {
      const { data: key } = job;
      const note = await queue.looks.read(key);
      const startedAt = shell.now();
      const until = tooEarlyUntil(note.known, startedAt);
      if (until === undefined) return { key, note, job, startedAt, known: note.known };
      // Set again, whatever stands: a due timer may have swallowed its successor.
      await queue.timers.set(key, until);
      return undefined;
    },
    gate: ({ key }) => ({ target: key, visitor: "look", payment: laneId(key) }),
    traced: ({ key }) => ({ name: "look", facts: paymentFacts(key) }),
    work: (begun, held) => {
      const writing = provingFirst(held, () => noteWriting(begun, parts));
      return reconcile({ ...begun, writing }, partsNow(parts), held);
    },
    async end(begun, _job, came) {
      await settle(begun, came, partsNow(parts));
      return undefined;
    },
    lost: (job) => buryStalled(job, partsNow(parts)),
  };
}

/** Says what comes next, writes it down, and tells of it. */
async function settle(begun: Begun, came: Came<Outcome>, parts: LookParts): Promise<void> {
  const { key, note, job, startedAt } = begun;
  const { queue, shell, teller, config } = parts;
  const now = shell.now();
  const { unsettled } = config.find(key)?.adapter.horizonDays ?? {};
  const circumstances = { note, now, random: shell.random(), horizonMs: horizonOf(unsettled, 30) };
  const step = "turnedAway" in came ? waitUntil(came.turnedAway.at, note) : next(came, circumstances);
  const by = note.asked?.askedBy ?? note.known?.firstAskedBy ?? "timer";
  const announced = note.asked?.announcedAt !== undefined || (await announcedMeanwhile(begun, came, parts));
  const hadLetter = note.known?.letter === true;
  const { found, resolved } = findsOf(came, step, note.known?.found);
  const looked: Looked = { key, by, hadLetter, announced, came, step, resolved, startedAt, now };
  const ends = endsOf(step, note, by, now);
  // Whoever lost the job writes nothing down: what comes next is for who has it now to say. A settled look has nothing to ask about.
  if (ends.length > 0 && !(await isStillMine(begun, begun.known, parts))) return;
  // Timer and letter first: a crash in between costs one look more, never one less.
  await Promise.all([
    "outcome" in came && remember(looked, came.outcome, parts),
    step.at !== undefined && ends.includes("timer") && queue.timers.set(key, step.at),
  ]);
  const letter = step.do === "bury" ? await queue.letters.put(letterOf(key, step, now)) : undefined;
  const known = knownAfter(step, by, begun, came, found);
  const outcome = "outcome" in came ? came.outcome : undefined;
  // A look that nobody asked for any more, and that changed nothing, is worth no line in the journal.
  if (note.asked !== undefined || begun.known !== undefined || known !== undefined || outcome?.is === "written") {
    const judged = {
      hints: outcome?.judged ?? [],
      announcement: step.do === "rest",
      // By when it began: one that began before was none, however long it took.
      last: isLast(note, startedAt) && step.do !== "wait",
    };
    const times = {
      ...(known === undefined ? {} : { known }),
      ...(step.at === undefined ? {} : { nextLookAt: step.at }),
    };
    const written = { judged, journal: linesOf(looked), wait: waitOf(looked), ...times };
    if (!(await queue.looks.settle(key, job, { read: note, ...written }))) {
      // It was lost after all, and whoever has it now knows of no letter that it would have to take away.
      if (letter !== undefined) await queue.letters.withdraw(letter);
      return;
    }
  }
  // Afterwards, and only by who settled: what another one set since is not ours to take away.
  if (ends.includes("clear-timer") && (await job.isMine())) await queue.timers.clear(key);
  if (ends.includes("clear-letter")) await queue.letters.clear(key);
  teller.looked(looked);
}

/**
 * Before a write to Norce leaves: the note says until when it may still be carried out, should this process end before it hears the answer. Whoever
 * looks next would find nothing of it yet, and write it once more.
 * @throws WorkerError `Unreachable` where the job is no longer ours, or the engine does not take it: nothing is written then.
 */
async function noteWriting(begun: Begun, parts: Pick<LookParts, "queue" | "shell">): Promise<void> {
  const notBefore = notBeforeWriting(begun.known, parts.shell.now());
  if (notBefore === undefined) return;
  const known = { clocks: {}, ...begun.known, notBefore };
  const isNoted = await isStillMine(begun, known, parts).catch(() => false);
  if (!isNoted) throw givenUp("that it writes could not be noted");
  begun.known = known;
}

/**
 * Settles that nothing is dealt with yet: the engine's own answer whether the lock is ours. An engine that does not answer throws, and is asked
 * again: who took its silence for a lost lock would end a look that nobody looks after.
 */
async function isStillMine(
  { key, note, job }: Begun,
  known: Known | undefined,
  { queue }: Pick<LookParts, "queue">,
): Promise<boolean> {
  const judged = { hints: [], announcement: false };
  const planned = known?.timerAt === undefined ? {} : { nextLookAt: known.timerAt };
  return await queue.looks.settle(key, job, {
    read: note,
    judged,
    ...planned,
    ...(known === undefined ? {} : { known }),
  });
}

type EndWrite = "timer" | "letter" | "clear-timer" | "clear-letter";

/**
 * The timer that stands, as far as this look knows. Where nobody has asked since it was set, it is the timer that has, by another process's clock
 * before its time: it stands no more.
 */
function standingOf(
  { asked, known: { timerAt = 0, timerFor } = { clocks: {} } }: Note,
  now: number,
): number | undefined {
  return timerAt > now && timerFor !== (asked?.version ?? "") ? timerAt : undefined;
}

/** What has to be written besides the note. A timer that stands for that time already is left alone: it costs more than a look. */
function endsOf(step: Next, note: Note, by: AskedBy, now: number): readonly EndWrite[] {
  const { known } = note;
  const standing = standingOf(note, now);
  const ends: EndWrite[] = [];
  if (step.at !== undefined && step.at !== standing) ends.push("timer");
  if (step.at === undefined && standing !== undefined) ends.push("clear-timer");
  if (step.do === "bury") ends.push("letter");
  // A letter has no expiry, the note that knows of it has: who looks without a webhook's hurry takes away what may stand there.
  const mayStand = known?.letter === true || by === "operator" || by === "sweep";
  if (step.do === "rest" && mayStand) ends.push("clear-letter");
  return ends;
}

/** What the next look has to know; nothing where the payment came to rest and nothing is planned. */
function knownAfter(
  step: Next,
  by: AskedBy,
  { note }: Begun,
  came: Came<Outcome>,
  found: readonly string[],
): Known | undefined {
  const letter = step.do === "bury" || (step.do === "wait" && note.known?.letter === true);
  const seen = ("outcome" in came ? came.outcome.seen : undefined) ?? note.known?.seen;
  const times = step.at === undefined ? {} : { timerAt: step.at, timerFor: note.asked?.version ?? "" };
  const finds = found.length === 0 ? {} : { found };
  const facts = { ...times, ...finds, ...(letter ? { letter } : {}), ...(seen === undefined ? {} : { seen }) };
  if (step.do === "wait") return { ...step.known, firstAskedBy: note.known?.firstAskedBy ?? by, ...facts };
  return Object.keys(facts).length === 0 ? undefined : { clocks: {}, ...facts };
}

/** What a look repaired may have been announced while it ran: the note says so. */
async function announcedMeanwhile({ key }: Begun, came: Came<Outcome>, { queue }: LookParts): Promise<boolean> {
  if (!("outcome" in came) || came.outcome.is !== "written") return false;
  return (await queue.looks.read(key)).asked?.announcedAt !== undefined;
}

/** Which payment the PSP's ids belong to is a cache that may have been lost: the sweep's looks fill it again. */
async function remember({ key, by }: Looked, { is, ids = [] }: Outcome, { queue, config }: LookParts): Promise<void> {
  const days = config.find(key)?.adapter.rememberDays;
  if (days === undefined || (is !== "written" && by !== "sweep")) return;
  for (const id of ids) await queue.references.put(key, id, days);
}

function letterOf(key: PaymentKey, { grave }: Extract<Next, { do: "bury" }>, at: number): DeadLetter {
  return { key, at, ...grave };
}

async function buryStalled({ data: key, message, lock }: LostJob<PaymentKey>, parts: LookParts): Promise<void> {
  const { queue, teller, shell } = parts;
  const at = shell.now();
  const context = { reason: "stalled", ...(message === undefined ? {} : { message }) };
  const letter = { key, kind: "Stalled", reason: "its worker died again and again", since: at, at, context };
  await queue.letters.put(letter);
  const journal = [buriedWith(at, letter.kind, context.reason, context)];
  if (lock === undefined) await queue.journal.append(key, journal);
  else {
    // Noted, so that a later look that comes to rest takes the letter away.
    const read = await queue.looks.read(key);
    const known = { clocks: {}, ...read.known, letter: true };
    await queue.looks.settle(key, lock, { read, known, judged: { hints: [], announcement: false }, journal });
  }
  teller.buried(letter);
}
