import { exponentOf } from "../../lib/money.ts";
import type { Minor } from "../../contract/adapter.ts";

/** Where Adyen's decimals differ from ISO 4217. https://docs.adyen.com/development-resources/currency-codes */
const adyenExponents: Readonly<Record<string, number>> = { CLP: 2, ISK: 2, CVE: 0, IDR: 0 };

/** An ISO 4217 minor amount from what Adyen counts in; `undefined` where it cannot be said in that currency's units. */
export function minorFromAdyen(value: number, currency: string): Minor | undefined {
  const minor = shifted(value, shiftOf(currency));
  return Number.isSafeInteger(minor) && minor >= 0 ? minor : undefined;
}

/** What Adyen counts in, from an ISO 4217 minor amount; `undefined` where it cannot be said in Adyen's units. */
export function adyenFromMinor(minor: Minor, currency: string): number | undefined {
  const value = shifted(minor, -shiftOf(currency));
  return Number.isSafeInteger(value) ? value : undefined;
}

function shiftOf(currency: string): number {
  const exponent = exponentOf(currency);
  return exponent - (adyenExponents[currency] ?? exponent);
}

/** Multiplied by a power of ten; dividing by one keeps whole results exact. */
function shifted(value: number, by: number): number {
  return by < 0 ? value / 10 ** -by : value * 10 ** by;
}
