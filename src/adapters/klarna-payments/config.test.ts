import { describe, expect, it } from "vitest";
import { config } from "./config.ts";

const common = { adapterId: "acme_klarna_payments", apiUrl: "https://api.playground.klarna.com", apiKey: "k" };

describe("config", () => {
  it("does without Network webhooks", () => {
    expect(config.parse(common)).not.toHaveProperty("webhookSigningKeys");
  });

  it("takes several signing keys, by id", () => {
    const webhookSigningKeys = { "krn:signing-key:1": "one", "krn:signing-key:2": "two" };
    expect(config.parse({ ...common, webhookSigningKeys })).toMatchObject({ webhookSigningKeys });
  });

  it.each([
    ["no credentials", { ...common, apiKey: undefined }, ["username", "password"]],
    ["both kinds of credentials", { ...common, username: "u", password: "p" }, ["apiKey"]],
    ["no key", { ...common, webhookSigningKeys: {} }, ["webhookSigningKeys"]],
    ["an empty secret", { ...common, webhookSigningKeys: { a: "" } }, ["webhookSigningKeys.a"]],
    ["a secret without its id", { ...common, webhookSigningKeys: "secret" }, ["webhookSigningKeys"]],
  ])("reports %s", (_, input, paths) => {
    const faults = config.safeParse(input).error?.issues ?? [];
    expect(faults.map(({ path }) => path.join(".")).toSorted()).toEqual(paths.toSorted());
  });
});
