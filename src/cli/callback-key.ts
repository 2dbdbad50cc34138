/**
 * Prints the key with which a merchant's session creator signs callback URLs, of one channel: `npm run callback-key -- acme se`. It makes the
 * service look at that channel's payments, and does nothing else.
 */
import { configFileOf, type Environment, processEnvironment, readConfig, serviceFrom } from "../config.ts";
import { createSigningKeys, type SigningKeys, type KeyOwner } from "../signatures/signing-keys.ts";
import { commandNamed, run, Usage } from "./command.ts";

await run(
  commandNamed("callback-key", "Prints the key with which a session creator signs a channel's callback URLs.")
    .argument("<merchant>")
    .argument("<channel>")
    .action(async (merchant, channel) => {
      const keys = await keysFor(processEnvironment(), { merchant, channel });
      console.log(keys.of("callback", { merchant, channel })[0].text);
    }),
);

/** Before there is a configuration file nobody can look whether the channel is in it, which is said. */
async function keysFor(environment: Environment, { merchant, channel }: KeyOwner): Promise<SigningKeys> {
  if (configFileOf(environment) === undefined) {
    console.error(`there is no configuration file: nobody looks whether ${merchant}/${channel} is in it`);
    return createSigningKeys(serviceFrom(environment).masters);
  }
  const { targets, signingKeys } = await readConfig(environment);
  if (!targets.some((target) => target.merchant === merchant && target.channel === channel))
    throw new Usage(`no adapter is configured for ${merchant}/${channel}`);
  return signingKeys;
}
