import { desiredFrom, echoesOf, nothing } from "../_klarna/order.ts";
import { present } from "../_klarna/schema.ts";
import type { DesiredPayment, KeptEvent, Phase, Recurring, MapContext } from "../../contract/adapter.ts";
import { disputesIn, idsIn } from "./network.ts";
import type { Session, Snapshot } from "./schema.ts";

/** An authorization token lives for an hour: what was approved last is an order by then, or never. */
const tokenLifeMs = 60 * 60_000;

/** What Norce should say: what order management says, and what only Klarna Network's webhooks told. */
export function map(snapshot: Snapshot, context: MapContext): DesiredPayment {
  const { kept, now } = context;
  if (snapshot.order === null) return fromSession(snapshot.session, now);
  const desired = desiredFrom(snapshot.order, context);
  const aliases = [...new Set(kept.flatMap(idsIn))].toSorted();
  return {
    ...desired,
    recurring: desired.phase === "declined" ? undefined : recurringFrom(snapshot, kept),
    aliases: aliases.length === 0 ? undefined : aliases,
    findings: [...(desired.findings ?? []), ...disputesIn(kept)],
  };
}

/**
 * The shopper chooses, or has been approved and the shop places the order, which has an id of its own: the session does not tell it, so that
 * the session's id stands until a webhook or the shop names the order's.
 */
function fromSession(session: Session, now: number): DesiredPayment {
  const { session_id, status, order_amount, purchase_currency, expires_at } = session;
  const overAt = expires_at === undefined ? undefined : Date.parse(expires_at) + tokenLifeMs;
  const phase = sessionPhase(session, overAt !== undefined && now >= overAt);
  return {
    phase,
    money: nothing,
    total: order_amount,
    currency: purchase_currency,
    reference: session_id,
    provisional: true,
    attributes: { status },
    transactions: [],
    possible: [],
    echoes: echoesOf(session),
    lookAgain: phase === "failed" || overAt === undefined ? undefined : { at: new Date(overAt).toISOString() },
  };
}

function sessionPhase({ status }: Session, isOver: boolean): Phase {
  if (isOver) return "failed";
  switch (status) {
    case "incomplete":
      return "created";
    case "complete":
      return "paying";
  }
}

/** The newest customer token that a webhook brought, whatever order they came in. */
function recurringFrom(
  { order }: Extract<Snapshot, { order: object }>,
  kept: readonly KeptEvent[],
): Recurring | undefined {
  const [newest] = kept
    .filter(({ recurring }) => recurring !== undefined)
    .toSorted((left, right) => instant(right) - instant(left) || (left.key < right.key ? -1 : 1));
  if (newest?.recurring === undefined) return undefined;
  const method = order.initial_payment_method;
  return {
    token: newest.recurring.token,
    ...(typeof method?.description === "string" ? { description: method.description } : {}),
    attributes: present({ payment_method_type: method?.type, originalOrderId: order.order_id }),
  };
}

function instant({ at }: KeptEvent): number {
  return at === null ? 0 : Date.parse(at);
}
