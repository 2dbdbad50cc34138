import { isWorkerError } from "../../lib/errors.ts";
import { isStatus } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { lifeOf } from "./certificate.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import { type Config, isLive } from "./config.ts";

/** Asks for a payment that nobody has: Swish says 404 to a certificate that works. When that ends is read from it. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const about = { live: isLive(context.config), expires: lifeOf(context.config)?.ends };
  try {
    await httpFrom(context)({
      method: "GET",
      path: `/api/v1/paymentrequests/${"0".repeat(32)}`,
      route: paymentRoute,
      signal: context.signal,
    });
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    if (isWorkerError(error, "Unauthorized"))
      return [{ is: "refused", says: "Swish does not take the client certificate for this number.", ...about }];
    if (!isStatus(error, 404)) return [{ is: "unreachable", says: "Swish did not answer as it should.", ...about }];
  }
  return [{ is: "works", says: "Swish takes the client certificate.", ...about }];
}
