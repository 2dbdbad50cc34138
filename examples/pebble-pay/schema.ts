import { z } from "zod";

/** Letters, digits, `-` and `_`: nothing that bends a path. */
export const idShape = /^[\w-]{1,64}$/;

const amount = z.int().nonnegative();
const move = z.object({ id: z.string().regex(idShape), amount });

/** `GET /payments/{id}`. What is not named here (names, addresses) is dropped; amounts are minor units. */
export const paymentSchema = z.object({
  id: z.string().regex(idShape),
  status: z.enum(["created", "authorized", "cancelled", "declined"]),
  amount,
  currency: z.string().regex(/^[A-Z]{3}$/),
  /** Ours, as the shop wrote it: no money hangs on it, so that whatever stands there is read past. */
  shop_reference: z.string().nullable().catch(null),
  captures: z.array(move),
  refunds: z.array(move),
});

export type Payment = Readonly<z.infer<typeof paymentSchema>>;

/** What Pebble Pay says now. */
export interface Snapshot {
  readonly payment: Payment;
}
