import { probeBy } from "../../lib/probe.ts";
import { orNull } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import { type Config, modeOf } from "./config.ts";

/** Asks for a payment that nobody has: Mollie says 404 to a key that works, and 401 to one that does not; a 403 is no word about the key. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { signal } = context;
  const ask = async () =>
    await orNull(() => httpFrom(context)({ method: "GET", path: "/v2/payments/tr_0", route: paymentRoute, signal }));
  return [{ ...(await probeBy("Mollie", "apiKey", ask, ["Unauthorized"])), live: modeOf(context.config) === "live" }];
}
