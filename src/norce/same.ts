/**
 * Norce may answer with the same thing written otherwise: a time in its own format, `null` for a member that nobody sent. A date-time is
 * equal by its instant and a missing member equals `null`, at every depth; everything else is exact.
 */
export function same(one: unknown, other: unknown): boolean {
  return contains(one, other) && contains(other, one);
}

/** Whether everything that is wanted stands in what is there, by the same measure; what else is there is not ours to judge. */
export function contains(there: unknown, wanted: unknown): boolean {
  if (wanted === undefined || wanted === null) return (there ?? null) === null;
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(there) &&
      there.length === wanted.length &&
      wanted.every((item, index) => contains(there[index], item))
    );
  }
  if (typeof wanted === "object") {
    return (
      isObject(there) &&
      // What is wanted of no value is not wanted.
      Object.entries(wanted).every(([name, value]) => value === undefined || contains(there[name], value))
    );
  }
  return there === wanted || isSameInstant(there, wanted);
}

function isSameInstant(one: unknown, other: unknown): boolean {
  if (typeof one !== "string" || typeof other !== "string" || !dateTime.test(one) || !dateTime.test(other))
    return false;
  return Date.parse(one) === Date.parse(other);
}

/** Without a zone it says no instant. */
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
