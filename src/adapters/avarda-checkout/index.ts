import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot, probe, referenceLength } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { decides, type Snapshot } from "./schema.ts";
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
  // Avarda adds up rounded rows: three hundredths either way are the same amount (docs/psp/avarda.md, e).
  rounding: 3,
  // Hexadecimal digits, in either case.
  sameId: (asked, answered) => asked.toLowerCase() === answered.toLowerCase(),
  webhooks: { notification },
  decides,
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
