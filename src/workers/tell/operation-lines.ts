import type { OperationOutcome, OperationState } from "../../queue/operations.ts";
import { happened, type Happenings } from "../../queue/happenings.ts";
import type { JournalLine } from "../../queue/seam.ts";
import { cut } from "../../lib/text.ts";
import { metIn } from "./met.ts";

type Operated = Happenings["operated"];

/** An operation as its lines tell of it; the amount in minor units. */
export interface OperationSteps {
  readonly id: string;
  readonly order: Pick<OperationState, "name" | "at" | "tries" | "sent">;
  readonly amount?: number | undefined;
  readonly currency?: string | undefined;
}

/** What is told of an amount, of an id and of a reason that somebody else chose. */
const mostOfText = 64;

/** An operation's end, with the steps before it that no line told yet: that it was asked for, and that the PSP was told. Pure. */
export function endedLines(
  now: number,
  steps: OperationSteps,
  end: { readonly is: Operated["is"]; readonly reason?: string | undefined; readonly pspId?: string | undefined },
): readonly JournalLine[] {
  const { order } = steps;
  const { at, times } = order.sent ?? {};
  const sent =
    at === undefined
      ? []
      : [happened(at, "operated", { ...factsOf(steps, "sent"), times: times === 1 ? undefined : times })];
  const [reason, pspId] = [end.reason, end.pspId].map((text) => text && cut(text, mostOfText));
  return [...askedLines(steps), ...sent, happened(now, "operated", { ...factsOf(steps, end.is), reason, pspId })];
}

/** An attempt that failed; it is made again at `until`, in milliseconds since the epoch. */
export function againLines(now: number, steps: OperationSteps, until: number, error: unknown): readonly JournalLine[] {
  const met = metIn(error);
  // The amount stands in the line that it was asked for.
  const facts = { ...factsOf({ ...steps, amount: undefined }, "later"), until, ...met };
  return [...askedLines(steps), happened(now, "operated", facts, JSON.stringify([steps.id, met.peer, met.status]))];
}

/** What the PSP had accepted and has not carried out in time. */
export function overdueLine(now: number, steps: OperationSteps): JournalLine {
  return happened(now, "operated", factsOf(steps, "overdue"));
}

/** What a look would write, as somebody was told who asked for it. */
export function previewedLine(now: number, { would }: OperationOutcome): JournalLine {
  const wrote = would?.["wrote"];
  return happened(now, "previewed", {
    outcome: would?.outcome ?? "",
    from: textOf(would?.["from"]),
    to: textOf(would?.["to"]),
    why: textOf(would?.["why"] ?? would?.["reason"]),
    wrote: Array.isArray(wrote) ? cut(wrote.join(" "), mostOfText) : undefined,
  });
}

/** Told with the first line that there is of an operation. */
function askedLines(steps: OperationSteps): readonly JournalLine[] {
  const { order } = steps;
  return order.tries > 0 ? [] : [happened(order.at, "operated", factsOf(steps, "asked"))];
}

function factsOf({ id, order, amount, currency }: OperationSteps, is: Operated["is"]): Operated {
  return { name: order.name, is, id, amount, currency: amount === undefined ? undefined : currency };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? cut(value, mostOfText) : undefined;
}
