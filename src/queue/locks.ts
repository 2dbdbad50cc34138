import type { Store } from "./store.ts";
import { within } from "./within.ts";

/** A lock that is held, until it runs out or is released. */
export interface Lock {
  readonly token: string;
  /** Taken before the engine was asked for it, so that nobody else holds it before then plus its duration. Milliseconds since the epoch. */
  readonly grantedAt: number;
  /**
   * Asks the engine whether it is still held with this token, and lets it live for its whole duration again. `false` also where the engine
   * does not answer, or so late that it may have run out meanwhile.
   */
  isMine(): Promise<boolean>;
  /** Only with its token: what somebody else holds by now stays. */
  release(): Promise<void>;
}

/** Locks by name, each with its holder's token. */
export interface Locks {
  /** `undefined` while somebody else holds it. */
  acquire(name: string, ttlMs: number): Promise<Lock | undefined>;
}

/** The locks on one engine. */
export function createLocks(store: Store): Locks {
  return {
    async acquire(name, ttlMs) {
      const grantedAt = Date.now();
      const { mine, stored } = await store.putIfAbsent("lock", name, true, ttlMs);
      if (!mine) return undefined;
      const { version: token } = stored;
      return {
        token,
        grantedAt,
        isMine: async () => await isProven(async () => await store.extend("lock", name, token, ttlMs), ttlMs),
        async release() {
          await store.remove("lock", name, token);
        },
      };
    },
  };
}

/**
 * Whether a lock's extension was granted in time. Two clocks are asked: the one stands still while a machine sleeps, the other may be set.
 * @param extend asks the engine. @param lockMs how long the lock lives once it was extended.
 */
export async function isProven(extend: () => Promise<boolean>, lockMs: number): Promise<boolean> {
  const before = { wall: Date.now(), steady: performance.now() };
  try {
    if (!(await within(lockMs / 2, extend()))) return false;
  } catch {
    return false;
  }
  return Math.max(Date.now() - before.wall, performance.now() - before.steady) < lockMs / 2;
}
