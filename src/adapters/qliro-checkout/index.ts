import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot, probe } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { decides } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { push, saveRecurringDetails, status } from "./webhooks.ts";

/** Qliro Checkout, formerly Qliro One: the merchant API owns the checkout session, the admin API the ledger. */
export default {
  id: "qliro-checkout",
  title: "Qliro Checkout",
  config,
  secrets: ["merchantApiKey", "merchantApiSecret"],
  // Longer ids of ours come back cut (docs/psp/qliro.md).
  echoLength: 25,
  webhooks: { push, status, "save-recurring-details": saveRecurringDetails },
  decides,
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
