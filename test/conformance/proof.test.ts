import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { CommonConfig, RawRequest, Webhook } from "../../src/adapters/adapter.ts";
import type { Forgery, ProvenRequest } from "../../src/adapters/simulator.ts";
import { flipped, forgeryOf } from "../support/forgeries.ts";
import { fixtureSigningKey, loadSubjects, receivedFrom, type Subject } from "../support/subjects.ts";

// Who is never called has nothing to prove.
const subjects = (await loadSubjects()).filter(({ adapter }) => Object.keys(adapter.webhooks).length > 0);

describe.each(subjects)("$folder", (subject) => {
  const { adapter, requests, folder } = subject;

  test.each(Object.keys(adapter.webhooks))("a fixture shows %s as the PSP sends it", (webhook) => {
    const shown = requests.filter(({ request }) => request.webhook === webhook);
    expect(shown, `add a fixtures/<case>/request.json of ${webhook} to ${folder}`).not.toHaveLength(0);
  });

  test.each(Object.keys(adapter.webhooks))("it is known how %s could be forged", async (webhook) => {
    expect(await forgeryOf(subject, webhook), `say in ${folder}/forgery.ts what is signed`).toBeDefined();
  });

  describe.each(requests)("fixture $name", ({ request: fixture }) => {
    const webhook = adapter.webhooks[fixture.webhook] as Webhook<CommonConfig>;
    let scheme: Forgery;
    beforeAll(async () => {
      const found = await forgeryOf(subject, fixture.webhook);
      if (found === undefined) throw new Error(`say in ${folder}/forgery.ts what is signed`);
      scheme = found;
      scheme.prepare?.();
    });
    const check = async ({ request, context }: ProvenRequest): Promise<boolean> =>
      (await webhook.verify.check(request, context)) === true;
    const proven = (): Promise<ProvenRequest> => provenBy(subject, fixture);

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

async function provenBy(subject: Subject, fixture: Parameters<typeof receivedFrom>[1]): Promise<ProvenRequest> {
  const { request, target } = receivedFrom(subject.folder, fixture);
  const config = subject.adapter.config.parse(await subject.settings("http://psp.invalid")) as CommonConfig;
  return { request, context: { config, target, webhook: fixture.webhook, urlSigningKeys: [fixtureSigningKey] } };
}

function signatureOf(scheme: Forgery, proof: ProvenRequest): string {
  let found = "";
  scheme.signed(proof, (signature) => (found = signature));
  return found;
}
