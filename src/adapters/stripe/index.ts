import type { FetchAdapter } from "../../contract/adapter.ts";
import { probe, registrations } from "./account.ts";
import { type Config, config } from "./config.ts";
import { fetchSnapshot } from "./fetch.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { resolve } from "./resolve.ts";
import { decides, type Snapshot } from "./schema.ts";
import { webhook } from "./webhooks.ts";

/** Stripe: payment intents and setup intents, with their charges, refunds and disputes. */
export default {
  id: "stripe",
  title: "Stripe",
  config,
  secrets: ["apiKey", "webhookSecret"],
  // A refund may fail weeks later, and a dispute begin months later: their events name the intent and nothing of ours.
  rememberDays: 180,
  webhooks: { webhook },
  decides,
  fetch: fetchSnapshot,
  map,
  resolve,
  operations,
  probe,
  registrations,
} satisfies FetchAdapter<Config, Snapshot>;
