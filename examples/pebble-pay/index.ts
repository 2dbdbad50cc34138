import type { FetchAdapter } from "norce-psp-worker/adapter";
import { fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import type { Snapshot } from "./schema.ts";
import { push } from "./webhooks.ts";

/** Pebble Pay: its API is asked for what is true. */
export default {
  id: "pebble-pay",
  title: "Pebble Pay",
  config,
  secrets: ["apiKey"],
  webhooks: { push },
  decides: [
    "payment.id",
    "payment.status",
    "payment.amount",
    "payment.currency",
    "payment.captures",
    "payment.refunds",
  ],
  fetch: fetchSnapshot,
  map,
} satisfies FetchAdapter<Config, Snapshot>;
