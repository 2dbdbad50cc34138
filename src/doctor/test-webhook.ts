import { setTimeout as pause } from "node:timers/promises";
import type { AskContext, Registration, Registrations } from "../contract/adapter.ts";
import type { Account, Arrival, Tools } from "./parts.ts";
import type { Found } from "./report.ts";

/** How often the service is asked whether it has come. */
const pollMs = 500;

/** What a test webhook is asked for with. */
export interface Testing {
  readonly tools: Pick<Tools, "service" | "testMs">;
  readonly account: Account;
  readonly registrations: Registrations<unknown>;
  readonly context: AskContext<unknown>;
}

/** Has the PSP send its test webhook, and waits until the running service has acknowledged one that was proven. */
export async function tested(webhook: string, registration: Registration, asked: Testing): Promise<Found> {
  const { tools, account, registrations, context } = asked;
  const { test } = registrations;
  if (test === undefined) return { is: "skipped", says: `the PSP has no test of ${webhook} that could be proven` };
  const before = await tools.service.arrivals(account);
  await test(registration, context);
  const last = Date.now() + tools.testMs;
  let came: readonly Arrival[] = [];
  while (Date.now() < last && !context.signal.aborted) {
    const now = await tools.service.arrivals(account);
    came = now.filter((one) => one.webhook === webhook && isNew(one, before));
    const proven = came.find(({ by }) => by !== undefined);
    if (proven !== undefined)
      return { is: "fine", says: `the PSP's test of ${webhook} has come, proven by the key ${String(proven.by)}` };
    await pause(pollMs);
  }
  const seconds = Math.round(tools.testMs / 1_000);
  if (came.length > 0)
    return {
      is: "attention",
      says: `the PSP's test of ${webhook} has come, but nothing proved it`,
      todo: "put the secret that the PSP signs with into the account's settings",
    };
  return {
    is: "attention",
    says: `the PSP's test of ${webhook} did not come within ${seconds} seconds, or was refused`,
    todo: "look for webhook.refused in the web process's log: 401 is another secret or another sig, nothing is a firewall",
  };
}

/** By the service's own clock: each key's newest arrival is another one than before. */
function isNew({ webhook, by, at }: Arrival, before: readonly Arrival[]): boolean {
  return !before.some((one) => one.webhook === webhook && one.by === by && one.at >= at);
}
