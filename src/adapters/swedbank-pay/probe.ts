import { liveAt, probeBy } from "../../lib/probe.ts";
import { orNull } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { ask, orderRoute } from "./client.ts";
import type { Config } from "./config.ts";

/** A payment order that nobody has. */
const nobodys = "/psp/paymentorders/00000000-0000-0000-0000-000000000000";

/** The host says which environment it is; a token does not (docs/psp/swedbank-pay.md, a). */
const hosts = { live: ["api.payex.com"], test: ["api.externalintegration.payex.com"] };

/** Asks for a payment order that nobody has: 404 to a token that works, 401 to one that does not (docs/psp/swedbank-pay.md, j). */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { config, signal } = context;
  const question = async () =>
    await orNull(() => ask(context)({ method: "GET", path: nobodys, route: orderRoute, signal }));
  const probed = await probeBy("Swedbank Pay", "accessToken", question, ["Unauthorized"]);
  return [{ ...probed, live: liveAt(config.apiUrl, hosts) }];
}
