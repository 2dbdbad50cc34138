import { probe } from "../_klarna/client.ts";
import { operations } from "../_klarna/operations.ts";
import type { FetchAdapter } from "../../contract/adapter.ts";
import { acknowledge, fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { decides, type Snapshot } from "./schema.ts";
import { notification, push, webhook } from "./webhooks.ts";

/** Klarna Checkout v3, sold as Kustom Checkout since autumn 2024: same paths, another host (`apiUrl`). */
export default {
  id: "klarna-checkout",
  title: "Klarna Checkout (Kustom)",
  config,
  secrets: ["password", "apiKey"],
  webhooks: { push, notification, webhook },
  // Disputes come as long as refunds do, and name the order alone.
  rememberDays: 180,
  decides,
  fetch: fetchSnapshot,
  map,
  afterWrite: acknowledge,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
