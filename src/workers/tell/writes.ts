import type { Logger } from "../../lib/log.ts";
import { within } from "../../queue/within.ts";
import { tellPauses } from "../patience.ts";

/** Writes that nobody waits for but the end of the process. */
export interface Writes {
  /** @param lost called where it fails: what is told of it next is written again. */
  add(work: Promise<void>, lost?: () => void): void;
  /** Waits for those under way, for a while. Never rejects. */
  close(): Promise<void>;
}

/** Of failures in a row the first is told. @param message of its log line. */
export function createWrites(log: Logger, message: string): Writes {
  const underWay = new Set<Promise<void>>();
  let told = false;
  return {
    add(work, lost = () => undefined) {
      const kept = (async () => {
        try {
          await work;
          told = false;
        } catch (error) {
          lost();
          if (!told) log.warn({ error }, message);
          told = true;
        }
      })();
      underWay.add(kept);
      void kept.finally(() => underWay.delete(kept));
    },
    async close() {
      await within(tellPauses.closeMs, Promise.all(underWay)).catch(() => undefined);
    },
  };
}
