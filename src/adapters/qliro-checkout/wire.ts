/**
 * Qliro's JSON as one dialect. Its casing differs between pages, modules and traffic (`OrderId`, `OrderID`, `orderId`), and its enumerations
 * are declared as integers while traffic shows names (docs/psp/qliro.md, b and d): names are compared without casing, numbers are named.
 */

/** `PaymentTransactions[].Type`, in the order of Qliro's numbers. */
export const transactionTypes = [
  "Preauthorization",
  "Debit",
  "Credit",
  "Capture",
  "Reversal",
  "Refund",
  "UpdateInvoice",
  "Registration",
] as const;

/** `PaymentTransactions[].Status`, in the order of Qliro's numbers. */
export const transactionStatuses = [
  "Created",
  "InProcess",
  "UserInteractionRequired",
  "OnHold",
  "Success",
  "Error",
  "Cancelled",
] as const;

/** `CustomerCheckoutStatus`. `Success` stands in Qliro's own example of an order and in Norce's type: the purchase is complete. */
export const checkoutStatuses = ["InProcess", "OnHold", "Completed", "Success", "Refused"] as const;

/** `OrderItemActions[].ActionType`, in the order of Qliro's numbers. */
export const actionTypes = ["Create", "Reserve", "Ship", "Return", "Release"] as const;

/** `Type` of a line, in the order of Qliro's numbers. */
export const itemTypes = ["Product", "Discount", "Fee", "Shipping"] as const;

/** `BrandName` of a saved card, in the order of Qliro's numbers. */
export const cardBrands = ["UNKNOWN", "VISA", "MASTERCARD", "AMEX"] as const;

/** Qliro's own name of a word or a number; anything else as it came, so that it is seen to be unknown. */
export function wordOf(words: readonly string[], value: unknown): unknown {
  if (typeof value === "number") return words[value] ?? value;
  if (typeof value !== "string") return value;
  return words.find((word) => word.toLowerCase() === value.toLowerCase()) ?? value;
}

/** An id as text: Qliro's are int64 and may come as text. 0 names nothing. */
export function idOf(value: unknown): unknown {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  return text === "0" || text === "" ? null : text;
}

/** The field by its name, whatever the casing. The exact name wins where several differ by their casing only. */
export function fieldOf(object: object, name: string): unknown {
  if (Object.hasOwn(object, name)) return (object as Record<string, unknown>)[name];
  const wanted = name.toLowerCase();
  return Object.entries(object).find(([key]) => key.toLowerCase() === wanted)?.[1];
}

/**
 * JSON's text with int64 that does not fit into a number as text: what would be rounded stays what was sent. One pass over the text, whatever
 * is in it; where it is no JSON it stays none.
 */
export function withLongIntegers(text: string): string {
  if (!/\d{16}/.test(text)) return text;
  let inText = false;
  return text.replaceAll(/\\[^]|"|-?\d[\d.eE+-]*/g, (token) => {
    if (token === '"') inText = !inText;
    return !inText && /^\d{16,19}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
  });
}
