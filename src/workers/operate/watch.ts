/** What the PSP has accepted it has yet to carry out: after the time that it may take, a person is told where nothing shows it. */
import type { OperationName } from "../../contract/adapter.ts";
import type { OperationState } from "../../queue/operations.ts";
import type { Held } from "../job.ts";
import { judgeAnswer } from "../look/binding.ts";
import { referencesToAsk } from "../look/choose-attempt.ts";
import { observe } from "../look/observe.ts";
import { open } from "../look/open.ts";
import { second } from "../patience.ts";
import { endKey, isShown } from "./decide.ts";
import { overdueLine } from "../tell/operation-lines.ts";
import type { OperateParts } from "./parts.ts";

/** When to look for what was accepted, in milliseconds since the epoch; `undefined`: nobody waits for it, or it was looked for. */
export function watchAt({ key, outcome, sent, watched }: OperationState, { config }: OperateParts): number | undefined {
  const patienceSeconds = config.find(key)?.adapter.operations?.patienceSeconds;
  if (outcome?.status !== "accepted" || sent === undefined || watched === true || patienceSeconds === undefined)
    return undefined;
  return sent.at + patienceSeconds * second;
}

/** Looks for what was accepted. @throws WorkerError where Norce or the PSP cannot be asked. */
export async function watch(id: string, state: OperationState, parts: OperateParts, held: Held): Promise<void> {
  const { key, name, sent } = state;
  if (sent === undefined || name === "preview" || (await isCarriedOut(name, sent, state, parts, held))) return;
  const letter = {
    key,
    event: { key: endKey(id), type: name },
    kind: "Operation",
    reason: "the PSP accepted the operation and has not carried it out in time",
    since: sent.at,
    at: parts.now(),
    context: { reason: "operation-overdue", operationId: id, amount: sent.amount },
  };
  await parts.queue.letters.put(letter);
  await parts.queue.journal.append(key, [overdueLine(parts.now(), { id, order: state, amount: sent.amount })]);
  parts.teller.buried(letter);
}

async function isCarriedOut(
  name: OperationName,
  sent: NonNullable<OperationState["sent"]>,
  { key }: OperationState,
  parts: OperateParts,
  held: Held,
): Promise<boolean> {
  const opening = await open(key, parts, held);
  if (opening === null) return false;
  const [reference] = referencesToAsk(opening.current, [], "fold" in opening.found.adapter);
  if (reference === undefined) return false;
  const desired = (await observe(opening, reference))?.desired;
  // What the PSP says of another payment shows nothing of this one.
  if (desired === undefined || judgeAnswer(opening.found.adapter, reference, desired) !== undefined) return false;
  return isShown(name, sent, desired.money);
}
