import { describe, expect, it } from "vitest";
import { acceptedAuthorizations, config } from "./config.ts";

const common = { adapterId: "acme_avarda_adapter", apiUrl: "https://stage.checkout-api.avarda.com" };
const credentials = { ...common, clientId: "c", clientSecret: "s" };

describe("config", () => {
  it.each([
    ["no header", undefined, []],
    ["one header", "Basic YTpi", ["Basic YTpi"]],
    ["two while it changes", ["Bearer new", "Bearer old"], ["Bearer new", "Bearer old"]],
  ])("takes %s", (_, webhookAuthorization, accepted) => {
    expect(acceptedAuthorizations(config.parse({ ...credentials, webhookAuthorization }))).toEqual(accepted);
  });

  it.each([
    ["nothing", {}, ["adapterId", "apiUrl", "clientId", "clientSecret"]],
    ["no secret", { ...common, clientId: "c" }, ["clientSecret"]],
    ["empty credentials", { ...common, clientId: "", clientSecret: "" }, ["clientId", "clientSecret"]],
    ["a secret that ends in a line break", { ...credentials, clientSecret: "s\n" }, ["clientSecret"]],
    ["an empty header", { ...credentials, webhookAuthorization: "" }, ["webhookAuthorization"]],
    ["an empty list", { ...credentials, webhookAuthorization: [] }, ["webhookAuthorization"]],
    ["a header with a line break", { ...credentials, webhookAuthorization: "Basic a\nb" }, ["webhookAuthorization"]],
  ])("refuses %s", (_, given, faulty) => {
    const paths = config.safeParse(given).error?.issues.map(({ path }) => path.join("."));
    expect([...new Set(paths)].toSorted()).toEqual(faulty.toSorted());
  });
});
