/**
 * The one teller: what a look, an event or an operation came to goes here, and log, metrics, the findings about peers and the ledger listen.
 * Telling never holds up a job and never fails one.
 */
import type { Target } from "../contract/adapter.ts";
import type { Logger } from "../lib/log.ts";
import type { DeadLetter, StoredEvent } from "../queue/jobs.ts";
import type { Found } from "./found.ts";
import { factsOf } from "./tell/facts.ts";
import type { EventTold, Listener, Looked, OperationTold } from "./tell/told.ts";

export type { EventTold, Listener, Looked, OperationTold } from "./tell/told.ts";

/** Tells everybody who listens. */
export interface Teller {
  /** Webhooks that are proven, or named by a URL of ours: their events were handed on. */
  received(events: readonly StoredEvent[]): void;
  looked(looked: Looked): void;
  event(told: EventTold): void;
  operated(told: OperationTold): void;
  /** Something that a person should see, found by whoever looks, places or sweeps. */
  found(of: Target, found: Found): void;
  /** What was found of an account, by name, is so no longer. */
  over(of: Target, name: string): void;
  buried(letter: DeadLetter): void;
  /** A job met an error of Norce or of a PSP; `undefined`: both answered as they should. */
  met(of: Target, error: unknown): void;
}

/** @param log told where a listener fails: that must not fail a job. */
export function createTeller(listeners: readonly Listener[], log: Logger): Teller {
  const tell = (say: (listener: Listener) => void): void => {
    for (const listener of listeners) {
      try {
        say(listener);
      } catch (error) {
        log.error({ error }, "teller.failed");
      }
    }
  };
  const teller: Teller = {
    received: (events) => tell((to) => to.received?.(events)),
    looked(looked) {
      const { key, came, step, now } = looked;
      const facts = factsOf(looked);
      tell((to) => to.looked?.(looked, facts));
      if ("error" in came) teller.met(key, came.error);
      if ("outcome" in came) {
        if (came.outcome.is !== "later") teller.met(key, undefined);
        for (const found of came.outcome.found ?? []) teller.found(key, found);
      }
      if (step.do === "bury") teller.buried({ key, at: now, ...step.grave });
    },
    event: (told) => tell((to) => to.event?.(told)),
    operated: (told) => tell((to) => to.operated?.(told)),
    found: (of, found) => tell((to) => to.found?.(of, found)),
    over: (of, name) => tell((to) => to.over?.(of, name)),
    buried: (letter) => tell((to) => to.buried?.(letter)),
    met: (of, error) => tell((to) => to.met?.(of, error)),
  };
  return teller;
}
