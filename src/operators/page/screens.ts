/** What each view reads, and what its forms do. */
import type { Config } from "../../config.ts";
import { WorkerError } from "../../lib/errors.ts";
import { html } from "../../lib/html.ts";
import type { LetterDeed } from "../../queue/errands.ts";
import type { Seam } from "../../queue/seam.ts";
import { orUnavailable, within } from "../../queue/within.ts";
import { filterOfForm } from "../letter-query.ts";
import { askForErrand, countMeant, type LetterParts, listLetters, type Rehearsal, rehearse } from "../letters.ts";
import type { Report } from "../report.ts";
import { type DoctorParts, doctorScreen } from "./doctor.ts";
import { chosenIn, errandView, lettersView, rehearsalView } from "./letters.ts";
import { orderLink } from "./parts.ts";
import { type EndedOperation, operationsView, queuesView, type RunningOperation } from "./search.ts";
import { orderScreens, type OrderScreenParts } from "./order-screens.ts";
import { todayView } from "./today.ts";
import type { Led, Screen, Sent, Visit } from "./visit.ts";

/** What the views are made from. */
export interface ScreenParts extends LetterParts, OrderScreenParts, DoctorParts {
  readonly config: OrderScreenParts["config"] & Pick<Config, "publicUrl">;
  readonly queue: OrderScreenParts["queue"] & Pick<Seam, "counts" | "heartbeats" | "closures">;
  /** The report of a period, as it is told in JSON. @throws WorkerError `MalformedWebhook` */
  readonly report: (query: URLSearchParams) => Promise<Report>;
}

/** How many letters stand on a page. */
const pageSize = 50;
/** How many operations under way are shown of each state. */
const mostRunning = 100;
/** A queue that does not answer must not leave a person waiting. */
const longestMs = 5_000;

/** The views, by the last part of their address. */
export function createScreens(parts: ScreenParts): Readonly<Record<string, Screen>> {
  return {
    ...orderScreens(parts),
    doctor: doctorScreen(parts),
    today: {
      async get({ query }) {
        const said = saidIn(query);
        return todayView({ report: await parts.report(said), chosen: Object.fromEntries(said), now: parts.now() });
      },
    },
    letters: {
      get: async (visit) => await showLetters(visit, parts),
      post: async (sent) => await dealWithLetters(sent, parts),
    },
    errand: {
      async get({ query, session }) {
        const errand = await parts.errands.read(query.get("id") ?? "");
        if (errand === undefined) throw new WorkerError("UnknownTarget", "there is no such errand");
        const still = errand.ended === undefined ? undefined : await countMeant(parts, errand.filter);
        return errandView(errand, still, session.formToken);
      },
      async post({ form }) {
        const id = form.get("id") ?? "";
        if ((await parts.errands.stop(id)) === undefined)
          throw new WorkerError("UnknownTarget", "there is no such errand");
        return { to: `errand?id=${id}` };
      },
    },
    operations: { get: async ({ query }) => await showOperations(query.get("id")?.trim(), parts) },
    queues: {
      async get() {
        const { counts, heartbeats, closures } = parts.queue;
        const adapters = [...new Set(parts.config.targets.map(({ adapter }) => adapter.id))];
        const [jobs, workers, closed] = await orUnavailable(
          within(longestMs, Promise.all([counts(adapters), heartbeats.list(), closures.list()])),
        );
        return queuesView({ counts: jobs, workers, closures: closed });
      },
    },
  };
}

