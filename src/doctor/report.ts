/** What is asked, and whom it is about, for people. */
export interface Subject {
  /** The check's name: `credentials`, `webhooks`. */
  readonly check: string;
  readonly merchant?: string | undefined;
  readonly channel?: string | undefined;
  readonly adapter?: string | undefined;
}

/**
 * How a check ended. `fine`; `attention`: a person has to do something; `unreachable`: whoever was asked did not answer, so that nobody knows;
 * `skipped`: there was nothing to ask.
 */
export type Verdict = "fine" | "attention" | "unreachable" | "skipped";

/** What a check came to. */
export interface Found {
  readonly is: Verdict;
  /** One sentence: what was asked, and what that shows. No secret. */
  readonly says: string;
  /** One sentence: what to do. */
  readonly todo?: string | undefined;
  /** What a PSP told once and never again, by the path of its setting: for the person who asked, and for nobody else. */
  readonly told?: { readonly setting: string; readonly value: string } | undefined;
}

/** A line of the report. */
export type Finding = Subject & Found;

/** What all checks came to, in the order in which they are listed. */
export interface Report {
  /** The worst of it: `attention` before `unreachable` before `fine`. */
  readonly is: Exclude<Verdict, "skipped">;
  readonly findings: readonly Finding[];
}

/** A report of these findings. */
export function reportOf(findings: readonly Finding[]): Report {
  const has = (verdict: Verdict): boolean => findings.some(({ is }) => is === verdict);
  return { is: has("attention") ? "attention" : has("unreachable") ? "unreachable" : "fine", findings };
}

const order: readonly Verdict[] = ["attention", "unreachable", "fine", "skipped"];

/** One finding of several: the worst of them, with what each of these says. */
export function worstOf(found: readonly Found[]): Found {
  const is = order.find((verdict) => found.some((one) => one.is === verdict)) ?? "skipped";
  const worst = found.filter((one) => one.is === is);
  return {
    is,
    says: unique(worst.map(({ says }) => says)).join("; "),
    todo: unique(worst.flatMap(({ todo }) => todo ?? [])).join("; ") || undefined,
  };
}

const marks: Readonly<Record<Verdict, string>> = { fine: "✓", attention: "✗", unreachable: "?", skipped: "–" };

/** One line per check, and under it what to do. */
export function linesOf({ findings }: Report): readonly string[] {
  return findings.flatMap(({ is, says, todo, told, ...subject }) => [
    `${marks[is]} ${[subjectOf(subject), says].join(": ")}`,
    ...(todo === undefined ? [] : [`    ${todo}`]),
    ...(told === undefined ? [] : [`    ${told.setting}: ${told.value}`]),
  ]);
}

/** `acme/se stripe, credentials`. */
function subjectOf({ check, merchant, channel, adapter }: Subject): string {
  const place = merchant === undefined ? [] : [channel === undefined ? merchant : `${merchant}/${channel}`];
  const whose = [...place, ...(adapter === undefined ? [] : [adapter])].join(" ");
  return whose === "" ? check : `${whose}, ${check}`;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
