import type { Registration, SigningKey, Target } from "../contract/adapter.ts";
import { callbackSignature } from "../signatures/signed-url.ts";

/**
 * What a registered webhook is to us.
 * - `ours`: it leads here, as we make the URL now.
 * - `old`: it is ours, but leads where we were once, or is signed by a key that is no longer the newest, or by none of ours.
 * - `alike`: it has our path, but nothing says that it is this service's: another installation's perhaps. It is left alone.
 * - `foreign`: it is somebody else's, and left alone.
 */
export type Kinship = "ours" | "old" | "alike" | "foreign";

/** What is compared. */
export interface Wanted {
  /** The account's target, and the webhook's name. */
  readonly target: Target;
  readonly webhook: string;
  /** Our URL of it now. */
  readonly url: string;
  /** The callback keys of the channel, newest first. */
  readonly keys: readonly SigningKey[];
  /** Whether a URL without `sig` would be refused. */
  readonly needsSig: boolean;
}

/** Whose registration it is, and in words what is old about it. */
export function kinshipOf(
  { url: registered }: Pick<Registration, "url">,
  { target, webhook, url, keys, needsSig }: Wanted,
): { readonly is: Kinship; readonly why?: string } {
  const [there, here] = [URL.parse(registered), new URL(url)];
  if (there === null || !isFor(there, target, webhook)) return { is: "foreign" };
  const sig = there.searchParams.get("sig");
  const by = keys.findIndex((key) => callbackSignature(key, target, webhook) === sig);
  const isHere = there.origin === here.origin && there.pathname === here.pathname;
  if (!isHere) return by === -1 ? { is: "alike" } : { is: "old", why: `it leads to ${there.origin}` };
  if (by === 0 || (sig === null && !needsSig)) return { is: "ours" };
  return { is: "old", why: by > 0 ? "it is signed with an older key of URL_SIGNING_KEYS" : "its sig is not ours" };
}

function isFor(url: URL, { adapter, merchant, channel }: Target, webhook: string): boolean {
  const path = `/${adapter}/api/checkout/v1/callback/orders/${encodeURIComponent(webhook)}`;
  const { searchParams: query } = url;
  return url.pathname.endsWith(path) && query.get("merchant") === merchant && query.get("channel") === channel;
}
