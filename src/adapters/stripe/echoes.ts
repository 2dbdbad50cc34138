import { type Config, usualMetadataKey } from "./config.ts";

/** The order's id, where whoever created the intent wrote it beside the payment's. */
const orderKey = "norceOrderId";
const longest = 255;

/**
 * What Stripe gives back of ours: `orderId:paymentId`, the payment id, or whatever the merchant's own field of `metadata` holds. Nothing else of
 * it is read: it may hold anything about anybody.
 */
export function echoesIn(metadata: unknown, { metadataField }: Pick<Config, "metadataField">): readonly string[] {
  if (typeof metadata !== "object" || metadata === null) return [];
  const fields = metadata as Readonly<Record<string, unknown>>;
  const [own, order] = [textOf(fields[metadataField]), textOf(fields[orderKey])];
  if (metadataField !== usualMetadataKey) return own === undefined ? [] : [own];
  if (own === undefined) return order === undefined ? [] : [order];
  return [order === undefined ? own : `${order}:${own}`];
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= longest ? value : undefined;
}
