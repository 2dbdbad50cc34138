import type { FetchAdapter } from "../../contract/adapter.ts";
import { probe, registrations } from "./account.ts";
import { fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { decides, type Snapshot } from "./schema.ts";
import { webhook } from "./webhooks.ts";

/** Vipps MobilePay: the ePayment API, and agreements of the Recurring API. */
export default {
  id: "vipps-mobilepay",
  title: "Vipps MobilePay",
  config,
  secrets: ["clientSecret", "subscriptionKey", "webhookSecret"],
  webhooks: { webhook },
  // Refunds come for a year, and a webhook names the reference alone.
  rememberDays: 365,
  // What is authorised is held for up to 180 days.
  horizonDays: { unsettled: 185, refund: 365 },
  decides,
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
  registrations,
} satisfies FetchAdapter<Config, Snapshot>;
