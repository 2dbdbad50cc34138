import { z } from "zod";
import { id, time } from "../_klarna/schema.ts";
import type { Finding, KeptEvent, LogLine, PspEvent } from "../../contract/adapter.ts";

const idOrNone = id.optional().catch(undefined);

/**
 * What Kustom tells of an account's orders: deliberately slim, so that everything else is to be read.
 * https://docs.kustom.co/contents/api/api-basics/webhooks
 */
export const kustomSchema = z.object({
  id: z.string().regex(/^\w{1,64}$/),
  /** Up to nine decimals of a second. */
  timestamp: time,
  type: z.string(),
  data: z.object({ order_id: idOrNone, dispute_id: idOrNone }).nullish().catch(undefined),
});

/** What concerns a payment of the checkout; `ipp.*` (sessions in a shop) and types to come do not. */
const known: ReadonlySet<string> = new Set([
  "order.created",
  "capture.created",
  "refund.created",
  "dispute.created",
  "dispute.updated",
]);

/** The event, where it says something of an order; a dispute is kept, because no question to order management would tell of it. */
export function kustomEventFrom({ id: eventId, timestamp, type, data }: z.output<typeof kustomSchema>): PspEvent[] {
  const { order_id: reference, dispute_id: disputeId } = data ?? {};
  if (reference === undefined || !known.has(type)) return [];
  const isDispute = type.startsWith("dispute.");
  return [
    {
      // One line for each kind of news of a dispute, however often there is some.
      key: `kustom:${isDispute ? `${type}:${reference}:${disputeId ?? ""}` : eventId}`,
      type,
      at: timestamp === undefined ? null : new Date(timestamp).toISOString(),
      reference,
      clues: [{ reference }],
      ...(isDispute ? { line: disputeLine(disputeId) } : {}),
    },
  ];
}

/** What the dispute costs, if anything, shows in order management as money: the line moves none. */
function disputeLine(disputeId: string | undefined): LogLine {
  return {
    event: "paymentAction",
    pspStatus: "dispute",
    amount: 0,
    success: true,
    facts: disputeId === undefined ? {} : { disputeId },
  };
}

/** The disputes that webhooks told of. Kustom's webhooks say neither how they stand nor until when to answer: its portal does. */
export function disputesIn(kept: readonly KeptEvent[], orderId: string): readonly Finding[] {
  const ids = kept
    .filter(({ type }) => type.startsWith("dispute."))
    .map(({ facts = {} }) => (typeof facts["disputeId"] === "string" ? facts["disputeId"] : orderId));
  return [...new Set(ids)].toSorted().map((dispute) => ({ name: "dispute", id: dispute, facts: { orderId } }));
}
