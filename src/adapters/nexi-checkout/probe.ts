import { isWorkerError } from "../../lib/errors.ts";
import { isStatus } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import { type Config, environmentOf } from "./config.ts";

/** Asks for a payment that nobody has: Nexi says 404 to a key that works, and 401 to one that does not. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const environment = environmentOf(context.config);
  const live = environment === undefined ? {} : { live: environment === "live" };
  try {
    await httpFrom(context)({
      method: "GET",
      path: `/v1/payments/${"0".repeat(32)}`,
      route: paymentRoute,
      signal: context.signal,
    });
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    if (isWorkerError(error, "Unauthorized")) return [{ is: "refused", says: "Nexi refuses the secret key.", ...live }];
    if (!isStatus(error, 404)) return [{ is: "unreachable", says: "Nexi did not answer as it should.", ...live }];
  }
  return [{ is: "works", says: "Nexi takes the secret key.", ...live }];
}
