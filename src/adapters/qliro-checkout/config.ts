import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";

/** One merchant's settings, by the names of Norce's own Qliro adapter. */
export const config = commonConfig.extend({
  /** Travels in the body of every write. */
  merchantApiKey: z.string().min(1).max(50),
  /** Never travels: it is hashed with the body of every request. */
  merchantApiSecret: z.string().min(1),
  /** Whether Norce is told that more may be sold on the thank-you page; Qliro has to allow it as well. */
  useUpsell: z.boolean().default(false),
  /** How long after the purchase, at most. Qliro may end it sooner. */
  upsellTimeoutSeconds: z.int().positive().max(86_400).default(300),
});

export type Config = Readonly<z.infer<typeof config>>;
