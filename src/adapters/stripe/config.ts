import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";

/** Rules across fields run even where a field is wrong by itself, so that start-up reports every fault at once. */
const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null && "apiUrl" in value,
};

/** Stripe's own host, for test and live alike: the key decides the mode. */
const stripeHost = "api.stripe.com";

/** What a key or a secret is written in; one of another kind of Stripe's is refused. */
const keyBut = (others: RegExp, what: string) =>
  z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
    .regex(others, what);

/** An endpoint's signing secret. The whole text is the key: `whsec_` is part of it. */
const endpointSecret = keyBut(/^(?!([spr]k|we)_)/, "must be the signing secret of a webhook endpoint, whsec_…");

/** The field of `metadata` in which the payment is looked for where nothing else is said. */
export const usualMetadataKey = "norcePaymentId";

/** One merchant's settings: one Stripe account, and the webhook endpoints of it that lead here. */
export const config = commonConfig
  .extend({
    /** A secret key or, better, a restricted one; a publishable key opens nothing. */
    apiKey: keyBut(/^(?!(pk|whsec|we)_)/, "must be a secret or restricted key, sk_… or rk_…"),
    /** Each endpoint has a secret of its own. A list, newest first, while one is being rolled or where several endpoints lead here. */
    webhookSecret: z.union([endpointSecret, z.array(endpointSecret).min(1)]),
    /** The connected account whose payments these are, where the key is a platform's. */
    stripeAccount: z
      .string()
      .regex(/^acct_\w+$/, "must be the id of an account, acct_…")
      .optional(),
    /** The field of the intent's `metadata` that holds what `merchantReference` says. */
    metadataField: z.string().min(1).max(40).default(usualMetadataKey),
  })
  .refine(({ apiUrl }) => hostOf(apiUrl) !== stripeHost || apiUrl.startsWith("https:"), {
    ...always,
    path: ["apiUrl"],
    error: "Stripe is asked by HTTPS only",
  })
  .refine(({ apiUrl, apiKey }) => !isLive(apiKey) || hostOf(apiUrl) === stripeHost, {
    ...always,
    path: ["apiKey"],
    error: `is a live key, which goes to https://${stripeHost} and nowhere else`,
  });

export type Config = Readonly<z.infer<typeof config>>;

/** Whether a key is for real money. */
export function isLive(apiKey: unknown): boolean {
  return typeof apiKey === "string" && /^[sr]k_live_/.test(apiKey);
}

function hostOf(url: unknown): string {
  return typeof url === "string" && URL.canParse(url) ? new URL(url).host : "";
}
