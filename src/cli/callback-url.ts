/**
 * Prints our callback URLs for one adapter, to be given to the PSP: `npm run callback-url -- klarna-checkout acme se o_1 p_1`. Without order
 * and payment id: those of account-level webhooks. Fails for what is not configured; where there is no configuration file at all, it says so.
 */
import { parseArgs } from "node:util";
import type { AnyAdapter, Target } from "../contract/adapter.ts";
import {
  configFileOf,
  type Environment,
  processEnvironment,
  readAdapters,
  readConfig,
  serviceFrom,
} from "../config.ts";
import { exitWith, Usage } from "../exit.ts";
import { createSigningKeys } from "../signatures/signing-keys.ts";
import { callbackUrl, type UrlMaker } from "../signatures/urls.ts";

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
  const account = { adapter: adapterId, merchant, channel };
  const { adapter, maker } = await found(processEnvironment(), account);
  const ids = orderId === undefined || paymentId === undefined ? {} : { orderId, paymentId };
  const scope = orderId === undefined ? "account" : "payment";
  const webhooks = Object.keys(adapter.webhooks).filter((name) => adapter.webhooks[name]?.scope === scope);
  if (webhooks.length === 0) throw new Usage(`${adapterId} has no ${scope}-level webhooks`);
  for (const webhook of webhooks) {
    const url = callbackUrl(maker, adapter, { ...account, ...ids }, webhook);
    console.log(`${webhook.padEnd(14)} ${url}`);
    const limit = adapter.webhooks[webhook]?.urlLimit ?? Infinity;
    if (url.length > limit)
      console.error(`${webhook}: ${url.length} characters, and the PSP takes ${limit}; see the adapter's README`);
  }
} catch (error) {
  exitWith(error);
}

async function found(environment: Environment, account: Target): Promise<{ adapter: AnyAdapter; maker: UrlMaker }> {
  if (configFileOf(environment) === undefined) return await unchecked(environment, account);
  const config = await readConfig(environment);
  const adapter = known(config.adapters, account);
  if (config.find(account) === undefined)
    throw new Usage(
      `${account.adapter} is not configured for ${account.merchant}/${account.channel}: its URLs would be answered 404`,
    );
  return { adapter, maker: { publicUrl: config.publicUrl, keys: config.signingKeys } };
}

/** Before there is a configuration: while an adapter is written. */
async function unchecked(environment: Environment, account: Target): Promise<{ adapter: AnyAdapter; maker: UrlMaker }> {
  const { publicUrl, masters } = serviceFrom(environment);
  console.error(`there is no configuration file: nobody looks whether ${account.merchant}/${account.channel} is in it`);
  const adapter = known(await readAdapters(environment), account);
  return { adapter, maker: { publicUrl, keys: createSigningKeys(masters) } };
}

/** @throws Usage */
function known(adapters: ReadonlyMap<string, AnyAdapter>, { adapter }: Target): AnyAdapter {
  const one = adapters.get(adapter);
  if (one === undefined)
    throw new Usage(`there is no adapter ${adapter}; there are ${[...adapters.keys()].join(", ")}`);
  return one;
}
