/** The clock of a world: what happens, one thing after the other, each in its process, and nothing between them. */
import { AsyncLocalStorage } from "node:async_hooks";
import { real } from "./edge.ts";
import type { SimulatedProcess } from "./processes.ts";

/** Something that will happen. */
export interface Entry {
  /** Milliseconds since the world began. */
  at: number;
  order: number;
  readonly process: SimulatedProcess | undefined;
  readonly run: () => void;
  /** Nothing follows from it in the same turn: only data change. */
  readonly quiet: boolean;
  /** Somebody waits in this queue, and may have waited long enough. */
  readonly waitsIn: string | undefined;
  over: boolean;
}

/** How something is put on the agenda. */
export interface When {
  /** Whose it is; default: whoever asks. `null`: the outside world's. */
  readonly process?: SimulatedProcess | null;
  readonly quiet?: boolean;
  readonly waitsIn?: string;
}

/**
 * How many turns are asked for at a time. Between two of them whatever followed from the first, promises and ticks, comes to a pause; only
 * between batches Node looks for files and sockets, which nobody here has, and that costs as much as a step.
 */
const turnsAtATime = 64;

/** The agenda of one world. */
export class Agenda {
  /** Milliseconds since the world began. */
  now = 0;
  /** How many things have happened. */
  steps = 0;
  /** Called before each step. */
  watch: (() => void) | undefined;
  readonly #heap: Entry[] = [];
  readonly #running = new AsyncLocalStorage<SimulatedProcess | undefined>();
  readonly #outside = new Set<Entry>();
  #made = 0;

  /** The process in which the program runs now. */
  get running(): SimulatedProcess | undefined {
    return this.#running.getStore();
  }

  /** Runs something as a part of a process. */
  as<T>(process: SimulatedProcess | undefined, run: () => T): T {
    return this.#running.run(process, run);
  }

  after(ms: number, run: () => void, { process = this.running, quiet = false, waitsIn }: When = {}): Entry {
    this.#made += 1;
    const of = process ?? undefined;
    const entry = { at: this.now + ms, order: this.#made, process: of, run, quiet, waitsIn, over: false };
    this.#push(entry);
    if ((process ?? undefined) === undefined && !quiet) this.#outside.add(entry);
    return entry;
  }

  /** When the next thing happens in the outside world; `Infinity`: nothing does. */
  nextOutside(): number {
    let next = Infinity;
    for (const entry of this.#outside) {
      if (entry.over) this.#outside.delete(entry);
      else next = Math.min(next, entry.at);
    }
    return next;
  }

  /**
   * Lets time pass in which nobody has anything to do, as if all processes had slept: their timers have as long to go as before. Whoever waits
   * in one of the queues has waited long enough.
   */
  leapTo(at: number, queues: ReadonlySet<string>): void {
    const ms = at - this.now;
    const entries = this.#heap.splice(0).filter(({ over }) => !over);
    for (const entry of entries) {
      const sleeps = entry.waitsIn === undefined ? entry.process !== undefined : !queues.has(entry.waitsIn);
      if (sleeps) entry.at += ms;
      this.#push(entry);
    }
    this.now = at;
  }

  /** Lets everything happen, until somebody says that it is over. */
  async run(isOver: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      let left = 0;
      let isDone = false;
      const end = (then: () => void): void => {
        isDone = true;
        then();
      };
      const step = (): void => {
        try {
          for (;;) {
            if (isOver()) return end(resolve);
            const entry = this.#pop();
            if (entry === undefined) return end(resolve);
            if (entry.over) continue;
            if (this.#begin(entry)) return;
          }
        } catch (error) {
          end(() => reject(error));
        }
      };
      const turn = (): void => {
        if (isDone) return;
        left -= 1;
        step();
        if (left <= 0) begin();
      };
      const begin = (): void => {
        left = turnsAtATime;
        for (let at = 0; at < turnsAtATime; at += 1) real.setImmediate(turn);
      };
      begin();
    });
  }

  /** @returns whether something may follow from it. */
  #begin(entry: Entry): boolean {
    entry.over = true;
    const { process, run, quiet } = entry;
    this.now = Math.max(this.now, entry.at);
    if (process !== undefined && !process.mayRun(entry)) return false;
    this.steps += 1;
    this.watch?.();
    if (quiet) run();
    else this.#running.run(process, run);
    return !quiet;
  }

  /** What a frozen process missed comes to pass now, in its order. */
  resume(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#made += 1;
      // The same entry: whoever holds it may still call it off.
      this.#push(Object.assign(entry, { at: this.now, order: this.#made, over: false }));
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const one = heap[left];
      const other = heap[left + 1];
      if (one === undefined) break;
      const [child, below] = other !== undefined && isBefore(other, one) ? [other, left + 1] : [one, left];
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
