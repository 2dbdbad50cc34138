import type { Config } from "../../config.ts";
import type { Logger } from "../../lib/log.ts";
import type { Closures } from "../../queue/closures.ts";
import { gatePauses } from "../patience.ts";
import { createGate, type Gate, roomPerAccount } from "./gate.ts";

/** This process's gates, one per PSP. */
export interface Gates {
  of(adapter: string): Gate;
  close(): void;
}

interface GatesParts {
  readonly config: Config;
  readonly log: Logger;
  readonly now: () => number;
  /** Where closures are told. Without `list` no other process works on this queue, and none is asked. */
  readonly closures?: Pick<Closures, "tell"> & Partial<Pick<Closures, "list">>;
}

/** Makes the gates, and lets the processes tell each other which PSP account is to be left alone. */
export function createGates({ config, log, now, closures }: GatesParts): Gates {
  const gates = new Map<string, Gate>();
  let trouble = false;
  const share = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
      trouble = false;
    } catch (error) {
      // Each process finds out by itself, too: this costs some requests, no payment.
      if (!trouble) log.warn({ error }, "gate.unshared");
      trouble = true;
    }
  };
  const hear = async (list: Closures["list"]): Promise<void> => {
    for (const { adapter, ...closure } of await list()) gates.get(adapter)?.heard(closure);
  };
  let asking = false;
  const list = closures?.list;
  const timer =
    list === undefined
      ? undefined
      : setInterval(() => {
          if (asking) return;
          asking = true;
          void share(hear(list)).finally(() => (asking = false));
        }, gatePauses.askMs).unref();

  return {
    of(adapter) {
      const known = gates.get(adapter);
      if (known !== undefined) return known;
      const made = createGate(roomPerAccount(adapter, config), now, (closure) => {
        if (closures !== undefined) void share(closures.tell({ ...closure, adapter }, closure.until - now()));
      });
      gates.set(adapter, made);
      return made;
    },
    close: () => clearInterval(timer),
  };
}
