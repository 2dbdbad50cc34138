import type { LookContext, PaymentKey } from "../../contract/adapter.ts";
import type { AdapterSettings, Config } from "../../config.ts";
import type { NorceClient } from "../../norce/client.ts";
import type { TransactionLog } from "../../norce/log-line.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { refusal } from "../found.ts";
import type { Held } from "../job.ts";
import type { ContextFactory } from "../../adapters/contexts.ts";
import { refuseOthers } from "./binding.ts";
import { readRecord } from "./record.ts";

/** What opening a payment needs. */
export interface OpenParts {
  readonly config: Config;
  readonly norce: NorceClient;
  readonly contexts: ContextFactory;
}

/** A payment of ours as Norce has it now, with everything that its PSP is asked with. Looks, operations and kept events begin with it. */
export interface Opening {
  readonly key: PaymentKey;
  readonly found: AdapterSettings;
  readonly current: CurrentPayment;
  /** Read at the same time as the payment. */
  readonly log: Promise<TransactionLog>;
  readonly context: LookContext<unknown>;
  readonly held: Held;
}

/**
 * Settings → payment → ours → context.
 * @returns `null` where Norce does not have the payment (yet).
 * @throws WorkerError `Refused` with the reason `not-configured` or `other-adapter`; whatever Norce answers.
 */
export async function open(
  key: PaymentKey,
  { config, norce, contexts }: OpenParts,
  held: Held,
): Promise<Opening | null> {
  const found = config.find(key);
  if (found === undefined) throw refusal("not-configured", "the payment's adapter is not configured");
  const log = norce.log(key, held);
  // Who never asks for the log is not told that it could not be read.
  log.catch(() => undefined);
  const current = await norce.payment(key, held);
  if (current === null) return null;
  refuseOthers(current, found.settings);
  const context = lookContext(key, current, contexts(key, found, held), log);
  return { key, found, current, log, context, held };
}

/** What a look at the payment gets to ask with. */
export function lookContext(
  key: PaymentKey,
  current: CurrentPayment,
  asking: Omit<LookContext<unknown>, "memory" | "payment" | "kept">,
  log: Promise<TransactionLog>,
): LookContext<unknown> {
  // Who never asks for the log is not told that it could not be read.
  log.catch(() => undefined);
  const { amount, currency, reference, upsell, record } = current;
  const payment = {
    paymentId: key.paymentId,
    amount,
    currency,
    reference,
    upsell: upsell as LookContext<unknown>["payment"]["upsell"],
  };
  return {
    ...asking,
    memory: readRecord(record).memory,
    payment,
    kept: async () => (await log).kept,
  };
}
