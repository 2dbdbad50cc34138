import { isWorkerError } from "../../lib/errors.ts";
import { isStatus } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import { type Config, modeOf } from "./config.ts";

/** Asks for a payment that nobody has: Mollie says 404 to a key that works, and 401 to one that does not. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const live = modeOf(context.config) === "live";
  try {
    await httpFrom(context)({
      method: "GET",
      path: "/v2/payments/tr_0",
      route: paymentRoute,
      signal: context.signal,
    });
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    if (isWorkerError(error, "Unauthorized")) return [{ is: "refused", says: "Mollie refuses the API key.", live }];
    if (!isStatus(error, 404)) return [{ is: "unreachable", says: "Mollie did not answer as it should.", live }];
  }
  return [{ is: "works", says: "Mollie takes the API key.", live }];
}
