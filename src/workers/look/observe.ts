import type {
  AskContext,
  Authority,
  DesiredPayment,
  Http,
  Json,
  LookContext,
  PaymentKey,
  Target,
} from "../../contract/adapter.ts";
import type { AdapterSettings } from "../../config.ts";
import { identityId } from "../../lib/agents.ts";
import { createBudget } from "../../lib/budget.ts";
import { createHttp, type HttpOptions } from "../../lib/http.ts";
import { withToken } from "../../lib/token.ts";
import type { Transport } from "../../lib/transport.ts";
import type { TransactionLog } from "../../norce/log-line.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { readRecord } from "./record.ts";

/** Makes what an adapter asks its PSP with; the HTTP clients and their tokens are shared by all looks of one merchant's channel. */
export type ContextFactory = (
  target: Target,
  settings: Pick<AdapterSettings, "settings">,
  signal: AbortSignal,
) => AskContext<unknown>;

/** What all contexts of a process share: the one clock, the one generator of randomness, what carries requests, and how our own URLs are made. */
export interface ContextParts {
  readonly observe?: HttpOptions["observe"];
  /** Unix milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Default: one for each client. */
  readonly transport?: Transport | undefined;
  readonly callbackUrl?: (target: Target, webhook: string) => string;
}

/** One factory per process. */
export function createContexts({
  observe: observer,
  now = Date.now,
  random = Math.random,
  callbackUrl = noUrl,
  transport,
}: ContextParts = {}): ContextFactory {
  const clients = new Map<string, Http>();
  const budgets = new Map<string, (http: Http) => Http>();
  return ({ adapter, merchant, channel, ...ids }, { settings }, signal) => ({
    config: settings,
    signal,
    now: now(),
    random,
    callbackUrl: (webhook) => callbackUrl({ adapter, merchant, channel, ...ids }, webhook),
    http({ authority, ...options }) {
      const account = authority?.account ?? "";
      const { baseUrl, headers = {}, tls = {} } = options;
      const id = JSON.stringify([adapter, merchant, channel, baseUrl, headers, account, identityId(tls)]);
      const known = clients.get(id);
      if (known !== undefined) return (request) => known({ ...request, signal: request.signal ?? signal });
      const owner = JSON.stringify([adapter, merchant, channel]);
      const budget = budgets.get(owner) ?? createBudget(settings);
      budgets.set(owner, budget);
      const client = createHttp({ peer: adapter, ...options, observe: observer, transport, now, random });
      const made = authorized(budget(client), authority, now);
      clients.set(id, made);
      return (request) => made({ ...request, signal: request.signal ?? signal });
    },
  });
}

function noUrl(): never {
  throw new Error("nobody said how callback URLs are made");
}

/** A token is for many looks: none of them may give up its fetching by giving up itself. */
function authorized(http: Http, authority: Authority | undefined, now: () => number): Http {
  return authority === undefined ? http : withToken(http, () => authority.authorize(http), now);
}

/** What is true of one payment, wherever truth lives. */
export interface Observed {
  readonly desired: DesiredPayment;
  /** What it was read from: the PSP's snapshot, or the kept events. An operation is told the same. */
  readonly truth: unknown;
  /** What the PSP must be told once Norce has been written. */
  readonly afterWrite: () => Promise<void>;
}

/** What a look at the payment gets to ask with. */
export function lookContext(
  key: PaymentKey,
  current: CurrentPayment,
  asking: AskContext<unknown>,
  logRead: Promise<TransactionLog>,
): LookContext<unknown> {
  const { amount, currency, reference, upsell, record } = current;
  const payment = { paymentId: key.paymentId, amount, currency, reference, upsell: upsell as Json };
  // Who never asks for the log is not told that it could not be read.
  logRead.catch(() => undefined);
  return {
    ...asking,
    memory: { ...record, ...readRecord(record).memory },
    payment,
    kept: async () => (await logRead).kept,
  };
}

/**
 * Observes and maps: asks the PSP, or folds the events that the log keeps.
 * @param reference the PSP's id of the payment; adapters that fold need none.
 * @returns `null` where the PSP does not know the payment, or no event tells of it.
 */
export async function observe(
  { adapter }: AdapterSettings,
  reference: string,
  context: LookContext<unknown>,
): Promise<Observed | null> {
  if ("fold" in adapter) {
    const kept = await context.kept();
    const desired = adapter.fold(kept, context);
    return desired === null ? null : { desired, truth: kept, afterWrite: nothing };
  }
  const [snapshot, kept] = await Promise.all([adapter.fetch(reference, context) as Promise<unknown>, context.kept()]);
  if (snapshot === null) return null;
  const desired = adapter.map(snapshot, { kept, now: context.now });
  return { desired, truth: snapshot, afterWrite: async () => adapter.afterWrite?.(snapshot, context) };
}

async function nothing(): Promise<void> {}
