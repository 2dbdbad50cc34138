/**
 * What adapters still owe to a law that has come later than they did: by folder. A folder that pays leaves the list (the law sees to it), and
 * an empty list goes.
 */
export const owed: Readonly<Record<"lines" | "lenient" | "trust", readonly string[]>> & {
  readonly waits: Readonly<Record<string, readonly string[]>>;
} = {
  /** Adapters whose log has lines that change later, or a last capture, refund or cancel that is not the sum of its kind. */
  lines: [],
  /** Adapters that read more strictly than their `decides` says. */
  lenient: [],
  /** Adapters where a changed copy of a proven webhook leaves a line more. */
  trust: [],
  /**
   * Fixtures, by folder, that say at their horizon that the purchase goes on, and why no adapter can end them: the PSP never says until when.
   * The sweep's last look does, as `unresolved`: a letter for each (test/pipeline/sweep.test.ts).
   */
  waits: {
    // Mollie ends a pending payment by itself, and says when of bank transfers alone.
    mollie: ["pending"],
    // Qliro says of no checkout, attempt or review when it ends; a shopper may come back to one for as long as the shop shows it.
    "qliro-checkout": [
      "attempt-failed",
      "attempt-running",
      "on-hold",
      "recurring-under-way",
      "retried-while-reversed",
      "reversed-while-choosing",
    ],
  },
};
