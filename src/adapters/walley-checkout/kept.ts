import type { DesiredPayment, KeptEvent, LogLine, Minor, Money, OperationName } from "../../contract/adapter.ts";

/** The type of the line that an operation leaves: no webhook of Walley's has it. */
const accepted = "operation:accepted";
const authorization = /^walley:authorization:/;
/** What Walley accepted and has not shown for this long was not carried out. Reads lag by a minute (docs/psp/walley.md, d). */
export const patienceSeconds: number = 10 * 60;

/** What an operation is written down as: Walley accepts it and carries it out later, and until then nobody can be asked. */
export function acceptedLine(name: OperationName, amount: Minor, currency: string, before: Money): LogLine {
  const facts = { operation: name, before: progressOf(name, before) };
  return { event: "paymentAction", pspStatus: "202", amount, currency, success: true, facts };
}

/** The event of that line. */
export const acceptedType: string = accepted;

/** What was accepted and does not show yet, by operation, and since when (ISO 8601) the oldest of it. */
export interface UnderWay {
  readonly amounts: Readonly<Partial<Record<OperationName, Minor>>>;
  readonly since: string;
}

/** What the lines of our own operations promise beyond what Walley shows; `undefined` where it shows all of it, or will not any more. */
export function underWayOf(kept: readonly KeptEvent[], money: Money, now: number): UnderWay | undefined {
  const amounts: Partial<Record<OperationName, Minor>> = {};
  const times: number[] = [];
  for (const name of ["capture", "cancel", "refund"] as const) {
    const own = acceptedIn(kept, name).filter((line) => ageSeconds(line, now) < patienceSeconds);
    const missing = missingOf(own, name, money);
    if (missing <= 0) continue;
    amounts[name] = Math.min(missing, availableOf(name, money));
    times.push(...own.map((line) => timeOf(line)));
  }
  return times.length === 0 ? undefined : { amounts, since: new Date(Math.min(...times)).toISOString() };
}

/** How the charges of a saved token went. */
export interface Charge {
  /** What Walley said last of the last one, and when. */
  readonly last: Pick<KeptEvent, "at" | "pspStatus" | "errorDetail"> | undefined;
  /** Walley's ids of the authorisations. */
  readonly ids: readonly string[];
  /** The orders that Walley says came of them, the newest first. */
  readonly orderIds: readonly string[];
  readonly attributes: NonNullable<DesiredPayment["attributes"]>;
}

/** The charges of a saved token that webhooks told of: no answer of Walley's does. */
export function chargeIn(kept: readonly KeptEvent[]): Charge {
  const told = each(kept).filter(({ type }) => authorization.test(type));
  const ids = textsOf(told, "authorizationId");
  const made = each(kept).filter(({ type }) => type === orderOfCharge);
  const last = told.at(-1);
  const id = ids.at(-1);
  const word = last?.errorDetail === undefined ? last?.pspStatus : `${last.pspStatus} ${last.errorDetail}`;
  return {
    last,
    ids: [...new Set([...ids, ...textsOf(made, "authorizationId")])],
    orderIds: [...new Set(textsOf(made, "orderId").toReversed())],
    attributes: {
      ...(id === undefined ? {} : { authorizationId: id }),
      ...(word === undefined ? {} : { authorization: word }),
    },
  };
}

/** The webhook that says which order an authorisation came to. */
export const orderOfCharge = "walley:order:created";

function acceptedIn(kept: readonly KeptEvent[], name: OperationName): readonly KeptEvent[] {
  return each(kept).filter(({ type, facts }) => type === accepted && facts?.["operation"] === name);
}

/**
 * How much of what was promised does not show. Several that overlap add up; what somebody else did between them is in what the later one
 * began with.
 */
function missingOf(own: readonly KeptEvent[], name: OperationName, money: Money): Minor {
  if (own.length === 0) return 0;
  const begun = own.map(({ amount, facts }) => ({ amount, before: Number(facts?.["before"] ?? 0) }));
  const promised = begun
    .toSorted((one, other) => one.before - other.before)
    .reduce((reached, { amount, before }) => Math.max(reached, before) + amount, 0);
  return promised - progressOf(name, money);
}

/** The lines, each once and by their time, whatever the order of the log. */
function each(kept: readonly KeptEvent[]): readonly KeptEvent[] {
  return [...new Map(kept.map((line) => [line.key, line])).values()].toSorted(inTime);
}

function inTime(left: KeptEvent, right: KeptEvent): number {
  return timeOf(left) - timeOf(right) || (left.key < right.key ? -1 : 1);
}

/** What says no time came before everything else. */
function timeOf({ at }: KeptEvent): number {
  return at === null ? 0 : Date.parse(at);
}

function textsOf(lines: readonly KeptEvent[], fact: string): readonly string[] {
  return lines.map(({ facts }) => facts?.[fact]).filter((value) => typeof value === "string");
}

function ageSeconds(line: KeptEvent, now: number): number {
  return (now - timeOf(line)) / 1_000;
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
