import { createSign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { AskContext, PspEvent, RawRequest } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";
import { certificatePlaces, environmentOf } from "./environment.ts";
import { simulatorCertificate, simulatorKey } from "./simulator-certificate.ts";
import { webhook } from "./webhooks.ts";
import { filesOf } from "../../../test/support/signing.ts";

interface Hook {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}
interface Vector {
  readonly webhookId: string;
  readonly certificate: string;
  readonly hooks: readonly Hook[];
}

/** Webhooks as PayPal has sent them, with the certificates of their time. */
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, "vectors/webhooks.json"), "utf8")) as {
  readonly javaSdk: Vector;
  readonly webhookSimulator: Vector;
  readonly webhookSimulator2025: Vector;
};
interface Published {
  readonly name: string;
  readonly source: string;
  readonly event: { readonly id: string; readonly event_type: string; readonly create_time: string };
  readonly clues: readonly object[];
}
const published = JSON.parse(
  readFileSync(join(import.meta.dirname, "vectors/events.json"), "utf8"),
) as readonly Published[];
const sandbox = "https://api-m.sandbox.paypal.com";
const live = "https://api-m.paypal.com";
const target = { adapter: "paypal", merchant: "acme", channel: "se" };

/** What lies in public, by URL. */
const files: Record<string, string> = Object.fromEntries(
  Object.values(vectors).flatMap(({ certificate, hooks }) =>
    hooks.map(({ headers }) => [headers["paypal-cert-url"] ?? "", certificate]),
  ),
);

function settings(more: Readonly<Record<string, unknown>>): Config {
  return {
    ...config.parse({ adapterId: "a", apiUrl: sandbox, clientId: "c", clientSecret: "s", webhookId: "W" }),
    ...more,
  };
}

function received({ body, headers }: Hook): RawRequest {
  return { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.from(body, "utf8") };
}

async function proof(hook: Hook, of: Config) {
  return await webhook.verify.check(received(hook), {
    config: of,
    target,
    webhook: "webhook",
    callbackKeys: [],
    files: filesOf(files),
    publicUrl: "http://localhost",
  });
}

function parse(body: unknown): readonly PspEvent[] {
  return webhook.parse(
    received({ headers: {}, body: typeof body === "string" ? body : JSON.stringify(body) }),
    target,
    settings({}),
  );
}

it("takes CRC-32 as PayPal does", () => {
  expect(crc32("123456789")).toBe(3_421_780_262);
});

describe("the vector of PayPal's Java SDK", () => {
  const { webhookId, hooks } = vectors.javaSdk;
  const hook = hooks[0] as Hook;
  const mine = settings({ webhookId });

  it("is what was published", () => {
    expect(Buffer.byteLength(hook.body)).toBe(1636);
    expect(crc32(hook.body)).toBe(3_494_065_244);
  });

  it("is proven, years after its certificate has expired", async () => {
    expect(await proof(hook, mine)).toBe(true);
  });

  it("is not proven once any byte of its body is another", async () => {
    for (let at = 0; at < hook.body.length; at += 97) {
      const body = `${hook.body.slice(0, at)}${String.fromCodePoint((hook.body.codePointAt(at) ?? 0) ^ 1)}${hook.body.slice(at + 1)}`;
      expect(await proof({ ...hook, body }, mine)).toBe(false);
    }
  });

  it.each([
    ["parsed and printed again", { body: JSON.stringify(JSON.parse(hook.body), null, 1) }],
    [
      "another transmission id",
      { headers: { ...hook.headers, "paypal-transmission-id": "071f7d20-1584-11e7-abf0-6b62a8a99ac5" } },
    ],
    ["another transmission time", { headers: { ...hook.headers, "paypal-transmission-time": "2017-03-30T20:04:06Z" } }],
    ["another algorithm", { headers: { ...hook.headers, "paypal-auth-algo": "SHA1withRSA" } }],
    ["no algorithm", { headers: { ...hook.headers, "paypal-auth-algo": "" } }],
    ["no headers at all", { headers: {} }],
  ])("is not proven with %s", async (_, more) => {
    expect(await proof({ ...hook, ...more }, mine)).toBe(false);
  });

  it.each([
    ["another webhook's id", "3RN13029J36659323"],
    ["the mock id", "WEBHOOK_ID"],
    ["an empty list", []],
  ])("is not proven for %s", async (_, id) => {
    expect(await proof(hook, settings({ webhookId: id }))).toBe(false);
  });

  it("is proven while the webhook is being replaced", async () => {
    expect(await proof(hook, settings({ webhookId: ["3RN13029J36659323", webhookId] }))).toBe(true);
  });

  it("is refused in live: it is the sandbox's", async () => {
    expect(await proof(hook, settings({ apiUrl: live, webhookId }))).toBe(false);
  });

  it("says nothing of a payment", () => {
    expect(parse(hook.body)).toEqual([]);
  });
});

