/** What can be done next about an order, as commands. Pure. */
import type { EventTold, Question } from "./about.ts";
import { firstMinutes } from "./advice.ts";
import type { LetterTold, PaymentStanding } from "./payment-standing.ts";
import { duration } from "./sentences.ts";

/** Something to do, or that there is nothing to do. */
export interface Action {
  readonly says: string;
  /** Absent: nothing is to be done. */
  readonly command?: string;
}

/** What actions are chosen by. */
interface Stands {
  readonly payments: readonly PaymentStanding[];
  readonly letters: readonly LetterTold[];
  readonly events: readonly EventTold[];
}

/** The most useful first. @param now milliseconds since the epoch */
export function actionsFor({ merchant, channel, order }: Question, stands: Stands, now: number): readonly Action[] {
  const { payments, letters, events } = stands;
  const orders = [...new Set([...(order === undefined ? [] : [order]), ...payments.map(({ orderId }) => orderId)])];
  const own = payments.flatMap(({ letter }) => (letter === undefined ? [] : [letter]));
  return [
    ...own.flatMap(letterActions),
    ...letters.flatMap(letterActions),
    ...payments.filter(({ letter }) => letter === undefined).flatMap((payment) => waitingAction(payment, now)),
    ...(events.length === 0 ? [] : [{ says: "nothing for the events that wait: they are tried again by themselves" }]),
    ...orders.flatMap((one) => {
      const command = `npm run reconcile -- ${[merchant, channel, one].map(quoted).join(" ")}`;
      return [
        { says: "say what a look would write now, and write nothing", command: `${command} --dry-run` },
        { says: "look at the order's payments now", command },
      ];
    }),
  ];
}

function letterActions({ id, kind, reason, of }: LetterTold): readonly Action[] {
  const todo = firstMinutes[reason] ?? firstMinutes[kind];
  const first = todo === undefined ? [] : [{ says: `first: ${todo}` }];
  const retry = `npm run letters -- retry ${id}`;
  const dismiss = {
    says: "take the letter away, once it is settled by hand",
    command: `npm run letters -- dismiss ${id}`,
  };
  // An operation is asked for again, where it is wanted again: its letter is no order.
  if (kind === "Operation") return [...first, dismiss];
  const says =
    of === undefined
      ? "look again, once the cause is removed"
      : `place the event ${of} again, once the cause is removed`;
  return [...first, { says, command: retry }, dismiss];
}

function waitingAction({ paymentId, nextLookAt, asked }: PaymentStanding, now: number): readonly Action[] {
  if (nextLookAt !== undefined) {
    const inMs = Date.parse(nextLookAt) - now;
    const when = inMs > 0 ? `in ${duration(inMs)}` : "now";
    return [{ says: `nothing for ${paymentId}: it is looked at again by itself ${when}` }];
  }
  return asked === undefined ? [] : [{ says: `nothing for ${paymentId}: a look is asked for and comes by itself` }];
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w.:@%+=/-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
