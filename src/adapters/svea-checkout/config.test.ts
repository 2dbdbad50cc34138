import { describe, expect, it } from "vitest";
import { config } from "./config.ts";

const complete = {
  adapterId: "acme_svea_adapter",
  apiUrl: "https://checkoutapistage.svea.com",
  orderManagementApiUrl: "https://paymentadminapistage.svea.com",
  merchantId: "987001",
  apiSecret: "s",
};

describe("config", () => {
  it("takes a merchant id that YAML read as a number", () => {
    expect(config.parse({ ...complete, merchantId: 987001 })).toMatchObject({
      merchantId: "987001",
      creditRowName: "Refund",
    });
  });

  it.each([
    ["nothing", {}, ["adapterId", "apiUrl", "apiSecret", "merchantId", "orderManagementApiUrl"]],
    ["empty credentials", { ...complete, merchantId: "", apiSecret: "" }, ["apiSecret", "merchantId"]],
    ["a colon in the merchant id", { ...complete, merchantId: "1:2" }, ["merchantId"]],
    ["no address", { ...complete, orderManagementApiUrl: "svea" }, ["orderManagementApiUrl"]],
    ["a name that Svea does not take", { ...complete, creditRowName: "x".repeat(41) }, ["creditRowName"]],
  ])("reports every fault of %s", (_, input, paths) => {
    const faults = config.safeParse(input).error?.issues ?? [];
    expect(faults.map(({ path }) => path.join(".")).toSorted()).toEqual(paths.toSorted());
  });
});
