import { pino } from "pino";
import { createGate } from "../../src/workers/gate/gate.ts";
import type { Following } from "../../src/workers/asking.ts";
import { type EventParts, startEvents } from "../../src/workers/events/events.ts";
import type { ListSeam } from "./list-seam.ts";

/** What a test says of the world in which events are worked on. */
export interface EventWorld {
  /** The only adapter that is configured, in part. */
  readonly adapter: { readonly id: string; readonly webhooks: object };
  readonly settings: object;
  /** The calls of Norce's client that are made. */
  readonly norce: object;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What is heard of what is told. */
  readonly teller?: object;
}

/** Starts what works on events, on queues that are lists. */
export function startEventsOn(
  { seam }: ListSeam,
  target: object,
  { adapter, settings, norce, now, teller }: EventWorld,
): void {
  const asking = {
    config: {
      targets: [{ ...target, adapter }],
      find: () => ({ adapter, settings }),
      adapters: new Map([[adapter.id, adapter]]),
    },
    contexts: () => ({}),
    norce,
  };
  const parts = {
    asking: () => asking,
    changed: () => undefined,
    shell: {
      work: seam.work,
      gates: { of: () => createGate(4, now), close: () => undefined },
      log: pino({ level: "silent" }),
      now,
      random: () => 0,
      stopping: new AbortController().signal,
    },
    queue: seam,
    teller: { met: () => undefined, event: () => undefined, ...teller },
    concurrency: 1,
  };
  startEvents(parts as unknown as Following<EventParts>);
}
