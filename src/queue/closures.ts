import type { Engine, Temper } from "./engine.ts";
import { hashOf } from "./names.ts";

/** Why a PSP account is left alone, and until when. */
export interface Closure {
  /** One merchant's account at the PSP. */
  readonly account: string;
  readonly why: "psp-down" | "psp-busy";
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** A closure and the adapter whose PSP it is. */
export type ToldClosure = Closure & { readonly adapter: string };

/** What worker processes tell each other of PSPs that are to be left alone. */
export interface Closures {
  /** @param forMs how long it lasts from now on. */
  tell(closure: ToldClosure, forMs: number): Promise<void>;
  /** At most a thousand; those that ended are not among them. */
  list(): Promise<readonly ToldClosure[]>;
}

/** More accounts than a service has. */
const most = 1_000;

/** The closures on one engine. */
export function createClosures(engine: Engine, temper: Temper = "patient"): Closures {
  const store = engine.store(temper);
  return {
    tell: async (closure, forMs) =>
      await store.put("closure", hashOf([closure.adapter, closure.account]), { ...closure }, Math.max(forMs, 1)),
    async list() {
      const { records } = await store.list<ToldClosure & Record<string, never>>("closure", { limit: most });
      return records.map(({ value }) => value);
    },
  };
}
