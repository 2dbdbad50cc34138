import type { FoldAdapter } from "../../contract/adapter.ts";
import { probe, registrations } from "./account.ts";
import { type Config, config } from "./config.ts";
import { fold } from "./fold.ts";
import { operations } from "./operations.ts";
import { webhook } from "./webhooks.ts";

/** Adyen, by its standard and token webhooks: there is no endpoint that says how a payment is, so its events are the truth. */
export default {
  id: "adyen-dropin",
  title: "Adyen Drop-in",
  config,
  secrets: ["adyenApiKey", "managementApiKey", "webhookHmacKey", "tokenWebhookHmacKey", "webhookPassword"],
  webhooks: { webhook },
  fold,
  operations,
  probe,
  registrations,
  // Refunds come months later, disputes up to half a year and more: their events name nothing but Adyen's reference.
  rememberDays: 400,
  // For as long as Adyen itself tries to deliver an event, its payment may still appear.
  horizonDays: { unsettled: 30 },
} satisfies FoldAdapter<Config>;
