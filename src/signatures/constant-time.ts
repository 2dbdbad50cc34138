import { timingSafeEqual } from "node:crypto";

/** Compares two texts in a time that does not tell where they differ. Their lengths are no secret. */
export function equalInConstantTime(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given, "utf8"), Buffer.from(expected, "utf8")];
  return left.length === right.length && timingSafeEqual(left, right);
}
