/** What is asked about, and which events and letters are about it. Pure. */
import type { StoredEvent } from "../queue/jobs.ts";
import type { Read } from "./payment-standing.ts";
import { isoOf } from "../lib/time.ts";

/** What is asked about. */
export interface Question {
  readonly merchant: string;
  readonly channel: string;
  readonly order?: string | undefined;
  readonly payment?: string | undefined;
  /** The PSP's id of a payment. */
  readonly reference?: string | undefined;
}

/** An event that waits, as it is told. */
export interface EventTold {
  readonly adapter: string;
  readonly webhook: string;
  readonly type: string;
  readonly receivedAt: string;
  readonly by?: string;
  readonly reference?: string;
  readonly says: string;
}

/** Whether an event, or the letter of one, is about what is asked: by its URL, by what the PSP echoes of ours, or by the PSP's id. */
export function aboutOf({ merchant, channel, order, payment, reference }: Question, reads: readonly Read[]) {
  const references = new Set([reference, ...reads.map((one) => one.reference)].filter((one) => one !== undefined));
  const orders = new Set([order, ...reads.map(({ key }) => key.orderId)].filter((one) => one !== undefined));
  const echoes = new Set([
    ...(payment === undefined ? orders : []),
    ...(payment === undefined ? [] : [payment, `${order ?? ""}:${payment}`]),
    ...reads.flatMap(({ key }) => [key.paymentId, `${key.orderId}:${key.paymentId}`]),
  ]);
  return (target: StoredEvent["target"], stored: StoredEvent | undefined): boolean => {
    if (target.merchant !== merchant || target.channel !== channel) return false;
    const { orderId, paymentId } = target;
    if (orderId !== undefined) return orders.has(orderId) && (payment ?? paymentId) === paymentId;
    const { reference: named, clues = [] } = stored?.event ?? {};
    if (named !== undefined && references.has(named)) return true;
    return clues.some((clue) => ("echo" in clue ? echoes.has(clue.echo) : references.has(clue.reference)));
  };
}

/** An event that waits. */
export function eventTold({ target, webhook, receivedAt, event, by, evidence }: StoredEvent): EventTold {
  const { type, reference } = event;
  return {
    adapter: target.adapter,
    webhook,
    type,
    receivedAt: isoOf(receivedAt),
    ...(by === undefined ? {} : { by }),
    ...(reference === undefined ? {} : { reference }),
    says:
      evidence === undefined
        ? "waits until its payment is found and its line is kept; tried again by itself"
        : "waits until its proof can be asked for; tried again by itself",
  };
}
