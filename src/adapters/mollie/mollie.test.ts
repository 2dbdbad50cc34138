import { describe, expect, it } from "vitest";
import nock from "nock";
import type { LookContext, PspEvent, RawRequest } from "../../contract/adapter.ts";
import { createHttp } from "../../lib/http.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";
import { type Config, config } from "./config.ts";
import { fetchSnapshot } from "./client.ts";
import adapter from "./index.ts";
import { echoesIn } from "./schema.ts";
import { event, paymentIn } from "./webhooks.ts";
import { filesOf } from "../../../test/support/signing.ts";

const apiUrl = "https://api.mollie.example.invalid";
const target = { adapter: "mollie", merchant: "acme", channel: "se" };

function settingsWith(more: object = {}): Config {
  return config.parse({ adapterId: "a", apiUrl, apiKey: "test_simulatedKey", ...more });
}

function contextWith(settings = settingsWith()): LookContext<Config> {
  return {
    config: settings,
    ...asking(),
    payment: { paymentId: "p_1", amount: 1000, currency: "EUR", reference: null, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "mollie", ...options }),
  };
}

answerByNock();

describe("the signed webhook (docs/psp/mollie.md, b.2: worked vector)", () => {
  const body =
    '{"resource":"event","id":"event_SheetDemo0001","type":"payment.paid","entityId":"tr_SheetDemo1","createdAt":"2026-01-05T10:15:30.0Z","_links":{"self":{"href":"https://api.mollie.com/v2/events/event_SheetDemo0001","type":"application/hal+json"}}}';
  const [secret, partner] = ["sheetDemoWebhookSecret01", "sheetDemoWebhookSecret02"];
  const digest = "105072107e57d81ba947926c39d5633c97440ba859ab2e497eb26f09dfa3eb7c";
  const other = "d58b394c65a0757524fc5023969a4ce0e7846f9e768229514f75c8903bb589a5";
  const proves = async (header: string | undefined, webhookSecret: unknown, text = body): Promise<boolean> => {
    const request: RawRequest = {
      method: "POST",
      url: "/",
      query: new URLSearchParams(),
      headers: header === undefined ? {} : { "x-mollie-signature": header },
      body: Buffer.from(text),
    };
    const settings = settingsWith(webhookSecret === undefined ? {} : { webhookSecret });
    const proof = await event.verify.check(request, {
      config: settings,
      target,
      webhook: "event",
      callbackKeys: [],
      files: filesOf(),
      publicUrl: "http://localhost:3000",
    });
    return proof !== false;
  };

  it.each([
    ["with its prefix", `sha256=${digest}`, secret, true],
    ["without", digest, secret, true],
    ["in capitals", `sha256=${digest.toUpperCase()}`, secret, true],
    ["two signatures, the first secret", `sha256=${digest}, sha256=${other}`, secret, true],
    ["two signatures, the second secret", `sha256=${digest},sha256=${other}`, partner, true],
    ["an earlier secret in the list", `sha256=${digest}`, [partner, secret], true],
    ["another secret", `sha256=${digest}`, partner, false],
    ["none", undefined, secret, false],
    ["no secret configured", `sha256=${digest}`, undefined, false],
    ["cut short", `sha256=${digest.slice(0, -2)}`, secret, false],
  ])("%s", async (_, header, secrets, good) => {
    expect(await proves(header, secrets)).toBe(good);
  });

  it("is over the bytes, not over what they mean", async () => {
    expect(await proves(`sha256=${digest}`, secret, body.replace('":"', '": "'))).toBe(false);
  });
});

describe("an event of the signed webhook", () => {
  const told = (value: object): readonly PspEvent[] => {
    const body = Buffer.from(JSON.stringify({ id: "event_1", createdAt: "2026-02-03T10:00:00Z", ...value }));
    const request = { method: "POST", url: "/", query: new URLSearchParams(), headers: {}, body };
    return event.parse(request, target, settingsWith());
  };

  it.each([
    ["names its payment", { type: "payment.paid", entityId: "tr_1" }, "tr_1"],
    [
      "carries a refund",
      { type: "refund.failed", entityId: "re_1", _embedded: { entity: { paymentId: "tr_2" } } },
      "tr_2",
    ],
    [
      "links to a refund",
      {
        type: "refund.refunded",
        entityId: "re_1",
        _links: { entity: { href: "https://api.mollie.com/v2/payments/tr_3/refunds/re_1" } },
      },
      "tr_3",
    ],
    ["names a chargeback alone", { type: "chargeback.received", entityId: "chb_1" }, undefined],
  ])("%s", (_, value, reference) => {
    expect(told(value)[0]?.reference).toBe(reference);
  });

  it("of something else is of no concern", () => {
    expect(told({ type: "profile.blocked", entityId: "pfl_1" })).toEqual([]);
  });

  it("that names no payment is read again", async () => {
    nock(apiUrl)
      .get("/v2/events/event_1")
      .reply(200, { _embedded: { entity: { paymentId: "tr_9" } } });
    const [chargeback] = told({ type: "chargeback.received", entityId: "chb_1" });
    expect(await adapter.resolve(chargeback as PspEvent, contextWith())).toEqual({ reference: "tr_9" });
  });

  it("leads nowhere by an id that is no payment's", () => {
    expect(paymentIn({ entityId: "../tr_1", _embedded: { entity: { paymentId: 7 } }, _links: null })).toBeUndefined();
  });
});

