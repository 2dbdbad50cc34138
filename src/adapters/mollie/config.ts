import type { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";
import { secretSetting, secretText } from "../../lib/secrets.ts";

/** One merchant's settings. The key belongs to one profile, and decides between real money and test money. */
export const config = commonConfig.extend({
  /** `test_…` or `live_…` (docs/psp/mollie.md, a). */
  apiKey: secretText.regex(/^(test|live)_[\x21-\x7e]+$/, "has to begin with test_ or live_"),
  /** What Mollie showed when the signed webhook was made; while it is replaced, the newest first. Absent: there is no signed webhook. */
  webhookSecret: secretSetting.optional(),
});

export type Config = Readonly<z.infer<typeof config>>;

/** The mode that the key belongs to, in Mollie's words. */
export function modeOf({ apiKey }: Pick<Config, "apiKey">): "test" | "live" {
  return apiKey.startsWith("live_") ? "live" : "test";
}
