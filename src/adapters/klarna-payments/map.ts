import { desiredFrom } from "../_klarna/order.ts";
import { present } from "../_klarna/schema.ts";
import type { DesiredPayment, KeptEvent, Recurring, MapContext } from "../../contract/adapter.ts";
import { idsIn } from "./network.ts";
import type { Snapshot } from "./schema.ts";

/** What Norce should say: what order management says, and what only Klarna Network's webhooks told. */
export function map(snapshot: Snapshot, { kept }: Pick<MapContext, "kept">): DesiredPayment {
  const desired = desiredFrom(snapshot.order, snapshot.readAt);
  const recurring = desired.phase === "declined" ? undefined : recurringFrom(snapshot, kept);
  const aliases = [...new Set(kept.flatMap(idsIn))].toSorted();
  return {
    ...desired,
    ...(recurring === undefined ? {} : { recurring }),
    ...(aliases.length === 0 ? {} : { aliases }),
  };
}

/** The newest customer token that a webhook brought, whatever order they came in. */
function recurringFrom({ order }: Snapshot, kept: readonly KeptEvent[]): Recurring | undefined {
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
