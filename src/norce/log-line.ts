import { z } from "zod";
import type { KeptEvent, LogLine, PspEvent } from "../contract/adapter.ts";

/** What is read of a payment's transaction log. */
export interface TransactionLog {
  /** Our keys of the lines that are there; lines of others have none. */
  readonly keys: ReadonlySet<string>;
  /** The events that were kept as lines, in the order of the log. */
  readonly kept: readonly KeptEvent[];
}

const jsonRecord = z.record(z.string(), z.json());
const recurring = z.object({
  token: z.string().min(1),
  description: z.string().optional(),
  attributes: jsonRecord.optional(),
});

/** An event as it stands in `responseJson`, the one field of a transaction that is free (docs/norce.md, 2.2). */
const keptSchema = z.object({
  type: z.string(),
  at: z.string().nullable(),
  event: z.enum(["open", "process", "confirm", "reopen", "cancel", "paymentAction", "capture", "refund"]),
  pspStatus: z.string(),
  amount: z.int(),
  currency: z.string().optional(),
  success: z.boolean(),
  errorDetail: z.string().optional(),
  facts: jsonRecord.optional(),
  recurring: recurring.optional(),
});

const noteSchema = z.object({ eventKey: z.string(), kept: z.unknown().optional() });

/** `responseJson` of a line that an event brings: the event itself, so that it can be folded from the log alone. */
export function noteOf({ key, type, at, line }: PspEvent & { readonly line: LogLine }): string {
  return JSON.stringify({ eventKey: key, kept: { type, at, ...line } });
}

/** The log from what Norce keeps of it. Lines that are not ours, or that we cannot have written so, count as nothing. */
export function logFrom(
  transactions: readonly { readonly responseJson?: string | null | undefined }[],
): TransactionLog {
  const keys = new Set<string>();
  const kept: KeptEvent[] = [];
  for (const { responseJson } of transactions) {
    const note = noteFrom(responseJson);
    if (note === undefined || keys.has(note.eventKey)) continue;
    keys.add(note.eventKey);
    const event = keptSchema.safeParse(note.kept);
    if (event.success) kept.push(withoutUndefined({ key: note.eventKey, ...event.data }));
  }
  return { keys, kept };
}

function noteFrom(responseJson: string | null | undefined): z.infer<typeof noteSchema> | undefined {
  if (responseJson === null || responseJson === undefined) return undefined;
  try {
    return noteSchema.safeParse(JSON.parse(responseJson)).data;
  } catch {
    // Somebody else's line; ours always parses.
    return undefined;
  }
}

/** An optional field that is absent is absent, not `undefined`: lines are compared and stored. */
function withoutUndefined(event: object): KeptEvent {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined)) as unknown as KeptEvent;
}
