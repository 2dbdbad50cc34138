import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isProven } from "../../signatures/proven.ts";
import type { PspEvent, RawRequest } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";
import { signedText } from "./proof.ts";
import { webhook } from "./webhooks.ts";
import { filesOf } from "../../../test/support/signing.ts";

const base = {
  adapterId: "a",
  apiUrl: "https://apitest.vipps.no",
  clientId: "c",
  clientSecret: "s",
  subscriptionKey: "k",
  merchantSerialNumber: "123456",
};
const target = { adapter: "vipps-mobilepay", merchant: "acme", channel: "se" };

/** What Vipps publishes with its signature (docs/psp/vipps-mobilepay.md, b.3). */
const published = {
  secret: "A0+AeKBRG2KRGvnNwJpQlb6IJFk48CKXCIcrLoHncVJKDILsQSxS6NWCccwWm6r6FhGKhiHTBsG2wo/xU6FY/A==",
  publicUrl: "https://webhook.site",
  url: "/e2cee29b-012e-4f1d-8ef4-e95fd74a7a63",
  date: "Thu, 30 Mar 2023 08:38:32 GMT",
  body: '{"some-unique-content":"ee6e441b-cc4a-46f8-895d-a5af79bcc233/hello-world"}',
  digest: "lNlsp1XA03N34HrQsVzPgJKtC+r7l/RBF4V3JQUWMj4=",
  signature: "agAiSyogQbDHpeucoNwYz+yAr5nJ+v+zasdkSbqzv+U=",
};
/** The sheet's own, with a query. */
const queried = {
  secret: "c2hlZXQtZGVtby1zZWNyZXQtdmlwcHMtMDAwMQ==",
  publicUrl: "https://hooks.example.com",
  url: "/hooks/vipps/tenant-a?ch=se",
  date: "Mon, 05 Jan 2026 10:15:31 GMT",
  body: '{"msn":"123456","reference":"nco-100042-1","pspReference":"3343121302","name":"CAPTURED","amount":{"currency":"NOK","value":49900},"timestamp":"2026-01-05T10:15:30.123Z","idempotencyKey":"cap-100042-1","success":true}',
  digest: "ikCG88R/8Y3W8YWUZ8ghj2JbTV4ghel8Y4EqWDRciqg=",
  signature: "7/SVulfXFXMgUksVvrCmwx7lprKZT25MMMc2leZxEu0=",
};
type Vector = typeof published;

const list = "x-ms-date;host;x-ms-content-sha256";

