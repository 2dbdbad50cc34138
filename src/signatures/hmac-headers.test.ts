import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import type { RawRequest } from "../contract/adapter.ts";
import { hmacHeaders, type SignedHead } from "./hmac-headers.ts";
import { isProven as fits } from "./proven.ts";
import { filesOf } from "../../test/support/signing.ts";

// As Vipps MobilePay signs (https://developer.vippsmobilepay.com/docs/APIs/webhooks-api/request-authentication/), with its published vector.
const secret = "A0+AeKBRG2KRGvnNwJpQlb6IJFk48CKXCIcrLoHncVJKDILsQSxS6NWCccwWm6r6FhGKhiHTBsG2wo/xU6FY/A==";
const prefix = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=";
const published: RawRequest = {
  method: "POST",
  url: "/e2cee29b-012e-4f1d-8ef4-e95fd74a7a63",
  query: new URLSearchParams(),
  headers: {
    host: "webhook.site",
    "x-ms-date": "Thu, 30 Mar 2023 08:38:32 GMT",
    "x-ms-content-sha256": "lNlsp1XA03N34HrQsVzPgJKtC+r7l/RBF4V3JQUWMj4=",
    authorization: `${prefix}agAiSyogQbDHpeucoNwYz+yAr5nJ+v+zasdkSbqzv+U=`,
  },
  body: Buffer.from('{"some-unique-content":"ee6e441b-cc4a-46f8-895d-a5af79bcc233/hello-world"}'),
};

function headOf({ method, url, headers }: RawRequest): SignedHead | undefined {
  const { authorization = "", host = "", "x-ms-date": date = "", "x-ms-content-sha256": hash = "" } = headers;
  if (!authorization.startsWith(prefix)) return undefined;
  const text = `${method}\n${url}\n${date};${host};${hash}`;
  return { text, signature: authorization.slice(prefix.length), at: Date.parse(date) };
}

async function isProven(
  request: Partial<RawRequest>,
  more: { secrets?: readonly string[]; toleranceSeconds?: number; head?: typeof headOf } = {},
) {
  const verifier = hmacHeaders<unknown>({
    head: more.head ?? headOf,
    bodyDigest: { header: "x-ms-content-sha256", encoding: "base64" },
    digest: "base64",
    key: "text",
    secrets: () => more.secrets ?? [secret],
    ...(more.toleranceSeconds === undefined ? {} : { toleranceSeconds: more.toleranceSeconds }),
  });
  const target = { adapter: "a", merchant: "m", channel: "c" };
  return fits(
    await verifier.check(
      { ...published, ...request },
      { config: {}, target, webhook: "w", callbackKeys: [], files: filesOf(), publicUrl: "http://localhost" },
    ),
  );
}

test("proves what its PSP published", async () => {
  expect(await isProven({})).toBe(true);
  expect(await isProven({}, { secrets: ["another", secret] })).toBe(true);
});

test.each<readonly [string, Partial<RawRequest>]>([
  ["another body", { body: Buffer.from("{}") }],
  ["another path", { url: "/e2cee29b-012e-4f1d-8ef4-e95fd74a7a64" }],
  ["another host", { headers: { ...published.headers, host: "webhook.site.example" } }],
  ["another time", { headers: { ...published.headers, "x-ms-date": "Thu, 30 Mar 2023 08:38:33 GMT" } }],
  ["no digest of the body", { headers: { ...published.headers, "x-ms-content-sha256": "" } }],
  ["no signature", { headers: { ...published.headers, authorization: "" } }],
  ["a signature that was cut", { headers: { ...published.headers, authorization: prefix } }],
])("does not prove %s", async (_, request) => {
  expect(await isProven(request)).toBe(false);
});

test("does not prove with another secret, with none, or with the bytes that it seems to spell", async () => {
  for (const secrets of [[], [""], ["another"], [Buffer.from(secret, "base64").toString("latin1")]])
    expect(await isProven({}, { secrets })).toBe(false);
});

test("a text in which the body's digest does not stand proves nothing", async () => {
  const signedAlone = (request: RawRequest): SignedHead | undefined => {
    const head = headOf(request);
    return head === undefined ? undefined : { ...head, text: "anything" };
  };
  const signature = createHmac("sha256", "ours").update("anything").digest("base64");
  const headers = { ...published.headers, authorization: prefix + signature };
  expect(await isProven({ headers }, { secrets: ["ours"], head: signedAlone })).toBe(false);
});

test("wants a fresh time where that is asked for", async () => {
  expect(await isProven({}, { toleranceSeconds: 300 })).toBe(false);
  expect(await isProven({}, { toleranceSeconds: 100 * 365 * 24 * 3_600 })).toBe(true);
});

test("what cannot be read is not proven", async () => {
  const throws = (): never => {
    throw new Error("unreadable");
  };
  expect(await isProven({}, { head: throws })).toBe(false);
});
