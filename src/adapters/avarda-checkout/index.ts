import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot, referenceLength } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import type { Snapshot } from "./schema.ts";
import { notification } from "./webhooks.ts";

/**
 * Avarda Checkout 3.0. Avarda can be asked about the purchase and never about what became of its money: that is known only from our own
 * operations, whose lines stand in the payment's log.
 */
export default {
  id: "avarda-checkout",
  title: "Avarda Checkout",
  config,
  secrets: ["clientSecret", "webhookAuthorization"],
  // Whoever creates the purchase has to cut our ids.
  echoLength: referenceLength,
  webhooks: { notification },
  fetch: fetchSnapshot,
  map,
  operations,
} satisfies FetchAdapter<Config, Snapshot>;
