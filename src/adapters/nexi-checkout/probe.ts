import { probeBy } from "../../lib/probe.ts";
import { orNull } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import { type Config, environmentOf } from "./config.ts";

/** Asks for a payment that nobody has: Nexi says 404 to a key that works, and 401 to one that does not; a 403 is no word about the key. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const environment = environmentOf(context.config);
  const live = environment === undefined ? undefined : environment === "live";
  const path = `/v1/payments/${"0".repeat(32)}`;
  const ask = async () =>
    await orNull(() => httpFrom(context)({ method: "GET", path, route: paymentRoute, signal: context.signal }));
  return [{ ...(await probeBy("Nexi", "secretKey", ask, ["Unauthorized"])), live }];
}
