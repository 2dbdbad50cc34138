import { createHash } from "node:crypto";
import type { AskContext, Authority, ClientOptions, CommonConfig, Http, Target } from "../contract/adapter.ts";
import { identityId } from "../lib/agents.ts";
import { createBudget } from "../lib/budget.ts";
import { createHttp, type HttpOptions } from "../lib/http.ts";
import { withToken } from "../lib/token.ts";
import type { Tracing } from "../lib/tracing.ts";
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
  readonly tracing?: Tracing | undefined;
  /** Default: one for each client. */
  readonly transport?: Transport | undefined;
  readonly callbackUrl?: (target: Target, webhook: string) => string;
}

/** What is shared by all that is asked for one merchant's channel, as long as its settings are the same. */
interface Account {
  readonly settings: string;
  readonly clients: Map<string, Http>;
  readonly budget: (http: Http) => Http;
}

/** One factory per process. */
export function createContexts({
  observe: observer,
  now = Date.now,
  random = Math.random,
  callbackUrl = noUrl,
  transport,
  tracing,
}: ContextParts = {}): ContextFactory {
  const accounts = new Map<string, Account>();
  const said = new WeakMap<CommonConfig, string>();
  const accountOf = (owner: string, settings: CommonConfig): Account => {
    const id = said.get(settings) ?? settingsId(settings);
    said.set(settings, id);
    const known = accounts.get(owner);
    if (known?.settings === id) return known;
    // Other credentials are other clients: tokens that the old ones fetched are theirs.
    const made = { settings: id, clients: new Map<string, Http>(), budget: createBudget(settings) };
    accounts.set(owner, made);
    return made;
  };
  return ({ adapter, merchant, channel, ...ids }, { settings }, via) => ({
    config: settings,
    signal: via.signal,
    now: now(),
    random,
    callbackUrl: (webhook) => callbackUrl({ adapter, merchant, channel, ...ids }, webhook),
    http({ authority, ...options }) {
      const account = authority?.account ?? "";
      const { baseUrl, headers = {}, tls = {} } = options;
      const { clients, budget } = accountOf(JSON.stringify([adapter, merchant, channel]), settings);
      const id = JSON.stringify([baseUrl, headers, account, identityId(tls)]);
      const known = clients.get(id);
      if (known !== undefined) return sending(known, via);
      const bare = (at: ClientOptions): Http =>
        budget(createHttp({ peer: adapter, ...at, observe: observer, transport, tracing, now, random }));
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

/** Tells settings from others, without any of their secrets: those that are read anew are other objects, and may say the same. */
function settingsId(settings: CommonConfig): string {
  return createHash("sha256").update(JSON.stringify(settings)).digest("base64url");
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
