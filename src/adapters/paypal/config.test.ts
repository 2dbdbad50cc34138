import { describe, expect, it } from "vitest";
import { config } from "./config.ts";

const good = {
  adapterId: "a",
  apiUrl: "https://api-m.paypal.com",
  clientId: "c",
  clientSecret: "s",
  webhookId: "3RN13029J36659323",
};
const faults = (given: object): unknown[] | undefined =>
  config.safeParse(given).error?.issues.map(({ path }) => path.join("."));

describe("settings", () => {
  it.each([
    ["the sandbox", { apiUrl: "https://api-m.sandbox.paypal.com" }],
    ["a simulator", { apiUrl: "http://127.0.0.1:3001/paypal" }],
    ["a webhook that is being replaced", { webhookId: ["3RN13029J36659323", "4JH86294D6297924G"] }],
    ["Norce's paypalMerchantId", { paypalMerchantId: "2BP3WP8PK6566" }],
  ])("take %s", (_, more) => {
    expect(faults({ ...good, ...more })).toBeUndefined();
  });

  it.each([
    ["no webhook id", { webhookId: "" }, ["webhookId"]],
    ["an empty list of them", { webhookId: [] }, ["webhookId"]],
    ["a webhook id with the separator of the signed text", { webhookId: "a|b" }, ["webhookId"]],
    ["PayPal without TLS", { apiUrl: "http://api-m.paypal.com" }, ["apiUrl"]],
    ["the mock id in live", { webhookId: ["3RN13029J36659323", "WEBHOOK_ID"] }, ["webhookId"]],
    ["a colon in the user name", { clientId: "a:b" }, ["clientId"]],
    ["no secret", { clientSecret: "" }, ["clientSecret"]],
    ["an e-mail address for the merchant", { paypalMerchantId: "seller@example.com" }, ["paypalMerchantId"]],
  ])("refuse %s", (_, more, paths) => {
    expect(faults({ ...good, ...more })).toEqual(paths);
  });

  it("report every fault at once", () => {
    expect(faults({ apiUrl: "http://api-m.paypal.com" })).toEqual(
      expect.arrayContaining(["adapterId", "apiUrl", "clientId", "clientSecret", "webhookId"]),
    );
  });
});
