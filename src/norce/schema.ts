import { z } from "zod";
import { paymentStates } from "./states.ts";

/** Enums are lower case, but Norce's own examples write `Intent`: read any casing (docs/norce.md, 1.4). */
const state = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(paymentStates));

const attributes = z.record(z.string(), z.unknown()).nullish();

/** What we read of a Norce payment. Everything else in it is kept as it is. */
export const paymentSchema = z.object({
  id: z.string().nullish(),
  orderId: z.string().nullish(),
  merchant: z.string().nullish(),
  channel: z.string().nullish(),
  adapterId: z.string().nullish(),
  currency: z.string().nullish(),
  amount: z.number(),
  upperLimitAmount: z.number().nullish(),
  state,
  reference: z.string().nullish(),
  attributes,
  recurring: z.looseObject({ token: z.string().nullish(), description: z.string().nullish(), attributes }).nullish(),
  upsell: z.looseObject({}).nullish(),
});

/** What is read of the transaction log: our key travels in `responseJson`. */
export const transactionsSchema = z.array(
  z.object({
    event: z.string().nullish(),
    responseJson: z.string().nullish(),
  }),
);

/** What is read of an order where a look needs more than its payment. */
export const orderSchema = z.object({
  id: z.string(),
  merchant: z.string().nullish(),
  channel: z.string().nullish(),
  currency: z.string().nullish(),
  reference: z.string().nullish(),
  cart: z.object({ reference: z.string().nullish() }).nullish(),
  payments: z
    .array(
      z.object({
        id: z.string(),
        adapterId: z.string().nullish(),
        state: z.string().nullish(),
        reference: z.string().nullish(),
      }),
    )
    .nullish(),
});

/** A page of orders. */
export const ordersSchema = z.object({ data: z.array(orderSchema) });

export type NorceOrder = Readonly<z.infer<typeof orderSchema>>;
