import { kindOf } from "../retry.ts";
import type { LookFacts, Looked } from "./told.ts";

/** What a look came to, in a few facts: for its log line, and for what operators are told. */
export function factsOf({ came, step, now }: Looked): LookFacts {
  if (step.do === "bury" && step.grave.kind !== "Attention") {
    const { kind, reason, context } = step.grave;
    return { outcome: "dead", kind, reason: context["reason"] ?? reason };
  }
  const wait = step.do === "wait" ? { nextLookMs: Math.max(0, step.at - now) } : {};
  if ("turnedAway" in came) return { outcome: "later", why: came.turnedAway.why, ...wait };
  if ("error" in came) return { outcome: "later", why: kindOf(came.error), ...wait };
  const { outcome } = came;
  const attention = step.do === "bury" ? { attention: step.grave.context["reason"] ?? step.grave.reason } : {};
  switch (outcome.is) {
    case "written":
      return { outcome: "written", from: outcome.from, to: outcome.to, wrote: outcome.wrote, ...attention };
    case "unchanged":
      return { outcome: "unchanged", ...attention };
    case "later":
      return { outcome: "later", why: outcome.why, ...wait };
    case "suspect":
      return { outcome: "later", why: "suspect", ...wait };
  }
}

/** What we note for ourselves, or publish: that it was written says nothing of the payment. */
const ownFields: ReadonlySet<string> = new Set(["record", "actions", "upsell", "recurring", "reference", "afterWrite"]);

/** Whether something of the payment was written that the PSP said: its state, its amount, a transaction. */
export function repairs({ outcome, wrote }: LookFacts): boolean {
  return outcome === "written" && Array.isArray(wrote) && wrote.some((name) => !ownFields.has(String(name)));
}
