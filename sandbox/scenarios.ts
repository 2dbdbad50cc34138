import type { PaymentState } from "../src/norce/states.ts";
import type { PurchaseKind } from "./purchases.ts";

/** One thing that happens at the PSP, and what Norce has to say afterwards. */
export interface Step {
  /** The simulator's word for it. */
  readonly act: string;
  /** How much, as a part of the purchase; all that is left where it is left out. */
  readonly part?: number;
  /**
   * What Norce says in the end; several where PSPs differ in what the action means. Left out: the action changes nothing that Norce should
   * hear of.
   */
  readonly says?: PaymentState | readonly PaymentState[];
  /** A transaction of this kind has to be logged for it. */
  readonly logs?: "confirm" | "capture" | "refund" | "cancel";
  /** The PSP announces nothing of the kind: somebody asks the service to look, as the sweep would do later. */
  readonly look?: boolean;
  /** Only some PSPs have such a step on this way. */
  readonly optional?: boolean;
}

/** A purchase from beginning to end. */
export interface Scenario {
  readonly title: string;
  readonly kind: PurchaseKind;
  /** The payment has no reference before the first webhook. */
  readonly unbound?: boolean;
  readonly steps: readonly Step[];
  /** A recurring token has to stand in the payment at the end. */
  readonly token?: boolean;
}

const pay: Step = { act: "pay", says: "reserved", logs: "confirm" };
const capture: Step = { act: "capture", says: "captured", logs: "capture", look: true };

/**
 * The walk. The actions are those that simulators share: `pay`, `pay-auto-captured`, `pay-with-review`, `accept`, `reject`, `capture`, `refund`, `cancel`,
 * `release`, `expire`, `store-token`; and `lose-webhook`, which every PSP's next webhook can be. A scenario with an action that a simulator does not offer is left out for that PSP.
 */
export const scenarios: readonly Scenario[] = [
  {
    title: "Captured, partly refunded, then credited",
    kind: "home",
    steps: [
      pay,
      capture,
      { act: "refund", part: 0.25, says: "captured", logs: "refund", look: true },
      { act: "refund", says: "credited", logs: "refund", look: true },
    ],
  },
  {
    title: "Paid at once, and given back",
    kind: "home",
    steps: [
      { act: "pay-auto-captured", says: "captured", logs: "capture", look: true },
      { act: "refund", says: "credited", logs: "refund", look: true },
    ],
  },
  {
    title: "Fraud review, accepted",
    kind: "travel",
    steps: [{ act: "pay-with-review", says: "pending" }, { act: "accept", says: "reserved" }, capture],
  },
  {
    title: "Fraud review, rejected",
    kind: "home",
    steps: [
      { act: "pay-with-review", says: "pending" },
      // Some refuse the purchase, some cancel the authorisation that they had made.
      { act: "reject", says: ["declined", "removed"] },
    ],
  },
  {
    title: "Two partial captures",
    kind: "home",
    steps: [pay, { act: "capture", part: 0.4, says: "reserved", logs: "capture", look: true }, capture],
  },
  {
    title: "Captured in part, the rest released",
    kind: "travel",
    steps: [
      pay,
      { act: "capture", part: 0.6, says: "reserved", logs: "capture", look: true },
      { act: "release", says: "captured", logs: "cancel", look: true },
    ],
  },
  {
    title: "Cancelled before capture",
    kind: "travel",
    steps: [pay, { act: "cancel", says: "removed", logs: "cancel", look: true }],
  },
  {
    title: "Authorisation expired",
    kind: "home",
    steps: [pay, { act: "expire", says: "removed", logs: "cancel", look: true }],
  },
  {
    title: "A lost webhook, healed by the next one or by a look",
    kind: "home",
    steps: [{ act: "lose-webhook" }, { ...pay, look: true }],
  },
  {
    title: "No reference before the first push",
    kind: "home",
    unbound: true,
    steps: [pay],
  },
  {
    title: "A subscription with its recurring token",
    kind: "subscription",
    token: true,
    steps: [pay, { act: "store-token", optional: true }, capture],
  },
];
