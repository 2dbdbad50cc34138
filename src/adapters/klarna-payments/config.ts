import { z } from "zod";
import { klarnaConfig, withCredentials } from "../_klarna/config.ts";

/** One merchant's settings: Klarna's, and the keys of Klarna Network's webhooks. */
export const config = withCredentials(
  klarnaConfig.extend({
    /** Secrets by key id. Several at once while a key is rotated; none where the merchant has no Network webhooks. */
    webhookSigningKeys: z
      .record(z.string().min(1), z.string().min(1))
      .refine((keys) => Object.keys(keys).length > 0, "must hold at least one key")
      .optional(),
  }),
);

export type Config = Readonly<z.infer<typeof config>>;
