/**
 * Alerts: what is wrong is read again and again and compared with what was told; the difference is told, once per cause and not per payment.
 * Runs in the web and in the worker process, one pass at a time of all of them, so that one hears of it when the other is not there.
 */
import { randomUUID } from "node:crypto";
import type { Config } from "../config.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import { createTransport, type Transport } from "../lib/transport.ts";
import type { AlertJob } from "../queue/causes.ts";
import { alertsName } from "../queue/names.ts";
import type { Seam, Work } from "../queue/seam.ts";
import { createCollect } from "./collect.ts";
import { decide } from "./decide.ts";
import { watchPauses } from "./pauses.ts";
import { causeId } from "./present.ts";
import { sendAlert } from "./send.ts";

/** What alerts run on. */
export interface AlertParts {
  readonly config: Config;
  readonly queue: Pick<Seam, "letters" | "peers" | "badNews" | "heartbeats" | "sweeps" | "causes" | "locks" | "work">;
  readonly log: Logger;
  readonly meters: Pick<Meters, "alert">;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  readonly transport?: Transport;
  /** How often it is looked, in milliseconds. */
  readonly everyMs?: number;
}

/** Starts telling where `ALERT_URL` says; nothing where it is not set. */
export function startAlerts(parts: AlertParts): { close(): Promise<void> } {
  const { config, queue, log, meters, now = Date.now, random = Math.random, everyMs = watchPauses.everyMs } = parts;
  const { transport = createTransport({ proxies: config.proxies }) } = parts;
  const collect = createCollect({ config, queue, now });
  let trouble = false;
  let running: Promise<void> | undefined;
  let work: Work | undefined;
  const deliver = (): Work =>
    queue.work<AlertJob>(
      alertsName,
      (job) => sendAlert(job, { config, queue, log, meters, transport, now, random }),
      // A message that is on its way is sent again by the next pass.
      { concurrency: 1, lost: async () => undefined },
    );

  const pass = async (): Promise<void> => {
    // They may be switched on, and off again, while the process runs.
    if (config.alerts === undefined) return;
    work ??= deliver();
    // The lock is left to run out: it is the pace of all processes together.
    const turnMs = Math.min(watchPauses.turnMs, everyMs * 0.8);
    if ((await queue.locks.acquire("alerts", turnMs)) === undefined) return;
    const [present, known] = [await collect(), await queue.causes.list()];
    for (const { id, value, version } of known) {
      const next = decide(value, present.get(causeId(value)), { now: now(), newId });
      if (next === "remove") await queue.causes.remove(id, version);
      else if (next !== "keep" && !(await queue.causes.write(id, version, next))) continue;
      const message = next === "remove" ? undefined : next === "keep" ? value.message : next.message;
      if (message !== undefined) await queue.causes.send(id, message);
    }
    const ids = new Set(known.map(({ value }) => causeId(value)));
    for (const [id, cause] of present) {
      const next = ids.has(id) ? "keep" : decide(undefined, cause, { now: now(), newId });
      if (typeof next === "object") await queue.causes.write(id, undefined, next);
    }
    trouble = false;
  };
  const watch = async (): Promise<void> => {
    try {
      await pass();
    } catch (error) {
      // What was not looked at now is looked at next time.
      if (!trouble) log.warn({ error }, "alert.unwatched");
      trouble = true;
    } finally {
      running = undefined;
    }
  };
  const timer = setInterval(() => {
    running ??= watch();
  }, everyMs).unref();
  return {
    async close() {
      clearInterval(timer);
      await running;
      await work?.close();
    },
  };
}

/** A message's id. */
function newId(): string {
  return `alert_${randomUUID()}`;
}
