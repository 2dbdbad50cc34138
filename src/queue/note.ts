import { randomUUID } from "node:crypto";
import type { JobsOptions } from "bullmq";
import type { Json, PaymentKey } from "../contract/adapter.ts";
import type { Engine, Temper } from "./engine.ts";
import { newVersion } from "./engines/records.ts";
import { type JournalLine, journalText } from "./journal.ts";
import { laneId, laneName, paymentName } from "./names.ts";
import type { NoteAsk, RawNote, RawWaits } from "./notes.ts";
import type { JournalBounds } from "./store.ts";
import { orUnavailable, promptly } from "./within.ts";
import type { HeldLock } from "./work.ts";

/** Who asks for a look. What a look repairs that neither a webhook nor an operation had announced is drift. */
export type AskedBy = "webhook" | "sweep" | "operator" | "operation" | "timer";

/** The half of a payment's note that whoever asks for a look writes. */
export interface Asked {
  /** By reference that a webhook named: a random value of that asking. At most five, the oldest give way. */
  readonly hints: Readonly<Record<string, string>>;
  /** When a webhook or an operation last announced something, in milliseconds since the epoch. */
  readonly announcedAt?: number;
  /** Who asked last. Absent where only hints are left. */
  readonly askedBy?: AskedBy;
  /** From when on a look that finds the payment where it was is the last one, in milliseconds since the epoch. */
  readonly lastFrom?: number;
  /** Random, another one at each asking; empty where only hints are left. */
  readonly version: string;
}

/** How long one kind of failure has gone on. Times in milliseconds since the epoch. */
export interface Clock {
  readonly since: number;
  readonly tries: number;
  /** A look before that counts no try. */
  readonly dueAt: number;
}

