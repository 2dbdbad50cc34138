import { entriesOf } from "./document.ts";

/** What a secret has to be, for a fault. */
export const secretShape =
  "must neither begin nor end with white space, and have printable characters only: a line break that came along with a secret is no part of it";

/**
 * True for a text that can be a secret: printable, not empty, and without white space at its ends, where nobody sees it. Keys in PEM have lines;
 * what an editor leaves behind the last one is no part of them.
 */
export function isSecret(text: string): boolean {
  if (/^-----BEGIN [A-Z0-9 ]+-----\r?\n[\w+/=\r\n :,-]+-----END [A-Z0-9 ]+-----\r?\n?$/.test(text)) return true;
  return /^[^\p{C}\p{Z}]([^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u.test(text);
}

/** A fault for each text that cannot be a secret: a setting may be one text, a list, or a map of them. The value is never told. */
export function secretFaults(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => secretFaults(item, `${path}.${index}`));
  if (typeof value !== "string")
    return entriesOf(value).flatMap(([name, item]) => secretFaults(item, `${path}.${name}`));
  // What is empty is told of by whoever needs it.
  return value === "" || isSecret(value) ? [] : [`${path}: ${secretShape}`];
}
