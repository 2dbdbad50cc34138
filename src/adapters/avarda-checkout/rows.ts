import { majorFromMinor, type Minor, minorFromMajor, sum } from "../../lib/money.ts";
import { cut } from "../../lib/text.ts";
import type { Json, OperationCall } from "../../contract/adapter.ts";
import type { Purchase, Row } from "./schema.ts";

/** How long a row's text may be (docs/psp/avarda.md, g). */
const textLength = 35;

/** Rows of an invoice as Avarda takes them. */
export type Rows = readonly Readonly<Record<string, Json>>[];

/**
 * What stands on the invoice: the purchase's own rows where all of it moves at once, else one row with its share of the tax. Nobody tells us
 * which goods a part of the amount is for.
 * @param text what a row says that has no text of its own.
 * @returns `undefined` where the purchase's rows, or the tax in them, are not all there to be read: an invoice without its tax is wrong
 */
export function rowsFor(
  { items, totalPrice }: Purchase,
  { amount, currency }: OperationCall,
  text: string,
): Rows | undefined {
  if (items === undefined || items === null || items.length === 0) return undefined;
  const minor = (major: number): Minor => minorFromMajor(major, currency);
  const worth = sum(items, (item) => minor(item.amount));
  if (worth === amount && amount === minor(totalPrice)) return items.map((item) => rowOf(item, text));
  const taxes = items.map((item) => taxIn(item)).filter((tax) => tax !== undefined);
  if (taxes.length < items.length) return undefined;
  const tax = sum(taxes, minor);
  const codes = new Set(items.map(({ taxCode }) => taxCode ?? ""));
  const [code = ""] = codes;
  const share = worth === 0 ? 0 : Math.round((tax * amount) / worth);
  return [
    {
      description: text,
      amount: majorFromMinor(amount, currency),
      // A code that is not every row's would be wrong for some of it.
      ...(codes.size === 1 && code !== "" ? { taxCode: code } : {}),
      taxAmount: majorFromMinor(share, currency),
      quantity: 1,
    },
  ];
}

function rowOf({ description, amount, taxCode, taxAmount, quantity }: Row, text: string): Rows[number] {
  const given = Object.entries({ taxCode, taxAmount, quantity }).filter(
    (entry): entry is [string, string | number] => entry[1] !== undefined && entry[1] !== null,
  );
  const words = (description ?? "").trim() === "" ? text : (description ?? "");
  return { description: cut(words, textLength), amount, ...Object.fromEntries(given) };
}

/** The tax in a row, in the major unit; by its rate where the row says that alone. `undefined` for a rate that is no number. */
function taxIn({ amount, taxCode, taxAmount }: Row): number | undefined {
  if (taxAmount !== undefined && taxAmount !== null) return taxAmount;
  const said = (taxCode ?? "").trim();
  const [, rate] = /^(\d{1,3}(?:\.\d{1,4})?)\s*%?$/.exec(said === "" ? "0" : said) ?? [];
  if (rate === undefined) return undefined;
  const percent = Number(rate);
  return (amount * percent) / (100 + percent);
}
