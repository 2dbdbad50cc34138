import { existsSync } from "node:fs";
import type { PublicFiles } from "../../src/contract/adapter.ts";
import type { Forgery, ProvenRequest } from "../../src/contract/simulator.ts";
import { filesOf, fixtureSigningKey, urlProofOf } from "./signing.ts";
import type { Subject } from "./subjects.ts";

/** The URL is the proof: everything it names is signed. */
const signedUrl: Forgery = {
  forged: ({ request, context }) => {
    const { target, webhook } = context;
    return Object.fromEntries([
      ...Object.entries(target).map(([part, value]) => [
        part,
        { request, context: { ...context, target: { ...target, [part]: flipped(value) } } },
      ]),
      ["webhook", { request, context: { ...context, webhook: flipped(webhook) } }],
    ]) as Readonly<Record<string, ProvenRequest>>;
  },
  signed: ({ request, context }, change) => {
    const query = new URLSearchParams(request.query);
    const signature = change(query.get("sig") ?? "");
    if (signature === undefined) query.delete("sig");
    else query.set("sig", signature);
    return { request: { ...request, query, url: `${request.url.split("?")[0]}?${query.toString()}` }, context };
  },
  secrets: ({ request, context }, secrets) => {
    const masters = secrets(fixtureSigningKey);
    const keys = masters.length === 0 ? { callbackKeys: [] } : urlProofOf(...masters);
    return { request, context: { ...context, ...keys } };
  },
};

/** How a webhook may be forged; `undefined` where its folder does not say. */
export async function forgeryOf({ path, adapter }: Subject, webhook: string): Promise<Forgery | undefined> {
  if (adapter.webhooks[webhook]?.verify.scheme === "signed-url") return signedUrl;
  if (!existsSync(`${path}/forgery.ts`)) return undefined;
  const { forgeries } = (await import(`${path}/forgery.ts`)) as { forgeries: Readonly<Record<string, Forgery>> };
  return forgeries[webhook];
}

/** What lies in public that proofs of the adapter's webhooks take. */
export async function filesBehind(subject: Subject): Promise<PublicFiles> {
  const forgeries = await Promise.all(Object.keys(subject.adapter.webhooks).map((name) => forgeryOf(subject, name)));
  return filesOf(Object.assign({}, ...forgeries.map((forgery) => forgery?.files)) as Record<string, string>);
}

/** The text with one bit of its first byte changed. */
export function flipped(text: string): string {
  const [first = "\u0001", ...rest] = text;
  return String.fromCodePoint((first.codePointAt(0) ?? 0) ^ 1) + rest.join("");
}
