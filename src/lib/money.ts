import { WorkerError } from "./errors.ts";

/** An amount in the currency's minor unit (öre, cent, yen): always a safe integer. */
export type Minor = number;

/** ISO 4217 currencies whose exponent is not 2 (ISO 4217 list one, 2025). */
const exponents: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
};

/** Where a PSP counts a currency otherwise than ISO 4217: decimals by currency, upper case. */
export type Decimals = Readonly<Record<string, number>>;

/** How many decimals the currency has; 2 for every currency that ISO 4217 does not list otherwise. @param decimals where the PSP differs */
export function exponentOf(currency: string, decimals: Decimals = {}): number {
  const code = currency.toUpperCase();
  return decimals[code] ?? exponents[code] ?? 2;
}

/**
 * Minor units of an amount in major units (Norce's doubles): 1148.54 SEK is 114854. Rounds to the nearest unit.
 * @throws WorkerError `Unmapped` when the amount is not a finite number or too large to be exact: whoever sent it says no amount.
 */
export function minorFromMajor(major: number, currency: string): Minor {
  const minor = Number((major * 10 ** exponentOf(currency)).toFixed(0));
  if (!Number.isSafeInteger(minor))
    throw new WorkerError("Unmapped", "the amount is no number of minor units", { context: { currency } });
  return minor === 0 ? 0 : minor;
}

/** Major units of an amount in minor units: 114854 SEK is 1148.54. */
export function majorFromMinor(minor: Minor, currency: string): number {
  const exponent = exponentOf(currency);
  return Number((minor / 10 ** exponent).toFixed(exponent));
}

/**
 * Minor units of a PSP's decimal text, exactly: `"12.50"` and `"12.5"` EUR are 1250, `"-0.01"` is -1. Digits behind the currency's last decimal
 * have to be zeros.
 * @returns `undefined` for a text that is no such number, or one too large to be exact
 */
export function minorFromDecimal(text: string, currency: string): Minor | undefined {
  const [, sign, whole = "", fraction = ""] = /^(-?)(\d{1,16})(?:\.(\d{1,16}))?$/.exec(text) ?? [];
  const exponent = exponentOf(currency);
  if (whole === "" || /[^0]/.test(fraction.slice(exponent))) return undefined;
  const minor = Number(whole + fraction.slice(0, exponent).padEnd(exponent, "0"));
  if (!Number.isSafeInteger(minor)) return undefined;
  return sign === "-" && minor !== 0 ? -minor : minor;
}

/** The decimal text of an amount, with all of the currency's decimals: 1250 EUR is `"12.50"`, 1250 JPY `"1250"`. */
export function decimalFromMinor(minor: Minor, currency: string): string;
/** The same with as many decimals as the PSP takes; `undefined` where they do not suffice: PayPal takes no fraction of a forint. */
export function decimalFromMinor(minor: Minor, currency: string, decimals: Decimals): string | undefined;
/** Both. */
export function decimalFromMinor(minor: Minor, currency: string, decimals: Decimals = {}): string | undefined {
  const [exponent, theirs] = [exponentOf(currency), exponentOf(currency, decimals)];
  const digits = String(Math.abs(minor)).padStart(exponent + 1, "0");
  const at = digits.length - exponent;
  const fraction = digits.slice(at).padEnd(theirs, "0");
  if (/[^0]/.test(fraction.slice(theirs))) return undefined;
  return `${minor < 0 ? "-" : ""}${digits.slice(0, at)}${theirs === 0 ? "" : `.${fraction.slice(0, theirs)}`}`;
}

/**
 * Minor units as ISO 4217 counts them from a PSP's integer in units of its own (Adyen counts CLP with two decimals: 1000 are 10).
 * @returns `undefined` where ISO 4217's unit is the larger one and does not divide the amount
 */
export function minorFromOwn(amount: number, currency: string, decimals: Decimals): Minor | undefined {
  const factor = 10 ** (exponentOf(currency) - exponentOf(currency, decimals));
  const minor = factor >= 1 ? amount * factor : amount / Math.round(1 / factor);
  return Number.isSafeInteger(minor) ? minor : undefined;
}

/** A PSP's integer in units of its own from minor units as ISO 4217 counts them; `undefined` where its unit is larger and does not divide the amount. */
export function ownFromMinor(minor: Minor, currency: string, decimals: Decimals): number | undefined {
  const factor = 10 ** (exponentOf(currency, decimals) - exponentOf(currency));
  const own = factor >= 1 ? minor * factor : minor / Math.round(1 / factor);
  return Number.isSafeInteger(own) ? own : undefined;
}

/** The sum of amounts, or of what each of a list is worth. */
export function sum<Item = Minor>(items: readonly Item[], worth: (item: Item) => Minor = Number): Minor {
  return items.reduce((total, item) => total + worth(item), 0);
}