describe("what PayPal's webhook simulator sends", () => {
  const { webhookId, hooks } = vectors.webhookSimulator;

  it("is signed with the live certificate of its year, for an id that is nobody's", async () => {
    for (const hook of [...hooks, ...vectors.webhookSimulator2025.hooks]) {
      expect(await proof(hook, settings({ apiUrl: live, webhookId }))).toBe(true);
      expect(await proof(hook, settings({ apiUrl: live, webhookId: "3RN13029J36659323" }))).toBe(false);
    }
  });

  it("cannot be configured for live", () => {
    const given = { adapterId: "a", apiUrl: live, clientId: "c", clientSecret: "s", webhookId };
    expect(config.safeParse(given).error?.issues.map(({ path }) => path)).toEqual([["webhookId"]]);
    expect(config.safeParse({ ...given, apiUrl: sandbox }).success).toBe(true);
  });

  it("is read, whatever breakdowns and fees stand beside", () => {
    const [completed] = vectors.webhookSimulator2025.hooks.map(({ body }) => parse(body)[0]);
    expect(completed).toEqual({
      key: "WH-58D329510W468432D-8HN650336L201105X",
      type: "PAYMENT.CAPTURE.COMPLETED",
      at: "2019-02-14T21:50:07.940Z",
      reference: "1AB234567A1234567",
      clues: [{ reference: "1AB234567A1234567" }, { reference: "12A34567BC123456S" }, { echo: "5840243-146" }],
    });
    const [pending, refunded, reversed, declined] = hooks.map(({ body }) => parse(body)[0]);
    expect(pending).toEqual({
      key: "WH-9Y180613C5171350R-3A568107UP261041K",
      type: "PAYMENT.CAPTURE.PENDING",
      at: "2018-08-15T20:03:06.086Z",
      reference: "8PR65097T8571330M",
      clues: [{ reference: "8PR65097T8571330M" }, { reference: "02T21492PP3782704" }],
    });
    expect(refunded, "a dashboard refund names its capture and nothing of ours").toMatchObject({
      clues: [{ reference: "0JF852973C016714D" }, { reference: "1Y107995YT783435V" }],
    });
    expect(refunded?.reference).toBeUndefined();
    expect(reversed).toMatchObject({
      clues: [{ reference: "4L335234718889942" }, { reference: "09E71677NS257044M" }],
    });
    expect(reversed?.line, "what was taken back the order shows").toBeUndefined();
    expect(declined).toMatchObject({
      reference: "48R416400V564864N",
      clues: [
        { echo: "CUSTOMID-1001" },
        { reference: "48R416400V564864N" },
        { reference: "24B76447NN600461P" },
        { reference: "7U133281TB3277326" },
        { echo: "ARG0-2022-12-08T21:00:21.564Z-435" },
      ],
    });
  });
});

describe("a simulated PayPal", () => {
  const sign = (url: string): Hook => {
    const body = "{}";
    const [id, time] = ["t-1", "2026-02-03T10:00:00Z"];
    const signature = createSign("sha256")
      .update([id, time, "W", crc32(body)].join("|"))
      .sign(simulatorKey, "base64");
    const headers = {
      "paypal-auth-algo": "SHA256withRSA",
      "paypal-cert-url": url,
      "paypal-transmission-id": id,
      "paypal-transmission-time": time,
      "paypal-transmission-sig": signature,
    };
    files[url] = simulatorCertificate;
    return { body, headers };
  };

  it.each([
    ["on loopback", "http://127.0.0.1:3001/paypal", "http://127.0.0.1:3001/paypal/v1/notifications/certs/C-1", true],
    [
      "at another port",
      "http://127.0.0.1:3001/paypal",
      "http://127.0.0.1:3002/paypal/v1/notifications/certs/C-1",
      false,
    ],
    ["at another path", "http://127.0.0.1:3001/paypal", "http://127.0.0.1:3001/v1/notifications/certs/C-1", false],
    ["elsewhere, by HTTPS", "https://psp.example", "https://psp.example/v1/notifications/certs/C-1", true],
    ["elsewhere, by HTTP", "http://psp.example", "http://psp.example/v1/notifications/certs/C-1", false],
    [
      "that says it is PayPal's sandbox",
      "https://psp.example",
      "https://api.sandbox.paypal.com/v1/notifications/certs/C-1",
      false,
    ],
    ["where the sandbox is configured", sandbox, "https://psp.example/v1/notifications/certs/C-1", false],
    ["where live is configured", live, "https://api.paypal.com/v1/notifications/certs/C-sim", false],
  ])("%s", async (_, apiUrl, url, expected) => {
    expect(await proof(sign(url), settings({ apiUrl }))).toBe(expected);
  });

  it("is told from PayPal by the address of its API", () => {
    expect(environmentOf("https://api.paypal.com")).toBe("live");
    expect(environmentOf("https://api.paypal.com.evil.example")).toBe("other");
    expect(certificatePlaces("http://localhost:1/")).toEqual(["http://localhost:1/v1/notifications/certs/"]);
  });
});

