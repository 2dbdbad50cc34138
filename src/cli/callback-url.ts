/**
 * Prints our callback URLs for one adapter, to be given to the PSP: `npm run callback-url -- klarna-checkout acme se o_1 p_1`. Without order
 * and payment id: those of account-level webhooks. Fails for what is not configured; where there is no configuration file at all, it says so.
 */
import type { AnyAdapter, Target } from "../contract/adapter.ts";
import {
  configFileOf,
  type Environment,
  processEnvironment,
  readAdapters,
  readConfig,
  serviceFrom,
} from "../config.ts";
import { createSigningKeys } from "../signatures/signing-keys.ts";
import { callbackUrl, type UrlMaker } from "../signatures/urls.ts";
import { commandNamed, run, Usage } from "./command.ts";

await run(
  commandNamed("callback-url", "Prints our callback URLs for one adapter, to be given to the PSP.")
    .argument("<adapter>")
    .argument("<merchant>")
    .argument("<channel>")
    .argument("[orderId]", "with paymentId: the payment's URLs; without both: the account's")
    .argument("[paymentId]")
    .action(async (adapter, merchant, channel, orderId, paymentId) => {
      if (orderId !== undefined && paymentId === undefined) throw new Usage("an orderId needs a paymentId behind it");
      const ids = orderId === undefined || paymentId === undefined ? {} : { orderId, paymentId };
      await printUrls({ adapter, merchant, channel, ...ids });
    }),
);

/** @throws Usage, ConfigError */
async function printUrls(target: Target): Promise<void> {
  const { adapter, maker } = await found(processEnvironment(), target);
  const scope = target.paymentId === undefined ? "account" : "payment";
  const webhooks = Object.entries(adapter.webhooks).filter(([, rules]) => rules.scope === scope);
  if (webhooks.length === 0) throw new Usage(`${adapter.id} has no ${scope}-level webhooks`);
  for (const [webhook, { urlLimit = Infinity }] of webhooks) {
    const url = callbackUrl(maker, adapter, target, webhook);
    console.log(`${webhook.padEnd(14)} ${url}`);
    if (url.length > urlLimit)
      console.error(`${webhook}: ${url.length} characters, and the PSP takes ${urlLimit}; see the adapter's README`);
  }
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
