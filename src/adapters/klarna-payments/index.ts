import { probe } from "../_klarna/client.ts";
import { operations } from "../_klarna/operations.ts";
import type { FetchAdapter } from "../../contract/adapter.ts";
import { acknowledge, fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { decides, type Snapshot } from "./schema.ts";
import { authorization, notification, push, webhook } from "./webhooks.ts";

/** Klarna Payments: the shop places the order itself, with the token that Klarna's widget or the authorization callback gave it. */
export default {
  id: "klarna-payments",
  title: "Klarna Payments",
  config,
  secrets: ["password", "apiKey", "webhookSigningKeys"],
  webhooks: { push, notification, authorization, webhook },
  // Disputes come as long as refunds do, and may name nothing of ours.
  rememberDays: 180,
  decides,
  fetch: fetchSnapshot,
  map,
  afterWrite: acknowledge,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
