import type {
  AskContext,
  Authority,
  DesiredPayment,
  Http,
  Json,
  KeptEvent,
  LookContext,
  PaymentKey,
  Target,
} from "../adapters/adapter.ts";
import type { AdapterSettings } from "../config.ts";
import { createBudget } from "../lib/budget.ts";
import { createHttp, type HttpOptions } from "../lib/http.ts";
import { withToken } from "../lib/token.ts";
import type { TransactionLog } from "../norce/log-line.ts";
import type { CurrentPayment } from "../norce/payment.ts";

/** Makes what an adapter asks its PSP with; the HTTP clients and their tokens are shared by all looks of one merchant's channel. */
export type ContextFactory = (
  target: Target,
  settings: Pick<AdapterSettings, "settings">,
  signal: AbortSignal,
) => AskContext<unknown>;

/** One factory per process. */
export function createContexts(observer: HttpOptions["observe"]): ContextFactory {
  const clients = new Map<string, Http>();
  const budgets = new Map<string, (http: Http) => Http>();
  return ({ adapter, merchant, channel }, { settings }, signal) => ({
    config: settings,
    signal,
    http({ authority, ...options }) {
      const account = authority?.account ?? "";
      const id = JSON.stringify([adapter, merchant, channel, options.baseUrl, options.headers ?? {}, account]);
      const known = clients.get(id);
      if (known !== undefined) return (request) => known({ ...request, signal: request.signal ?? signal });
      const owner = JSON.stringify([adapter, merchant, channel]);
      const budget = budgets.get(owner) ?? createBudget(settings);
      budgets.set(owner, budget);
      const made = authorized(budget(createHttp({ peer: adapter, ...options, ...observing(observer) })), authority);
      clients.set(id, made);
      return (request) => made({ ...request, signal: request.signal ?? signal });
    },
  });
}

function observing(observer: HttpOptions["observe"]): Pick<HttpOptions, "observe"> {
  return observer === undefined ? {} : { observe: observer };
}

/** A token is for many looks: none of them may give up its fetching by giving up itself. */
function authorized(http: Http, authority: Authority | undefined): Http {
  return authority === undefined ? http : withToken(http, () => authority.authorize(http));
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
): LookContext<unknown> {
  const { amount, currency, reference, upsell, record } = current;
  const payment = { paymentId: key.paymentId, amount, currency, reference, upsell: upsell as Json };
  return { ...asking, known: record ?? {}, payment };
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
  logRead: Promise<TransactionLog>,
): Promise<Observed | null> {
  if ("fold" in adapter) {
    const { kept } = await logRead;
    const desired = adapter.fold(kept, context);
    return desired === null ? null : { desired, truth: kept, afterWrite: nothing };
  }
  const [snapshot, { kept }] = await Promise.all([adapter.fetch(reference, context) as Promise<unknown>, logRead]);
  if (snapshot === null) return null;
  const desired = adapter.map(snapshot, kept satisfies readonly KeptEvent[]);
  return { desired, truth: snapshot, afterWrite: async () => adapter.afterWrite?.(snapshot, context) };
}

async function nothing(): Promise<void> {}
