import { WorkerError } from "../../lib/errors.ts";
import { type Decimals, exponentOf, type Minor, minorFromOwn, ownFromMinor } from "../../lib/money.ts";

/**
 * Where Stripe counts otherwise than ISO 4217: the króna and Uganda's shilling have no decimals and are sent with two, the ariary has two and is
 * sent without; three decimals are known for five currencies only. https://docs.stripe.com/currencies
 */
const decimals: Decimals = { ISK: 2, UGX: 2, MGA: 0, IQD: 2, LYD: 2, UYI: 2, CLF: 2, UYW: 2 };

/**
 * Minor units of an amount of Stripe's.
 * @throws WorkerError `Unmapped` for a fraction that the currency does not have: Stripe takes none either
 */
export function minorOf(amount: number, currency: string): Minor {
  const minor = minorFromOwn(amount, currency.toUpperCase(), decimals);
  if (minor === undefined)
    throw new WorkerError("Unmapped", "an amount of Stripe's is no amount in this currency", {
      context: { currency: currency.toUpperCase() },
    });
  return minor;
}

/** The amount as Stripe takes it; `undefined` where it takes none such: of three decimals, the last one has to be 0. */
export function ownOf(minor: Minor, currency: string): number | undefined {
  const own = ownFromMinor(minor, currency, decimals);
  return own !== undefined && exponentOf(currency, decimals) === 3 && own % 10 !== 0 ? undefined : own;
}
