/**
 * What fixtures, by folder, say at their horizon: that the purchase goes on. No adapter can end them: the PSP never says until when. The sweep's
 * last look does, as `unresolved`: a letter for each (test/pipeline/sweep.test.ts).
 */
export const waiting: Readonly<Record<string, readonly string[]>> = {
  // A bank's payment may be under way for days; Mollie ends it by itself, and does not say when (docs/psp/mollie.md, e).
  mollie: ["pending"],
};
