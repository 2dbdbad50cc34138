/**
 * The beginning of a text, for fields that a PSP bounds: whole code points, so that no emoji is cut in two and none becomes a lone surrogate,
 * which JSON or the PSP refuses.
 * @param most characters, counted as UTF-16 units like everybody's `length`: what counts code points allows more, never less
 */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = isHighSurrogate(text.charCodeAt(most - 1)) ? most - 1 : most;
  return text.slice(0, end);
}

/** The same counted in bytes of UTF-8. */
export function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= most) return text;
  let end = most;
  while (end > 0 && isContinuation(bytes[end])) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/** The same text without what is none to PostgreSQL, nor to the encoding of URLs: NUL and lone surrogates become U+FFFD. */
export function wellFormed(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\ufffd");
}

/** JSON whose texts are well formed. */
export function wellFormedJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "string" ? wellFormed(inner) : inner));
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isContinuation(byte = 0): boolean {
  return (byte & 0xc0) === 0x80;
}
