import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";

/** What travels in a header: printable, without spaces. */
const headerText = z.string().regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces");
const secret = z.string().min(1);

const merchantFields = commonConfig.extend({
  clientId: headerText,
  clientSecret: headerText,
  /** `Ocp-Apim-Subscription-Key`; Vipps gives a primary and a secondary one, either works. */
  subscriptionKey: headerText,
  /** MSN: one sales unit. Text, because it may begin with zeros. */
  merchantSerialNumber: z.string().regex(/^\d{4,10}$/, "must be 4 to 10 digits, in quotes"),
  /**
   * What registering the webhook answered, once: one, or several, newest first, while one is being replaced. Absent until a webhook is
   * registered; until then none is believed.
   */
  webhookSecret: z.union([secret, z.array(secret)]).optional(),
});

/** One merchant's settings. Nothing in a key says whether it is for test; the host alone decides. */
export const config = merchantFields.refine(({ apiUrl }) => isWhole(apiUrl), {
  path: ["apiUrl"],
  error: "must be https://api.vipps.no or https://apitest.vipps.no, without a path",
  // Every fault is reported at once, also where another field is wrong.
  when: ({ value }) => typeof (value as { readonly apiUrl?: unknown } | null)?.apiUrl === "string",
});

export type Config = Readonly<z.infer<typeof config>>;

/** The secrets that may have signed a webhook, newest first. */
export function webhookSecretsOf({ webhookSecret = [] }: Config): readonly string[] {
  return typeof webhookSecret === "string" ? [webhookSecret] : webhookSecret;
}

/** Whether the address is Vipps' own for real money; `undefined` for one that is none of Vipps'. */
export function isLive({ apiUrl }: Pick<Config, "apiUrl">): boolean | undefined {
  const { hostname } = new URL(apiUrl);
  if (hostname === "api.vipps.no") return true;
  return hostname === "apitest.vipps.no" ? false : undefined;
}

/** One host serves all markets; what else is called so is a slip. Anywhere else (a simulator, a proxy) anything goes. */
function isWhole(apiUrl: string): boolean {
  const url = URL.parse(apiUrl);
  if (url === null || !/(^|\.)vipps(mobilepay)?\.(no|com)$/.test(url.hostname)) return true;
  return isLive({ apiUrl }) !== undefined && url.protocol === "https:" && url.pathname === "/" && url.port === "";
}
