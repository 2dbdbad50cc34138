/** When alerts are told, and when they are sent again: all numbers of it, in milliseconds. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** How the watch over causes paces itself. */
export const watchPauses = {
  /** How often a process looks whether it is its turn; one pass of all processes together in that time. */
  everyMs: 10 * second,
  /** How long a pass has its turn to itself. */
  turnMs: 8 * second,
  /** A cause is told once it has stood for so long: what comes in a burst is told with its number. */
  settleMs: 30 * second,
  /** Workers that are restarted are away for a moment. */
  noWorkerMs: minute,
  /** What was not seen for so long is over. */
  calmMs: 5 * minute,
  /** What goes on is told again. */
  remindMs: day,
  /** Nothing of one cause is told twice within this time, except that it is over, or that a deadline comes near. */
  againMs: hour,
  /** A peer that was not met in trouble for so long is taken to be well: nobody asks it any more. */
  staleMs: day,
  /** What has happened is news for so long. */
  newsMs: day,
  /** No sweep of a channel for so long, or for so many of its periods, is late. */
  sweepLateMs: 15 * minute,
  sweepLatePeriods: 10,
} as const;

/** How near a deadline is when it is told of once more, in hours. */
export const deadlineHours = [168, 72, 24] as const;

/** How a receiver that does not take an alert is asked again. */
export const sendPauses = {
  /** All of a request, to the last byte of its answer. */
  timeoutMs: 5 * second,
  firstMs: 5 * second,
  longestMs: 15 * minute,
  /** A receiver that asks for more time gets no more than this. */
  longestAskedMs: hour,
  /** That something is over is not told later than this. */
  giveUpMs: 3 * day,
} as const;

/** How long to wait before the next try, half of it drawn by lot. @param tries how often it was tried. @param random from 0 to 1 */
export function pauseAfter(tries: number, random: number, askedMs = 0): number {
  const { firstMs, longestMs, longestAskedMs } = sendPauses;
  const pauseMs = Math.min(longestMs, firstMs * 2 ** Math.min(tries - 1, 20)) * (0.5 + random / 2);
  return Math.round(Math.max(pauseMs, Math.min(askedMs, longestAskedMs)));
}
