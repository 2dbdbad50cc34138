import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import type { RawRequest } from "../contract/adapter.ts";
import { hmacFields, type SignedItem } from "./hmac-fields.ts";
import { isProven as fits } from "./proven.ts";
import { filesOf } from "../../test/support/signing.ts";

const secret = "a secret";
const signature = (text: string, key = secret): string => createHmac("sha256", key).update(text).digest("hex");
const signed = (fields: readonly string[], key?: string): SignedItem => ({
  fields,
  signature: signature(fields.join("|"), key),
});

async function isProven(items: readonly SignedItem[] | undefined | Error, secrets: readonly string[] = [secret]) {
  const verifier = hmacFields<unknown>({
    items: () => {
      if (items instanceof Error) throw items;
      return items;
    },
    joint: "|",
    free: 1,
    digest: "hex",
    key: "text",
    secrets: () => secrets,
  });
  const request: RawRequest = {
    method: "POST",
    url: "/",
    query: new URLSearchParams(),
    headers: {},
    body: Buffer.alloc(0),
  };
  const target = { adapter: "a", merchant: "m", channel: "c" };
  return fits(
    await verifier.check(request, {
      config: {},
      target,
      webhook: "w",
      callbackKeys: [],
      files: filesOf(),
      publicUrl: "http://localhost",
    }),
  );
}

test("proves what every item's signature proves", async () => {
  expect(await isProven([signed(["1", "two", "3"])])).toBe(true);
  expect(await isProven([signed(["1", "two", "3"]), signed(["", "", ""])])).toBe(true);
});

test.each([
  ["nothing", []],
  ["what cannot be read", undefined],
  ["what cannot be read at all", new Error("unreadable")],
  ["a batch with one item that nobody signed", [signed(["1", "2", "3"]), { fields: ["4", "5", "6"], signature: "" }]],
  ["a batch with one item that somebody else signed", [signed(["1", "2", "3"]), signed(["4", "5", "6"], "another")]],
  ["an item with the signature of another", [{ ...signed(["1", "2", "3"]), fields: ["1", "2", "4"] }]],
  ["a signature that is cut short", [{ ...signed(["1"]), signature: signature("1").slice(1) }]],
])("does not prove %s", async (_, items) => {
  expect(await isProven(items)).toBe(false);
});

test("lets the joint occur in the one field where it may, and nowhere else", async () => {
  expect(await isProven([signed(["1", "a|b", "3"])])).toBe(true);
  expect(await isProven([signed(["1|a", "b", "3"])])).toBe(false);
  expect(await isProven([signed(["1", "a", "b|3"])])).toBe(false);
});

test("takes any of several secrets, and none where there is none", async () => {
  const items = [signed(["1", "2", "3"])];
  expect(await isProven(items, ["newest", secret])).toBe(true);
  expect(await isProven([...items, signed(["4", "5", "6"], "newest")], ["newest", secret])).toBe(true);
  for (const secrets of [[], [""], ["newest"]]) expect(await isProven(items, secrets)).toBe(false);
  expect(await isProven([signed(["1", "2", "3"], "")], [""])).toBe(false);
});

test("nothing is computed for what follows an item that is not proven, nor for a batch that is larger than any", async () => {
  const many = Array.from({ length: 101 }, () => signed(["1", "2", "3"]));
  expect(await isProven(many.slice(1))).toBe(true);
  expect(await isProven(many)).toBe(false);
});
