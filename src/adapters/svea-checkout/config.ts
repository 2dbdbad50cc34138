import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";

/** One merchant's settings. Svea gives out merchant id and secret per country and environment. */
export const config = commonConfig.extend({
  /** Payment Admin, where the order lives once the shopper has confirmed it. */
  orderManagementApiUrl: z.url({ protocol: /^https?$/ }),
  /** A number, which YAML may read as one. A colon would end it in the signature. */
  merchantId: z
    .union([z.string(), z.int()])
    .transform(String)
    .pipe(z.string().regex(/^[^:\s]+$/, "must be Svea's merchant id")),
  apiSecret: z.string().min(1),
  /**
   * What a part that is given back is called on the shopper's credit invoice: Svea asks for a name of 1 to 40
   * characters.
   */
  creditRowName: z.string().min(1).max(40).default("Refund"),
});

export type Config = Readonly<z.infer<typeof config>>;
