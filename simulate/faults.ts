/** What goes wrong in a world. Each fault is drawn by the name and count of what it strikes, and struck once. */
import { type Draw, drawsOf, oneOf } from "./draws.ts";

/** What can happen to a call over HTTP. `-after`: it was carried out. */
export const httpFaults = [
  "conflict",
  "too-many",
  "error",
  "web-page",
  "timeout-before",
  "timeout-after",
  "late",
  "reset-before",
  "reset-after",
  "slow",
  "lags",
  "forgets",
] as const;
/** What can happen to a call to the queue's engine. */
export const engineFaults = [
  "engine-refuses",
  "engine-silent",
  "engine-slow",
  "engine-slow-end",
  "engine-deaf",
] as const;
/** What can happen to a process at the step at which it calls. */
export const processFaults = ["dies-before", "dies-after", "freezes", "freezes-given", "freezes-proven"] as const;
/** What can happen to a webhook on its way. */
export const deliveryFaults = ["lost", "delayed", "repeated", "forged"] as const;
/** What can happen to a whole world for a while. */
export const weather = [
  "psp-down",
  "norce-down",
  "engine-down",
  "engine-empties",
  "clock-jumps",
  "clock-leaps",
  "restarts",
  "other-settings",
  "web-dies",
] as const;

export type HttpFault = (typeof httpFaults)[number];
export type EngineFault = (typeof engineFaults)[number];
export type ProcessFault = (typeof processFaults)[number];
export type DeliveryFault = (typeof deliveryFaults)[number];
export type Weather = (typeof weather)[number];
type Kind = HttpFault | EngineFault | ProcessFault | DeliveryFault | Weather;

/** How often each kind strikes what it could strike. */
const usualRates: Readonly<Record<Kind, number>> = {
  conflict: 0.03,
  "too-many": 0.02,
  error: 0.04,
  "web-page": 0.02,
  "timeout-before": 0.02,
  "timeout-after": 0.04,
  late: 0.04,
  "reset-before": 0.03,
  "reset-after": 0.04,
  slow: 0.05,
  lags: 0.05,
  forgets: 0.02,
  "engine-refuses": 0.006,
  "engine-silent": 0.006,
  "engine-slow": 0.01,
  "engine-slow-end": 0.06,
  "engine-deaf": 0.5,
  "dies-before": 0.003,
  "dies-after": 0.004,
  freezes: 0.003,
  "freezes-given": 0.02,
  "freezes-proven": 0.03,
  lost: 0.15,
  delayed: 0.2,
  repeated: 0.25,
  forged: 0.1,
  "psp-down": 1,
  "norce-down": 1,
  "engine-down": 1,
  "engine-empties": 1,
  "clock-jumps": 1,
  "clock-leaps": 1,
  restarts: 1,
  "other-settings": 1,
  "web-dies": 1,
};

/** How much more often a kind strikes that a world was asked for. */
const aimedOften = 4;

/** A fault that struck. */
export interface Struck {
  /** By which it can be left out of the same story. */
  readonly id: string;
  readonly kind: Kind;
  readonly what: string;
}

/** The faults of one world. */
export class Faults {
  readonly struck: Struck[] = [];
  readonly kinds: ReadonlySet<string>;
  /** No more of them: the world comes to rest. */
  over = false;
  readonly #draw: Draw;
  readonly #without: ReadonlySet<string>;
  readonly #most: number;
  readonly #often: number;
  readonly #counts = new Map<string, number>();

  /** @param aimed the only kinds, which strike more often; default: a few, drawn by the seed. */
  constructor(seed: number, most: number, without: ReadonlySet<string>, aimed?: readonly string[]) {
    this.#draw = drawsOf(seed);
    this.#without = without;
    this.#most = most * (aimed === undefined ? 1 : aimedOften);
    this.kinds = aimed === undefined ? kindsOf(this.#draw) : new Set(aimed);
    this.#often = aimed === undefined ? 1 : aimedOften;
  }

  /** 1, 2, 3 … of each name. */
  count(name: string): number {
    const next = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, next);
    return next;
  }

  /** Whether one of the kinds strikes something of that name. @param rate how often, where it is aimed. */
  strike<K extends Kind>(kinds: readonly K[], name: string, count: number, rate?: number): K | undefined {
    if (this.over || this.struck.length >= this.#most) return undefined;
    for (const kind of kinds) {
      if (!this.kinds.has(kind) || this.#draw(kind, name, count) >= (rate ?? usualRates[kind] * this.#often)) continue;
      const id = `${kind} | ${name} #${count}`;
      if (this.#without.has(id)) continue;
      this.struck.push({ id, kind, what: name });
      return kind;
    }
    return undefined;
  }

  /** A number that belongs to something of that name, from `least` to `most`. */
  number(name: string, least: number, most: number): number {
    return least + this.#draw("number", name) * (most - least);
  }
}

/** A world has a few kinds of trouble, or it would be excused for everything; some have nothing but untidy webhooks. */
function kindsOf(draw: Draw): ReadonlySet<string> {
  const kinds = new Set<string>();
  const some = (of: readonly string[], most: number): void => {
    const many = Math.floor(draw("how-many", of[0] ?? "") * (most + 1));
    for (let at = 0; at < many; at += 1) kinds.add(oneOf(of, draw("which", of[0] ?? "", at)) ?? "");
  };
  some(deliveryFaults, 3);
  some(httpFaults, 3);
  some(engineFaults, 1);
  some(processFaults, 2);
  some(weather, 1);
  return kinds;
}
