/** A time in milliseconds since the epoch, as it is told: ISO 8601 in UTC. */
export function isoOf(time: number): string {
  return new Date(time).toISOString();
}

/** The day in UTC, `2026-01-31`, of a time in milliseconds since the epoch. */
export function dayOf(time: number): string {
  return isoOf(time).slice(0, 10);
}
