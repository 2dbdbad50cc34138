/** A time in milliseconds since the epoch, as it is told: ISO 8601 in UTC. */
export function isoOf(time: number): string {
  return new Date(time).toISOString();
}

/** The day in UTC, `2026-01-31`, of a time in milliseconds since the epoch. */
export function dayOf(time: number): string {
  return isoOf(time).slice(0, 10);
}

/** Before it no payment of anybody's was made: `0001-01-01` is how .NET says that there is no time, and 1970 how others do. */
const earliest = Date.UTC(2000, 0, 1);

/**
 * A PSP's time as ISO 8601 in UTC. A day without a time is its beginning, what says no zone is UTC, an offset may lack its colon, and digits of a
 * second beyond the third are cut off.
 * @returns `undefined` for what is no time
 */
export function isoFrom(said: unknown): string | undefined {
  const [, day, clock = "00:00:00", zone = "Z"] = spelling.exec(typeof said === "string" ? said : "") ?? [];
  if (day === undefined) return undefined;
  const time = Date.parse(`${day}T${clock}${zone.toUpperCase().replace(/^([+-]\d\d):?(\d\d)$/, "$1:$2")}`);
  return time >= earliest ? isoOf(time) : undefined;
}

const spelling = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;
