import { describe, expect, it } from "vitest";
import { authorizationFrom } from "../_klarna/config.ts";
import { config } from "./config.ts";

const common = { adapterId: "acme_klarna_adapter", apiUrl: "https://api.playground.klarna.com" };

describe("config", () => {
  it("takes user name and password", () => {
    const read = config.parse({ ...common, username: "PK1", password: "pass:word" });
    expect(authorizationFrom(read)).toBe(`Basic ${Buffer.from("PK1:pass:word").toString("base64")}`);
  });

  it("takes an API key, which stands bare in the header", () => {
    expect(authorizationFrom(config.parse({ ...common, apiKey: "klarna_test_api_x" }))).toBe("Basic klarna_test_api_x");
  });

  it.each([
    ["nothing", {}, ["adapterId", "apiUrl", "username", "password"]],
    ["no credentials", common, ["username", "password"]],
    ["no password", { ...common, username: "PK1" }, ["password"]],
    ["empty ones", { ...common, username: "", password: "" }, ["username", "password"]],
    ["both kinds", { ...common, username: "PK1", password: "p", apiKey: "k" }, ["apiKey"]],
    ["a key that breaks the header", { ...common, apiKey: "a\r\nb" }, ["apiKey"]],
    ["a colon in the user name", { ...common, username: "a:b", password: "p" }, ["username"]],
    ["a wrong URL and no credentials", { ...common, apiUrl: "klarna" }, ["apiUrl", "username", "password"]],
  ])("reports every fault of %s at once", (_, input, paths) => {
    const faults = config.safeParse(input).error?.issues ?? [];
    expect(faults.map(({ path }) => path.join(".")).toSorted()).toEqual(paths.toSorted());
  });
});