describe("fetch", () => {
  it("asks for nothing that is no payment's id", async () => {
    expect(await fetchSnapshot("../customers", contextWith())).toBeNull();
  });

  it("refuses money of the other mode", async () => {
    const amount = { currency: "EUR", value: "10.00" };
    nock(apiUrl).get("/v2/payments/tr_1").query(true).reply(200, { id: "tr_1", mode: "live", status: "paid", amount });
    await expect(fetchSnapshot("tr_1", contextWith())).rejects.toMatchObject({
      kind: "Refused",
      context: { reason: "mode-differs" },
    });
  });

  it("reads amounts as decimal texts in the currency's own decimals, and no others", async () => {
    const says = async (currency: string, value: string) => {
      const amount = { currency, value };
      nock(apiUrl)
        .get("/v2/payments/tr_1")
        .query(true)
        .reply(200, { id: "tr_1", mode: "test", status: "paid", amount });
      const snapshot = await fetchSnapshot("tr_1", contextWith());
      return snapshot === null ? undefined : adapter.map(snapshot, { now: 0 }).money.captured;
    };
    expect(await says("EUR", "1148.54")).toBe(114_854);
    expect(await says("JPY", "1000")).toBe(1000);
    for (const value of ["1e2", "10,00", "10.001", ""])
      await expect(says("EUR", value), value).rejects.toMatchObject({ kind: "Unmapped" });
  });
});

describe("money", () => {
  const eur = (value: string) => ({ currency: "EUR", value });
  async function mapped(answer: object, now = 0) {
    const common = { id: "tr_1", mode: "test", status: "paid", amount: eur("100.00"), metadata: "p_1" };
    nock(apiUrl)
      .get("/v2/payments/tr_1")
      .query(true)
      .reply(200, { ...common, ...answer });
    const snapshot = await fetchSnapshot("tr_1", contextWith());
    if (snapshot === null) throw new Error("no payment");
    return adapter.map(snapshot, { now });
  }

  it("a sum of captures stands for a list that is not there", async () => {
    const held = { status: "authorized", authorizedAt: "2026-02-03T10:00:00+00:00" };
    const said = await mapped({ ...held, amountCaptured: eur("40.00") });
    expect(said.money).toMatchObject({ authorized: 10_000, captured: 4_000, released: 0 });
    expect(said.transactions.map(({ key, amount }) => [key, amount])).toEqual([
      ["confirm", 10_000],
      ["capture:4000", 4_000],
    ]);
    const captures = [{ id: "cpt_1", status: "pending", amount: eur("40.00") }];
    const listed = await mapped({ ...held, amountCaptured: eur("40.00"), _embedded: { captures } });
    expect(listed.money.captured, "the list says that it is under way").toBe(0);
  });

  it("what is paid was taken, also where no capture says how much", async () => {
    for (const amountCaptured of [null, undefined, eur("0.00")])
      expect((await mapped({ amountCaptured })).money).toMatchObject({ captured: 10_000, released: 0 });
    expect((await mapped({ amountCaptured: eur("40.00") })).money).toMatchObject({ captured: 4_000, released: 6_000 });
  });

  it("a refund that was cancelled is bad news as one that failed", async () => {
    const refunds = [{ id: "re_1", status: "canceled", amount: eur("40.00") }];
    expect(await mapped({ _embedded: { refunds } })).toMatchObject({
      money: { refunded: 0 },
      findings: [{ name: "refund-failed", id: "re_1", facts: { amount: 4_000, currency: "EUR" } }],
    });
  });

  it.each([
    ["2026-02-10T10:00:00+00:00", "2026-02-10T10:00:00.000Z"],
    ["2026-02-10", "2026-02-10T00:00:00.000Z"],
  ])("from %s on nobody vouches for a hold", async (captureBefore, deadline) => {
    const held = { status: "authorized", authorizedAt: "2026-02-03T10:00:00+00:00", captureBefore };
    const end = Date.parse(deadline);
    const before = await mapped(held, end - 1);
    expect(before.findings).toEqual([]);
    expect(before.lookAgain).toEqual({ at: new Date(end + 60_000).toISOString() });
    expect((await mapped(held, end)).findings).toEqual([
      { name: "authorization-at-risk", id: "tr_1", deadline, facts: { amount: 10_000, currency: "EUR" } },
    ]);
    expect((await mapped({ ...held, status: "paid" }, end)).findings).toEqual([]);
  });

  it("takes no token of an answer about another mandate", async () => {
    const first = { sequenceType: "first", customerId: "cst_1", mandateId: "mdt_1" };
    const mandate = async (id: string) => {
      nock(apiUrl).get("/v2/customers/cst_1/mandates/mdt_1").reply(200, { id, status: "valid" });
      return (await mapped(first)).recurring?.token;
    };
    expect([await mandate("mdt_1"), await mandate("mdt_2")]).toEqual(["mdt_1", undefined]);
  });
});

it("echoes are texts of fields that are called like ours", () => {
  expect(echoesIn("p_1")).toEqual(["p_1"]);
  expect(echoesIn({ paymentId: "p_1", order_id: "o_1", customer: "somebody", weight: 3 })).toEqual(["p_1", "o_1"]);
  expect(echoesIn(["p_1"])).toEqual([]);
  // As Mollie's own documentation shows it.
  expect(echoesIn('{"order_id":"o_1","bookkeeping_id":12345}')).toEqual(["o_1"]);
  expect(echoesIn("{p_1")).toEqual(["{p_1"]);
});

it.each([
  [404, "works"],
  [401, "refused"],
  [403, "unreachable"],
])("a key that is answered %d %s", async (status, is) => {
  nock(apiUrl).get("/v2/payments/tr_0").reply(status, { status });
  expect(await adapter.probe(contextWith())).toMatchObject([{ is, live: false }]);
});

it("takes the keys of a profile alone, as they are", () => {
  expect(config.safeParse({ adapterId: "a", apiUrl, apiKey: "access_1" }).success).toBe(false);
  expect(config.safeParse({ adapterId: "a", apiUrl, apiKey: "live_key\n" }).success).toBe(false);
});
