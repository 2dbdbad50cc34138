/**
 * Time and chance at Node's edge. Whoever simulates imports this file before anything else: from then on clocks, timers and random values are
 * those of the world that is run, and Node's own wherever none is. What captures one of them when it is loaded captures ours.
 */
import nodeCrypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { performance } from "node:perf_hooks";
import timers from "node:timers";
import timersPromises from "node:timers/promises";

/** What a world gives whoever runs in it. */
export interface Edge {
  /** Milliseconds since the epoch, by the clock of the process that asks. */
  wall(): number;
  /** Milliseconds that only ever go on. */
  steady(): number;
  /** Calls back in the asker's process. @returns what calls it off. */
  after(ms: number, run: () => void): () => void;
  /** Calls back once everything that was begun by now has come to a pause. */
  soon(run: () => void): () => void;
  /** From 0 to 1. */
  random(): number;
}

/** Node's own, for whoever has to know how long something really takes. */
export const real = {
  now: Date.now,
  steady: performance.now.bind(performance),
  setImmediate,
  setTimeout,
  clearTimeout,
} as const;

let world: Edge | undefined;

/** From now on, whoever asks for time or chance asks this world; `undefined`: nobody's. */
export function setEdge(edge: Edge | undefined): void {
  world = edge;
}

/** A timer of a world; of Node's own it has what programs use. */
class WorldTimer {
  #cancel: () => void;
  readonly #again: () => () => void;
  constructor(begin: () => () => void) {
    this.#again = begin;
    this.#cancel = begin();
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  hasRef(): boolean {
    return true;
  }
  refresh(): this {
    this.#cancel();
    this.#cancel = this.#again();
    return this;
  }
  close(): this {
    this.#cancel();
    return this;
  }
  [Symbol.dispose](): void {
    this.#cancel();
  }
}

/** The longest pause that a timer can make; Node takes a longer one for none. */
const longestMs = 2 ** 31 - 1;

function pauseOf(ms: unknown): number {
  const number = Number(ms);
  return number >= 1 && number <= longestMs ? Math.trunc(number) : 1;
}

type Callback = (...parameters: unknown[]) => void;

function laterIn(edge: Edge, callback: Callback, ms: unknown, parameters: readonly unknown[]): WorldTimer {
  return new WorldTimer(() => edge.after(pauseOf(ms), () => callback(...parameters)));
}

function everyIn(edge: Edge, callback: Callback, ms: unknown, parameters: readonly unknown[]): WorldTimer {
  return new WorldTimer(() => {
    let cancel: () => void;
    const begin = (): void => {
      cancel = edge.after(pauseOf(ms), () => {
        callback(...parameters);
        if (!over) begin();
      });
    };
    let over = false;
    begin();
    return () => {
      over = true;
      cancel();
    };
  });
}

function soonIn(edge: Edge, callback: Callback, parameters: readonly unknown[]): WorldTimer {
  return new WorldTimer(() => edge.soon(() => callback(...parameters)));
}

/** Ends a timer, whoever's it is. */
function endBy(original: (timer: never) => void): (timer: unknown) => void {
  return (timer) => (timer instanceof WorldTimer ? void timer.close() : original(timer as never));
}

function aborted(signal: AbortSignal): Error {
  return Object.assign(new Error("The operation was aborted", { cause: signal.reason }), {
    name: "AbortError",
    code: "ABORT_ERR",
  });
}

/** A pause as a promise, in a world. */
function pausing<T>(begin: (run: () => void) => () => void, value: T, signal: AbortSignal | undefined): Promise<T> {
  if (signal?.aborted === true) return Promise.reject(aborted(signal));
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = (): void => {
    cancel();
    if (signal !== undefined) reject(aborted(signal));
  };
  const cancel = begin(() => {
    signal?.removeEventListener("abort", giveUp);
    resolve(value);
  });
  signal?.addEventListener("abort", giveUp, { once: true });
  return promise;
}

/** Bytes of chance. */
function bytesOf(edge: Edge, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at += 1) bytes[at] = Math.floor(edge.random() * 256);
  return bytes;
}

