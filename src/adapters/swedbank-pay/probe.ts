import { isWorkerError } from "../../lib/errors.ts";
import { isStatus } from "../../lib/read.ts";
import type { AskContext, ProbeResult } from "../../contract/adapter.ts";
import { ask, orderRoute } from "./client.ts";
import type { Config } from "./config.ts";

/** A payment order that nobody has. */
const nobodys = "/psp/paymentorders/00000000-0000-0000-0000-000000000000";

/** Asks for a payment order that nobody has: 404 to a token that works, 401 to one that does not (docs/psp/swedbank-pay.md, j). */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const live = liveOf(context.config);
  const known = live === undefined ? {} : { live };
  try {
    await ask(context)({ method: "GET", path: nobodys, route: orderRoute, signal: context.signal });
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    if (isWorkerError(error, "Unauthorized"))
      return [{ is: "refused", says: "Swedbank Pay refuses the access token.", ...known }];
    if (!isStatus(error, 404))
      return [{ is: "unreachable", says: "Swedbank Pay did not answer as it should.", ...known }];
  }
  return [{ is: "works", says: "Swedbank Pay takes the access token.", ...known }];
}

/** The host says which environment it is; a token does not (docs/psp/swedbank-pay.md, a). */
function liveOf({ apiUrl }: Config): boolean | undefined {
  const { hostname } = new URL(apiUrl);
  if (hostname === "api.payex.com") return true;
  return hostname === "api.externalintegration.payex.com" ? false : undefined;
}
