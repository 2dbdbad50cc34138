/** True for what Stripe says: what it leaves out may be missing or `null`. */
export function isThere<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}

/** Without what is `undefined`. */
export function present<Value>(fields: Readonly<Record<string, Value | undefined>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(fields).filter((field): field is [string, Value] => field[1] !== undefined));
}
