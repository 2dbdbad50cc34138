import type { DesiredPayment, KeptEvent, LogLine, Minor, Money, OperationName } from "../../contract/adapter.ts";

/** The type of the line that an operation leaves: no webhook of Walley's has it. */
const accepted = "operation:accepted";
const authorization = /^walley:authorization:/;
/** What Walley accepted and has not shown for this long was not carried out. Reads lag by a minute (docs/psp/walley.md, d). */
const patienceSeconds = 10 * 60;

/** What an operation is written down as: Walley accepts it and carries it out later, and until then nobody can be asked. */
export function acceptedLine(name: OperationName, amount: Minor, currency: string, before: Money): LogLine {
  const facts = { operation: name, before: progressOf(name, before) };
  return { event: "paymentAction", pspStatus: "202", amount, currency, success: true, facts };
}

/** The event of that line. */
export const acceptedType: string = accepted;

/** What was accepted and does not show yet, by operation, and when the oldest of it was accepted. */
export interface UnderWay {
  readonly amounts: Readonly<Partial<Record<OperationName, Minor>>>;
  readonly sinceSeconds: number;
}

/** What the lines of our own operations promise beyond what Walley shows; `undefined` where it shows all of it, or will not any more. */
export function underWayOf(kept: readonly KeptEvent[], money: Money, readAt: string): UnderWay | undefined {
  const recent = lines(kept)
    .filter(({ type }) => type === accepted)
    .map((line) => ({ line, age: (Date.parse(readAt) - Date.parse(line.at ?? "")) / 1000 }))
    .filter(({ age }) => age < patienceSeconds);
  const amounts: Partial<Record<OperationName, Minor>> = {};
  const ages: number[] = [];
  for (const name of ["capture", "cancel", "refund"] as const) {
    const own = recent.filter(({ line }) => line.facts?.["operation"] === name);
    const [first] = own;
    if (first === undefined) continue;
    // Several that overlap add up from where the first one began.
    const before = Math.min(...own.map(({ line }) => Number(line.facts?.["before"] ?? 0)));
    const promised = before + own.reduce((all, { line }) => all + line.amount, 0);
    const missing = promised - progressOf(name, money);
    if (missing <= 0) continue;
    amounts[name] = Math.min(missing, availableOf(name, money));
    ages.push(Math.max(0, ...own.map(({ age }) => age)));
  }
  return ages.length === 0 ? undefined : { amounts, sinceSeconds: Math.max(...ages) };
}

/** Walley's ids of the authorisations that were told about this payment, and what the last of them came to. */
export function authorizationsIn(kept: readonly KeptEvent[]): {
  readonly ids: readonly string[];
  readonly attributes: NonNullable<DesiredPayment["attributes"]>;
} {
  const told = lines(kept)
    .filter(({ type }) => authorization.test(type))
    .toSorted((left, right) => inTime(left, right));
  const ids = told.map(({ facts }) => facts?.["authorizationId"]).filter((id) => typeof id === "string");
  const last = told.at(-1);
  const [id] = ids.slice(-1);
  if (last === undefined) return { ids: [], attributes: {} };
  return {
    ids: [...new Set(ids)],
    attributes: {
      ...(id === undefined ? {} : { authorizationId: id }),
      authorization: last.errorDetail === undefined ? last.pspStatus : `${last.pspStatus} ${last.errorDetail}`,
    },
  };
}

/** The lines, each once and in an order that does not depend on that of the log. */
function lines(kept: readonly KeptEvent[]): readonly KeptEvent[] {
  return [...new Map(kept.map((line) => [line.key, line])).values()];
}

function inTime(left: KeptEvent, right: KeptEvent): number {
  return Date.parse(left.at ?? "") - Date.parse(right.at ?? "") || (left.key < right.key ? -1 : 1);
}

function progressOf(name: OperationName, { captured, refunded, released }: Money): Minor {
  switch (name) {
    case "capture":
      return captured;
    case "cancel":
      return released;
    case "refund":
      return refunded;
  }
}

function availableOf(name: OperationName, { authorized, captured, refunded, released }: Money): Minor {
  return name === "refund" ? captured - refunded : authorized - captured - released;
}
