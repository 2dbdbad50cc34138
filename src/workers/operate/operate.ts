/**
 * Tells a PSP to capture, cancel or refund: once, however often it is asked or retried. The order of things is what makes it safe: the
 * truth is read, the operation is found possible, that it is being sent is written down, and only then it is sent. Whoever finds it sent
 * and does not know what came of it looks first.
 */
import type { PaymentKey } from "../../contract/adapter.ts";
import { operationsName } from "../../queue/names.ts";
import type { OperationJobName, OperationOutcome, OperationState } from "../../queue/operations.ts";
import type { End, Work as Running } from "../../queue/seam.ts";
import type { Turn } from "../../queue/turns.ts";
import { paymentFacts } from "../../lib/tracing.ts";
import { type Following, partsNow } from "../asking.ts";
import { givenUp, type Held, type JobKind, provingFirst, runJobs, type Shell } from "../job.ts";
import { notBeforeWriting, tooEarlyUntil } from "../late-writes.ts";
import { pauses } from "../patience.ts";
import { preview } from "../reconcile.ts";
import { type Came, kindOf, operationAgain, refusalOf } from "../retry.ts";
import { metIn } from "../tell/met.ts";
import { previewedLine } from "../tell/operation-lines.ts";
import { attempt, giveUp, type Order, type Step, type Work } from "./attempt.ts";
import type { OperateParts } from "./parts.ts";
import { watch, watchAt } from "./watch.ts";

/** An operation that has begun. */
interface Begun {
  readonly id: string;
  /** The record as this job read or wrote it last: whoever writes names its version. */
  state: OperationState;
  version: string;
  /** Absent while another operation of the payment has it; a preview needs none. */
  readonly turn?: Turn;
}

/** Starts the worker that carries out operations. */
export function startOperate(parts: Following<OperateParts>): Running {
  const kind: JobKind<OperationJobName, Begun, Step> = {
    name: operationsName,
    concurrency: parts.concurrency,
    begin: ({ data: { id } }) => begin(id, partsNow(parts)),
    gate: ({ state: { key, outcome }, turn }) =>
      turn === undefined && outcome === undefined ? undefined : { target: key, visitor: "operation" },
    traced: ({ state: { key, name } }) => ({
      name: "operation",
      facts: paymentFacts(key, { "norce_psp.operation": name }),
    }),
    work: (begun, held) => workOn(begun, held, partsNow(parts)),
    end: (begun, _job, came) => endOf(begun, came, partsNow(parts)),
    lost: ({ data: { id } }) => buryStalled(id, partsNow(parts)),
  };
  return runJobs(kind, parts.shell);
}

async function begin(id: string, parts: OperateParts): Promise<Begun | undefined> {
  const { queue } = parts;
  const record = await queue.operations.read(id);
  if (record === undefined) return undefined;
  if (record.state.outcome !== undefined)
    return watchAt(record.state, parts) === undefined ? undefined : { id, ...record };
  const { key, name } = record.state;
  const turn = name === "preview" ? undefined : await queue.turn(key, id);
  return { id, ...record, ...(turn === undefined ? {} : { turn }) };
}

async function workOn(begun: Begun, held: Held, parts: OperateParts): Promise<Step> {
  const { state, turn } = begun;
  const { name } = state;
  if (state.outcome !== undefined) {
    await watch(begun.id, state, parts, held);
    return { watched: true };
  }
  if (name === "preview") {
    const end = await previewLook(state.key, held, parts);
    await parts.queue.journal.append(state.key, [previewedLine(parts.now(), end)]);
    return { end };
  }
  if (turn === undefined) return { againMs: pauses.turnMs };
  const until = tooEarlyUntil(state, parts.now());
  if (until !== undefined) return { againMs: until - parts.now() };
  const work = workFrom(begun, { ...state, name }, turn, held, parts);
  return await attempt(work, parts);
}

