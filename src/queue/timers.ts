import type { Engine, Worker } from "./engine.ts";
import type { PaymentKey } from "../contract/adapter.ts";
import { type Look, type Queues, referencesName, timersName } from "./queues.ts";

/** Starts the worker that wakes payments whose timer is due. It only asks for the look; waiting never happens in a lane. */
export function startTimers(engine: Engine, { timers }: Queues, concurrency: number): Worker<Look, void> {
  return engine.worker<Look, void>(timersName, (timer) => timers.wake(timer), { concurrency });
}

/** Starts the worker that forgets references when their time has come: their jobs are removed once they are due. */
export function startForgetting(engine: Engine): Worker<PaymentKey, void> {
  return engine.worker<PaymentKey, void>(referencesName, async () => undefined, { concurrency: 1 });
}
