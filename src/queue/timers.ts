import type { Engine, Worker } from "./engine.ts";
import { type Look, type Queues, timersName } from "./queues.ts";

/** Starts the worker that wakes payments whose timer is due. It only asks for the look; waiting never happens in a lane. */
export function startTimers(engine: Engine, { timers }: Queues, concurrency: number): Worker<Look, void> {
  return engine.worker<Look, void>(timersName, (timer) => timers.wake(timer), { concurrency });
}
