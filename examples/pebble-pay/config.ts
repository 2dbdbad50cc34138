import { z } from "zod";
import { commonConfig } from "norce-psp-worker/adapter";

/** One merchant's settings at Pebble Pay. No secret has a default. */
export const config = commonConfig.extend({
  /** Which of the merchant's shops it is. */
  shopId: z.string().regex(/^[\w-]+$/),
  /** Opens Pebble Pay's API. */
  apiKey: z.string().regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces"),
});

export type Config = Readonly<z.infer<typeof config>>;
