/** What the processes of a world are configured with. */
import type { Adapters } from "../src/adapters/registry.ts";
import { type Config, createConfig } from "../src/config.ts";
import { merchantsOf } from "./merchants.ts";
import { hosts } from "./network.ts";
import type { Account } from "./norce-and-psps.ts";

/** Who may ask for anything. */
export const adminToken = "the-admin-token-of-the-world";
const signingKey = "the-signing-key-of-the-world-0001";

/** The configuration of merchants that have these accounts. */
export function configOf(
  accounts: readonly Account[],
  { adapters, norceToken, sweepSeconds }: { adapters: Adapters; norceToken: string; sweepSeconds: number },
): Config {
  return createConfig(
    {
      URL_SIGNING_KEYS: signingKey,
      ADMIN_TOKEN: adminToken,
      REDIS_URL: "redis://engine.test",
      PUBLIC_URL: `https://${hosts.service}`,
      SWEEP_INTERVAL_SECONDS: String(sweepSeconds),
    },
    {
      norce: { orderApi: `https://${hosts.norce}/checkout/order`, token: norceToken },
      merchants: merchantsOf(accounts),
    },
    adapters,
  );
}
