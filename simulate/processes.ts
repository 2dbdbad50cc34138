import type { Entry } from "./agenda.ts";
import { streamOf } from "./draws.ts";

/** A process of the service: what runs in it is known by its asynchronous context. */
export class SimulatedProcess {
  /** `web-1`, `worker-2`; who is started in its place is called the same. */
  readonly name: string;
  /** Counts the processes that had this name. */
  readonly life: number;
  state: "running" | "frozen" | "dead" = "running";
  /** How far its clock is ahead, in milliseconds. */
  skewMs = 0;
  /** When it last went on after it had stood still. */
  thawedAt = -Infinity;
  /** How many of its calls are not answered yet. */
  underWay = 0;
  /** How many things a dead process was kept from. */
  kept = 0;
  readonly random: () => number;
  readonly #missed: Entry[] = [];
  readonly #counts = new Map<string, number>();

  constructor(name: string, life: number, seed: number) {
    this.name = name;
    this.life = life;
    this.random = streamOf(seed);
  }

  /** 1, 2, 3 … of each name. */
  count(name: string): number {
    const next = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, next);
    return next;
  }

  /** Whether something that is due happens now. A stopped process gets it later, in its order; a dead one never. */
  mayRun(entry: Entry): boolean {
    if (this.state === "running") return true;
    if (this.state === "dead") this.kept += 1;
    else this.#missed.push(entry);
    return false;
  }

  /** What it missed while it was stopped. */
  missed(): Entry[] {
    return this.#missed.splice(0);
  }
}
