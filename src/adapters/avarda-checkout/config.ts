import { z } from "zod";
import { listOf, secretText } from "../../lib/secrets.ts";
import { commonConfig } from "../../contract/adapter.ts";

const headerValue = z.string().regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, "must be a header value in printable ASCII");

/** One merchant's settings. Avarda gives out credentials per country and currency: a channel has those of its own currency. */
export const config = commonConfig.extend({
  clientId: z.string().min(1),
  clientSecret: secretText,
  /**
   * The whole value of the static `Authorization` header that Avarda was asked to send, `Basic …` or `Bearer …`; several while it is
   * being changed. https://docs.avarda.com/checkout-3/more-features/server-side-callbacks/
   */
  webhookAuthorization: z.union([headerValue, z.array(headerValue).min(1)]).optional(),
});

export type Config = Readonly<z.infer<typeof config>>;

/** The header values of which a webhook has to carry one; none where no header was agreed on. */
export function acceptedAuthorizations({ webhookAuthorization }: Config): readonly string[] {
  return listOf(webhookAuthorization);
}
