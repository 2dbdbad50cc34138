import { describe, expect, it } from "vitest";
import { config } from "./config.ts";

const common = { adapterId: "acme_qliro_adapter", apiUrl: "https://pago.qit.nu" };
const keys = { merchantApiKey: "ACME", merchantApiSecret: "secret" };

describe("config", () => {
  it("sells nothing after the purchase unless told to, and then for five minutes", () => {
    expect(config.parse({ ...common, ...keys })).toMatchObject({ useUpsell: false, upsellTimeoutSeconds: 300 });
  });

  it.each([
    ["nothing", {}, ["adapterId", "apiUrl", "merchantApiKey", "merchantApiSecret"]],
    ["empty keys", { ...common, merchantApiKey: "", merchantApiSecret: "" }, ["merchantApiKey", "merchantApiSecret"]],
    ["a key longer than Qliro's", { ...common, ...keys, merchantApiKey: "x".repeat(51) }, ["merchantApiKey"]],
    ["half a second", { ...common, ...keys, upsellTimeoutSeconds: 0.5 }, ["upsellTimeoutSeconds"]],
    ["no time", { ...common, ...keys, upsellTimeoutSeconds: 0 }, ["upsellTimeoutSeconds"]],
    ["a word for a switch", { ...common, ...keys, useUpsell: "yes" }, ["useUpsell"]],
  ])("reports every fault of %s at once", (_, input, paths) => {
    const faults = config.safeParse(input).error?.issues ?? [];
    expect(faults.map(({ path }) => path.join(".")).toSorted()).toEqual(paths.toSorted());
  });
});
