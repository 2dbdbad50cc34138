import { describe, expect, it } from "vitest";
import { checkoutUrl, config, isLive, listOf } from "./config.ts";

const key = "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20";
const given = {
  adapterId: "acme_adyen",
  apiUrl: "https://checkout-test.adyen.com/v71",
  adyenApiKey: "a-key",
  merchantAccount: "NorceTestECOM",
  webhookHmacKey: key,
};

describe("config", () => {
  it("takes the least, and claims the least", () => {
    expect(config.parse(given)).toMatchObject({
      captureMode: "manual",
      multiplePartialCaptures: false,
      saleMethods: [],
      webhookUsername: "adyen",
    });
  });

  it("takes several secrets, newest first", () => {
    const several = config.parse({ ...given, webhookHmacKey: [key, key.toLowerCase()], webhookPassword: ["b", "a"] });
    expect(listOf(several.webhookHmacKey)).toHaveLength(2);
    expect(listOf(several.webhookPassword)).toEqual(["b", "a"]);
    expect(listOf(several.tokenWebhookHmacKey)).toEqual([]);
  });

  it.each([
    { webhookHmacKey: key.slice(1) },
    { webhookHmacKey: `${key} ` },
    { webhookHmacKey: "not hexadecimal at all, whatever its length may be in characters!" },
    { webhookHmacKey: [] },
    { webhookHmacKey: [key, ""] },
    { tokenWebhookHmacKey: "" },
    { webhookPassword: [] },
    { webhookUsername: "a:b" },
    { merchantAccount: "" },
    { merchantAccount: "a:b" },
    { adyenApiKey: "with a space" },
    { captureMode: "auto" },
    { webhookOAuth: { issuer: "https://id.example", audience: "psp" } },
    { webhookOAuth: { issuer: "", audience: "psp", jwksUrl: "https://id.example/keys" } },
    { webhookOAuth: { issuer: "https://id.example", audience: "psp", jwksUrl: "http://id.example/keys" } },
    { webhookOAuth: { issuer: "https://id.example", audience: "psp", jwksUrl: "http://localhost.example/keys" } },
  ])("does not take %j", (wrong) => {
    expect(config.safeParse({ ...given, ...wrong }).success).toBe(false);
  });
});

it.each([
  ["https://checkout-test.adyen.com/v71", false],
  ["https://pal-test.adyen.com", false],
  ["https://1797a841fbb37ca7-AcmeCompany-checkout-live.adyenpayments.com/checkout/v71", true],
  ["https://ACME-CHECKOUT-LIVE.ADYENPAYMENTS.COM/checkout/v71", true],
  ["http://127.0.0.1:4000/adyen-dropin", false],
  ["https://adyenpayments.com.example", false],
])("%s is live: %s", (apiUrl, live) => {
  expect(isLive({ apiUrl })).toBe(live);
});

it.each([
  ["https://checkout-test.adyen.com", "https://checkout-test.adyen.com/v71"],
  ["https://checkout-test.adyen.com/", "https://checkout-test.adyen.com/v71"],
  ["https://checkout-test.adyen.com/v72", "https://checkout-test.adyen.com/v72"],
  ["https://x-checkout-live.adyenpayments.com", "https://x-checkout-live.adyenpayments.com/checkout/v71"],
  ["http://127.0.0.1:4000", "http://127.0.0.1:4000"],
])("%s is asked at %s", (apiUrl, asked) => {
  expect(checkoutUrl({ apiUrl })).toBe(asked);
});
