import { setTimeout as pause } from "node:timers/promises";
import type { PaymentKey } from "../contract/adapter.ts";
import type { Operations } from "../webhooks/operations.ts";

/** What a look at a payment would write now. */
export interface Would {
  /** Of the letter. */
  readonly id: string;
  readonly orderId: string;
  readonly paymentId: string;
  /** `would-write`, `suspect`, `unchanged`, `later`, `dead`; `not-known-yet` where no worker found out in time. */
  readonly outcome: string;
  /** States, fields and transactions, or why not. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** How long an answer waits for previews, all of them together. */
const waitedMs = 8_000;
const askedEveryMs = 100;

/** Asks what looks at these payments would write; nothing is written. */
export async function previewsOf(
  payments: readonly { readonly id: string; readonly key: PaymentKey }[],
  operations: Operations,
): Promise<Would[]> {
  const deadline = Date.now() + waitedMs;
  return await Promise.all(
    payments.map(async ({ id, key }) => {
      const operationId = await operations.ask({ key, name: "preview" }, undefined);
      const { outcome, ...facts } = (await wouldOf(operationId, operations, deadline)) ?? { outcome: "not-known-yet" };
      return { id, orderId: key.orderId, paymentId: key.paymentId, outcome, facts };
    }),
  );
}

async function wouldOf(
  operationId: string,
  operations: Operations,
  deadline: number,
): Promise<{ readonly outcome: string; readonly [fact: string]: unknown } | undefined> {
  for (;;) {
    const outcome = (await operations.read(operationId))?.outcome;
    if (outcome !== undefined) return outcome.would ?? { outcome: "not-known-yet" };
    if (Date.now() > deadline) return undefined;
    await pause(askedEveryMs);
  }
}
