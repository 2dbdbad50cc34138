import { z } from "zod";
import { amount, currency, decidesInOrder, type Order, text, time } from "../_klarna/schema.ts";

export { orderSchema } from "../_klarna/schema.ts";

/** The fields of a snapshot on which money hangs. */
export const decides: readonly string[] = [
  ...decidesInOrder,
  "session.session_id",
  "session.status",
  "session.order_amount",
  "session.purchase_currency",
];

/**
 * `GET /payments/v1/sessions/{id}`: an allow-list, because the answer holds the authorization token, which is worth money, and a client
 * token. https://docs.klarna.com/api/payments/#operation/readCreditSession
 */
export const sessionSchema = z.object({
  status: z.enum(["incomplete", "complete"]),
  order_amount: amount,
  purchase_currency: currency,
  merchant_reference1: text,
  merchant_reference2: text,
  expires_at: time,
});

/** The session in which the shopper chooses, by the id that it was asked for: its answer names none. */
export type Session = Readonly<z.infer<typeof sessionSchema>> & { readonly session_id: string };

/** What Klarna says now: of the order, or of the session before there is one. */
export type Snapshot =
  | { readonly order: Order; readonly session?: undefined }
  | { readonly order: null; readonly session: Session };
