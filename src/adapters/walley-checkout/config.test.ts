import { describe, expect, it } from "vitest";
import { config, environmentOf, legacyAccount, tokenUrl, webhookAuthorizations } from "./config.ts";

const common = { adapterId: "acme_walley_adapter", apiUrl: "https://api.walleypay.com" };
const client = { clientId: "c", apiSecret: "s", scope: "x/.default" };
const user = { username: "demo_store", sharedKey: "k3y-for-demo", storeId: 42 };

describe("config", () => {
  it("takes an OAuth2 client, its secret once or as a list", () => {
    expect(config.parse({ ...common, ...client })).toMatchObject({ apiSecret: "s", useUpsell: false });
    expect(config.parse({ ...common, ...client, apiSecret: ["new", "old"] })).toMatchObject({
      apiSecret: ["new", "old"],
    });
    expect(legacyAccount(config.parse({ ...common, ...client, username: "left-over" }))).toBeUndefined();
  });

  it("takes a SharedKey account, whose store may be a number", () => {
    expect(legacyAccount(config.parse({ ...common, ...user }))).toEqual({ ...user, storeId: "42" });
  });

  it.each([
    ["nothing", {}, ["adapterId", "apiUrl", "clientId"]],
    ["no credentials", common, ["clientId"]],
    ["a client without a secret", { ...common, clientId: "c" }, ["apiSecret", "scope"]],
    ["a secret without a client's scope", { ...common, apiSecret: "s", clientId: "c" }, ["scope"]],
    ["an empty list of secrets", { ...common, ...client, apiSecret: [] }, ["apiSecret"]],
    ["a shared key alone", { ...common, sharedKey: "k" }, ["username", "storeId"]],
    ["both kinds", { ...common, ...client, ...user }, ["sharedKey"]],
    ["a webhook's user without a password", { ...common, ...client, webhookUsername: "u" }, ["webhookPassword"]],
    ["a webhook's password without a user", { ...common, ...client, webhookPassword: "p" }, ["webhookPassword"]],
    [
      "a colon in the user",
      { ...common, ...client, webhookUsername: "a:b", webhookPassword: "p" },
      ["webhookUsername"],
    ],
  ])("reports every fault of %s at once", (_, input, paths) => {
    const faults = config.safeParse(input).error?.issues ?? [];
    expect(faults.map(({ path }) => path.join(".")).toSorted()).toEqual(paths.toSorted());
  });

  it("writes the webhook's credentials as Walley sends them", () => {
    const read = config.parse({
      ...common,
      ...client,
      webhookUsername: "walley-hook",
      webhookPassword: ["n", "s3cret"],
    });
    expect(webhookAuthorizations(read)).toContainEqual({ value: "Basic d2FsbGV5LWhvb2s6czNjcmV0", secret: "s3cret" });
    expect(webhookAuthorizations(config.parse({ ...common, ...client }))).toEqual([]);
  });

  it.each([
    [undefined, "https://api.walleypay.com/oauth2/v2.0/token"],
    ["https://login.example.com", "https://login.example.com/oauth2/v2.0/token"],
    ["https://login.example.com/", "https://login.example.com/oauth2/v2.0/token"],
    ["https://login.example.com/tenant/oauth2/v2.0/token", "https://login.example.com/tenant/oauth2/v2.0/token"],
  ])("finds the token endpoint from %s", (authenticationUrl, url) => {
    const more = authenticationUrl === undefined ? {} : { authenticationUrl };
    expect(tokenUrl(config.parse({ ...common, ...client, ...more })).href).toBe(url);
  });

  it.each([
    ["https://api.walleypay.com", "live"],
    ["https://checkout-api.collector.se", "live"],
    ["https://api.uat.walleydev.com", "test"],
    ["https://checkout-api-uat.collector.se", "test"],
    ["http://localhost:3000/walley-checkout", undefined],
    ["https://walleypay.com.example.org", undefined],
  ])("knows which environment %s is", (apiUrl, environment) => {
    expect(environmentOf(config.parse({ ...common, ...client, apiUrl }))).toBe(environment);
  });
});
