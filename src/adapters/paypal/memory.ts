import { createHash } from "node:crypto";
import { z } from "zod";
import type { Json } from "../../contract/adapter.ts";
import { type Order, orderSchema, type Snapshot, sourceIn } from "./schema.ts";

/** What a look remembers for the next one. */
export type Memory = Readonly<Record<string, Json>>;

const memorySchema = z.object({
  /** What an order was that nobody had paid yet. */
  unpaid: z
    .object({
      create_time: z.string().optional(),
      amount: z.json(),
      custom_id: z.json().optional(),
      invoice_id: z.json().optional(),
    })
    .optional()
    .catch(undefined),
  /** Whether the order held or took money. */
  held: z.boolean().optional().catch(undefined),
  /** Digest of the token that was found for it. */
  token: z.string().optional().catch(undefined),
  /** Keys of lines in the order in which they were found. */
  order: z.array(z.string()).optional().catch(undefined),
});

/** What the last look remembered; nothing where it was none of ours. */
export function memoryFrom(memory: Memory): Readonly<z.infer<typeof memorySchema>> {
  return memorySchema.safeParse(memory).data ?? {};
}

/** The order as it was when nobody had paid it; `undefined` where the last look saw something else. */
export function unpaidOrder(memory: Memory, id: string): Order | undefined {
  const { unpaid } = memoryFrom(memory);
  if (unpaid === undefined) return undefined;
  const { amount, custom_id, invoice_id, ...order } = unpaid;
  return orderSchema.safeParse({ ...order, id, purchase_units: [{ amount, custom_id, invoice_id }] }).data;
}

/** What stands for a token where the token itself may not: in our own notes. */
export function digestOf(token: string): string {
  return createHash("sha256").update(token, "utf8").digest("hex").slice(0, 16);
}

/** True where the order says that a means of payment will be stored, and not yet under which token. */
export function isPromised({ order }: Pick<Snapshot, "order">): boolean {
  const vault = sourceIn(order.payment_source)?.source.attributes?.vault;
  return (
    vault !== undefined && vault !== null && (vault.status === "APPROVED" || (vault.id ?? undefined) === undefined)
  );
}

/** PayPal's id of the buyer in the merchant's vault, where the order names one. */
export function customerOf({ payment_source }: Order): string | undefined {
  return sourceIn(payment_source)?.source.attributes?.vault?.customer?.id ?? undefined;
}
