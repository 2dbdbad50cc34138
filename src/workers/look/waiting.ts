import type { Wait } from "../../queue/note.ts";
import { kindOf } from "../retry.ts";
import type { Looked } from "../tell.ts";

/** What a payment waits for once a look is over, by the name of its clock where it has one; `null`: it came to rest, or needs a person. Pure. */
export function waitOf({ came, step, now }: Pick<Looked, "came" | "step" | "now">): Wait | null {
  if (step.do !== "wait") return null;
  const { clocks, suspect } = step.known;
  const reason = reasonOf(came);
  // It was the PSP's being away that closed the gate.
  const clock = clocks[reason === "psp-down" || reason === "psp-busy" ? "unreachable" : reason];
  const since = reason === "suspect" ? suspect?.at : clock?.since;
  return { reason, since: since ?? now };
}

function reasonOf(came: Looked["came"]): string {
  if ("turnedAway" in came) return came.turnedAway.why;
  if ("error" in came) return kindOf(came.error).toLowerCase();
  return came.outcome.is === "later" ? came.outcome.why : came.outcome.is;
}