async function showLetters({ query, session }: Visit, parts: ScreenParts, problem?: string) {
  const chosen = chosenIn(query);
  const filter = filterOfForm(query);
  const [everything, all, list] = await Promise.all([
    rehearse(parts, "dismiss", {}, 0),
    filter === undefined ? nothing : rehearse(parts, "dismiss", filter, 0),
    filter === undefined ? { letters: [] } : listLetters(parts, filter, pageSize, query.get("before") ?? undefined),
  ]);
  const said =
    problem ?? (filter === undefined ? "A time has to be a day, such as 2026-01-31, or 2026-01-31T09:00Z." : undefined);
  const { targets } = parts.config;
  return lettersView({
    chosen,
    all,
    list,
    adapters: distinct([
      ...targets.map(({ adapter }) => adapter.id),
      ...everything.counts.map(({ adapter }) => adapter),
    ]),
    merchants: distinct(targets.map(({ merchant }) => merchant)),
    channels: distinct(targets.map(({ channel }) => channel)),
    reasons: distinct(everything.counts.map(({ reason }) => reason)),
    kinds: distinct(everything.counts.map(({ kind }) => kind)),
    ...(said === undefined ? {} : { problem: said }),
    formToken: session.formToken,
  });
}

const nothing: Rehearsal = { deed: "dismiss", total: 0, notConfigured: 0, counts: [], would: [] };
/** How many payments a rehearsal asks about. */
const previews = 10;

/** One letter at once; the selected or all after it was shown what would be done. */
async function dealWithLetters(sent: Sent, parts: ScreenParts): Promise<Led> {
  const { form, session } = sent;
  const [, one, letter] = /^(retry|dismiss):([\w-]{43})$/.exec(form.get("one") ?? "") ?? [];
  if (one !== undefined && letter !== undefined)
    return { to: `errand?id=${(await askForErrand(parts, one as LetterDeed, { ids: [letter] }, session.who)).id}` };
  const [, ask, deed, which] = /^(ask-)?(retry|dismiss)-(selected|all)$/.exec(form.get("do") ?? "") ?? [];
  if (deed !== "retry" && deed !== "dismiss") throw new WorkerError("MalformedWebhook", "say what to do");
  if (which === "all") form.delete("id");
  const filter = filterOfForm(form);
  if (filter === undefined) throw new WorkerError("MalformedWebhook", "the choice is not understood");
  if (which === "selected" && filter.ids === undefined)
    return await showLetters({ ...sent, query: form }, parts, "Select at least one letter first.");
  if (ask === undefined) return { to: `errand?id=${(await askForErrand(parts, deed, filter, session.who)).id}` };
  return rehearsalView(
    await rehearse(parts, deed, filter, previews),
    chosenIn(form),
    filter.ids ?? [],
    session.formToken,
  );
}

async function showOperations(id: string | undefined, parts: ScreenParts) {
  const [running, ended, { letters }, record] = await Promise.all([
    runningOperations(parts),
    endedOperations(parts),
    listLetters(parts, { about: "operation" }, pageSize),
    id === undefined || id === "" ? undefined : parts.operations.read(id),
  ]);
  const { key, name, amount } = record?.asked ?? {};
  const of =
    key === undefined
      ? undefined
      : html`${name ?? ""} ${amount === undefined ? "of all that is left" : String(amount)} ${orderLink(key)}
        ${key.adapter}`;
  const one =
    record === undefined
      ? { operationId: id ?? "", status: "unknown" as const }
      : { operationId: record.id, status: record.status, outcome: record.outcome };
  return operationsView({ id, ...(id === undefined || id === "" ? {} : { one }), of, running, ended, letters });
}

async function runningOperations({ queue }: ScreenParts): Promise<RunningOperation[]> {
  const running = await orUnavailable(within(longestMs, queue.operations.running(mostRunning)));
  return running
    .filter(({ name }) => name !== "preview")
    .map(({ id, name, key, at, tries, sent }) => ({ id, name, ...key, at, tries, sent: sent !== undefined }));
}

async function endedOperations({ queue }: ScreenParts): Promise<EndedOperation[]> {
  const ended = await orUnavailable(within(longestMs, queue.operations.ended(pageSize)));
  return ended.map(({ id, name, key, at, amount, outcome }) => ({
    id,
    name,
    ...key,
    at,
    amount: outcome?.amount ?? amount,
    status: outcome?.status ?? "",
    reason: outcome?.reason,
  }));
}

function saidIn(query: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...query].filter(([, value]) => value.trim() !== ""));
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
