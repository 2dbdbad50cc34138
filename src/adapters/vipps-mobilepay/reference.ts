/** What a reference of ours names at Vipps. Three APIs have three kinds of ids, and a charge is asked for with its agreement's. */
export type Named =
  | { readonly of: "payment"; readonly reference: string }
  | { readonly of: "agreement"; readonly agreementId: string }
  | { readonly of: "charge"; readonly agreementId: string; readonly chargeId: string };

/** An ePayment's `reference`, a charge's id: ours where we gave it one, else `chr-…`. */
const plain = /^[\w-]{1,64}$/;
const agreement = /^agr_[\w-]{1,60}$/;

/**
 * `agr_…` is an agreement with its initial charge, `agr_…:chr-…` a later charge of it, everything else an ePayment. `undefined`: nothing that
 * Vipps could be asked for.
 */
export function namedBy(text: string): Named | undefined {
  const [first = "", chargeId, more] = text.split(":");
  if (more !== undefined) return undefined;
  if (chargeId !== undefined)
    return agreement.test(first) && plain.test(chargeId) ? { of: "charge", agreementId: first, chargeId } : undefined;
  if (agreement.test(first)) return { of: "agreement", agreementId: first };
  return plain.test(first) ? { of: "payment", reference: first } : undefined;
}

/** How a later charge of an agreement is called by us. */
export function chargeReference(agreementId: string, chargeId: string): string {
  return `${agreementId}:${chargeId}`;
}
