import { describe, expect, it } from "vitest";
import { callbackSignature } from "../../signatures/signed-url.ts";
import { config } from "./config.ts";
import { push, webhook } from "./webhooks.ts";
import { signingKeysOf, urlProofOf } from "../../../test/support/signing.ts";
import { isProven } from "../../signatures/proven.ts";

const account = { adapter: "svea-checkout", merchant: "acme", channel: "se" };
// The vector of Svea's own library: https://github.com/sveawebpay/php-checkout (HmacSignatureVerifierTest.php).
const apiSecret = "secret";
const timestamp = "1713001200";
const body = '{"orderId":123,"status":"confirmed"}';
const signature = "NOiNgMpRxhY6+oWj7Lo6Mrtnl/1sGFSbLLTc6QqjA4D4ZUbtvX8wHZaNIzCgGe9Tm6YmhuqxN1CqlcX94fMMWg==";
const signed = { "x-signature-512": signature, "x-timestamp": timestamp };

const webhooks = [
  ["push", push, { ...account, orderId: "o_1", paymentId: "p_1" }],
  ["webhook", webhook, account],
] as const;

describe.each(webhooks)("the proof of %s", (name, { verify }, target) => {
  const sig = callbackSignature(signingKeysOf().of("callback", target)[0], target, name);

  async function proven(headers: Readonly<Record<string, string>>, text = body, query = `sig=${sig}`) {
    const request = {
      method: "POST",
      url: `/?${query}`,
      query: new URLSearchParams(query),
      headers,
      body: Buffer.from(text),
    };
    const settings = { adapterId: "a", apiUrl: "https://svea.invalid", orderManagementApiUrl: "https://svea.invalid" };
    const context = {
      config: config.parse({ ...settings, merchantId: "1", apiSecret }),
      target,
      webhook: name,
      ...urlProofOf(),
    };
    return isProven(await verify.check(request, context));
  }

  it("is the URL where Svea signs nothing, and stays a hint", async () => {
    expect(await proven({})).toBe(true);
    expect(verify.trust).toBe("hint");
  });

  it("takes the signature that Svea's own library expects, however old it is", async () => {
    expect(await proven(signed)).toBe(true);
  });

  it("wants the URL to fit as well", async () => {
    expect(await proven(signed, body, "")).toBe(false);
    expect(await proven(signed, body, "sig=x")).toBe(false);
  });

  it.each([
    ["another body", signed, body.replace("123", "124")],
    ["another timestamp", { ...signed, "x-timestamp": "1713001201" }, body],
    ["no timestamp", { "x-signature-512": signature }, body],
    ["a timestamp that took over part of the body", { ...signed, "x-timestamp": "1713001200.{" }, body.slice(1)],
    ["an empty signature", { ...signed, "x-signature-512": "" }, body],
    ["a signature cut short", { ...signed, "x-signature-512": signature.slice(0, -1) }, body],
    ["a signature in another case", { ...signed, "x-signature-512": signature.toUpperCase() }, body],
    ["a signature sent twice", { ...signed, "x-signature-512": `${signature}, ${signature}` }, body],
  ])("refuses a signed webhook with %s", async (_, headers, text) => {
    expect(await proven(headers, text)).toBe(false);
  });
});
