import type { Http, Json, LookContext, PaymentKey } from "../adapters/adapter.ts";
import type { AdapterSettings } from "../config.ts";
import { createHttp, type HttpOptions } from "../lib/http.ts";

/** Makes what an adapter asks its PSP with; the HTTP clients are shared by all looks of one merchant's channel. */
export type ContextFactory = (
  key: PaymentKey,
  settings: AdapterSettings,
  known: Readonly<Record<string, Json>>,
  signal: AbortSignal,
) => LookContext<unknown>;

/** One factory per process. */
export function createContexts(observe: HttpOptions["observe"]): ContextFactory {
  const clients = new Map<string, Http>();
  return (key, { settings }, known, signal) => ({
    config: settings,
    known,
    signal,
    http(options) {
      const id = JSON.stringify([key.adapter, key.merchant, key.channel, options.baseUrl, options.headers]);
      const made =
        clients.get(id) ?? createHttp({ peer: key.adapter, ...options, ...(observe === undefined ? {} : { observe }) });
      clients.set(id, made);
      return (request) => made({ ...request, signal: request.signal ?? signal });
    },
  });
}
