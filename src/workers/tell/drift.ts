import { randomUUID } from "node:crypto";
import type { Target } from "../../contract/adapter.ts";
import type { Logger } from "../../lib/log.ts";
import type { Meters } from "../../lib/meters.ts";
import { within } from "../../queue/within.ts";
import { type Drift, type Ledger, missedEvent, type Tally } from "../../queue/ledger.ts";
import type { Asked, DeadLetter, Look } from "../../queue/queues.ts";

/** What a look came to, as far as it tells of drift. */
export interface LookedAt {
  readonly outcome: string;
  readonly from?: unknown;
  readonly to?: unknown;
  readonly wrote?: unknown;
}

/**
 * Names what differed although nobody had announced it, and counts what was compared. It never holds up a look: nothing waits for it but
 * `close`.
 */
export interface DriftLog {
  /** A look is over: what it repaired that nobody had announced is drift. */
  looked(look: Look, result: LookedAt): void;
  /** Something that a person should see, found by a look or by the sweep; kept once per payment, and once a day where it may go on. */
  found(of: Target, name: string): void;
  /** A payment that was given up. */
  buried(letter: DeadLetter): void;
  /** Hands over what is still held. */
  close(): Promise<void>;
}

interface DriftParts {
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly meters: Meters;
  readonly now: () => number;
}

/** Who asked for a look. */
export function askedBy({ asked, wait }: Look): Asked {
  return asked ?? wait?.asked ?? "webhook";
}

/**
 * Nobody outside had announced what these looks find. A timer is one that the payment set for itself when it came to rest: one that only
 * tries again remembers who had asked for the look that failed. A webhook or an operation tells what is to be found; an operator asks
 * because nobody told.
 */
const unannounced: ReadonlySet<Asked> = new Set(["sweep", "timer", "operator"]);

/** What we note for ourselves, or publish: that it was written says nothing of the payment. */
const ownFields: ReadonlySet<string> = new Set(["record", "actions", "upsell", "recurring", "reference", "afterWrite"]);

/** Our reasons and oddities, by the names of the ledger; others keep their own. */
const names: Readonly<Record<string, string>> = {
  "reference-refused": "unknown-reference",
  "payment-unknown": "unknown-reference",
  "not-in-norce": "paid-without-order",
};

/** What the sweep finds for as long as it is true. */
const lasting: ReadonlySet<string> = new Set(["two-live-payments", "payment-good-order-not-accepted"]);

const hourMs = 3_600_000;
const flushMs = 5_000;
/** How long the end of a process waits for the queue to take what is still held. */
const closeMs = 2_000;

/** One process's view of drift. */
export function createDriftLog({ ledger, log, meters, now }: DriftParts): DriftLog {
  const owner = randomUUID();
  const tallies = new Map<string, Tally>();
  const underWay = new Set<Promise<void>>();
  /** What has been kept already: the same is met at every look. */
  const known = new Set<string>();
  let told = false;
  let changed = false;

  const keep = (work: Promise<void>, lost: () => void = () => undefined): void => {
    const kept = (async () => {
      try {
        await work;
        told = false;
      } catch (error) {
        lost();
        if (!told) log.warn({ error }, "ledger.unwritten");
        told = true;
      }
    })();
    underWay.add(kept);
    void kept.finally(() => underWay.delete(kept));
  };

  const say = (drift: Drift): void => {
    meters.drift(drift.adapter, drift.name);
    log.warn({ ...drift }, "drift.found");
  };

  const count = ({ adapter, merchant, channel }: Target, outcome: string): void => {
    const hour = Math.floor(now() / hourMs) * hourMs;
    const id = JSON.stringify([hour, adapter, merchant, channel]);
    const none = { hour, adapter, merchant, channel, compared: 0, agreed: 0, repaired: 0, unresolved: 0 };
    const tally = tallies.get(id) ?? none;
    const what = outcome === "unchanged" ? "agreed" : outcome === "written" ? "repaired" : "unresolved";
    tallies.set(id, { ...tally, compared: tally.compared + 1, [what]: tally[what] + 1 });
    changed = true;
  };

  const flush = (): void => {
    if (!changed) return;
    changed = false;
    const hours = Map.groupBy(tallies.values(), ({ hour }) => hour);
    for (const [hour, of] of hours) {
      const handed = ledger.tally(["tallies", owner, String(hour)], of);
      keep(handed, () => {
        changed = true;
      });
      // An hour that is long over gets no more looks.
      if (hour < now() - 2 * hourMs) for (const [id, tally] of tallies) if (tally.hour === hour) tallies.delete(id);
    }
  };
  const timer = setInterval(flush, flushMs).unref();

  const found: DriftLog["found"] = ({ adapter, merchant, channel, orderId, paymentId }, name) => {
    const today = new Date(now()).toISOString().slice(0, 10);
    const who = ["drift", name, adapter, merchant, channel, orderId ?? "", paymentId ?? ""];
    // What concerns no payment, such as a credential, may be mended and break again.
    const id = orderId === undefined ? [...who, today] : who;
    const text = JSON.stringify(lasting.has(name) ? [...who, today] : id);
    if (known.has(text)) return;
    if (known.size >= 10_000) known.clear();
    known.add(text);
    const payment = {
      ...(orderId === undefined ? {} : { orderId }),
      ...(paymentId === undefined ? {} : { paymentId }),
    };
    const drift = { name, at: now(), adapter, merchant, channel, ...payment };
    say(drift);
    keep(lasting.has(name) ? ledger.standing(id, drift) : ledger.once(id, drift), () => known.delete(text));
  };

  return {
    looked(look, result) {
      const { key } = look;
      const asked = askedBy(look);
      // A webhook that has nothing to tell may have come after the sweep had found out.
      if (asked === "webhook" && result.outcome === "unchanged") keep(ledger.late(key));
      if (!unannounced.has(asked)) return;
      count(key, result.outcome);
      if (!repairs(result)) return;
      const { adapter, merchant, channel, orderId, paymentId } = key;
      const states = { from: String(result.from), to: String(result.to) };
      const drift = { name: missedEvent, at: now(), adapter, merchant, channel, orderId, paymentId, ...states };
      say(drift);
      keep(ledger.repaired(key, drift));
    },
    found: (of, name) => found(of, names[name] ?? name),
    buried({ key, context, kind, reason }) {
      const why = context?.["reason"] ?? (kind === "Later" ? reason : undefined);
      if (typeof why === "string") found(key, names[why] ?? why);
    },
    async close() {
      clearInterval(timer);
      flush();
      await within(closeMs, Promise.all(underWay)).catch(() => undefined);
    },
  };
}

/** Whether something of the payment was written that the PSP said: its state, its amount, a transaction. */
function repairs({ outcome, wrote }: LookedAt): boolean {
  return outcome === "written" && Array.isArray(wrote) && wrote.some((name) => !ownFields.has(String(name)));
}
