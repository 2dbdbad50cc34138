import { expect, test } from "vitest";
import { insistOnOrigin, insistOnToken } from "./forms.ts";
import { safeTarget } from "./visit.ts";

const ours = "https://psp.example.com/psp";

test.each([
  { origin: "https://psp.example.com" },
  { origin: "http://localhost:3000", host: "localhost:3000" },
  { "sec-fetch-site": "same-origin" },
])("a form of this page is taken: %o", (headers) => {
  expect(() => insistOnOrigin(headers, ours)).not.toThrow();
});

test.each([
  {},
  { origin: "null" },
  { origin: "https://psp.example.com.evil.example" },
  { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
  { origin: "https://psp.example.com:8443" },
  { origin: "psp.example.com" },
  { "sec-fetch-site": "same-site" },
  { "sec-fetch-site": "none" },
])("another site's form is refused: %o", (headers) => {
  expect(() => insistOnOrigin(headers, ours)).toThrow("another site");
});

test("a form carries what only this session's pages have", () => {
  const session = { id: "id", who: "tzG3_S", began: 0, until: 1, formToken: "a-form-token" };
  expect(() => insistOnToken(new URLSearchParams({ token: "a-form-token" }), session)).not.toThrow();
  for (const form of [{}, { token: "" }, { token: "another-token" }, { token: "a-form-tokeN" }])
    expect(() => insistOnToken(new URLSearchParams(form as Record<string, string>), session)).toThrow("out of date");
});

test.each([
  ["letters?reason=paid-twice&from=2026-01-31", "letters?reason=paid-twice&from=2026-01-31"],
  ["letters", "letters"],
  [null, "today"],
  ["//evil.example", "today"],
  ["https://evil.example", "today"],
  ["../report", "today"],
  ["sign-out", "today"],
  ["letters?x=1\r\nset-cookie: a=b", "today"],
  ["javascript:alert(1)", "today"],
])("after signing in %o leads to %s", (to, wanted) => {
  expect(safeTarget(to, ["today", "letters"])).toBe(wanted);
});
