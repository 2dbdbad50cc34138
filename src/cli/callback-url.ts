/**
 * Prints the signed URLs to give the PSP: `npm run callback-url -- klarna-checkout acme se o_1 p_1`. Without order and payment id, those
 * of account-level webhooks.
 */
import { parseArgs } from "node:util";
import { processEnvironment, readAdapters, urlMakerFrom } from "../config.ts";
import { exitWith, Usage } from "../exit.ts";
import { callbackUrl } from "../signatures/urls.ts";

const usage = "npm run callback-url -- <adapter> <merchant> <channel> [<orderId> <paymentId>]";

try {
  const [adapterId, merchant, channel, orderId, paymentId] = parseArgs({ allowPositionals: true }).positionals;
  if (
    adapterId === undefined ||
    merchant === undefined ||
    channel === undefined ||
    (orderId === undefined) !== (paymentId === undefined)
  ) {
    throw new Usage(usage);
  }
  const environment = processEnvironment();
  const adapters = await readAdapters(environment);
  const adapter = adapters.get(adapterId);
  if (adapter === undefined)
    throw new Usage(`there is no adapter ${adapterId}; there are ${[...adapters.keys()].join(", ")}`);
  const ids = orderId === undefined || paymentId === undefined ? {} : { orderId, paymentId };
  const scope = orderId === undefined ? "account" : "payment";
  const webhooks = Object.keys(adapter.webhooks).filter((name) => adapter.webhooks[name]?.scope === scope);
  if (webhooks.length === 0) throw new Usage(`${adapterId} has no ${scope}-level webhooks`);
  const maker = urlMakerFrom(environment);
  for (const webhook of webhooks) {
    console.log(
      `${webhook.padEnd(14)} ${callbackUrl(maker, adapter, { adapter: adapterId, merchant, channel, ...ids }, webhook)}`,
    );
  }
} catch (error) {
  exitWith(error);
}
