import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { probe } from "./probe.ts";
import { isSameOrder } from "./reference.ts";
import { decides, type Snapshot } from "./schema.ts";
import { callback } from "./webhooks.ts";

/** Swedbank Pay's Digital Payments: Checkout 3.1, payment orders. */
export default {
  id: "swedbank-pay",
  title: "Swedbank Pay",
  config,
  secrets: ["accessToken"],
  webhooks: { callback },
  decides,
  sameId: isSameOrder,
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
