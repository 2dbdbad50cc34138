/**
 * Whether a signed time is near enough to now. A proof that wants one is none where there is none.
 * @param at milliseconds since the epoch. @param toleranceSeconds left out, any time will do.
 */
export function isFresh(at: number | undefined, toleranceSeconds: number | undefined): boolean {
  if (toleranceSeconds === undefined) return true;
  return at !== undefined && Math.abs(Date.now() - at) <= toleranceSeconds * 1_000;
}
