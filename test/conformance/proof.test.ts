import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { CommonConfig, RawRequest, Webhook } from "../../src/contract/adapter.ts";
import type { Forgery, ProvenRequest } from "../../src/contract/simulator.ts";
import { filesBehind, flipped, forgeryOf } from "../support/forgeries.ts";
import { loadSubjects, receivedFrom, type Subject } from "../support/subjects.ts";
import { urlProofOf } from "../support/signing.ts";
import { isProven } from "../../src/signatures/proven.ts";

// Who is never called has nothing to prove.
const subjects = (await loadSubjects()).filter(({ adapter }) => Object.keys(adapter.webhooks).length > 0);

/** Every byte of the body is signed, whatever the adapter says of it. */
const coversBody: ReadonlySet<string> = new Set(["hmac-body", "hmac-headers"]);

describe.each(subjects)("$folder", (subject) => {
  const { adapter, requests, folder } = subject;
  const signed = `say in ${folder}/forgery.ts what is signed (CONTRIBUTING.md, Webhooks that the PSP signs)`;

  test.each(Object.keys(adapter.webhooks))("a fixture shows %s as the PSP sends it", (webhook) => {
    const shown = requests.filter(({ request }) => request.webhook === webhook);
    expect(shown, `add a fixtures/<case>/request.json of ${webhook} to ${folder}`).not.toHaveLength(0);
  });

  test.each(Object.keys(adapter.webhooks))("it is known how %s could be forged", async (webhook) => {
    expect(await forgeryOf(subject, webhook), signed).toBeDefined();
  });

  describe.each(requests)("fixture $name", ({ request: fixture }) => {
    const webhook = adapter.webhooks[fixture.webhook] as Webhook<CommonConfig>;
    let scheme: Forgery;
    beforeAll(async () => {
      const found = await forgeryOf(subject, fixture.webhook);
      if (found === undefined) throw new Error(signed);
      scheme = found;
      if (fixture.at !== undefined) vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(fixture.at) });
    });
    afterAll(() => void vi.useRealTimers());
    const check = async ({ request, context }: ProvenRequest): Promise<boolean> =>
      isProven(await webhook.verify.check(request, context));
    const proven = (): Promise<ProvenRequest> => provenBy(subject, fixture);

    test("is proven", async () => {
      expect(await check(await proven())).toBe(true);
    });

    test("is not proven once a byte of anything signed is another", async () => {
      const proof = await proven();
      const forgeries = { ...scheme.forged(proof), ...(coversBody.has(webhook.verify.scheme) ? ofTheBody(proof) : {}) };
      expect(Object.keys(forgeries), signed).not.toHaveLength(0);
      for (const [part, forged] of Object.entries(forgeries))
        expect(await check(forged), `with another ${part}`).toBe(false);
    });

    test.runIf(fixture.at !== undefined)("is not proven by a time that is long past", async () => {
      const proof = await proven();
      const came = Date.now();
      vi.setSystemTime(came + dayMs);
      expect(await check(proof), "a day later").toBe(false);
      vi.setSystemTime(came);
    });

    test("is not proven by a signature that is missing, empty, cut short or too long, nor by one with a byte changed", async () => {
      const proof = await proven();
      const given = signatureOf(scheme, proof);
      expect(given, `signed in ${folder}/forgery.ts has to hand over the signature`).not.toBe("");
      // Hexadecimal digits are the same signature in any case.
      const spelled = /^[\da-f]+$/i.test(given) ? [] : [given.toLowerCase()].filter((other) => other !== given);
      const bad = [undefined, "", given.slice(0, -1), given.slice(1), `${given}A`, ...spelled];
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

const dayMs = 24 * 60 * 60_000;

/** Whatever else a folder says of it: who signs a body signs each byte of it. */
function ofTheBody({ request, context }: ProvenRequest): Readonly<Record<string, ProvenRequest>> {
  const places = new Set([0, 0.25, 0.5, 0.75].map((part) => Math.floor(request.body.length * part)));
  const flippedAt = (place: number): Buffer => {
    const body = Buffer.from(request.body);
    body[place] = (body[place] ?? 0) ^ 1;
    return body;
  };
  const bodies: [string, Buffer][] = [
    ...[...places].map((place): [string, Buffer] => [`byte ${place} of the body`, flippedAt(place)]),
    ["length of the body", Buffer.concat([request.body, Buffer.from(" ")])],
    ["body at all", Buffer.alloc(0)],
  ];
  return Object.fromEntries(
    bodies
      .filter(([, body]) => !body.equals(request.body))
      .map(([part, body]) => [part, { request: { ...request, body }, context }]),
  );
}

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
  return {
    request,
    context: { config, target, webhook: fixture.webhook, ...urlProofOf(), files: await filesBehind(subject) },
  };
}

function signatureOf(scheme: Forgery, proof: ProvenRequest): string {
  let found = "";
  scheme.signed(proof, (signature) => (found = signature));
  return found;
}
