import type { FetchAdapter } from "../../contract/adapter.ts";
import { fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { probe } from "./probe.ts";
import { decides, type Snapshot } from "./schema.ts";
import { account, event } from "./webhooks.ts";

/** Nexi Checkout, once Nets Easy and DIBS Easy: the Payment API v1. */
export default {
  id: "nexi-checkout",
  title: "Nexi Checkout",
  config,
  secrets: ["secretKey", "webhookSecret"],
  // An account-level event names nothing but the payment, and invoices are refunded for months.
  rememberDays: 180,
  webhooks: { event, account },
  decides,
  sameId: (asked, answered) => asked.toLowerCase() === answered.toLowerCase(),
  fetch: fetchSnapshot,
  map,
  operations,
  probe,
} satisfies FetchAdapter<Config, Snapshot>;
