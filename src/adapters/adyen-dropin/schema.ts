import { z } from "zod";
import { saidTime } from "../../lib/said-time.ts";

/** What a reference of Adyen's looks like; nothing that could bend a path or a log line. */
export const referenceSchema = z.string().regex(/^[\w-]{1,64}$/);
/** A text that cannot be read is left out: none of them decides about money. */
const short = z
  .string()
  .regex(/^[\w.-]{1,64}$/)
  .optional()
  .catch(undefined);
const text = z.string().max(200).optional().catch(undefined);
const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((word) => word === "true")]);

/**
 * One item of a standard webhook. Names, addresses and card data of `additionalData` are dropped on reading; its names contain dots.
 * https://docs.adyen.com/development-resources/webhooks/webhook-types
 */
export const itemSchema = z.object({
  eventCode: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
  success: flag,
  // A report's is the name of a file.
  pspReference: z.string().min(1).max(200),
  originalReference: referenceSchema.nullish().catch(undefined),
  merchantReference: z.string().max(200).nullish().catch(undefined),
  amount: z
    .object({
      value: z.union([
        z.int(),
        z
          .string()
          .regex(/^\d{1,15}$/)
          .transform(Number),
      ]),
      currency: z.string().regex(/^[A-Z]{3}$/),
    })
    .nullish()
    .catch(undefined),
  eventDate: z.string().max(40).nullish().catch(undefined),
  paymentMethod: short,
  reason: text,
  operations: z.array(z.string().max(40)).max(20).nullish().catch(undefined),
  additionalData: z
    .object({
      captureDelayHours: short,
      networkProcessingMode: short,
      fraudManualReview: short,
      "modification.action": z.enum(["cancel", "refund"]).optional().catch(undefined),
      originalMerchantReference: text,
      defensePeriodEndsAt: saidTime.optional().catch(undefined),
      cardSummary: z
        .string()
        .regex(/^\d{4}$/)
        .optional()
        .catch(undefined),
      expiryDate: z
        .string()
        .regex(/^\d{1,2}\/\d{4}$/)
        .optional()
        .catch(undefined),
      networkTxReference: short,
      paymentMethodVariant: short,
      recurringProcessingModel: short,
      shopperReference: text,
      "tokenization.storedPaymentMethodId": short,
      "tokenization.shopperReference": text,
      "tokenization.store.operationType": short,
      "recurring.recurringDetailReference": short,
      "recurring.shopperReference": text,
      "recurring.firstPspReference": short,
    })
    .nullish()
    .catch(undefined),
});

/** The standard webhook around its items, each of which is read by itself; `live` is a string there. */
export const standardSchema = z.object({
  live: flag.optional().catch(undefined),
  notificationItems: z.array(z.object({ NotificationRequestItem: z.looseObject({}) })),
});

/** A webhook about a stored payment method. https://docs.adyen.com/api-explorer/Tokenization-webhooks/1/overview */
export const tokenSchema = z.object({
  type: z.string().regex(/^recurring\.token\.\w{1,40}$/),
  createdAt: z.string().max(40).nullish().catch(undefined),
  eventId: referenceSchema,
  data: z.object({
    storedPaymentMethodId: z.string().regex(/^[\w.-]{1,64}$/),
    shopperReference: text,
    type: short,
    operation: short,
  }),
});

/** What is kept of an event besides its line: an allow-list. */
export const factsSchema = z.object({
  /** Adyen's reference of the payment that the event is about. */
  payment: referenceSchema.optional(),
  /** Adyen's reference of the event itself; a token takes its place in RECURRING_CONTRACT, and is left out. */
  pspReference: referenceSchema.optional(),
  /** What the event says of itself, which is not whether it is good news. */
  success: z.boolean(),
  /** What the event names in ISO 4217 minor units, whether it moved it or not. */
  amount: z.int().nonnegative().optional(),
  merchantReference: z.string().optional(),
  paymentMethod: z.string().optional(),
  /** When the money is taken, where the event itself says so. */
  capture: z.enum(["immediate", "delayed"]).optional(),
  /** True where the method knows no capture of its own: nothing is left to capture or to cancel, whatever becomes of the money. */
  sale: z.boolean().optional(),
  /** Until when a dispute can be answered, ISO 8601. */
  deadline: z.string().optional(),
  /** True where Adyen's manual review has yet to decide. */
  review: z.boolean().optional(),
  /** What a CANCEL_OR_REFUND came to. */
  action: z.enum(["cancel", "refund"]).optional(),
});

/** Adyen's answer to a modification: received, nothing more. */
export const receivedSchema = z.object({ pspReference: referenceSchema, status: z.literal("received") });

export type Item = Readonly<z.infer<typeof itemSchema>>;
export type TokenEvent = Readonly<z.infer<typeof tokenSchema>>;
export type Facts = Readonly<z.infer<typeof factsSchema>>;
