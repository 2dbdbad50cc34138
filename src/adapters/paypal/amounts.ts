import { WorkerError } from "../../lib/errors.ts";
import { exponentOf } from "../../lib/money.ts";
import type { Minor } from "../../contract/adapter.ts";
import type { Amount } from "./schema.ts";

/**
 * Currencies that PayPal takes without decimals although ISO 4217 gives them two (`DECIMALS_NOT_SUPPORTED`).
 * https://developer.paypal.com/api/rest/reference/currency-codes/
 */
const wholeOnly = new Set(["HUF", "TWD"]);

/**
 * Minor units of PayPal's decimal text, digit by digit: a binary fraction is never in between.
 * @throws WorkerError `Unmapped` where it says less than a minor unit, or too much to be exact.
 */
export function minorOf({ value, currency_code }: Amount): Minor {
  const [whole = "", fraction = ""] = value.split(".");
  const exponent = exponentOf(currency_code);
  const minor = Number(`${whole}${fraction.slice(0, exponent).padEnd(exponent, "0")}`);
  if (/[1-9]/.test(fraction.slice(exponent)) || !Number.isSafeInteger(minor)) {
    throw new WorkerError("Unmapped", "paypal sent an amount that is no whole number of minor units", {
      context: { currency: currency_code },
    });
  }
  return minor;
}

/** PayPal's decimal text of minor units: 24950 SEK is `249.50`. */
export function amountOf(minor: Minor, currency_code: string): Amount {
  const exponent = exponentOf(currency_code);
  const digits = String(minor).padStart(exponent + 1, "0");
  const whole = digits.slice(0, digits.length - exponent);
  const fraction = digits.slice(digits.length - exponent);
  // A fraction that PayPal does not take is sent all the same: it refuses it, and nothing is rounded away.
  const plain = fraction === "" || (wholeOnly.has(currency_code) && /^0+$/.test(fraction));
  return { currency_code, value: plain ? whole : `${whole}.${fraction}` };
}
