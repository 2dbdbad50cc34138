import type { LogLine, PaymentKey, PspEvent } from "../../contract/adapter.ts";
import type { StoredEvent } from "../../queue/jobs.ts";
import type { Seam } from "../../queue/seam.ts";
import type { Held } from "../job.ts";
import { open, type Opening, type OpenParts } from "../look/open.ts";
import { refusalOf } from "../retry.ts";
import type { Teller } from "../tell.ts";
import { once } from "./once.ts";

/** What keeping an event needs. */
interface KeepParts extends OpenParts {
  readonly queue: Pick<Seam, "locks" | "looks">;
  readonly teller: Pick<Teller, "found">;
}

/** An event that is kept as a line of the payment's log. */
type KeptStored = StoredEvent & { readonly event: PspEvent & { readonly line: LogLine } };

/** How many lines webhooks that nobody vouches for may leave in one payment's log: their URL may have got into wrong hands. */
const mostUnproven = 20;

/**
 * Appends the event to the payment's log, once: two copies of it never append together.
 * @returns whether a look is to be asked for, another copy is at it, or the payment is not there (yet).
 */
export async function keep(
  key: PaymentKey,
  stored: KeptStored,
  vouchedFor: boolean,
  held: Held,
  parts: KeepParts,
): Promise<"looks" | "rests" | "busy" | "nowhere"> {
  return await once(stored, held, parts.queue.locks, async (proven) => {
    const opening = await openOurs(key, proven, parts);
    return typeof opening === "string" ? opening : await append(opening, stored, vouchedFor, proven, parts);
  });
}

async function openOurs(key: PaymentKey, held: Held, parts: KeepParts): Promise<Opening | "rests" | "nowhere"> {
  try {
    return (await open(key, parts, held)) ?? "nowhere";
  } catch (error) {
    if (refusalOf(error) !== "other-adapter") throw error;
    parts.teller.found(key, { name: "other-adapter" });
    return "rests";
  }
}

async function append(
  { key, found: { adapter }, current: { reference }, log }: Opening,
  { event }: KeptStored,
  vouchedFor: boolean,
  held: Held,
  parts: KeepParts,
): Promise<"looks" | "rests"> {
  const { norce, teller } = parts;
  const folds = "fold" in adapter;
  // A PSP that can be asked has one id per payment; what names another one is for the look to judge, and stands in nobody's log.
  if (!folds && reference !== null && event.reference !== undefined && event.reference !== reference) return "looks";
  const { keys, kept } = await log;
  if (!keys.has(event.key)) {
    if (!vouchedFor && kept.length >= mostUnproven) teller.found(key, { name: "too-many-lines" });
    else await norce.appendEvent(key, event, held);
  }
  if (folds || reference !== null || event.reference !== undefined) return "looks";
  // Before the PSP's payment exists there is nothing to look at but this line itself.
  return (await isFoundMeanwhile(key, held, parts)) ? "looks" : "rests";
}

/** Whether a look has found the PSP's payment, or may: it may have read the log before this line stood there. */
async function isFoundMeanwhile(key: PaymentKey, held: Held, { norce, queue }: KeepParts): Promise<boolean> {
  const { asked, known } = await queue.looks.read(key);
  if (asked !== undefined || known !== undefined) return true;
  // A look that has settled since has written the reference before.
  return ((await norce.payment(key, held))?.reference ?? null) !== null;
}
