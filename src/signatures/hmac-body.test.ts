import { expect, onTestFinished, test, vi } from "vitest";
import { hmacBody } from "./hmac-body.ts";
import { isProven as fits } from "./proven.ts";
import { filesOf } from "../../test/support/signing.ts";

// Published in Adyen's Java library, HMACValidatorTest.
const key = "9064450A8892A093D9E97EFCC9639DE31B74F3A7803135555A3C96F5A57915D6";
const signature = "YA9/UDjldIO4Gq68X4ATYYoEaPYH4f4k2uzBBzEF1PA=";

async function isProven(given: string | undefined, body = "TestPayload", secrets: readonly string[] = [key]) {
  const verifier = hmacBody<unknown>({
    header: "hmacsignature",
    digest: ["base64", "hex"],
    key: "hex",
    secrets: () => secrets,
  });
  const headers: Record<string, string> = given === undefined ? {} : { hmacsignature: given };
  const request = { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.from(body) };
  const target = { adapter: "a", merchant: "m", channel: "c" };
  return fits(
    await verifier.check(request, {
      config: {},
      target,
      webhook: "w",
      callbackKeys: [],
      files: filesOf(),
      publicUrl: "http://localhost",
    }),
  );
}

test("proves a body by the signature that its PSP published", async () => {
  expect(await isProven(signature)).toBe(true);
});

test("takes every spelling it was told of, hexadecimal digits in any case", async () => {
  const hex = Buffer.from(signature, "base64").toString("hex");
  expect(await isProven(hex)).toBe(true);
  expect(await isProven(hex.toUpperCase())).toBe(true);
  expect(await isProven(signature.replaceAll("+", "-").replaceAll("/", "_"))).toBe(false);
});

test.each([undefined, "", signature.slice(0, -1), `${signature}=`, signature.toLowerCase(), ` ${signature}`])(
  "does not take %j for a signature",
  async (given) => {
    expect(await isProven(given)).toBe(false);
  },
);

test("does not prove another body, however little differs", async () => {
  for (const body of ["TestPayload ", "testPayload", "", "TestPayloae"])
    expect(await isProven(signature, body)).toBe(false);
});

test("proves with the previous secret, and with none that is not hexadecimal or empty", async () => {
  expect(await isProven(signature, "TestPayload", ["00".repeat(32), key])).toBe(true);
  for (const secrets of [[], [""], ["no hexadecimal digits"], [key.slice(1)], [`${key}zz`]])
    expect(await isProven(signature, "TestPayload", secrets)).toBe(false);
});

/** As Stripe signs: `t=1767225600,v1=…,v1=…`, over the time, a dot and the body. */
const stripe = {
  secret: "whsec_demoSheetSecret0001",
  at: 1_767_225_600,
  body: '{"id":"evt_1SheetDemo0001","object":"event","api_version":"2025-03-31.basil","created":1767225598,"livemode":false,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_3SheetDemo0001","object":"payment_intent","amount":129900,"amount_received":129900,"currency":"sek","status":"succeeded"}}}',
  signature: "33fa30b0ee67f7cd1684021e642e6385d275b214bfd30ab7fd3541bc5ae7d29b",
};

function timed(header: string): { signatures: string[]; before: string; at: number } {
  const pairs = header.split(",").map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]);
  const time = pairs.find(([name]) => name === "t")?.[1];
  if (time === undefined || !/^\d{1,12}$/.test(time)) throw new Error("no time");
  const signatures = pairs.flatMap(([name, value = ""]) => (name === "v1" ? [value] : []));
  return { signatures, before: `${time}.`, at: Number(time) * 1_000 };
}

async function isProvenInTime(header: string, at = stripe.at, secrets = [stripe.secret], body = stripe.body) {
  vi.useFakeTimers({ toFake: ["Date"], now: at * 1_000 });
  onTestFinished(() => void vi.useRealTimers());
  const verifier = hmacBody<unknown>({
    header: "stripe-signature",
    digest: ["hex"],
    key: "text",
    read: timed,
    toleranceSeconds: 300,
    secrets: () => secrets,
  });
  const headers = { "stripe-signature": header };
  const request = { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.from(body) };
  const target = { adapter: "a", merchant: "m", channel: "c" };
  return fits(
    await verifier.check(request, {
      config: {},
      target,
      webhook: "w",
      callbackKeys: [],
      files: filesOf(),
      publicUrl: "http://localhost",
    }),
  );
}

test("a signed time stands before the body, and is good for a while", async () => {
  const header = `t=${stripe.at},v1=${stripe.signature}`;
  for (const [seconds, proven] of [
    [0, true],
    [300, true],
    [301, false],
    [-301, false],
  ] as const)
    expect(await isProvenInTime(header, stripe.at + seconds), `${seconds} s`).toBe(proven);
  const other = `t=${stripe.at + 1},v1=${stripe.signature}`;
  expect(await isProvenInTime(other)).toBe(false);
  expect(await isProvenInTime(header, stripe.at, [stripe.secret], `${stripe.body} `)).toBe(false);
});

test("of several signatures one has to fit, of the scheme that is meant", async () => {
  const wrong = "0".repeat(64);
  expect(await isProvenInTime(`t=${stripe.at},v1=${wrong},v1=${stripe.signature},v0=${wrong}`)).toBe(true);
  for (const header of [`t=${stripe.at},v0=${stripe.signature}`, `v1=${stripe.signature}`, `t=${stripe.at}`, ""])
    expect(await isProvenInTime(header), header).toBe(false);
});

test.each(["sheetDemoWebhookSecret01", "sheetDemoWebhookSecret02"])(
  "names a prefix, as Mollie's does: %s",
  async (secret) => {
    const body =
      '{"resource":"event","id":"event_SheetDemo0001","type":"payment.paid","entityId":"tr_SheetDemo1","createdAt":"2026-01-05T10:15:30.0Z","_links":{"self":{"href":"https://api.mollie.com/v2/events/event_SheetDemo0001","type":"application/hal+json"}}}';
    const signatures = [
      "sha256=105072107e57d81ba947926c39d5633c97440ba859ab2e497eb26f09dfa3eb7c",
      "sha256=d58b394c65a0757524fc5023969a4ce0e7846f9e768229514f75c8903bb589a5",
    ];
    const verifier = hmacBody<unknown>({
      header: "x-mollie-signature",
      digest: ["hex"],
      key: "text",
      read: (header) => ({ signatures: header.split(",").map((one) => one.trim().replace(/^sha256=/, "")) }),
      secrets: () => [secret],
    });
    const target = { adapter: "a", merchant: "m", channel: "c" };
    const check = async (header: string) =>
      fits(
        await verifier.check(
          {
            method: "POST",
            url: "/",
            query: new URLSearchParams(),
            headers: { "x-mollie-signature": header },
            body: Buffer.from(body),
          },
          { config: {}, target, webhook: "w", callbackKeys: [], files: filesOf(), publicUrl: "http://localhost" },
        ),
      );
    expect(await check(signatures.join(", "))).toBe(true);
    expect(await check("sha256=")).toBe(false);
    expect(await check("")).toBe(false);
  },
);
