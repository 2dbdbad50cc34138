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

/** How many decimals the currency has; 2 for every currency that ISO 4217 does not list otherwise. */
export function exponentOf(currency: string): number {
  return exponents[currency.toUpperCase()] ?? 2;
}

/**
 * Minor units of an amount in major units (Norce's doubles): 1148.54 SEK is 114854. Rounds to the nearest unit.
 * @throws RangeError when the amount is not a finite number or too large to be exact.
 */
export function minorFromMajor(major: number, currency: string): Minor {
  const minor = Number((major * 10 ** exponentOf(currency)).toFixed(0));
  if (!Number.isSafeInteger(minor)) throw new RangeError("amount out of range");
  return minor === 0 ? 0 : minor;
}

/** Major units of an amount in minor units: 114854 SEK is 1148.54. */
export function majorFromMinor(minor: Minor, currency: string): number {
  const exponent = exponentOf(currency);
  return Number((minor / 10 ** exponent).toFixed(exponent));
}
