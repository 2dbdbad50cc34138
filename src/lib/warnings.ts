import type { Logger } from "./log.ts";
import { createIsNew } from "./news.ts";

/** Node prints its warnings as plain text, which would break a log of JSON lines: each becomes a line of it, once. @returns what ends that. */
export function takeWarnings(log: Pick<Logger, "warn">): () => void {
  const printing = process.listeners("warning");
  const isNew = createIsNew();
  const tell = ({ name, message }: Error): void => {
    if (isNew(message)) log.warn({ name, warning: message }, "process.warned");
  };
  process.removeAllListeners("warning");
  process.on("warning", tell);
  return () => {
    process.off("warning", tell);
    for (const print of printing) process.on("warning", print);
  };
}
