import { asked } from "../scripts/asked.ts";

/** What is to be run. */
export interface Asked {
  readonly seeds: readonly number[];
  readonly adapters?: readonly string[];
  /** The only kinds of faults. */
  readonly kinds?: readonly string[];
  readonly hours?: number;
  readonly payments?: number;
  /** No world begins after so many seconds of processor time. */
  readonly seconds: number;
  /** Every line of what happens is printed. */
  readonly whole: boolean;
  /** How many worlds are run at a time. */
  readonly jobs: number;
  /** A broken promise does not end it. */
  readonly goesOn: boolean;
  /** A broken promise is named and nothing else. */
  readonly bare: boolean;
  /** Planted faults whose name holds these words. */
  readonly graveyard?: string;
}

const usage = `npm run simulate -- [--seed 1] [--seeds 20] [--fresh 0] [--hours n] [--payments n] [--seconds n] [--adapter folder]... [--fault kind]... [--jobs 2] [--go-on] [--whole] [--bare]
npm run simulate -- --graveyard [words]  plants faults and insists that each is found; simulate/README.md has the rest`;
/** How many worlds are run at a time, unless it is said. */
const usualJobs = 2;
/** How many seeds there are, so that one can be typed. */
const mostSeeds = 1_000_000;

/** @param chance decides which seeds are fresh. @throws Error for what is not understood */
export function readArguments(argv: readonly string[], chance: number): Asked {
  const { values, positionals } = asked(usage, {
    args: [...argv],
    allowPositionals: true,
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      fresh: { type: "string" },
      hours: { type: "string" },
      payments: { type: "string" },
      seconds: { type: "string" },
      adapter: { type: "string", multiple: true },
      fault: { type: "string", multiple: true },
      jobs: { type: "string" },
      "go-on": { type: "boolean", default: false },
      whole: { type: "boolean", default: false },
      bare: { type: "boolean", default: false },
      graveyard: { type: "boolean", default: false },
    },
  });
  const first = Number(values.seed ?? 1);
  const many = Number(values.seeds ?? (values.seed === undefined ? 20 : 1));
  const fresh = Array.from(
    { length: Number(values.fresh ?? 0) },
    (_, at) => ((chance * 7 + at * 7_919) % mostSeeds) + 1_000,
  );
  return {
    // Those that nobody has seen come first: a bound of seconds would leave them out.
    seeds: [...fresh, ...Array.from({ length: many }, (_, at) => first + at)],
    seconds: Number(values.seconds ?? Infinity),
    jobs: Math.max(1, Number(values.jobs ?? Math.min(usualJobs, many + fresh.length))),
    goesOn: values["go-on"],
    whole: values.whole,
    bare: values.bare,
    ...(values.adapter === undefined ? {} : { adapters: values.adapter }),
    ...(values.fault === undefined ? {} : { kinds: values.fault }),
    ...(values.hours === undefined ? {} : { hours: Number(values.hours) }),
    ...(values.payments === undefined ? {} : { payments: Number(values.payments) }),
    ...(values.graveyard ? { graveyard: positionals.join(" ") } : {}),
  };
}