function uuidOf(edge: Edge): ReturnType<typeof nodeCrypto.randomUUID> {
  const bytes = bytesOf(edge, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const digits = bytes.toString("hex");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

function replaceClocks(): void {
  const RealDate = Date;
  const wall = RealDate.now;
  RealDate.now = () => world?.wall() ?? wall();
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, parameters: unknown[], made) =>
      Reflect.construct(target, parameters.length === 0 ? [RealDate.now()] : parameters, made) as object,
    apply: () => new RealDate(RealDate.now()).toString(),
  });
  const steady = performance.now.bind(performance);
  performance.now = () => world?.steady() ?? steady();
}

function replaceTimers(): void {
  const own = { ...timers };
  const replaced = {
    setTimeout: Object.assign(
      (callback: Callback, ms?: unknown, ...parameters: unknown[]) =>
        world === undefined
          ? own.setTimeout(callback, ms as number, ...parameters)
          : laterIn(world, callback, ms, parameters),
      own.setTimeout,
    ),
    setInterval: (callback: Callback, ms?: unknown, ...parameters: unknown[]) =>
      world === undefined
        ? own.setInterval(callback, ms as number, ...parameters)
        : everyIn(world, callback, ms, parameters),
    setImmediate: Object.assign(
      (callback: Callback, ...parameters: unknown[]) =>
        world === undefined ? own.setImmediate(callback, ...parameters) : soonIn(world, callback, parameters),
      own.setImmediate,
    ),
    clearTimeout: endBy(own.clearTimeout),
    clearInterval: endBy(own.clearInterval),
    clearImmediate: endBy(own.clearImmediate),
  };
  Object.assign(timers, replaced);
  Object.assign(globalThis, replaced);
  const { setTimeout: pause, setImmediate: turn } = timersPromises;
  Object.assign(timersPromises, {
    setTimeout: (ms: number, value: unknown, options: { signal?: AbortSignal } = {}) => {
      const edge = world;
      if (edge === undefined) return pause(ms, value, options);
      return pausing((run) => edge.after(pauseOf(ms), run), value, options.signal);
    },
    setImmediate: (value: unknown, options: { signal?: AbortSignal } = {}) => {
      const edge = world;
      if (edge === undefined) return turn(value, options);
      return pausing((run) => edge.soon(run), value, options.signal);
    },
  });
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  AbortSignal.timeout = (ms) => {
    if (world === undefined) return timeout(ms);
    const controller = new AbortController();
    laterIn(world, () => controller.abort(new DOMException("it took too long", "TimeoutError")), ms, []);
    return controller.signal;
  };
}

type Digesting = (...parameters: never[]) => unknown;

/** What Node does on another thread where it is given a callback, is done here and told in the next turn. */
function inTurn(own: Digesting): Digesting {
  return (...parameters) => {
    const callback: unknown = parameters.at(-1);
    if (world === undefined || typeof callback !== "function") return own(...parameters);
    const done = own(...parameters.slice(0, -1));
    return void world.soon(() => void callback(null, done));
  };
}

function replaceChance(): void {
  const random = Math.random;
  Math.random = () => world?.random() ?? random();
  const own = { ...nodeCrypto };
  Object.assign(nodeCrypto, {
    randomUUID: (options?: object) => (world === undefined ? own.randomUUID(options) : uuidOf(world)),
    randomBytes: (size: number, callback?: never) => {
      if (world === undefined) return own.randomBytes(size, callback as never);
      if (callback !== undefined) throw new Error("nobody here waits for random bytes");
      return bytesOf(world, size);
    },
    randomInt: (...bounds: number[]) => {
      if (world === undefined) return own.randomInt(...(bounds as [number, number]));
      const [least, most] = bounds.length === 1 ? [0, bounds[0] ?? 0] : [bounds[0] ?? 0, bounds[1] ?? 0];
      return least + Math.floor(world.random() * (most - least));
    },
  });
  globalThis.crypto.randomUUID = () => nodeCrypto.randomUUID();
  // Threads of their own come back when they like.
  Object.assign(nodeCrypto, { verify: inTurn(own.verify), sign: inTurn(own.sign) });
}

replaceClocks();
replaceTimers();
replaceChance();
syncBuiltinESMExports();
