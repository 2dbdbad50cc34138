/**
 * Carries out what is done with many letters: a page at a time, so that whatever dies costs a page that is done twice, and never faster than
 * looks get done, so that a fresh webhook waits behind a few of them and not behind ten thousand.
 */
import type { Config } from "../config.ts";
import { dismissLetters, retryLetters } from "../queue/deal.ts";
import { type ErrandJob, type Errand, type ErrandState, stateOf } from "../queue/errands.ts";
import type { DeadLetter } from "../queue/jobs.ts";
import { isMeant } from "../queue/letter-filter.ts";
import { errandsName, eventsName, inboxName, laneName } from "../queue/names.ts";
import type { End, Seam, Stored, Work } from "../queue/seam.ts";
import type { Logger } from "../lib/log.ts";
import { errandPauses } from "./patience.ts";

/** What errands are carried out with. */
export interface ErrandParts {
  readonly config: Pick<Config, "targets" | "find">;
  readonly queue: Pick<Seam, "work" | "errands" | "letters" | "inbox" | "looks" | "counts" | "journal">;
  readonly log: Pick<Logger, "info">;
  /** How many looks a worker process has under way at once. */
  readonly concurrency: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Some letters, and where the next ones begin. */
interface Step {
  readonly letters: readonly Stored<DeadLetter>[];
  readonly next: string | undefined;
}

/** How many letters are taken away in one go. */
const dismissedAtOnce = 200;
/** How many pages without a letter that is meant are read in one go. */
const emptyPages = 20;

/** Starts the worker that carries out errands, one page of one after the other. */
export function startErrands(parts: ErrandParts): Work {
  const { queue } = parts;
  return queue.work<ErrandJob>(errandsName, async ({ data: { id } }) => await carryOn(id, parts), {
    concurrency: 1,
    lost: async ({ data: { id } }) => await queue.errands.start(id),
  });
}

async function carryOn(id: string, parts: ErrandParts): Promise<End> {
  const { queue, log, now } = parts;
  const found = await queue.errands.read(id);
  if (found === undefined || found.ended !== undefined) return undefined;
  const { version, ...errand } = found;
  const room = errand.deed === "dismiss" ? dismissedAtOnce : await roomFor(errand, parts);
  const { letters, next } = await nextLetters(errand, Math.max(room, 1), queue);
  const able = letters.filter(({ value }) => errand.deed === "dismiss" || isConfigured(value, parts.config));
  await dealWith(errand, able, parts);
  const { cursor: _cursor, ...rest } = stateOf(errand);
  const after: ErrandState = {
    ...rest,
    done: errand.done + able.length,
    left: errand.left + letters.length - able.length,
    ...(next === undefined ? { ended: { at: now(), why: "finished" } } : { cursor: next }),
  };
  // Where somebody stopped it meanwhile, it is read anew.
  if (!(await queue.errands.write(id, version, after))) return { again: now() };
  const { deed, total, done, left } = after;
  if (next === undefined) log.info({ errandId: id, deed, total, done, left }, "errand.finished");
  if (next === undefined) return undefined;
  return { again: now() + (room > 0 ? errandPauses.betweenMs : errandPauses.crowdedMs) };
}

/** How many looks and events may be added: half as many wait at the most as are under way, whoever asked for them. */
async function roomFor({ filter }: Errand, { config, queue, concurrency }: ErrandParts): Promise<number> {
  const all = config.targets.map(({ adapter }) => adapter.id);
  const adapters = filter.adapter === undefined ? [...new Set(all)] : [filter.adapter];
  const names = new Set([inboxName, ...adapters.flatMap((adapter) => [laneName(adapter), eventsName(adapter)])]);
  const waiting = (await queue.counts(adapters)).filter(
    ({ queue: name, state }) => state === "waiting" && names.has(name),
  );
  return Math.ceil(concurrency / 2) - Math.max(0, ...waiting.map(({ jobs }) => jobs));
}

/** The next letters that are meant, at most so many. */
async function nextLetters(
  { filter, cursor }: Errand,
  most: number,
  { letters }: Pick<Seam, "letters">,
): Promise<Step> {
  if (filter.ids !== undefined) {
    const from = Number(cursor ?? 0);
    const found = await Promise.all(filter.ids.slice(from, from + most).map((id) => letters.stored(id)));
    const next = from + most < filter.ids.length ? String(from + most) : undefined;
    return { letters: found.filter((one) => one !== undefined), next };
  }
  let before = cursor;
  for (let pages = 1; ; pages += 1) {
    const page = await letters.page(most, before);
    const meant = page.records.filter(({ id, value }) => isMeant(filter, id, value));
    if (meant.length > 0 || page.next === undefined || pages === emptyPages) return { letters: meant, next: page.next };
    before = page.next;
  }
}

async function dealWith(
  { id, deed, who }: Errand,
  letters: readonly Stored<DeadLetter>[],
  parts: ErrandParts,
): Promise<void> {
  const { queue, now } = parts;
  if (deed === "dismiss") {
    await dismissLetters(letters, { letters: queue.letters, journal: queue.journal, now, who });
    return;
  }
  await retryLetters(letters, {
    letters: queue.letters,
    inbox: queue.inbox,
    now,
    look: async (keys) =>
      await queue.looks.ask(
        keys.map((key) => ({ key, by: "operator", journal: [{ at: now(), kind: "asked", facts: { id } }] })),
        "patient",
      ),
  });
}

/** A look at a payment that nobody is configured for would wait in a lane that nobody works; an event waits for its settings by itself. */
function isConfigured({ key, stored }: DeadLetter, { find }: ErrandParts["config"]): boolean {
  return stored !== undefined || find(key) !== undefined;
}
