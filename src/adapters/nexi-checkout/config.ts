import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";
import { secretSetting, secretText } from "../../lib/secrets.ts";

/** Which of Nexi's hosts takes which keys (docs/psp/nexi.md, a). */
const environments: Readonly<Record<string, "test" | "live">> = {
  "test.api.dibspayment.eu": "test",
  "api.dibspayment.eu": "live",
};

/** One merchant's settings. The key decides between real money and test money; `apiUrl` has to be of the same environment. */
export const config = commonConfig
  .extend({
    /** `test-secret-key-…` or `live-secret-key-…`: sent as it is, without any scheme's name. */
    secretKey: secretText,
    /**
     * What the `Authorization` of webhooks is, or is derived from (`authorization.ts`); newest first. Nexi keeps the value for as long as a
     * payment lives, so that older ones stay in the list.
     */
    webhookSecret: secretSetting,
  })
  .superRefine(({ apiUrl, secretKey }, context) => {
    const host = environments[URL.parse(apiUrl)?.hostname ?? ""];
    const key = environmentOf({ secretKey });
    if (host !== undefined && key !== undefined && host !== key)
      context.addIssue({ code: "custom", path: ["secretKey"], message: `is a ${key} key, apiUrl is the ${host} host` });
  });

export type Config = Readonly<z.infer<typeof config>>;

/** Which environment the key says that it belongs to; `undefined` where it does not say. */
export function environmentOf({ secretKey }: Pick<Config, "secretKey">): "test" | "live" | undefined {
  if (secretKey.startsWith("live-")) return "live";
  return secretKey.startsWith("test-") ? "test" : undefined;
}
