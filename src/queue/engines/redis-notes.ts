import { Job, type Queue } from "bullmq";
import { mostHints, type NoteAsk, type NoteBounds, type Notes, type RawNote } from "../notes.ts";
import type { JournalBounds, JournalText } from "../store.ts";
import { askNotes } from "./redis-scripts.ts";
import { journalIndex, journalKey, type Scripted } from "./redis-store.ts";

/** What of BullMQ's backend puts one add into a pipeline of ours. */
interface AddingBackend {
  /** Its scripts are defined on the client once this is there. */
  readonly connection: { readonly client: Promise<unknown> };
  addJobToTransaction(
    client: { runCommand(name: string, parameters: readonly unknown[]): unknown },
    job: ReturnType<Job["asJSON"]>,
    jobId: string | undefined,
  ): Promise<unknown>;
}

/** The notes under a prefix. */
export function createRedisNotes(connection: Scripted, prefix: string): Notes {
  const noteKey = (id: string): string => `${prefix}:note:${id}`;
  const waitsKey = `${prefix}:note-waits`;
  return {
    async ask(asks, bounds) {
      const jobs = asks.flatMap(({ job }) => (job === undefined ? [] : [job]));
      // A pipeline knows the scripts that its connection knew when it was made: BullMQ's are there once its queues are.
      await Promise.all(jobs.map(async ({ queue }) => await backendOf(queue).connection.client));
      const pipeline = connection.pipeline();
      const noted = asks.filter(({ asked, journal }) => asked !== undefined || journal.length > 0);
      // As text, not by its hash: a server that has forgotten its scripts would run the adds before the notes.
      if (noted.length > 0) {
        const keys = [
          ...noted.map(({ of }) => noteKey(of.id)),
          ...noted.map(({ of }) => journalKey(prefix, of.id)),
          journalIndex(prefix),
        ];
        pipeline.eval(askNotes, keys.length, ...keys, JSON.stringify(askedOf(noted, bounds)));
      }
      for (const { queue, data, options } of jobs) await addTo(pipeline, queue, data, options);
      const answers = (await pipeline.exec()) ?? [];
      if (answers.length !== jobs.length + (noted.length > 0 ? 1 : 0)) throw new Error("Redis left an answer out");
      for (const [error] of answers) if (error !== null) throw error;
      return answers.slice(answers.length - jobs.length).map(([, id]) => idOf(id));
    },
    async read(id) {
      return noteOf(await connection.hgetall(noteKey(id)));
    },
    async settle(of, lock, { known, hints, announced, last, ttlMs, journal, wait }, bounds) {
      const look = {
        ...of,
        known,
        hints: hints.flat(),
        announced,
        last: last === undefined ? undefined : String(last),
        ttl: Math.ceil(ttlMs),
        journal: textsOf(journal),
        ...(wait === undefined ? {} : { group: wait?.group ?? "", since: textOf(wait?.since) }),
        ...boundsOf(bounds),
      };
      const lockKey = `${prefix}:${lock.queue}:${lock.id}:lock`;
      const journalAt = [journalKey(prefix, of.id), journalIndex(prefix)] as const;
      const keys = [noteKey(of.id), lockKey, ...journalAt, waitsKey] as const;
      return (await connection.pspSettle(...keys, lock.token, JSON.stringify(look))) === 1;
    },
    async waits() {
      const parts = await connection.pspWaits(waitsKey);
      return Array.from({ length: Math.floor(parts.length / 4) }, (_, at) => {
        const [group = "", ...numbers] = parts.slice(4 * at, 4 * at + 4);
        const [count = 0, since = 0, ends = 0] = numbers.map(Number);
        return { group, count, since, ends };
      });
    },
  };
}

/** BullMQ's add rides in our pipeline: this is the only place that knows how. */
async function addTo(
  pipeline: ReturnType<Scripted["pipeline"]>,
  queue: Queue,
  data: object,
  options: NonNullable<ConstructorParameters<typeof Job>[3]>,
): Promise<void> {
  const commands = pipeline as unknown as Record<string, (parameters: readonly unknown[]) => unknown>;
  const job = new Job(queue, "look", data, options, options.jobId);
  const client = {
    runCommand(name: string, parameters: readonly unknown[]) {
      if (commands[name] === undefined) throw new Error(`the connection does not know BullMQ's ${name}`);
      commands[name]([...parameters]);
    },
  };
  await backendOf(queue).addJobToTransaction(client, job.asJSON(), job.id);
}

function backendOf(queue: Queue): AddingBackend {
  return (queue as unknown as { readonly backend: AddingBackend }).backend;
}

/** @throws Error for the negative numbers by which BullMQ's script refuses. */
function idOf(answer: unknown): string {
  if (typeof answer !== "string") throw new Error(`the look was not added (${String(answer)})`);
  return answer;
}

function askedOf(asks: readonly NoteAsk[], { ttlMs, journal }: NoteBounds): object {
  return {
    mostHints,
    ttl: ttlMs,
    ...boundsOf(journal),
    asks: asks.map((ask) => ({
      ...ask.of,
      version: ask.asked?.version,
      by: ask.asked?.by,
      announcedAt: textOf(ask.asked?.announcedAt),
      lastFrom: textOf(ask.asked?.lastFrom),
      hint: ask.asked?.hint,
      journal: textsOf(ask.journal),
    })),
  };
}

function boundsOf({ most, ttlMs, allBytes }: JournalBounds): object {
  return { most, journalTtl: ttlMs, allBytes };
}

/** Numbers of Redis's JSON are no integers: what is to be kept to the letter is text. */
function textsOf(lines: readonly JournalText[]): string[] {
  return lines.flatMap(({ at, like, text }) => [String(at), like, text]);
}

function textOf(number: number | undefined): string | undefined {
  return number === undefined ? undefined : String(number);
}

function noteOf({ v, b, a, l, k, ...fields }: Record<string, string>): RawNote {
  const hints = Object.entries(fields).flatMap(([field, value]) =>
    field.startsWith("h:") ? [[field.slice(2), value.slice(value.indexOf(" ") + 1)] as const] : [],
  );
  return {
    hints: Object.fromEntries(hints),
    ...(v === undefined ? {} : { version: v }),
    ...(b === undefined ? {} : { by: b }),
    ...(a === undefined ? {} : { announcedAt: Number(a) }),
    ...(l === undefined ? {} : { lastFrom: Number(l) }),
    ...(k === undefined ? {} : { known: k }),
  };
}
