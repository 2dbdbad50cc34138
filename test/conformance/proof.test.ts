import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProofContext, RawRequest, Webhook } from "../../src/adapters/adapter.ts";
import type { CommonConfig } from "../../src/adapters/adapter.ts";
import { fixtureSigningKey, loadSubjects, receivedFrom, type Subject } from "../support/subjects.ts";

// Who is never called has nothing to prove.
const subjects = (await loadSubjects()).filter(({ adapter }) => Object.keys(adapter.webhooks).length > 0);

/** A webhook and what its verifier knows: what a forger may change, and what we may. */
interface Proof {
  readonly request: RawRequest;
  readonly context: ProofContext<CommonConfig>;
}

/** What a scheme promises, as changes to a webhook that is proven. */
interface Scheme {
  /** One byte changed in each part that is signed, by the part's name. */
  forged(proof: Proof): Readonly<Record<string, Proof>>;
  /** The signature replaced; `undefined` leaves it out. */
  signed(proof: Proof, change: (signature: string) => string | undefined): Proof;
  /** The secrets it is proven with, newest first, the fixture's own being the placeholder `own`. */
  secrets(proof: Proof, secrets: (own: string) => readonly string[]): Proof;
}

/** Every scheme of `src/signatures`. A new one says here what it signs. */
const schemes: Readonly<Record<string, Scheme>> = {
  "signed-url": {
    forged: ({ request, context }) => {
      const { target, webhook } = context;
      return Object.fromEntries([
        ...Object.entries(target).map(([part, value]) => [
          part,
          { request, context: { ...context, target: { ...target, [part]: flipped(value) } } },
        ]),
        ["webhook", { request, context: { ...context, webhook: flipped(webhook) } }],
      ]) as Readonly<Record<string, Proof>>;
    },
    signed: ({ request, context }, change) => {
      const query = new URLSearchParams(request.query);
      const signature = change(query.get("sig") ?? "");
      if (signature === undefined) query.delete("sig");
      else query.set("sig", signature);
      return { request: { ...request, query, url: `${request.url.split("?")[0]}?${query.toString()}` }, context };
    },
    secrets: ({ request, context }, secrets) => ({
      request,
      context: { ...context, urlSigningKeys: secrets(fixtureSigningKey) },
    }),
  },
};

describe.each(subjects)("$folder", (subject) => {
  const { adapter, requests, folder } = subject;

  test.each(Object.keys(adapter.webhooks))("a fixture shows %s as the PSP sends it", (webhook) => {
    const shown = requests.filter(({ request }) => request.webhook === webhook);
    expect(shown, `add a fixtures/<case>/request.json of ${webhook} to ${folder}`).not.toHaveLength(0);
  });

  test.each(Object.entries(adapter.webhooks))("%s is proven by a scheme that this law knows", (_, { verify }) => {
    expect(Object.keys(schemes), "say in this file what the scheme signs").toContain(verify.scheme);
  });

  describe.each(requests)("fixture $name", ({ request: fixture }) => {
    const webhook = adapter.webhooks[fixture.webhook] as Webhook<CommonConfig>;
    const scheme = schemes[webhook.verify.scheme] as Scheme;
    const check = async ({ request, context }: Proof): Promise<boolean> =>
      (await webhook.verify.check(request, context)) === true;
    const proven = (): Promise<Proof> => provenBy(subject, fixture);

    test("is proven", async () => {
      expect(await check(await proven())).toBe(true);
    });

    test("is not proven once a byte of anything signed is another", async () => {
      for (const [part, forged] of Object.entries(scheme.forged(await proven())))
        expect(await check(forged), `with another ${part}`).toBe(false);
    });

    test("is not proven by a signature that is missing, empty, cut short or too long, nor by one with a byte changed", async () => {
      const proof = await proven();
      const given = signatureOf(scheme, proof);
      const bad = [undefined, "", given.slice(0, -1), given.slice(1), `${given}A`, given.toLowerCase()];
      const bytes = Array.from(given, (_, index) => given.slice(0, index) + flipped(given.slice(index)));
      for (const signature of [...bad, ...bytes])
        expect(await check(scheme.signed(proof, () => signature)), `with ${String(signature)}`).toBe(false);
    });

    test("is not proven with another secret, nor with none", async () => {
      const proof = await proven();
      for (const secrets of [["another"], [""], []])
        expect(await check(scheme.secrets(proof, () => secrets)), `with ${JSON.stringify(secrets)}`).toBe(false);
    });

    test("is proven with the previous secret as long as a rotation lasts", async () => {
      const proof = await proven();
      expect(await check(scheme.secrets(proof, (own) => ["newest", own]))).toBe(true);
      expect(await check(scheme.secrets(proof, (own) => [own, "older"]))).toBe(true);
    });

    test("is checked without ever throwing, whatever comes", async () => {
      const proof = await proven();
      await fc.assert(
        fc.asyncProperty(anyRequest, anyText, async (request, webhookName) => {
          const context = { ...proof.context, webhook: webhookName };
          expect(await check({ request, context })).toBe(false);
          expect(await check({ request, context: proof.context })).toBe(false);
        }),
      );
    });
  });
});

const anyText = fc.string({ unit: "binary", maxLength: 60 });
const anyRequest: fc.Arbitrary<RawRequest> = fc.record({
  method: fc.constantFrom("GET", "POST"),
  url: anyText,
  query: fc
    .array(fc.tuple(fc.oneof(anyText, fc.constantFrom("sig", "merchant", "channel", "exp")), anyText), { maxLength: 6 })
    .map((pairs) => new URLSearchParams(pairs)),
  headers: fc.dictionary(anyText, anyText, { maxKeys: 4 }),
  body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
});

async function provenBy(subject: Subject, fixture: Parameters<typeof receivedFrom>[1]): Promise<Proof> {
  const { request, target } = receivedFrom(subject.folder, fixture);
  const config = subject.adapter.config.parse(await subject.settings("http://psp.invalid")) as CommonConfig;
  return { request, context: { config, target, webhook: fixture.webhook, urlSigningKeys: [fixtureSigningKey] } };
}

function signatureOf(scheme: Scheme, proof: Proof): string {
  let found = "";
  scheme.signed(proof, (signature) => (found = signature));
  return found;
}

/** The text with one bit of its first byte changed. */
function flipped(text: string): string {
  const [first = "\u0001", ...rest] = text;
  return String.fromCodePoint((first.codePointAt(0) ?? 0) ^ 1) + rest.join("");
}
