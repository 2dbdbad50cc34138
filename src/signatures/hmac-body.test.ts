import { expect, test } from "vitest";
import { hmacBody } from "./hmac-body.ts";

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
  return await verifier.check(request, { config: {}, target, webhook: "w", urlSigningKeys: [] });
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
