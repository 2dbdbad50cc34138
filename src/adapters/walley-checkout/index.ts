import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot, probe, sameId } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { decides, type Snapshot } from "./schema.ts";
import { notification, webhook } from "./webhooks.ts";

/** Walley Checkout, formerly Collector Checkout: checkout API and manage orders API. */
export default {
  id: "walley-checkout",
  title: "Walley Checkout",
  config,
  secrets: ["apiSecret", "sharedKey", "webhookHmacKey", "webhookPassword"],
  // Some store-level webhooks name nothing but Walley's order (`walley:order:extended`), long after the purchase.
  rememberDays: 180,
  sameId,
  webhooks: { notification, webhook },
  decides,
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
