import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot, isSameId } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { probe } from "./probe.ts";
import { decides, type Snapshot } from "./schema.ts";
import { payment, refund } from "./webhooks.ts";

/** Swish Commerce, by an agreement with a Swedish bank: payment requests and their refunds. */
export default {
  id: "swish",
  title: "Swish",
  config,
  secrets: ["privateKey", "pkcs12", "passphrase"],
  webhooks: { payment, refund },
  decides,
  sameId: isSameId,
  // The bank gives nothing back after 13 months.
  horizonDays: { refund: 400 },
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
