import type { Proof, ProofContext, RawRequest, Verifier } from "../contract/adapter.ts";
import { fingerprintOf } from "./fingerprint.ts";

/** True where a webhook was proven, whatever by. */
export function isProven(proof: Proof): boolean {
  return proof === true || (typeof proof === "object" && "by" in proof);
}

/**
 * Proven by the first secret that fits, by its fingerprint. Every one is tried, so that the time taken does not tell which one it was.
 * @param secretOf the secret as it stands in the settings, where what is shown is derived from it: fingerprints name settings, and there are
 * no more of them than of these.
 */
export function provenBy<Shown = string>(
  candidates: readonly Shown[],
  fits: (shown: Shown) => boolean,
  secretOf: (shown: Shown) => string = String,
): Proof {
  const fitting = candidates.map((candidate) => secretOf(candidate) !== "" && fits(candidate));
  const [proving] = candidates.filter((_, index) => fitting[index] === true);
  return proving === undefined ? false : { by: fingerprintOf(secretOf(proving)) };
}

/**
 * A verifier and what has to be true besides: that the event is for this account and this environment. Asked only of what is proven;
 * what it throws counts as no. What is proven and can move nothing here may be dropped instead: its sender would hold everything else back
 * for a refusal.
 */
export function proven<Config, Trust extends "proven" | "hint">(
  by: Verifier<Config, Trust>,
  and: (request: RawRequest, context: ProofContext<Config>) => boolean | { readonly drop: string },
): Verifier<Config, Trust> {
  return {
    ...by,
    async check(request, context) {
      const proof = await by.check(request, context);
      if (proof === false) return false;
      try {
        const besides = and(request, context);
        if (typeof besides === "object") return besides;
        return besides ? proof : false;
      } catch {
        return false;
      }
    },
  };
}
