import type { Proof, PublicFiles, RawRequest } from "../contract/adapter.ts";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import { signedUrl } from "../signatures/signed-url.ts";
import type { Head } from "./request.ts";
import type { Routed } from "./routes.ts";

/** What proofs are made with. */
export interface ProveParts {
  readonly config: Config;
  /** What lies in public and proofs take. */
  readonly files: PublicFiles;
}

/** What the head of a request proves while its body is still on its way. */
export interface HeadProof {
  /** Whether our own signature stands in the URL: then the body waits where strangers' bodies do not. */
  readonly trusted: boolean;
  /** The rest of the proof, of the whole request. @throws WorkerError `UntrustedWebhook` */
  prove(request: RawRequest): Promise<Exclude<Proof, boolean> | true>;
}

/**
 * Proves what can be proven before the body has come: where the URL is the proof, nobody waits for the body of one that is not ours.
 * @throws WorkerError `UntrustedWebhook`, whose context says whether `sig` was missing or wrong.
 */
export async function proveHead({ config, files }: ProveParts, to: Routed, head: Head): Promise<HeadProof> {
  const context = { ...contextOf(config, to), files };
  const { verify } = to.rules;
  const url = await signedUrl.check({ ...head, body: noBody }, context);
  const sig = url !== false ? "right" : head.query.has("sig") ? "wrong" : "missing";
  if (url === false && verify.scheme === signedUrl.scheme) throw notProven(sig);
  return {
    trusted: url !== false,
    async prove(request) {
      // Others have something to say of the body, or of its headers, besides.
      const proof = verify === signedUrl ? url : await verify.check(request, context);
      if (proof === false) throw notProven(sig);
      return proof;
    },
  };
}

const noBody = Buffer.alloc(0);

function contextOf({ signingKeys, publicUrl }: Config, { settings, target, webhook }: Routed) {
  return { config: settings, target, webhook, callbackKeys: signingKeys.of("callback", target), publicUrl };
}

function notProven(sig: string): WorkerError {
  return new WorkerError("UntrustedWebhook", "the webhook could not be proven", { context: { sig } });
}