/** The first of two looks that have to agree before a payment moves backwards. */
export interface Suspect {
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The half of a payment's note that its looks write. Times in milliseconds since the epoch. */
export interface Known {
  /** By reason. */
  readonly clocks: Readonly<Record<string, Clock>>;
  readonly suspect?: Suspect;
  /** Nothing may be written before. */
  readonly notBefore?: number;
  readonly firstAskedBy?: AskedBy;
  /** A timer stands, due then. */
  readonly timerAt?: number;
  /** The version of what had been asked by then: a look that nobody has asked for since is the timer's. Empty: nothing was. */
  readonly timerFor?: string;
  /** A letter stands. */
  readonly letter?: boolean;
  /** What looks found that a person should see, by name and id, the letter's reason included: until a look finds it gone. A few. */
  readonly found?: readonly string[];
  /** What else a look has to remember; small. */
  readonly seen?: Readonly<Record<string, Json>>;
}

/** What is noted of a payment; it lives until its next planned look plus seven days. */
export interface Note {
  readonly asked?: Asked;
  readonly known?: Known;
}

/** One look that is asked for. */
export interface Ask {
  readonly key: PaymentKey;
  readonly by: AskedBy;
  /** The PSP's id that a webhook named. */
  readonly hint?: string;
  /** When it was announced, in milliseconds since the epoch: by webhooks and operations; absent: now. */
  readonly at?: number;
  /** Lines for the payment's journal, written with the note. */
  readonly journal?: readonly JournalLine[];
  /** What the look's trace is linked to: it rides along with the job that is added, which costs nothing. One that waits already keeps its own. */
  readonly trace?: string | undefined;
}

/** What a look has dealt with, of what it read. */
export interface Judged {
  /** References whose hint the PSP has answered about. */
  readonly hints: readonly string[];
  /** The payment came to rest: what was announced is dealt with. */
  readonly announcement: boolean;
  /** The last look was made. */
  readonly last?: boolean;
}

/** How a look ends. */
export interface Settlement {
  /** What was read when the look began. */
  readonly read: Note;
  /** Absent: nothing needs to be remembered. */
  readonly known?: Known;
  readonly judged: Judged;
  /** The next planned look, in milliseconds since the epoch; absent: none. */
  readonly nextLookAt?: number;
  readonly journal?: readonly JournalLine[];
  /** What the payment waits for from now on; `null`: for nothing; absent: as before. */
  readonly wait?: Wait | null;
}

/** Why a payment waits, and since when, in milliseconds since the epoch. */
export interface Wait {
  readonly reason: string;
  readonly since: number;
}

/** Payments of an account that wait for the same reason. Times in milliseconds since the epoch. */
export interface Waiting extends Pick<PaymentKey, "adapter" | "merchant" | "channel"> {
  readonly reason: string;
  readonly payments: number;
  /** Since when the oldest one waits. */
  readonly since: number;
  readonly nextLookAt: number;
}

/** Asking for looks, and what is noted of payments. */
export interface Looks {
  /**
   * Asks for looks: each note first, then its lane's add, all in one round trip. Whoever gets an answer has asked; any error means "not
   * asked", and is repeated by who asks. A due timer (`by: "timer"`) notes nothing.
   * @returns the jobs' ids; a look that waits already is the same one.
   * @throws WorkerError `QueueUnavailable`, where `prompt` within a second.
   */
  ask(asks: readonly Ask[], temper: Temper): Promise<readonly { readonly id: string }[]>;
  /** To be read after the job became active. */
  read(key: PaymentKey): Promise<Note>;
  /**
   * Ends a look: where the job's lock is not held by that token nothing changes, and the answer is `false`. Else *known* is written, and of
   * *asked* only what was read and judged is removed; what was asked meanwhile stays. The timer, or the letter, is written before.
   */
  settle(key: PaymentKey, lock: HeldLock, settlement: Settlement): Promise<boolean>;
  /** Payments that wait, by reason and account. */
  waiting(): Promise<readonly Waiting[]>;
}

/** A note lives until its next planned look, and then for this long. */
const keptMs = 7 * 24 * 3_600_000;

/** A look's job: at most one runs and one waits per payment, and what is asked meanwhile is the waiting one. */
function laneOptions(id: string, trace: string | undefined): JobsOptions {
  return {
    jobId: randomUUID(),
    attempts: 1,
    removeOnComplete: true,
    // One that failed is kept until something took its place.
    removeOnFail: false,
    deduplication: { id, keepLastIfActive: true },
    ...(trace === undefined ? {} : { telemetry: { metadata: trace } }),
  };
}

/** Asking for looks on one engine. @param journal the bounds of what is written along. @param here where we are in a trace. */
export function createLooks(
  engine: Engine,
  journal: JournalBounds,
  here: () => string | undefined = () => undefined,
): Looks {
  const bounds = { ttlMs: keptMs, journal };
  const noteOf = (ask: Ask): NoteAsk["asked"] => {
    const { by, at = Date.now(), hint } = ask;
    if (by === "timer") return undefined;
    const announces = by === "webhook" || by === "operation";
    return {
      version: newVersion(),
      by,
      ...(announces ? { announcedAt: at } : {}),
      ...(hint === undefined ? {} : { hint }),
    };
  };
  return {
    async ask(asks, temper) {
      const asking = asks.map((ask): NoteAsk => {
        const of = paymentName(ask.key);
        const asked = noteOf(ask);
        return {
          of,
          ...(asked === undefined ? {} : { asked }),
          journal: (ask.journal ?? []).map(journalText),
          job: {
            queue: engine.queue(laneName(ask.key.adapter), temper),
            data: ask.key,
            options: laneOptions(of.id, ask.trace ?? here()),
          },
        };
      });
      if (asking.length === 0) return [];
      const work = engine.notes(temper).ask(asking, bounds);
      const ids = await (temper === "prompt" ? engine.adding(promptly(work)) : orUnavailable(work));
      return ids.map((id) => ({ id }));
    },
    async read(key) {
      return readable(await engine.notes("patient").read(laneId(key)));
    },
    async settle(key, lock, { read, known, judged, nextLookAt = 0, journal: lines = [], wait }) {
      const hints = judged.hints.flatMap((reference): [string, string][] => {
        const value = read.asked?.hints[reference];
        return value === undefined ? [] : [[reference, value]];
      });
      const announced = judged.announcement ? read.asked?.version : undefined;
      const last = judged.last === true ? read.asked?.lastFrom : undefined;
      const settlement = {
        hints,
        ...(known === undefined ? {} : { known: JSON.stringify(known) }),
        ...(announced === undefined || announced === "" ? {} : { announced }),
        ...(last === undefined ? {} : { last }),
        ttlMs: Math.max(nextLookAt - Date.now(), 0) + keptMs,
        journal: lines.map(journalText),
        ...(wait === undefined ? {} : { wait: wait && { group: groupOf(key, wait), since: wait.since } }),
      };
      return await engine.notes("patient").settle(paymentName(key), lock, settlement, journal);
    },
    async waiting() {
      return (await engine.notes("prompt").waits()).map(waitingOf);
    },
  };
}

function groupOf({ adapter, merchant, channel }: PaymentKey, { reason }: Wait): string {
  return JSON.stringify([reason, adapter, merchant, channel]);
}

/** A note lives for a while from its next look on. */
function waitingOf({ group, count: payments, since, ends }: RawWaits): Waiting {
  const [reason = "", adapter = "", merchant = "", channel = ""] = JSON.parse(group) as string[];
  return { reason, adapter, merchant, channel, payments, since, nextLookAt: ends - keptMs };
}

/** Notes that the payment's next look from then on is its last; nothing is asked for. */
export async function noteLast(
  engine: Engine,
  key: PaymentKey,
  lastFrom: number,
  journal: JournalBounds,
): Promise<void> {
  await engine
    .notes("patient")
    .ask([{ of: paymentName(key), asked: { lastFrom }, journal: [] }], { ttlMs: keptMs, journal });
}

function readable({ version, by, announcedAt, lastFrom, hints, known }: RawNote): Note {
  const asked: Asked = {
    hints,
    version: version ?? "",
    ...(by === undefined ? {} : { askedBy: by as AskedBy }),
    ...(announcedAt === undefined ? {} : { announcedAt }),
    ...(lastFrom === undefined ? {} : { lastFrom }),
  };
  const noted = version !== undefined || lastFrom !== undefined || Object.keys(hints).length > 0;
  return {
    ...(noted ? { asked } : {}),
    ...(known === undefined ? {} : { known: JSON.parse(known) as Known }),
  };
}
