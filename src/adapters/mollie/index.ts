import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { probe } from "./probe.ts";
import { registrations } from "./registrations.ts";
import { resolve } from "./resolve.ts";
import { decides, type Snapshot } from "./schema.ts";
import { charge, event, payment } from "./webhooks.ts";

/** Mollie's Payments API v2: `tr_…`, its refunds, captures and chargebacks, and mandates as tokens. */
export default {
  id: "mollie",
  title: "Mollie",
  config,
  secrets: ["apiKey", "webhookSecret"],
  // A signed event may name nothing but the payment, and chargebacks come for months.
  rememberDays: 180,
  webhooks: { payment, charge, event },
  decides,
  fetch: fetchSnapshot,
  map,
  resolve,
  operations,
  probe,
  registrations,
} satisfies FetchAdapter<Config, Snapshot>;
