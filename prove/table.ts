import type { Verdict } from "./messages.ts";

/** What a run came to. */
export interface Run {
  readonly engine: string;
  readonly promise: string;
  readonly seed: number;
  readonly minutes: number;
  /** By name: to processes, engines and networks; the world's own are in the verdict. */
  readonly struck: Readonly<Record<string, number>>;
  readonly verdict: Verdict;
  /** Until every payment of a burst was right, by what happened in the middle of it. */
  readonly recovery: Readonly<Record<string, Recovery>>;
  /** Resident megabytes by process, early and late. */
  readonly memory: Readonly<Record<string, readonly [number, number]>>;
  /** What else is to be told, in words. */
  readonly notes: readonly string[];
}

/** How long something took, and how long it may take. Seconds. */
export interface Recovery {
  readonly seconds: number;
  readonly goal?: number;
}

/** Whether nothing was lost and nothing doubled beyond what the engine had promised. */
export function holds({ verdict }: Run): boolean {
  return verdict.lost.length + verdict.doubledLines.length + verdict.doubledMoney.length === 0;
}

/** A run as a table in Markdown. */
export function tableOf(run: Run): string {
  const { engine, promise, seed, minutes, struck, verdict, recovery, memory, notes } = run;
  const hard = sumOf(struck);
  const soft = sumOf(verdict.faults);
  const { operations } = verdict;
  const rows: readonly (readonly [string, string])[] = [
    ["engine", `${engine}: ${promise}`],
    ["seed, minutes, Node", `${seed}, ${minutes}, ${process.version}`],
    ["payments", `${verdict.payments}, each with a life of two to six steps`],
    ["faults to processes, engines, networks", `${hard}: ${listOf(struck)}`],
    ["faults in answers and deliveries", `${soft}: ${listOf(verdict.faults)}`],
    ["acknowledged", `${verdict.webhooks} webhooks, ${verdict.looks} looks`],
    ["right at rest", String(verdict.right)],
    ["different, and named by the report", String(verdict.named.length)],
    ["different, and the PSP's news never acknowledged", String(verdict.untold.length)],
    ["promised away", String(verdict.promisedAway.length)],
    ["**lost**", String(verdict.lost.length)],
    ["**lines doubled**", String(verdict.doubledLines.length)],
    [
      "operations",
      `${operations.asked} asked, ${operations.carriedOut} carried out, ${operations.refused} refused, ${operations.accepted} taken by the PSP for later, ${operations.unknown} not known in time`,
    ],
    ["**money moved twice**", String(verdict.doubledMoney.length)],
    [
      "recovery in seconds",
      Object.entries(recovery)
        .map(([name, took]) => `${name} ${toldOf(took)}`)
        .join(", "),
    ],
    [
      "resident MB, early → late",
      Object.entries(memory)
        .map(([name, [early, late]]) => `${name} ${early.toFixed(0)} → ${late.toFixed(0)}`)
        .join(", "),
    ],
    ...notes.map((text) => ["besides", text] as const),
  ];
  const details = [
    ...verdict.lost,
    ...verdict.doubledLines,
    ...verdict.doubledMoney,
    ...verdict.named,
    ...verdict.untold,
    ...verdict.promisedAway,
  ].map((line) => `- ${line}`);
  return ["| | |", "| --- | --- |", ...rows.map(([name, value]) => `| ${name} | ${value} |`), "", ...details].join(
    "\n",
  );
}

function toldOf({ seconds, goal }: Recovery): string {
  const told = seconds.toFixed(1);
  if (goal === undefined) return told;
  return `${told} (${seconds <= goal ? "within" : "**past**"} its ${goal})`;
}

/** The sum of counts by name. */
export function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function listOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .toSorted(([one], [other]) => one.localeCompare(other))
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
