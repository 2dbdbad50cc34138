import { WorkerError } from "../../lib/errors.ts";
import { sum } from "../../lib/money.ts";
import type { KeptEvent, Minor, Money } from "../../contract/adapter.ts";

/** What an operation of ours did to the purchase. */
export type Deed = "delivered" | "returned" | "givenBack" | "cancelled";

/**
 * What our own operations did to a purchase. Avarda cannot be asked for it (docs/psp/avarda.md, 0), so that these lines, and no others, decide
 * about money.
 */
export interface Ledger {
  /** Sum of what `/order` said was delivered. */
  readonly delivered: Minor;
  /** Sum of what `/return` gave back of it. */
  readonly returned: Minor;
  /** Sum of what refunds gave back of what was never delivered. */
  readonly givenBack: Minor;
  /** Nothing of the purchase is open any more. */
  readonly cancelled: boolean;
}

const prefix = "ledger:";

/** The key of an operation's line: one per operation, however often it is told. */
export function lineKey(operationId: string): string {
  return prefix + operationId;
}

/** The mark of an operation's line. No webhook has it: the notification is always `completed` and never keeps a line. */
export function lineType(deed: Deed): string {
  return prefix + deed;
}

/** What the kept lines come to, whatever their order and however often one is there; lines that are no operation's count for nothing. */
export function ledgerFrom(kept: readonly KeptEvent[]): Ledger {
  const lines = [...new Map(kept.map((line) => [line.key, line])).values()].filter(
    ({ key, success }) => success && key.startsWith(prefix),
  );
  const of = (deed: Deed): readonly KeptEvent[] => lines.filter(({ type }) => type === lineType(deed));
  const worth = (deed: Deed): Minor => sum(of(deed), ({ amount }) => amount);
  return {
    delivered: worth("delivered"),
    returned: worth("returned"),
    givenBack: worth("givenBack"),
    cancelled: of("cancelled").length > 0,
  };
}

/**
 * The sums of the payment. What went back before delivery counts as captured and refunded, so that a purchase of which all went back is
 * credited and not removed.
 * @param over true where Avarda says that the purchase is cancelled.
 * @throws WorkerError `Unmapped` where the lines contradict the purchase: a person looks.
 */
export function moneyOf(
  { delivered, returned, givenBack, cancelled }: Ledger,
  authorized: Minor,
  over: boolean,
): Money {
  const captured = delivered + givenBack;
  if (captured > authorized) throw contradiction("more was delivered and given back than the purchase is worth");
  if (returned > delivered) throw contradiction("more was returned than was delivered");
  const released = over || cancelled ? authorized - captured : 0;
  return { authorized, captured, refunded: returned + givenBack, released };
}

/** True where an operation of ours has done something to the purchase. */
export function isTouched({ delivered, returned, givenBack, cancelled }: Ledger): boolean {
  return cancelled || delivered + returned + givenBack > 0;
}

/** The error for lines and a purchase that cannot both be true. */
export function contradiction(problem: string): WorkerError {
  return new WorkerError("Unmapped", `avarda-checkout contradicts our own operations: ${problem}`);
}
