import type { FetchAdapter } from "../../contract/adapter.ts";
import { probe, registrations } from "./account.ts";
import { type Config, config } from "./config.ts";
import { fetchSnapshot } from "./fetch.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { resolve } from "./resolve.ts";
import { decides, type Snapshot } from "./schema.ts";
import { webhook } from "./webhooks.ts";

/** PayPal: Orders v2, Payments v2, webhooks v1, vault v3. */
export default {
  id: "paypal",
  title: "PayPal",
  config,
  secrets: ["clientSecret"],
  // A capture can be refunded for 180 days, and a refund in PayPal's dashboard names nothing but the capture.
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
