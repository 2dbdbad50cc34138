import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";
import { secretText } from "../../lib/secrets.ts";

/** One merchant's settings. */
export const config = commonConfig.extend({
  /** The long-lived token of one payee, made in the merchant portal; another one in each environment (docs/psp/swedbank-pay.md, a). */
  accessToken: secretText,
  /**
   * How the references of our operations are written: `letters` are 30 letters and digits, `digits` twelve digits, for merchants who handle
   * their settlement themselves (docs/psp/swedbank-pay.md, g).
   */
  operationReferences: z.enum(["letters", "digits"]).default("letters"),
});

export type Config = Readonly<z.infer<typeof config>>;
