import type { Json } from "../../contract/adapter.ts";
import type { JournalLine, StoredEvent } from "../../queue/seam.ts";
import { factsOf } from "./facts.ts";
import type { Looked } from "./told.ts";

/** The journal's lines about a look: who asked, what the PSP said of the money, what Norce said, and what came of it. Pure. */
export function linesOf(looked: Looked): readonly JournalLine[] {
  const { by, came, step, now: at } = looked;
  const facts = factsOf(looked);
  const outcome = "outcome" in came ? came.outcome : undefined;
  const { psp } = outcome ?? {};
  const said =
    psp === undefined
      ? {}
      : {
          phase: psp.phase,
          a: psp.authorized,
          c: psp.captured,
          r: psp.refunded,
          v: psp.released,
          currency: psp.currency,
        };
  const norce =
    outcome === undefined || outcome.is === "later"
      ? {}
      : { norce: outcome.is === "written" ? outcome.from : outcome.state };
  // Whoever asks by hand is told of the look that knew of it, and not of one that ran already.
  const began = by === "operator" ? { began: looked.startedAt } : {};
  const lines: JournalLine[] = [line(at, "looked", { by, ...began, ...said, ...norce })];
  if (outcome?.is === "written") {
    const wrote = outcome.wrote.slice(0, 6).join(" ").slice(0, 100);
    lines.push(line(at, "written", { from: outcome.from, to: outcome.to, wrote }));
  }
  if (step.do === "wait") {
    const why = textOf(facts["why"]);
    lines.push({ ...line(at, "waited", { why, until: step.at }), like: why });
  }
  if (step.do === "bury") {
    const { kind, reason, context } = step.grave;
    lines.push(line(at, "buried", { kind, why: textOf(context["reason"] ?? reason).slice(0, 80) }));
  }
  return lines;
}

/** A webhook was received, and what proved it: the fingerprint of a secret, or nothing yet where that has to be asked. */
export function receivedLine({ receivedAt, webhook, event: { type }, by }: StoredEvent): JournalLine {
  return line(receivedAt, "received", { webhook, type, ...(by === undefined ? {} : { by }) });
}

/** An account-level event was found to be this payment's. */
export function placedLine(at: number, type: string): JournalLine {
  return line(at, "placed", { type });
}

/** An operation came to an end. */
export function operatedLine(at: number, name: string, is: string, id: string): JournalLine {
  return line(at, "operated", { name, is, id });
}

/** A word; nothing else is one. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function line(at: number, kind: string, facts: Readonly<Record<string, Json>>): JournalLine {
  return { at, kind, facts };
}
