/** What is known of a payment by those who do not ask the service: the PSP that holds its money, and whoever calls. */
import type { Minor, OperationName, PaymentKey } from "../src/contract/adapter.ts";
import type { StatedMoney } from "../src/contract/simulator.ts";
import { laneId } from "../src/queue/names.ts";
import type { Account } from "./norce-and-psps.ts";

/** The sums of a payment. */
const sums = ["authorized", "captured", "refunded", "released"] as const;
export type Sums = Readonly<Record<(typeof sums)[number], Minor>>;

/** Nothing at all. */
export const nothing: Sums = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/** PSPs that say some news once, as their fact sheets have it: what a portal gave back at Swish, did at Avarda, and began at Qliro. */
const tellOnce: readonly string[] = ["swish", "avarda-checkout", "qliro-checkout"];

/** What was told so long ago has long been written to Norce, in milliseconds. */
const forgottenMs = 30 * 60_000;
/** PSPs whose captures are given back one by one. */
const refundEachCapture: readonly string[] = ["paypal"];

/** An operation that somebody asked for, under one idempotency key. */
export interface AskedFor {
  readonly name: OperationName;
  /** Absent: all that is left. */
  readonly amount?: Minor | undefined;
  readonly idempotencyKey: string;
  /** What the service called it, once it had it. */
  id?: string;
}

/** One payment of a world. Times in milliseconds since the world began. */
export class Payment {
  readonly index: number;
  readonly account: Account;
  readonly key: PaymentKey;
  readonly amount: Minor;
  readonly currency: string;
  /** By what its note and its letter are known. */
  readonly laneId: string;
  reference = "";
  /** When its money last changed at the PSP, and whether the service did it. */
  changedAt = -1;
  byService = false;
  /** When somebody was last told that the service would look. */
  ackedAt = -1;
  /** Webhooks by the PSP's id: whether it saw a 2xx. */
  readonly webhooks = new Map<string, boolean>();
  readonly asked: AskedFor[] = [];
  /** How often, and by how much, calls of the service moved money. */
  readonly moved: Record<OperationName, { times: number; sum: Minor }> = {
    capture: { times: 0, sum: 0 },
    cancel: { times: 0, sum: 0 },
    refund: { times: 0, sum: 0 },
  };
  /** How often something was captured. */
  captures = 0;
  /** When a sum last fell at the PSP. */
  fellAt = -1;
  /** When its PSP last refused a call that would have changed something. */
  refusedAt = -Infinity;
  /** Something happened for which it is not judged. */
  excuse: string | undefined;
  /** Its PSP showed something older than what was true: what a look saw then is nobody's fault. */
  lagged = false;
  /** Norce names the PSP's id from the beginning. */
  referenced = true;
  #money: Sums = nothing;

  constructor(index: number, account: Account, key: PaymentKey, amount: Minor, currency: string) {
    this.index = index;
    this.account = account;
    this.key = key;
    this.laneId = laneId(key);
    this.amount = amount;
    this.currency = currency;
  }

  /** `p7`, for people. */
  get name(): string {
    return this.key.paymentId;
  }

  /** What the PSP holds of it. */
  get stated(): Sums {
    return sumsOf(this.account.simulator.money(this.reference));
  }

  /** Notes what became of the money. @returns by how much each sum moved; `undefined`: nothing moved. */
  notice(at: number, byService: boolean): Sums | undefined {
    const before = this.#money;
    const now = this.stated;
    if (areSame(before, now)) return undefined;
    this.#money = now;
    this.changedAt = at;
    this.byService = byService;
    if (now.captured > before.captured) this.captures += 1;
    if (sums.some((sum) => sum !== "authorized" && now[sum] < before[sum])) this.fellAt = at;
    return {
      authorized: now.authorized - before.authorized,
      captured: now.captured - before.captured,
      refunded: now.refunded - before.refunded,
      released: now.released - before.released,
    };
  }

  /** How many calls one operation may take. */
  callsOf(name: OperationName): number {
    return name === "refund" && refundEachCapture.includes(this.account.adapter) ? Math.max(1, this.captures) : 1;
  }

  /** Its PSP says some news once, by a webhook that has not arrived: no question finds it. */
  get isUntold(): boolean {
    return tellOnce.includes(this.account.adapter) && this.hasNews;
  }

  /** Its PSP has something to tell that nobody has taken yet. */
  get hasNews(): boolean {
    return this.account.simulator.undelivered(this.reference) > 0;
  }

  /**
   * The queue has forgotten everything: what was acknowledged is owed no more, until somebody is told so again.
   * @param isBound Norce's payment names the PSP's.
   */
  forget(at: number, isBound: boolean): void {
    const isFresh = at - this.ackedAt < forgottenMs || at - this.changedAt < forgottenMs;
    // What was told once is gone with it.
    if (isFresh && (this.account.folds || tellOnce.includes(this.account.adapter))) this.lagged = true;
    this.ackedAt = -1;
    this.byService = false;
    if (!isBound) for (const id of this.webhooks.keys()) this.webhooks.set(id, false);
  }

  /** Whether somebody was told, after its money last changed, that the service would look. */
  get isOwed(): boolean {
    return this.byService || (this.changedAt >= 0 && this.ackedAt >= this.changedAt);
  }
}

/** Whether two payments' sums are the same: it is asked more often than anything else. */
export function areSame(one: Sums, other: Sums): boolean {
  return (
    one.authorized === other.authorized &&
    one.captured === other.captured &&
    one.refunded === other.refunded &&
    one.released === other.released
  );
}

function sumsOf(money: StatedMoney | null): Sums {
  if (money === null) return nothing;
  const { authorized, captured, refunded, released } = money;
  return { authorized, captured, refunded, released };
}
