import type { ProofContext, RawRequest, Verifier } from "../contract/adapter.ts";

/**
 * A verifier and what has to be true besides: that the event is for this account and this environment. Asked only of what is proven;
 * what it throws counts as no.
 */
export function proven<Config, Trust extends "proven" | "hint">(
  by: Verifier<Config, Trust>,
  and: (request: RawRequest, context: ProofContext<Config>) => boolean,
): Verifier<Config, Trust> {
  return {
    ...by,
    async check(request, context) {
      const proof = await by.check(request, context);
      if (proof === false) return false;
      try {
        return and(request, context) ? proof : false;
      } catch {
        return false;
      }
    },
  };
}
