import type {
  KeptEvent,
  LogLine,
  Minor,
  Money,
  OperationCall,
  OperationName,
  OperationResult,
  PspEvent,
} from "../../contract/adapter.ts";
import { openOf } from "./money.ts";
import { creditFailed, type Order } from "./schema.ts";

/** How long Svea's queue is believed to work on a task. */
export const patienceSeconds = 60 * 60;

/** The sum that each operation raises. */
const sums: Readonly<Record<OperationName, keyof Money>> = {
  capture: "captured",
  cancel: "released",
  refund: "refunded",
};

/**
 * The trace of an operation that Svea took: no later question tells which task it became. It moves no money by itself,
 * so that its amount is 0; the order says what became of it.
 */
export function askedResult(
  call: OperationCall,
  { Id: reference }: Order,
  { [sums[call.name]]: before }: Money,
  { status, task }: { readonly status: number; readonly task?: string },
): OperationResult {
  const event: PspEvent & { readonly line: LogLine } = {
    key: `asked:${call.id}`,
    type: typeOf(call.name),
    at: new Date(call.now).toISOString(),
    reference,
    line: {
      event: "paymentAction",
      pspStatus: String(status),
      amount: 0,
      currency: call.currency,
      success: true,
      facts: { amount: call.amount, before, ...(task === undefined ? {} : { task }) },
    },
  };
  // A cancellation is carried out at once. Svea may still fail to credit what it has accepted
  // (`CheckoutOrder.CreditFailed`).
  const is = call.name === "cancel" ? "done" : "accepted";
  return { is, ...(task === undefined ? {} : { pspId: task }), event };
}

/** True where we have told Svea to cancel: what it then shows as cancelled is no refusal of its own. */
export function cancelAsked(kept: readonly KeptEvent[]): boolean {
  return kept.some(({ type }) => type === typeOf("cancel"));
}

/**
 * What Svea has accepted and its order does not show yet, by the lines of the log; younger than an hour, and not
 * reported as failed.
 */
export function underWayOf(
  kept: readonly KeptEvent[],
  money: Money,
  now: number,
): Partial<Record<OperationName, Minor>> {
  const failedAt = Math.max(...kept.filter(({ type }) => type === creditFailed).map(({ at }) => instant(at)), 0);
  const names = Object.keys(sums) as OperationName[];
  const left = names.map((name): [OperationName, Minor] => {
    const targets = kept
      .filter(({ type, at }) => type === typeOf(name) && now - instant(at) < patienceSeconds * 1_000)
      .filter(({ at }) => name !== "refund" || instant(at) > failedAt)
      .map(({ facts }) => Number(facts?.["before"] ?? 0) + Number(facts?.["amount"] ?? 0));
    return [name, Math.min(Math.max(0, ...targets) - money[sums[name]], limitOf(name, money))];
  });
  return Object.fromEntries(left.filter(([, amount]) => amount > 0));
}

/** When the youngest operation was asked for, in milliseconds; `undefined` where there was none. */
export function lastAskedAt(kept: readonly KeptEvent[]): number | undefined {
  const times = kept.filter(({ type }) => type.startsWith("asked:")).map(({ at }) => instant(at));
  return times.length === 0 ? undefined : Math.max(...times);
}

function limitOf(name: OperationName, money: Money): Minor {
  return name === "refund" ? money.captured - money.refunded : openOf(money);
}

function typeOf(name: OperationName): string {
  return `asked:${name}`;
}

function instant(at: string | null): number {
  const time = at === null ? Number.NaN : Date.parse(at);
  return Number.isNaN(time) ? 0 : time;
}
