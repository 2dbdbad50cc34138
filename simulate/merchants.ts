/** Who sells, by which PSPs, and what is bought. */
import type { Adapters } from "../src/adapters/registry.ts";
import { loadSimulator } from "../sandbox/kernel/load.ts";
import { drawsOf, oneOf, streamOf } from "./draws.ts";
import { adapterIdOf } from "./lives.ts";
import { hosts, type Request } from "./network.ts";
import { type Account, apiUrlOf } from "./norce-and-psps.ts";
import { Payment } from "./payments.ts";

/** Folders that no world can live in: there is no PSP that anybody could ask or hear. */
const lifeless: readonly string[] = ["nonpsp"];

const places = [
  { merchant: "acme", channel: "se" },
  { merchant: "bergs", channel: "fi" },
] as const;

/** The adapters of a world: few, so that much happens at each. */
export function adaptersOf(seed: number, folders: readonly string[]): readonly string[] {
  const draw = drawsOf(seed);
  const possible = folders.filter((folder) => !lifeless.includes(folder));
  const many = 1 + Math.floor(draw("adapters") * 2);
  return [...new Set(Array.from({ length: many }, (_, at) => oneOf(possible, draw("adapter", at)) ?? ""))];
}

/** Each merchant's account at each PSP, with a simulator of its own. */
export async function accountsOf(
  folders: readonly string[],
  adapters: Adapters,
  now: () => number,
  seed: number,
): Promise<readonly Account[]> {
  const accounts: Account[] = [];
  for (const [index, { merchant, channel }] of places.entries())
    for (const adapter of folders) {
      const found = adapters.get(adapter);
      const simulator = await loadSimulator(adapter, { now, random: streamOf(seed + index) });
      if (found === undefined || simulator === undefined) throw new Error(`${adapter} has no simulator`);
      const operations = ["capture", "cancel", "refund"].filter(
        (name) => found.operations?.[name as "capture"] !== undefined,
      );
      const signedUrls = Object.entries(found.webhooks)
        .filter(([, { verify }]) => verify.scheme === "signed-url")
        .map(([webhook]) => webhook);
      const name = `${merchant}-${adapter}`;
      const facts = { operations, signedUrls, folds: "fold" in found };
      accounts.push({ name, adapter, merchant, channel, simulator, ...facts });
    }
  return accounts;
}

/** `config.yaml`'s merchants. */
export function merchantsOf(accounts: readonly Account[]): Record<string, unknown> {
  return Object.fromEntries(
    places.map(({ merchant, channel }) => {
      const own = accounts.filter((account) => account.merchant === merchant);
      const settings = own.map((account) => [
        account.adapter,
        { adapterId: adapterIdOf(account.adapter), ...account.simulator.settings(apiUrlOf(account)) },
      ]);
      return [merchant, { [channel]: Object.fromEntries(settings) }];
    }),
  );
}

/** The payment of that number: its name is as long as every other's, so that none is a part of another. */
export function paymentOf(index: number, accounts: readonly Account[], seed: number): Payment {
  const draw = drawsOf(seed);
  const account = oneOf(accounts, draw("account", index));
  if (account === undefined) throw new Error("nobody sells anything");
  const number = String(index).padStart(3, "0");
  const { adapter, merchant, channel, simulator } = account;
  const key = { adapter, merchant, channel, orderId: `o${number}x`, paymentId: `p${number}x` };
  const sold = ["SEK", "EUR"].filter((currency) => simulator.currencies?.includes(currency) ?? true);
  const currency = oneOf(sold, draw("currency", index)) ?? simulator.currencies?.[0] ?? "SEK";
  const amount = 50_00 + Math.floor(draw("amount", index) * 1_000) * 100;
  return new Payment(index, account, key, amount, currency);
}

/** A call that only fetches an access token or a certificate. */
export function isGrant({ method, url }: Request, accounts: readonly Account[]): boolean {
  const account = accounts.find(({ name }) => url.pathname.startsWith(`/${name}/`));
  const path = url.pathname.slice((account?.name.length ?? 0) + 1);
  return url.host === hosts.psp && account?.simulator.preliminary?.({ method, path }) === true;
}

/** Whether a request names the payment. */
export function isAbout({ url, text = "" }: Request, { name, reference, account }: Payment): boolean {
  const asked = decodeURIComponent(url.pathname) + text;
  if (url.host !== hosts.psp) return asked.includes(name);
  // Two accounts may know two payments by the same id.
  if (!url.pathname.startsWith(`/${account.name}/`)) return false;
  return asked.includes(name) || (reference !== "" && asked.includes(reference));
}
