import { format } from "node:util";
import type { Logger } from "../../lib/log.ts";

/** How what the driver prints begins. */
const theirs =
  /^(\[ioredis\]|\[WARN\]|\[ERROR\]|Skipping the ready check|BullMQ|It is highly recommended|\s*Current: )/;

/** Libraries that print plain text would break a log of JSON lines: their words become lines of it. @returns what ends that. */
export function takePrinted(log: Logger): () => void {
  const original = { warn: console.warn, error: console.error };
  for (const level of ["warn", "error"] as const)
    console[level] = (...parts: unknown[]) => {
      const text = format(...parts);
      if (theirs.test(text)) log[level]({ text }, "queue.printed");
      else original[level](...parts);
    };
  return () => void Object.assign(console, original);
}
