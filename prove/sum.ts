import { holds, type Run, sumOf } from "./table.ts";

/** What a run came to, in numbers. */
export interface Counted {
  readonly at: string;
  readonly node: string;
  readonly engine: string;
  readonly seed: number;
  readonly minutes: number;
  readonly payments: number;
  /** Faults to processes, engines and networks. */
  readonly hard: number;
  /** Faults in answers and deliveries. */
  readonly soft: number;
  readonly webhooks: number;
  readonly looks: number;
  readonly asked: number;
  readonly carriedOut: number;
  readonly right: number;
  readonly named: number;
  readonly untold: number;
  readonly promisedAway: number;
  readonly lost: number;
  readonly doubled: number;
  readonly holds: boolean;
  readonly recovery: Run["recovery"];
  readonly struck: Run["struck"];
}

/** A run's numbers, for adding up. */
export function counted(run: Run): Counted {
  const { engine, seed, minutes, struck, verdict, recovery } = run;
  return {
    at: new Date().toISOString(),
    node: process.version,
    engine,
    seed,
    minutes,
    payments: verdict.payments,
    hard: sumOf(struck),
    soft: sumOf(verdict.faults),
    webhooks: verdict.webhooks,
    looks: verdict.looks,
    asked: verdict.operations.asked,
    carriedOut: verdict.operations.carriedOut,
    right: verdict.right,
    named: verdict.named.length,
    untold: verdict.untold.length,
    promisedAway: verdict.promisedAway.length,
    lost: verdict.lost.length,
    doubled: verdict.doubledLines.length + verdict.doubledMoney.length,
    holds: holds(run),
    recovery,
    struck,
  };
}

const columns = [
  ["payments", "payments"],
  ["hard", "faults to processes, engines, networks"],
  ["soft", "faults in answers, deliveries"],
  ["webhooks", "webhooks acknowledged"],
  ["looks", "looks taken"],
  ["asked", "operations asked"],
  ["carriedOut", "carried out"],
  ["right", "right"],
  ["named", "named"],
  ["untold", "never told"],
  ["promisedAway", "promised away"],
  ["lost", "**lost**"],
  ["doubled", "**doubled**"],
] as const;

/** Runs as a table in Markdown: a line each, a line for each engine, and one for all. */
export function sumTableOf(runs: readonly Counted[]): string {
  const engines = [...new Set(runs.map(({ engine }) => engine))];
  const row = (name: string, seed: string, minutes: number, some: readonly Counted[]): string => {
    const sums = columns.map(([column]) => some.reduce((sum, run) => sum + run[column], 0));
    return `| ${[name, seed, minutes.toFixed(1), ...sums].join(" | ")} |`;
  };
  const minutesOf = (some: readonly Counted[]): number => some.reduce((sum, { minutes }) => sum + minutes, 0);
  return [
    `| engine | seed | minutes | ${columns.map(([, title]) => title).join(" | ")} |`,
    `| --- | --- |${" ---: |".repeat(columns.length + 1)}`,
    ...engines.flatMap((engine) => {
      const mine = runs.filter((run) => run.engine === engine);
      const each = mine.map((run) => row(engine, String(run.seed), run.minutes, [run]));
      return [...each, row(`**${engine}**`, `${mine.length} runs`, minutesOf(mine), mine)];
    }),
    row("**all**", `${runs.length} runs`, minutesOf(runs), runs),
  ].join("\n");
}
