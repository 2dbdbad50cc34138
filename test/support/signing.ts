import type { ProofContext, PublicFiles } from "../../src/contract/adapter.ts";
import { createSigningKeys, type SigningKeys } from "../../src/signatures/signing-keys.ts";

/** The master key that the `sig` in every `request.json` comes from: the one of the example in docs/http.md. */
export const fixtureSigningKey = "signing-key-0001";

/** The keys of these masters, newest first; those of the fixtures where none is named. */
export function signingKeysOf(...masters: readonly string[]): SigningKeys {
  return createSigningKeys(masters.length === 0 ? [fixtureSigningKey] : masters);
}

/** Nothing lies in public but these texts, by URL. */
export function filesOf(texts: Readonly<Record<string, string>> = {}): PublicFiles {
  return { at: async (url) => texts[url] };
}

/** What a verifier knows of signed URLs: the keys of merchant acme's channel se. */
export function urlProofOf(
  ...masters: readonly string[]
): Pick<ProofContext<unknown>, "callbackKeys" | "publicUrl" | "files"> {
  const tenant = { merchant: "acme", channel: "se" };
  return {
    callbackKeys: signingKeysOf(...masters).of("callback", tenant),
    publicUrl: "http://localhost",
    files: filesOf(),
  };
}
