import type { DesiredTransaction, Finding, Minor, Money } from "../../contract/adapter.ts";

/** What moved money, or tried to: an entry of an ePayment's event log, or of a charge's history. */
export interface Move {
  readonly kind: "capture" | "refund" | "cancel";
  /** Vipps' id of it, where it has one. */
  readonly id: string;
  /** Vipps' word. */
  readonly word: string;
  /** ISO 8601. */
  readonly at: string;
  /** What it moved by itself. */
  readonly amount: Minor;
  readonly success: boolean;
}

const sumOf = { capture: "captured", refund: "refunded", cancel: "released" } as const;
const kinds = ["capture", "refund", "cancel"] as const;

/**
 * Lines for what moved, each with the running total of its kind. The sums decide: what the log tells beyond them is not here yet, and what they
 * hold beyond the log (a release at the deadline) is a line by its total.
 */
export function linesOf(moves: readonly Move[], money: Money, status: string): readonly DesiredTransaction[] {
  return kinds.flatMap((kind) => linesOfKind(kind, inTurn(moves, kind), money[sumOf[kind]], status));
}

/** Whether the log tells of more than the sums hold: they are read one after the other. */
export function isAhead(moves: readonly Move[], money: Money): boolean {
  return kinds.some((kind) => told(inTurn(moves, kind)) > money[sumOf[kind]]);
}

/** What failed and was not made good since. */
export function failuresIn(moves: readonly Move[], currency: string): readonly Finding[] {
  return (["capture", "refund"] as const).flatMap((kind) => {
    const ofKind = inTurn(moves, kind);
    const last = ofKind.findLastIndex(({ success }) => success);
    return ofKind
      .filter(({ success }, index) => !success && index > last)
      .map(({ id, amount }): Finding => ({ name: `${kind}-failed`, id, facts: { amount, currency } }));
  });
}

function linesOfKind(
  kind: Move["kind"],
  moves: readonly Move[],
  sum: Minor,
  pspStatus: string,
): readonly DesiredTransaction[] {
  let total = 0;
  const lines: DesiredTransaction[] = [];
  for (const { id, word, at, amount, success } of moves) {
    if (success && total + amount > sum) break;
    if (success) total += amount;
    lines.push({
      key: success ? `${kind}:${id}` : `${kind}-failed:${id}`,
      event: kind,
      pspEvent: word,
      pspStatus,
      amount: total,
      success,
      ...(success ? {} : { errorDetail: "Vipps MobilePay did not carry it out" }),
      facts: { amount, at },
    });
  }
  if (total === sum) return lines;
  const rest = { key: `${kind}:total:${sum}`, event: kind, pspEvent: "aggregate", pspStatus, amount: sum };
  return [...lines, { ...rest, success: true }];
}

function told(moves: readonly Move[]): Minor {
  return moves.reduce((total, { amount, success }) => total + (success ? amount : 0), 0);
}

/** Those of one kind by time, then by id; each once, and none that moved nothing. */
function inTurn(moves: readonly Move[], kind: Move["kind"]): readonly Move[] {
  const seen = new Set<string>();
  return moves
    .filter((move) => move.kind === kind && (move.amount > 0 || !move.success))
    .toSorted((one, other) => before(one.at, other.at) || before(one.id, other.id))
    .filter(({ id, success }) => {
      const name = `${String(success)} ${id}`;
      return !seen.has(name) && seen.add(name);
    });
}

function before(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
