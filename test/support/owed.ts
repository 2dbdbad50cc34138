/**
 * What adapters still owe to a law that has come later than they did: by folder. A folder that pays leaves the list (the law sees to it), and
 * an empty list goes.
 */
export const owed: Readonly<Record<"lines" | "lenient" | "trust", readonly string[]>> & {
  readonly waits: Readonly<Record<string, readonly string[]>>;
} = {
  /** Adapters whose log has lines that change later, or a last capture, refund or cancel that is not the sum of its kind. */
  lines: ["paypal"],
  /** Adapters that read more strictly than their `decides` says. */
  lenient: ["paypal"],
  /** Adapters where a changed copy of a proven webhook leaves a line more. */
  trust: ["paypal"],
  /** Fixtures, by folder, that wait past the adapter's horizon: only the sweep's last look ends them, as `unresolved`. */
  waits: {
    "klarna-checkout": ["om-lag"],
    mollie: ["open", "pending"],
    paypal: ["completed-without-payments"],
    "qliro-checkout": [
      "attempt-failed",
      "attempt-running",
      "card-saved-before-purchase",
      "created",
      "on-hold",
      "push-before-ledger",
      "recurring-under-way",
      "retried-while-reversed",
      "reversed-while-choosing",
    ],
    "svea-checkout": ["admin-lag"],
    "swedbank-pay": ["not-readable-yet"],
    "vipps-mobilepay": ["created"],
    "walley-checkout": ["initialized"],
  },
};
