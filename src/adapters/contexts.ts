import type { AskContext, Authority, ClientOptions, CommonConfig, Http, Target } from "../contract/adapter.ts";
import { identityId } from "../lib/agents.ts";
import { createBudget } from "../lib/budget.ts";
import { createHttp, type HttpOptions } from "../lib/http.ts";
import { withToken } from "../lib/token.ts";
import type { Transport } from "../lib/transport.ts";

/** For whom something is asked: nothing leaves once it is aborted, and no write while the proof rejects. */
interface Via {
  readonly signal: AbortSignal;
  readonly prove?: (() => Promise<void>) | undefined;
}

/** Makes what an adapter asks its PSP with; the HTTP clients and their tokens are shared by all that is asked for one merchant's channel. */
export type ContextFactory = (
  target: Target,
  settings: { readonly settings: CommonConfig },
  via: Via,
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
  return ({ adapter, merchant, channel, ...ids }, { settings }, via) => ({
    config: settings,
    signal: via.signal,
    now: now(),
    random,
    callbackUrl: (webhook) => callbackUrl({ adapter, merchant, channel, ...ids }, webhook),
    http({ authority, ...options }) {
      const account = authority?.account ?? "";
      const { baseUrl, headers = {}, tls = {} } = options;
      const id = JSON.stringify([adapter, merchant, channel, baseUrl, headers, account, identityId(tls)]);
      const known = clients.get(id);
      if (known !== undefined) return sending(known, via);
      const owner = JSON.stringify([adapter, merchant, channel]);
      const budget = budgets.get(owner) ?? createBudget(settings);
      budgets.set(owner, budget);
      const bare = (at: ClientOptions): Http =>
        budget(createHttp({ peer: adapter, ...at, observe: observer, transport, now, random }));
      const made = authorized(bare(options), authority, bare, now);
      clients.set(id, made);
      return sending(made, via);
    },
  });
}

/** The shared client for one job: nothing leaves once it is given up, and nothing that changes something while its lock is not proven. */
function sending(http: Http, { signal, prove }: Via): Http {
  return async (request) => {
    const proof = request.method === "GET" ? {} : { prove: request.prove ?? prove };
    return await http({ ...request, ...proof, signal: request.signal ?? signal });
  };
}

function noUrl(): never {
  throw new Error("nobody said how callback URLs are made");
}

/** A token is for many looks: none of them may give up its fetching by giving up itself, or by being over. */
function authorized(
  http: Http,
  authority: Authority | undefined,
  bare: (at: ClientOptions) => Http,
  now: () => number,
): Http {
  if (authority === undefined) return http;
  const tokens = authority.at === undefined ? http : bare(authority.at);
  return withToken(http, () => authority.authorize(tokens), now);
}
