import { openProxy, type Proxy, type Way } from "./proxy.ts";

/** Whom a process talks to: the engine, or Norce and the PSPs. */
type Whom = "engine" | "world";

/**
 * A moment in the life of a process: the piece of bytes with which something begins, and so many pieces more, to or from whomever. Between two
 * of them it waits for somebody, or computes: these are all the places at which it can be struck.
 */
export interface Moment {
  readonly whom: Whom;
  readonly way: Way;
  readonly begins: RegExp;
  readonly after: number;
}

/** The ways by which one process reaches the engine, Norce and the PSPs. */
export interface Wire {
  /** Another port that leads to this one. */
  lead(whom: Whom, port: number): Promise<number>;
  /** Those ways to the engine that are open; none where it has no single address. */
  readonly toEngine: readonly Proxy[];
  /** Acts at the first such moment, before the piece has reached anybody. `false`: there was none in that time. */
  at(moment: Moment, act: () => void, mostMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** A process's wire. */
export function createWire(): Wire {
  const proxies: Proxy[] = [];
  const toEngine: Proxy[] = [];
  const watching = new Set<(piece: Buffer, whom: Whom, way: Way) => void>();
  return {
    toEngine,
    async lead(whom, port) {
      const proxy = await openProxy([port], (piece, way) => {
        for (const sees of watching) sees(piece, whom, way);
      });
      proxies.push(proxy);
      if (whom === "engine") toEngine.push(proxy);
      return proxy.port;
    },
    async at(moment, act, mostMs) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      let left: number | undefined;
      const sees = (piece: Buffer, whom: Whom, way: Way): void => {
        if (left !== undefined) left -= 1;
        else if (whom === moment.whom && way === moment.way && moment.begins.test(piece.toString("latin1")))
          left = moment.after;
        if (left !== 0) return;
        watching.delete(sees);
        act();
        resolve(true);
      };
      watching.add(sees);
      const timer = setTimeout(() => resolve(false), mostMs);
      const came = await promise;
      clearTimeout(timer);
      watching.delete(sees);
      return came;
    },
    close: async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))),
  };
}
