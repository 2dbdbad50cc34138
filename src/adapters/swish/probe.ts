import { probeBy } from "../../lib/probe.ts";
import { orNull } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { lifeOf } from "./certificate.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import { type Config, isLive } from "./config.ts";

/** Asks for a payment that nobody has: Swish says 404 to a certificate that works. When that ends is read from it. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { config, signal } = context;
  const path = `/api/v1/paymentrequests/${"0".repeat(32)}`;
  const ask = async () => await orNull(() => httpFrom(context)({ method: "GET", path, route: paymentRoute, signal }));
  const credential = config.pkcs12 === undefined ? "certificate with privateKey" : "pkcs12 with passphrase";
  const probed = await probeBy("Swish", credential, ask, ["Unauthorized"]);
  return [{ ...probed, live: isLive(config), expires: lifeOf(config)?.ends }];
}
