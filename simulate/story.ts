/** What happened in a world, in sentences: of one payment where it is about one, with everything that went wrong. */
import { runWorld, type WorldOptions } from "./world.ts";

/** How many lines of a story are told at most: its end matters most. */
const mostLines = 60;

/** Runs the world once more and tells. @param payment its index; absent: of everything. */
export async function tellStory(options: WorldOptions, payment: number | undefined): Promise<readonly string[]> {
  const name = payment === undefined ? "" : `p${String(payment).padStart(3, "0")}x`;
  const told: string[] = [];
  /** The payment's name, and what its PSP calls it. */
  const names = name === "" ? [] : [name];
  await runWorld({
    ...options,
    story(at, line) {
      const [, reference] = line.startsWith(`${name} is opened`) ? (/ as (\S+)$/.exec(line) ?? []) : [];
      if (reference !== undefined && name !== "") names.push(reference);
      const sentence = sentenceOf(line, names);
      if (sentence !== undefined) told.push(`${timeOf(at)}  ${sentence}`);
    },
  });
  return told.length <= mostLines ? told : ["…", ...told.slice(-mostLines)];
}

const trouble = /^(fault |VIOLATION|weather|all clocks)|( dies | stands still | goes on$| is away )/;
/** Calls to the engine, by which nobody follows a story. */
const housekeeping = /^(web|worker)-\d [a-z-]+ [a-z-]+ #\d+$/;

function sentenceOf(line: string, names: readonly string[]): string | undefined {
  if (housekeeping.test(line)) return undefined;
  if (!trouble.test(line) && names.length > 0 && !names.some((name) => line.includes(name))) return undefined;
  const [, who = "", json = ""] = /^((?:web|worker)-\d): (\{.*\})$/.exec(line) ?? [];
  if (json !== "") return `${who} says ${saidIn(json)}`;
  return line.replace("VIOLATION", "BROKEN:").replace(" -> ", " sends ");
}

/** The words of a log line that matter in a story. */
function saidIn(json: string): string {
  const { msg, from, to, outcome, why, reason, kind, status, operation, wrote } = JSON.parse(json) as Record<
    string,
    unknown
  >;
  const facts = Object.entries({ operation, status, outcome, from, to, wrote, why, reason, kind })
    .filter(([, value]) => value !== undefined)
    .map(([fact, value]) => `${fact} ${Array.isArray(value) ? value.join("+") : String(value)}`);
  return [String(msg), ...facts].join(", ");
}

/** `0:03:25.120`. */
function timeOf(at: number): string {
  const seconds = (at / 1_000) % 60;
  const minutes = Math.floor(at / 60_000) % 60;
  return `${Math.floor(at / 3_600_000)}:${String(minutes).padStart(2, "0")}:${seconds.toFixed(3).padStart(6, "0")}`;
}
