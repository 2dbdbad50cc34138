import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";
import { environmentOf } from "./environment.ts";

/** Rules across fields run even where a field is wrong by itself, so that start-up reports every fault at once. */
const always = {
  when: ({ value }: { value: unknown }) => typeof value === "object" && value !== null && "apiUrl" in value,
};

/** It stands in the text that is signed between bars, and is compared as it is. */
const webhookId = z.string().regex(/^[\w-]{1,64}$/, "must be the webhook's id, letters and digits");

/** What PayPal's webhook simulator signs with in place of an id: anybody can have it sign anything. */
const mockId = "WEBHOOK_ID";

/** One merchant's settings: one REST app of PayPal's, and the webhook of that app that leads here. */
export const config = commonConfig
  .extend({
    // RFC 7617: a colon ends the user name.
    clientId: z.string().regex(/^[\x21-\x39\x3b-\x7e]+$/, "must be printable ASCII without spaces and colons"),
    clientSecret: z.string().min(1),
    /** Each URL has an id of its own, and it is part of what is signed. A list, newest first, while a webhook is being replaced. */
    webhookId: z.union([webhookId, z.array(webhookId).min(1)]),
    /** The seller, where the app belongs to a platform that acts for it. */
    paypalMerchantId: z
      .string()
      .regex(/^[A-Z0-9]{1,20}$/, "must be PayPal's merchant id")
      .optional(),
  })
  .refine(({ apiUrl }) => isSafe(apiUrl), {
    ...always,
    path: ["apiUrl"],
    error: "PayPal is asked by HTTPS only",
  })
  .refine(({ apiUrl, webhookId: ids }) => !isLive(apiUrl) || ![ids].flat().includes(mockId), {
    ...always,
    path: ["webhookId"],
    error: "is the id of PayPal's webhook simulator, which is never right in live",
  });

export type Config = Readonly<z.infer<typeof config>>;

/** The ids that may stand in the signed text, newest first. */
export function webhookIds(ids: string | readonly string[]): readonly string[] {
  return (typeof ids === "string" ? [ids] : ids).filter((id) => id !== "");
}

function isLive(apiUrl: unknown): boolean {
  return typeof apiUrl === "string" && URL.canParse(apiUrl) && environmentOf(apiUrl) === "live";
}

function isSafe(apiUrl: unknown): boolean {
  // What is no URL at all has been reported already.
  if (typeof apiUrl !== "string" || !URL.canParse(apiUrl)) return true;
  return environmentOf(apiUrl) === "other" || new URL(apiUrl).protocol === "https:";
}
