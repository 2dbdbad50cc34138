import type { FoldAdapter } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";

/**
 * Invoices and accounts that no PSP stands behind. There is nobody to call us and nobody to ask: the payment says what Norce's own
 * adapter, the storefront or a person wrote, and nothing is ever written over it.
 */
export default {
  id: "nonpsp",
  title: "Invoice without a PSP",
  config,
  secrets: [],
  webhooks: {},
  fold: () => null,
} satisfies FoldAdapter<Config>;