describe("parsing", () => {
  const event = (event_type: string, resource: object): object => ({
    id: "WH-1",
    event_type,
    create_time: "2026-02-03T10:15:31Z",
    resource,
  });

  it.each([
    "",
    "[]",
    "null",
    "7",
    "{",
    '{"id":"WH-1"}',
    '{"id":"WH-1","event_type":"X.Y","resource":[]}',
    '{"id":"","event_type":"X.Y","resource":{}}',
  ])("refuses %s", (body) => expect(() => parse(body)).toThrow("the webhook is not"));

  it.each([
    ["a subscription", "BILLING.SUBSCRIPTION.CREATED", { id: "I-BW452GLLEP1G", status: "ACTIVE" }],
    [
      "a sale of the older API",
      "PAYMENT.SALE.COMPLETED",
      { id: "4EU7004268015634R", parent_payment: "PAY-1", state: "completed" },
    ],
    [
      "an authorization of the older API",
      "PAYMENT.AUTHORIZATION.CREATED",
      { id: "4EU7004268015634R", parent_payment: "PAY-1", state: "pending" },
    ],
    ["an order of the older API", "PAYMENT.ORDER.CREATED", { id: "O-1", state: "pending" }],
    [
      "a token that was stored without a payment",
      "VAULT.PAYMENT-TOKEN.CREATED",
      { id: "ckfmsf", customer: { id: "4029352050" } },
    ],
    ["something new", "CATALOG.PRODUCT.CREATED", {}],
  ])("leaves %s", (_, type, resource) => {
    expect(parse(event(type, resource))).toEqual([]);
  });

  it.each([
    ["p_1", "p_1"],
    ["o_1:p_1", "o_1:p_1"],
    ["o_Demo/p_1", "o_Demo:p_1"],
    ["a/b/c", "a/b/c"],
    ["o_1:p/1", "o_1:p/1"],
    ["p_1#0b7e2f6a-6a5e-4d0c-9a58-0f2f0a3a1b11", "p_1"],
    ["Order #7", "Order #7"],
  ])("reads the custom_id %s as %s", (custom_id, echo) => {
    expect(parse(event("PAYMENT.CAPTURE.COMPLETED", { id: "3CC45678DD901234F", custom_id }))[0]?.clues?.[0]).toEqual({
      echo,
    });
  });

  const tokenCreated = event("VAULT.PAYMENT-TOKEN.CREATED", {
    time_created: "2022-08-26T18:25:57.449PDT",
    id: "3nqvjt3n",
    customer: { id: "208743798" },
    metadata: { order_id: "8AB12345CD678901E" },
    payment_source: {
      card: { brand: "VISA", last_digits: "1111", name: "Test Buyer", billing_address: { postal_code: "95131" } },
    },
  });
  /** What is read of a webhook's event at PayPal, which answers that. */
  const rereadFrom = async (body: unknown, answer: unknown): Promise<PspEvent | null | undefined> => {
    const [hearsay] = parse(body);
    if (hearsay === undefined) throw new Error("no event");
    const context = {
      config: settings({}),
      signal: AbortSignal.timeout(1_000),
      http: () => async () => ({ status: 200, headers: {}, body: answer }),
    };
    return await webhook.reread?.(hearsay, context as unknown as AskContext<Config>);
  };
  /** What PayPal says of an event that it has. */
  const told = async (body: unknown): Promise<PspEvent | null | undefined> => await rereadFrom(body, body);
  const stands = {
    key: "WH-1",
    type: "VAULT.PAYMENT-TOKEN.CREATED",
    at: "2026-02-03T10:15:31.000Z",
    reference: "8AB12345CD678901E",
    clues: [{ reference: "8AB12345CD678901E" }],
  };

  it("keeps of a token its digest alone, as PayPal tells it, and nothing that names anybody", async () => {
    expect(parse(tokenCreated)).toEqual([{ ...stands, hearsay: true }]);
    expect(await rereadFrom(tokenCreated, tokenCreated)).toEqual({
      ...stands,
      line: {
        event: "paymentAction",
        pspStatus: "CREATED",
        amount: 0,
        success: true,
        facts: { tokenDigest: "c8501dac8ab74bcf" },
      },
    });
  });

  it("takes of what would leave a line nothing but PayPal's own word", async () => {
    const resource = { id: "another-token", metadata: { order_id: "9ZZ12345CD678901E" } };
    const bent = event("VAULT.PAYMENT-TOKEN.CREATED", resource);
    expect(await rereadFrom(bent, tokenCreated), "another payment, another token").toMatchObject({
      ...stands,
      line: { facts: { tokenDigest: "c8501dac8ab74bcf" } },
    });
    expect(await rereadFrom({ ...bent, id: "WH-2" }, tokenCreated), "another event than was asked for").toBeNull();
    const dispute = event("CUSTOMER.DISPUTE.CREATED", {
      dispute_id: "PP-D-1",
      disputed_transactions: [{ seller_transaction_id: "3CC45678DD901234F" }],
    });
    expect(await rereadFrom(dispute, tokenCreated), "another kind of event").toBeNull();
    expect(await rereadFrom(dispute, { event_type: "CUSTOMER.DISPUTE.CREATED", resource: {} })).toBeNull();
  });

  // Shapes of PayPal's guides and of transmissions that integrators published (vectors/events.json).
  it.each(published)("reads $event.event_type ($name)", ({ event: given, clues }) => {
    const events = parse(given);
    expect(events.flatMap((found) => found.clues ?? [])).toEqual(clues);
    for (const { key, at } of events) expect([key, at]).toEqual([given.id, new Date(given.create_time).toISOString()]);
    expect(JSON.stringify(events)).not.toMatch(/@|Buyer|2BP3WP8PK6566/);
  });

  // As PayPal's PHP SDK has it (getRiskDisputeCreated): no list of transactions, numbers for reasons, another amount.
  it("places the older kind of dispute", async () => {
    const dispute = await told(
      event("RISK.DISPUTE.CREATED", {
        dispute_id: "PP-000-001-202-018",
        dispute_amount: { currency: "USD", value: "1001" },
        dispute_reason: 2,
        dispute_status: 1000,
        seller_payment_id: "93U280418G152174E",
        buyer_payment_id: "51B54593E8586244A",
        buyer_email: "buyer@example.com",
      }),
    );
    expect(dispute?.clues).toEqual([{ reference: "93U280418G152174E" }]);
    expect(dispute?.line).toMatchObject({
      amount: 0,
      pspStatus: "CREATED",
      facts: { disputeId: "PP-000-001-202-018" },
    });
    expect(JSON.stringify(dispute)).not.toMatch(/buyer|51B54593E8586244A/);
  });

  it("keeps how a dispute has ended, for people", async () => {
    const resolved = await told(
      event("CUSTOMER.DISPUTE.RESOLVED", {
        dispute_id: "PP-D-1",
        status: "RESOLVED",
        dispute_outcome: { outcome_code: "RESOLVED_BUYER_FAVOUR", amount_refunded: { value: "10.00" } },
        disputed_transactions: [{ seller_transaction_id: "3CC45678DD901234F" }],
      }),
    );
    expect(resolved?.line).toMatchObject({ amount: 0, facts: { outcome: "RESOLVED_BUYER_FAVOUR" } });
  });

  it("keeps an approval that was given back, and a dispute", async () => {
    const back = await told(event("CHECKOUT.PAYMENT-APPROVAL.REVERSED", { order_id: "8AB12345CD678901E" }));
    expect(back).toMatchObject({
      reference: "8AB12345CD678901E",
      line: { event: "paymentAction", pspStatus: "REVERSED" },
    });
    const dispute = await told(
      event("CUSTOMER.DISPUTE.UPDATED", {
        dispute_id: "PP-D-1",
        status: "UNDER_REVIEW",
        reason: "UNAUTHORISED",
        dispute_amount: { currency_code: "SEK", value: "10.00" },
        disputed_transactions: [
          { seller_transaction_id: "3CC45678DD901234F", custom: "p_1", invoice_number: "INV-77" },
        ],
      }),
    );
    expect(dispute?.clues).toEqual([{ echo: "p_1" }, { reference: "3CC45678DD901234F" }, { echo: "INV-77" }]);
    expect(dispute?.line).toMatchObject({
      pspStatus: "UNDER_REVIEW",
      amount: 0,
      facts: { disputeId: "PP-D-1", disputed: "10.00", currency: "SEK" },
    });
  });
});
