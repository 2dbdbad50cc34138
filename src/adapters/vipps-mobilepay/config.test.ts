import { describe, expect, it } from "vitest";
import { config, isLive, webhookSecretsOf } from "./config.ts";

const good = {
  adapterId: "acme_vipps_adapter",
  apiUrl: "https://apitest.vipps.no",
  clientId: "id",
  clientSecret: "secret",
  subscriptionKey: "key",
  merchantSerialNumber: "012345",
};

describe("config", () => {
  it.each([
    [undefined, []],
    ["one", ["one"]],
    [
      ["new", "old"],
      ["new", "old"],
    ],
  ])("takes webhookSecret %j", (webhookSecret, secrets) => {
    expect(webhookSecretsOf(config.parse({ ...good, webhookSecret }))).toEqual(secrets);
  });

  it.each([
    ["https://api.vipps.no", true],
    ["https://apitest.vipps.no", false],
    ["http://127.0.0.1:3000/vipps-mobilepay", undefined],
  ])("%s is for real money: %s", (apiUrl, live) => {
    expect(isLive(config.parse({ ...good, apiUrl }))).toBe(live);
  });

  it.each([
    ["nothing", {}, ["adapterId", "apiUrl", "clientId", "clientSecret", "merchantSerialNumber", "subscriptionKey"]],
    ["a number for MSN", { ...good, merchantSerialNumber: 12345 }, ["merchantSerialNumber"]],
    ["a short MSN", { ...good, merchantSerialNumber: "123" }, ["merchantSerialNumber"]],
    ["a path", { ...good, apiUrl: "https://api.vipps.no/epayment/v1" }, ["apiUrl"]],
    ["plain HTTP", { ...good, apiUrl: "http://api.vipps.no" }, ["apiUrl"]],
    ["a host that is none", { ...good, apiUrl: "https://api.test.vipps.no" }, ["apiUrl"]],
    [
      "the portal's host",
      { ...good, apiUrl: "https://portal.vippsmobilepay.com", clientId: "" },
      ["apiUrl", "clientId"],
    ],
    [
      "keys that break the header",
      { ...good, clientSecret: "a\r\nb", subscriptionKey: "a b" },
      ["clientSecret", "subscriptionKey"],
    ],
    ["an empty secret in a list", { ...good, webhookSecret: ["new", ""] }, ["webhookSecret"]],
  ])("reports every fault of %s at once", (_, input, paths) => {
    const faults = config.safeParse(input).error?.issues ?? [];
    expect([...new Set(faults.map(({ path }) => String(path[0])))].toSorted()).toEqual(paths.toSorted());
  });
});
