import { z } from "zod";

/** A setting that is one secret: something, without a blank or line break at its ends, where pasting leaves them. */
export const secretText = z
  .string()
  .min(1)
  .regex(/^\S(.*\S)?$/s, "has a blank or a line break at its beginning or end");

/** A setting that is one secret, or several, newest first: while one is replaced both are taken. */
export const secretSetting = z.union([secretText, z.array(secretText).min(1)]);

/** One or several as a list, newest first; none where it was left out. */
export function listOf<Value extends string>(value: Value | readonly Value[] | undefined): readonly Value[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
