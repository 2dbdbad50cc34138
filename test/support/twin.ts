import type { TestEngine } from "./engines.ts";
import { openTwin } from "../../simulate/twin/engine.ts";
import { type Link, TwinServer } from "../../simulate/twin/server.ts";

/** The simulation's twin of an engine, in real time: the laws of the engines judge it. */
export interface TwinEngine extends TestEngine {
  readonly server: TwinServer;
}

/** A twin of a test's own. */
export function twinEngine(): TwinEngine {
  const server = new TwinServer({ now: Date.now });
  return {
    name: "twin",
    server,
    start: async () => undefined,
    stop: async () => undefined,
    settings: () => ({ dataDir: "" }),
    environment: () => ({}),
    open: async (log) => openTwin({ server, link: straight() }, log),
  };
}

/** A way on which nothing goes wrong; each call still takes its turn. */
function straight(): Link {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    holder: "a test",
    now: Date.now,
    async call(_name, effect) {
      await turn();
      const answer = effect();
      await turn();
      return answer;
    },
    wait<T>(_name: string, ms: number, begin: (told: (what: T) => void) => () => void) {
      const { promise, resolve } = Promise.withResolvers<T | null>();
      let leave = (): void => undefined;
      const finish = (what: T | null): void => {
        clearTimeout(timer);
        leave();
        resolve(what);
      };
      const timer = setTimeout(() => finish(null), ms);
      leave = begin(finish);
      return { answer: promise, end: () => finish(null) };
    },
  };
}
