import { z } from "zod";
import type { Json } from "../../contract/adapter.ts";
import { type Checkout, type CheckoutStatus, id, type Order, present, upsellIdShape } from "./schema.ts";
import { isObject } from "../../lib/json.ts";
import { checkoutStatuses, fieldOf, idOf } from "./wire.ts";

/** An upsell as Norce has it: whoever started it wrote it there. */
const startedUpsell = z.object({
  id: z.string().regex(upsellIdShape),
  state: z.enum(["created", "actionRequired", "completed", "failed"]),
  transactionId: id.optional(),
});
export type StartedUpsell = Readonly<z.infer<typeof startedUpsell>>;

/** What earlier looks at the same Qliro order concluded: `map` remembers it. */
export interface Noted {
  readonly status?: CheckoutStatus;
  /** `read`: the checkout order has nothing more to tell. `gone`: the merchant API does not know it. */
  readonly checkout?: "open" | "read" | "gone";
  /** When the first look was, and when the purchase was complete, by our own clock or Qliro's where it says an earlier time. */
  readonly seenAt?: string;
  readonly completedAt?: string;
}

/** What Qliro says now. At least one of the two orders is there. */
export interface Snapshot {
  readonly order: Order | null;
  readonly checkout: Checkout | null;
  readonly noted: Noted;
  /** Absent where the merchant sells nothing after the purchase. */
  readonly upsell?: { readonly timeoutSeconds: number; readonly started: readonly StartedUpsell[] };
}

const notedSchema = z.object({
  status: z.enum(checkoutStatuses).optional().catch(undefined),
  checkout: z.enum(["open", "read", "gone"]).optional().catch(undefined),
  seenAt: z.iso.datetime().optional().catch(undefined),
  completedAt: z.iso.datetime().optional().catch(undefined),
});

/** What is remembered, as far as it is about this Qliro order; anything else counts as nothing. */
export function notedFrom(known: Readonly<Record<string, Json>>, orderId: string): Noted {
  return known["orderId"] === orderId ? present(notedSchema.parse(known)) : {};
}

/** What Norce says of upsells, without those that nobody can tell apart. */
export function startedFrom(upsellInNorce: Json): readonly StartedUpsell[] {
  const transactions = isObject(upsellInNorce) ? upsellInNorce["transactions"] : undefined;
  if (!Array.isArray(transactions)) return [];
  return transactions.flatMap((entry: unknown) => {
    if (!isObject(entry)) return [];
    const attributes = isObject(entry["attributes"]) ? entry["attributes"] : {};
    const transactionId = id.safeParse(idOf(fieldOf(attributes, "PaymentTransactionId"))).data;
    const started = startedUpsell.safeParse({ id: entry["id"], state: entry["state"] });
    return started.success ? [{ ...started.data, ...(transactionId === undefined ? {} : { transactionId }) }] : [];
  });
}
