import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { authHeaders } from "./auth.ts";

const account = { merchantId: "987001", apiSecret: "demo-svea-secret" };
const at = Date.parse("2026-03-02T08:15:30.987Z");

describe("the proof of a request", () => {
  it.each([
    [
      '{"IsCancelled":true}',
      "OTg3MDAxOjk2ZDVkYzBmODc5OGMzMjJmMmJhYmYwNzExMWE0ODNlMzk5MDQ2Njg5ZDUxNmVlYzU1NzQ2N2ZiMWRlYWNhMGI1OTBlMjdkNzQ2MWI5ZmNmMGU0MmRhYTMwYzc3MWYyOTU4YzYwZDVkMjgwNmJiNWU0NmMxYTY3MDVjOTBiZTE5",
    ],
    [
      "",
      "OTg3MDAxOjZlMTAzZjQzNWM5MDRmYzVmYTE4OTY3ZjM4MDliNDRkYzM0NDUwYTQ1MWRmY2YwNzM3NmEyYzc5ODYwZDU0NjRmYmM3MWI2YWNkYzEyNGZmMjAwYjA3MTc0YWY0OTk3Y2Y0MzIzNDFkZjQ2YWMxZmY0OTJjZDQ2OTdlYjNiMjIy",
    ],
  ])("of %j is the one of docs/psp/svea.md, (a)", (text, value) => {
    const headers = authHeaders(account, text, at);
    expect(headers).toEqual({ authorization: `Svea ${value}`, timestamp: "2026-03-02 08:15:30" });
  });

  it("hashes UTF-8", () => {
    const [text, apiSecret] = ['{"Name":"Återbetalning"}', "hemlig-å"];
    const { authorization, timestamp } = authHeaders({ ...account, apiSecret }, text, at);
    const digest = createHash("sha512")
      .update(Buffer.from(text + apiSecret + timestamp, "utf8"))
      .digest("hex");
    expect(Buffer.from(authorization.slice("Svea ".length), "base64").toString()).toBe(`987001:${digest}`);
  });

  it("is another one a second later", () => {
    const later = authHeaders(account, "", at + 1_000);
    expect(later.authorization).not.toBe(authHeaders(account, "", at).authorization);
  });
});
