import { randomUUID } from "node:crypto";
import type { Json, Target } from "../../contract/adapter.ts";
import type { Logger } from "../../lib/log.ts";
import type { Meters } from "../../lib/meters.ts";
import { dayOf } from "../../lib/time.ts";
import { letterId } from "../../queue/letters.ts";
import { type Drift, type Ledger, missedEvent, type Tally } from "../../queue/ledger.ts";
import type { Found } from "../found.ts";
import { findOf } from "../look/finds.ts";
import { hour as hourMs, tellPauses } from "../patience.ts";
import { repairs } from "./facts.ts";
import type { Listener } from "./told.ts";
import { createWrites } from "./writes.ts";

/**
 * Names what differed although nobody had announced it, and counts what was compared. It never holds up a look: nothing waits for it but
 * `close`.
 */
export interface DriftTeller extends Listener {
  /** Hands over what is still held. */
  close(): Promise<void>;
}

interface DriftParts {
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly meters: Meters;
  readonly now: () => number;
}

/** Our reasons and oddities, by the names of the ledger; others keep their own. */
const names: Readonly<Record<string, string>> = {
  "reference-refused": "unknown-reference",
  "payment-unknown": "unknown-reference",
  "not-in-norce": "paid-without-order",
};

/** What a payment's look finds and is the account's: told once for all of its payments. */
const ofAccount: ReadonlySet<string> = new Set(["credential-expires", "payments-not-at-psp"]);
/** What is found for as long as it is true. */
const lasting: ReadonlySet<string> = new Set([
  "two-live-payments",
  "payment-good-order-not-accepted",
  "payments-not-at-psp",
]);
/** How many findings one process remembers having kept. */
const mostKnown = 10_000;

/** One process's view of drift. */
export function tellDrift({ ledger, log, meters, now }: DriftParts): DriftTeller {
  const owner = randomUUID();
  const tallies = new Map<string, Tally>();
  const writes = createWrites(log, "ledger.unwritten");
  /** What has been kept already, and when: the same is met at every look. */
  const known = new Map<string, number>();
  let changed = false;

  const say = (drift: Drift): void => {
    meters.drift(drift.adapter, drift.name);
    log.warn({ ...drift }, "drift.found");
  };

  const count = ({ adapter, merchant, channel }: Target, outcome: string): void => {
    const began = Math.floor(now() / hourMs) * hourMs;
    const id = JSON.stringify([began, adapter, merchant, channel]);
    const none = { hour: began, adapter, merchant, channel, compared: 0, agreed: 0, repaired: 0, unresolved: 0 };
    const tally = tallies.get(id) ?? none;
    const what = outcome === "unchanged" ? "agreed" : outcome === "written" ? "repaired" : "unresolved";
    tallies.set(id, { ...tally, compared: tally.compared + 1, [what]: tally[what] + 1 });
    changed = true;
  };

  const flush = (): void => {
    if (!changed) return;
    changed = false;
    const hours = Map.groupBy(tallies.values(), ({ hour }) => hour);
    for (const [began, of] of hours) {
      const handed = ledger.tally(["tallies", owner, String(began)], of);
      writes.add(handed, () => {
        changed = true;
      });
      // An hour that is long over gets no more looks.
      if (began < now() - 2 * hourMs) for (const [id, tally] of tallies) if (tally.hour === began) tallies.delete(id);
    }
  };
  const timer = setInterval(flush, tellPauses.flushMs).unref();

  /** Whose entry it is: of a payment, or of an account and then of a day, since it may be mended and break again. */
  const placeOf = (target: Target, { name: said, id: about }: Pick<Found, "name" | "id">) => {
    const name = names[said] ?? said;
    const { adapter, merchant, channel } = target;
    const { orderId, paymentId } = ofAccount.has(name) ? {} : target;
    const today = dayOf(now());
    const who = ["drift", name, adapter, merchant, channel, orderId ?? "", paymentId ?? "", about ?? ""];
    const id = orderId === undefined && !ofAccount.has(name) ? [...who, today] : who;
    const text = JSON.stringify(lasting.has(name) ? [...who, today] : id);
    const payment = {
      ...(orderId === undefined ? {} : { orderId }),
      ...(paymentId === undefined ? {} : { paymentId }),
    };
    return { name, id, text, of: { adapter, merchant, channel, ...payment } };
  };

  const find = (target: Target, found: Found, letter?: string): void => {
    const { facts, deadline } = found;
    const { name, id, text, of } = placeOf(target, found);
    const at = now();
    const before = known.get(text);
    if (before !== undefined && Math.abs(at - before) < tellPauses.knownMs) return;
    if (known.size >= mostKnown) known.clear();
    known.set(text, at);
    const more: Readonly<Record<string, Json>> = {
      ...facts,
      ...(found.id === undefined ? {} : { id: found.id }),
      ...(deadline === undefined ? {} : { deadline }),
    };
    const values = Object.keys(more).length === 0 ? {} : { facts: more };
    const drift = { name, at, ...of, ...values, ...(letter === undefined ? {} : { letter }) };
    if (before === undefined) say(drift);
    writes.add(lasting.has(name) ? ledger.standing(id, drift) : ledger.once(id, drift), () => known.delete(text));
  };

  const resolve = (target: Target, found: Pick<Found, "name" | "id">, at: number): void => {
    const { id, text } = placeOf(target, found);
    known.delete(text);
    writes.add(ledger.resolved(id, at));
  };

  return {
    looked({ key, announced, resolved = [], now: at }, facts) {
      for (const one of resolved.map(findOf)) resolve(key, one, at);
      if (announced) {
        // A webhook that has nothing to tell may have come after the sweep had found out.
        if (facts.outcome === "unchanged") writes.add(ledger.late(key));
        return;
      }
      count(key, facts.outcome);
      if (!repairs(facts)) return;
      const { adapter, merchant, channel, orderId, paymentId } = key;
      const states = { from: String(facts["from"]), to: String(facts["to"]) };
      const drift = { name: missedEvent, at: now(), adapter, merchant, channel, orderId, paymentId, ...states };
      say(drift);
      writes.add(ledger.repaired(key, drift));
    },
    found: (target, found) => find(target, found),
    over: (target, name) => resolve(target, { name }, now()),
    buried(letter) {
      const { key, context, kind, reason } = letter;
      const why = context?.["reason"] ?? (kind === "Later" ? reason : undefined);
      if (typeof why === "string") find(key, { name: why }, letterId(letter));
    },
    async close() {
      clearInterval(timer);
      flush();
      await writes.close();
    },
  };
}