function requestOf(vector: Vector, more: Readonly<Record<string, string | undefined>> = {}): RawRequest {
  const headers = {
    "x-ms-date": vector.date,
    "x-ms-content-sha256": vector.digest,
    // As a proxy in front of us would say it.
    host: "10.0.0.7:3000",
    authorization: `HMAC-SHA256 SignedHeaders=${list}&Signature=${vector.signature}`,
    ...more,
  };
  return {
    method: "POST",
    url: vector.url,
    query: new URL(vector.url, vector.publicUrl).searchParams,
    headers: Object.fromEntries(
      Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    body: Buffer.from(vector.body),
  };
}

async function isBelieved(vector: Vector, request = requestOf(vector), secrets: string | string[] = vector.secret) {
  const settings: Config = config.parse({ ...base, webhookSecret: secrets });
  const context = {
    config: settings,
    target,
    webhook: "webhook",
    callbackKeys: [],
    files: filesOf(),
    publicUrl: vector.publicUrl,
  };
  return isProven(await webhook.verify.check(request, context));
}

describe("the signature", () => {
  it.each([
    ["published", published],
    ["with a query", queried],
  ])("is that of the vector %s, years later too", async (_, vector) => {
    expect(await isBelieved(vector)).toBe(true);
    expect(await isBelieved(vector, requestOf(vector), ["another", vector.secret])).toBe(true);
    expect(await isBelieved(vector, requestOf(vector), ["another"])).toBe(false);
    expect(await isBelieved(vector, requestOf(vector), [])).toBe(false);
  });

  it("is over the address that Vipps called, its path in front of ours included", async () => {
    const split = { ...queried, publicUrl: "https://hooks.example.com/hooks", url: "/vipps/tenant-a?ch=se" };
    expect(await isBelieved(split)).toBe(true);
    expect(await isBelieved({ ...queried, publicUrl: "https://hooks.example.com:8443" })).toBe(false);
    expect(await isBelieved({ ...queried, publicUrl: "http://10.0.0.7:3000" })).toBe(false);
  });

  it("is made with the secret's text, which is not decoded", async () => {
    const decoded = "T3+NXHMmhNVEjW5PeJ4Gql70nf0MOXCAY9CoZDxuVQw=";
    const text = signedText({
      target: published.url,
      date: published.date,
      host: "webhook.site",
      digest: published.digest,
    });
    const key = Buffer.from(published.secret, "base64");
    expect(createHmac("sha256", key).update(text).digest("base64")).toBe(decoded);
    expect(await isBelieved({ ...published, signature: decoded })).toBe(false);
  });

  it("is found where a proxy hands it on", async () => {
    const own = requestOf(queried).headers["authorization"];
    const handed = requestOf(queried, { authorization: "Basic cHJveHk6cHJveHk=", "x-vipps-authorization": own });
    expect(await isBelieved(queried, handed)).toBe(true);
  });

  it.each([
    [
      "another order of headers",
      { authorization: `HMAC-SHA256 SignedHeaders=host;x-ms-date;x-ms-content-sha256&Signature=${queried.signature}` },
    ],
    ["another scheme", { authorization: `HMAC-SHA512 SignedHeaders=${list}&Signature=${queried.signature}` }],
    ["a bare signature", { authorization: queried.signature }],
    ["no signature", { authorization: undefined }],
    ["no date", { "x-ms-date": undefined }],
    ["no digest", { "x-ms-content-sha256": undefined }],
    ["another date", { "x-ms-date": "Mon, 05 Jan 2026 10:15:32 GMT" }],
    ["another body's digest", { "x-ms-content-sha256": published.digest }],
  ])("is none with %s", async (_, headers) => {
    expect(await isBelieved(queried, requestOf(queried, headers))).toBe(false);
  });

  it("is broken by the same JSON written otherwise", async () => {
    const spaced = JSON.stringify(JSON.parse(queried.body), null, 1);
    expect(await isBelieved(queried, { ...requestOf(queried), body: Buffer.from(spaced) })).toBe(false);
  });
});

function parse(body: unknown): readonly PspEvent[] {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return webhook.parse({ ...requestOf(queried), body: Buffer.from(text) }, target, config.parse(base));
}

const payment = JSON.parse(queried.body) as Record<string, unknown>;
const charge = {
  eventType: "recurring.charge-captured.v1",
  msn: "123456",
  agreementId: "agr_SheetA1",
  agreementExternalId: "o_abc-sub",
  chargeId: "chr-SheetA1",
  chargeExternalId: "o_abc-2026-01",
  chargeType: "RECURRING",
  amount: 49900,
  currency: "NOK",
  amountCaptured: 49900,
  occurred: "2026-01-05T07:02:11Z",
};
const agreement = {
  eventType: "recurring.agreement-stopped.v1",
  msn: "123456",
  agreementId: "agr_SheetA1",
  actor: "MERCHANT",
  occurred: "2026-02-01T12:00:00Z",
};

describe("events", () => {
  it.each([
    ["a payment's", payment, "nco-100042-1"],
    ["one that failed", { ...payment, success: false }, "nco-100042-1"],
    ["one without Vipps' id", { ...payment, pspReference: null, success: null }, "nco-100042-1"],
    ["a name to come", { ...payment, name: "SETTLED" }, "nco-100042-1"],
    ["a later charge's", charge, "agr_SheetA1:chr-SheetA1"],
    [
      "one of an id that the merchant chose",
      { ...charge, chargeId: "acme-sub-1234-2026-10" },
      "agr_SheetA1:acme-sub-1234-2026-10",
    ],
    ["one of the charge that the agreement began with", { ...charge, chargeType: "INITIAL" }, "agr_SheetA1"],
    ["an agreement's, also of our own making", agreement, "agr_SheetA1"],
  ])("name what to look at: %s", (_, body, reference) => {
    expect(parse(body)).toMatchObject([{ reference, clues: [{ reference }] }]);
  });

  it("have the same key when they come again, by another registration too, and another one otherwise", () => {
    const keys = [
      payment,
      { ...payment, success: false },
      { ...payment, name: "REFUNDED" },
      { ...payment, pspReference: "3343121303" },
      { ...payment, reference: "nco-100042-2" },
      charge,
      { ...charge, occurred: "2026-01-06T07:02:11Z" },
      agreement,
    ].map((body) => parse(body)[0]?.key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(parse({ ...payment, added: 1 })[0]?.key).toBe(keys[0]);
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["a list", [payment]],
    ["another sales unit's", { ...payment, msn: "654321" }],
    ["another product's", { ...charge, eventType: "user.checked-in.v1" }],
    ["no reference", { ...payment, reference: null }],
    ["a path for a reference", { ...payment, reference: "../other" }],
    ["an agreement that is none", { ...agreement, agreementId: "chr-1" }],
  ])("are none, and no refusal, of what is proven and leads nowhere: %s", (_, body) => {
    expect(parse(body)).toEqual([]);
  });

  it("keep that a charge never came to be, and whose it was, but not the agreement, which is a token", () => {
    const [event] = parse({
      ...charge,
      eventType: "recurring.charge-creation-failed.v1",
      failureReason: "technical_error",
    });
    expect(event).toMatchObject({
      clues: [{ echo: "o_abc-2026-01" }],
      line: { event: "process", amount: 0, success: false, errorDetail: "technical_error" },
    });
    expect(JSON.stringify(event?.line)).not.toContain("agr_");
  });
});
