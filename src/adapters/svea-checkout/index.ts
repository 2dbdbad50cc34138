import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot, probe } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { registrations } from "./registrations.ts";
import { decides, type Snapshot } from "./schema.ts";
import { push, webhook } from "./webhooks.ts";

/** Svea Checkout, and Svea Payment Admin for everything after the purchase. */
export default {
  id: "svea-checkout",
  title: "Svea Checkout",
  config,
  secrets: ["apiSecret"],
  // Longer ids of ours come back cut (docs/psp/svea.md, d).
  echoLength: 32,
  webhooks: { push, webhook },
  // The subscription's events name nothing but Svea's order id; an invoice is credited months after its delivery.
  rememberDays: 180,
  decides,
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
  registrations,
} satisfies FetchAdapter<Config, Snapshot>;