/** How what is known of the operation is written down: by compare and set, so that whoever has lost the job can change nothing. */
function workFrom(begun: Begun, order: Order, turn: Turn, job: Held, { queue, now }: OperateParts): Work {
  const { id } = begun;
  const store = async (work: Work, next: Order): Promise<void> => {
    const written = await queue.operations.write(id, begun.version, next);
    if (written === undefined) throw givenUp("somebody else has the operation by now");
    begun.version = written;
    begun.state = next;
    work.order = next;
  };
  const held = provingFirst(job, async () => {
    if (!(await turn.isMine())) throw givenUp("its turn was lost");
  });
  const work: Work = {
    id,
    order,
    held,
    writing: provingFirst(held, async () => {
      const notBefore = notBeforeWriting(work.order, now());
      if (notBefore !== undefined) await work.note({ notBefore });
    }),
    async note(more) {
      await store(work, { ...work.order, ...more });
    },
    async unsent() {
      const { sent: _sent, ...unsent } = work.order;
      await store(work, unsent);
    },
  };
  return work;
}

/**
 * Writes down what it came to. Whether it is still this job's is not asked: its record is written by version, and ending the job or giving
 * it back takes its lock. An engine that does not answer is no lost lock: whoever took it for one would forget the operation.
 */
async function endOf(begun: Begun, came: Came<Step>, parts: OperateParts): Promise<End> {
  const { id, turn } = begun;
  const { queue, shell, teller } = parts;
  const step = stepFrom(begun, came, shell);
  if ("watched" in step) {
    await queue.operations.write(id, begun.version, { ...begun.state, watched: true });
    return undefined;
  }
  if ("againMs" in step) {
    // What came of it is found by the sums, or by what its answer told, once that is in the log: until then no other operation may move them.
    if (begun.state.sent !== undefined) await turn?.keep(step.againMs);
    else await turn?.end();
    return { again: shell.now() + step.againMs };
  }
  const ended = { ...begun.state, outcome: step.end };
  await queue.operations.write(id, begun.version, ended);
  await turn?.end();
  const { key, name: operation } = begun.state;
  if (operation !== "preview")
    teller.operated({ key, operation, operationId: id, is: "finished", facts: { ...step.end } });
  const again = watchAt(ended, parts);
  return again === undefined ? undefined : { again };
}

function stepFrom({ state: { outcome } }: Begun, came: Came<Step>, { now, random }: Shell): Step {
  if ("outcome" in came) return came.outcome;
  // What was accepted is in no hurry.
  if ("error" in came && outcome !== undefined) return { againMs: pauses.settledMs };
  // What an attempt throws has been dealt with: this is what could not be written down.
  if ("error" in came) return { againMs: operationAgain(came.error, 0, random()) ?? pauses.turnMs };
  return { againMs: Math.max(0, came.turnedAway.at - now()) };
}

/** Its worker died again and again: nobody else works on it any more, and a person has to find out what came of it. */
async function buryStalled(id: string, parts: OperateParts): Promise<void> {
  const record = await parts.queue.operations.read(id);
  if (record === undefined || record.state.outcome !== undefined) return;
  const { name } = record.state;
  const outcome: OperationOutcome =
    name === "preview" ? { status: "unknown", reason: "stalled" } : await giveUp(id, { ...record.state, name }, parts);
  await parts.queue.operations.write(id, record.version, { ...record.state, outcome });
}

/** What a look that met an error would come to, in the words of its log line: given up at once, or tried again. */
function wouldEnd(error: unknown): NonNullable<OperationOutcome["would"]> {
  const reason = refusalOf(error);
  if (reason !== undefined) return { outcome: "dead", kind: kindOf(error), reason };
  const met = Object.entries(metIn(error)).filter((one): one is [string, string | number] => one[1] !== undefined);
  return { outcome: "later", why: kindOf(error), ...Object.fromEntries(met) };
}

async function previewLook(key: PaymentKey, held: Held, parts: OperateParts): Promise<OperationOutcome> {
  try {
    return { status: "done", would: { ...(await preview(key, parts, held)) } };
  } catch (error) {
    return { status: "done", would: wouldEnd(error) };
  }
}
