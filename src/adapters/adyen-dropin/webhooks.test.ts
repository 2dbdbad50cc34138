import { createHmac } from "node:crypto";
import fc from "fast-check";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import type { Proof, PspEvent, RawRequest } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";
import { webhook } from "./webhooks.ts";
import { isProven } from "../../signatures/proven.ts";
import { filesOf } from "../../../test/support/signing.ts";

const key = "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20";
const target = { adapter: "adyen-dropin", merchant: "acme", channel: "se" };
const tokenBody =
  '{"createdAt":"2026-02-03T11:15:30+01:00","environment":"test","eventId":"P4YMAB12CD34EF56","type":"recurring.token.created","data":{"merchantAccount":"NorceTestECOM","storedPaymentMethodId":"T0K3NAB12CD34EF5","type":"visastandarddebit","operation":"created","shopperReference":"shopper-77"}}';
const tokenSignature = "t6Ib6VK4UhDTlG3i+b2yQTu9GVTcBWuWbRp6ySBrDyE=";

interface Item {
  readonly [name: string]: unknown;
  readonly additionalData?: Readonly<Record<string, unknown>>;
}

function settings(more: Partial<Config> = {}): Config {
  return config.parse({
    adapterId: "a",
    apiUrl: "https://checkout-test.adyen.com/v71",
    adyenApiKey: "k",
    merchantAccount: "NorceTestECOM",
    webhookHmacKey: key,
    ...more,
  });
}

function received(body: unknown, headers: Readonly<Record<string, string>> = {}): RawRequest {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.from(text, "utf8") };
}

function standard(items: readonly Item[], live: unknown = "false"): unknown {
  return { live, notificationItems: items.map((NotificationRequestItem) => ({ NotificationRequestItem })) };
}

function sign(text: string): string {
  return createHmac("sha256", Buffer.from(key, "hex")).update(text).digest("base64");
}

/** An item that Adyen could have signed. */
function signed(item: Item = {}): Item {
  const whole: Item = {
    pspReference: "P4YMAB12CD34EF56",
    merchantAccountCode: "NorceTestECOM",
    merchantReference: "p_1",
    amount: { value: 10000, currency: "SEK" },
    eventCode: "AUTHORISATION",
    eventDate: "2026-02-03T11:15:30+01:00",
    success: "true",
    ...item,
  };
  const { value = "", currency = "" } = (whole["amount"] ?? {}) as { value?: unknown; currency?: unknown };
  const texts = [
    whole["pspReference"],
    whole["originalReference"] ?? "",
    whole["merchantAccountCode"],
    whole["merchantReference"] ?? "",
    value,
    currency,
    whole["eventCode"],
    whole["success"],
  ];
  return { ...whole, additionalData: { ...item.additionalData, hmacSignature: sign(texts.map(String).join(":")) } };
}

async function proofOf(request: RawRequest, by = settings(), files: Record<string, string> = {}): Promise<Proof> {
  const context = {
    config: by,
    target,
    webhook: "webhook",
    callbackKeys: [],
    files: filesOf(files),
    publicUrl: "http://localhost",
  };
  return await webhook.verify.check(request, context);
}

async function proves(request: RawRequest, by = settings()): Promise<boolean> {
  return isProven(await proofOf(request, by));
}

function eventsOf(...items: readonly Item[]): readonly PspEvent[] {
  return webhook.parse(received(standard(items)), target, settings());
}

function eventOf(item: Item): PspEvent {
  const [event] = eventsOf(signed(item));
  if (event === undefined) throw new Error("no event");
  return event;
}

const published = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00";
const nodeItem = {
  pspReference: "pspReference",
  originalReference: "originalReference",
  merchantAccountCode: "merchantAccount",
  merchantReference: "reference",
  amount: { currency: "EUR", value: 1000 },
  eventDate: "1970-01-01T00:00:00.000Z",
  paymentMethod: "VISA",
  reason: "reason",
  success: "true",
};
const composed = {
  merchantAccountCode: "NorceTestECOM",
  merchantReference: "o_Demo:p_1",
  amount: { currency: "SEK", value: 24950 },
  success: "true",
};

const slashed = {
  merchantAccountCode: "AntoniStroinski",
  amount: { currency: "EUR", value: 1000 },
  eventCode: "AUTHORISATION",
  success: "true",
};
const slashedKey = "74F490DD33F7327BAECC88B2947C011FC02D014A473AAA33A8EC93E4DC069174";
const phpItem = {
  pspReference: "7914073381342284",
  merchantAccountCode: "TestMerchant",
  merchantReference: "TestPayment-1407325143704",
  amount: { value: 1130, currency: "EUR" },
  eventCode: "AUTHORISATION",
  success: "true",
};

/** What Adyen's libraries test their own verifiers with, beside what docs/psp/adyen.md, (b.2) and (b.3), has. */
const publishedBesides = [
  [
    "Java, HMACValidatorTest: an amount as text",
    "9064450A8892A093D9E97EFCC9639DE31B74F3A7803135555A3C96F5A57915D6",
    {
      amount: { currency: "EUR", value: "0" },
      eventCode: "REPORT_AVAILABLE",
      eventDate: "2019-11-20T14:35:36+01:00",
      merchantAccountCode: "Magento2Rik",
      merchantReference: "testMerchantRef1",
      pspReference: "test_REPORT_AVAILABLE",
      reason: "will contain the url to the report",
      success: "true",
    },
    "NuEkADFmlCC6VgX+wcoPAegIWxVPNBPCuKlM4Hzo5qc=",
  ],
  ["PHP, HmacSignatureTest", published, phpItem, "Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I="],
  [
    "PHP, HmacSignatureTest: an amount of zero",
    "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    { ...phpItem, amount: { value: 0, currency: "EUR" }, eventCode: "REFUND" },
    "J7HhsgZo5KwqdB7LFZJV6rfQgp+RqC2kuYyw/3x3w+8=",
  ],
  [
    "PHP, HmacSignatureTest: a colon, and an empty original reference",
    "C56F00E99723D90F65254B00746844BED11BCDD0DD42B26EC980DC1301C6CD20",
    {
      ...phpItem,
      amount: { currency: "EUR", value: 113000 },
      merchantAccountCode: "PHPApiLibrary",
      merchantReference: "auth:123",
      originalReference: "",
      pspReference: "TEST_CUSTOM_7914073381342284",
    },
    "ovT21mqdbQToGbWssIhnBXAlnkhgKuehtGwvYFf5h2Q=",
  ],
  [
    "Python, UtilTest: backslashes",
    slashedKey,
    { ...slashed, merchantReference: String.raw`\\slashes are fun`, pspReference: "T7FD4VM4D3RZNN82" },
    "nIgT81gaB5oJpn2jPXupDq68iRo2wUlBsuYjtYfwKqo=",
  ],
  [
    "Python, UtilTest: a colon at the start",
    slashedKey,
    { ...slashed, merchantReference: ":slashes are fun", pspReference: "M8NB66SBZSGLNK82" },
    "2EQYm7YJpKO4EtHSPu55SQTyWf8dkW5u2nD1tJFpViA=",
  ],
  [
    "Python, UtilTest: slashes",
    slashedKey,
    { ...slashed, merchantReference: "//slashes are fun", pspReference: "X3GWNS6KJ8NKGK82" },
    "9Z0xdpG9Xi3zcmXv14t/BvMBut77O/Xq9D4CQXSDUi4=",
  ],
  [
    "Java and Ruby: all of them",
    slashedKey,
    { ...slashed, merchantReference: String.raw`\:/\/slashes are fun`, pspReference: "ZVWN7D3WSMK2WN82" },
    "CZErGCNQaSsxbaQfZaJlakqo7KPP+mIa8a+wx3yNs9A=",
  ],
  [
    "Omnipay, NotificationRequestTest: a webhook of Adyen's",
    "26A15FF9B91CBECB01B313816D3D9008B47E810E478D622B4DBDF34D8E085200",
    {
      ...phpItem,
      amount: { currency: "GBP", value: 1199 },
      merchantAccountCode: "AcademeComputingLtdUK",
      merchantReference: "Trans-639224",
      pspReference: "8525407289992650",
    },
    "tCMgvuxaWxh4/9FEZ+hfC9gwdc2DTQnBe1hCLfDNNG4=",
  ],
] as const;

describe("the signature of an item", () => {
  it.each(publishedBesides)("is proven as published: %s", async (_, webhookHmacKey, item, hmacSignature) => {
    const by = settings({ webhookHmacKey, merchantAccount: item.merchantAccountCode });
    const proven = async (changed: object) =>
      await proves(received(standard([{ ...item, ...changed, additionalData: { hmacSignature } }])), by);
    expect(await proven({})).toBe(true);
    expect(await proven({ merchantReference: `${item.merchantReference} ` })).toBe(false);
    expect(await proven({ originalReference: "P4YMAB12CD34EF56" })).toBe(false);
  });

  it.each([
    ["V1", published, { ...nodeItem, eventCode: "EVENT" }, "ipnxGCaUZ4l8TUW75a71/ghd2Fe5ffvX0pV4TLTntIc="],
    ["V2", published, { ...nodeItem, eventCode: "REPORT_AVAILABLE" }, "ZNBPtI+oDyyRrLyD1XirkKnQgIAlFc07Vj27TeHsDRE="],
    // The same file of the Node library, in an older version.
    ["a capture", published, { ...nodeItem, eventCode: "CAPTURE" }, "xhpHvYq2u2Np0rstbZ6QjLGu7JWhvf7Iwaa6EviJSX0="],
    [
      "V4",
      "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
      {
        pspReference: "7914073381342284",
        merchantAccountCode: "TestMerchant",
        merchantReference: "TestPayment-1407325143704",
        amount: { value: 1130, currency: "EUR" },
        eventCode: "AUTHORISATION",
        eventDate: "2019-05-06T17:15:34.121+02:00",
        operations: ["CANCEL", "CAPTURE", "REFUND"],
        paymentMethod: "visa",
        success: "true",
      },
      "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=",
    ],
    [
      "a composed authorisation",
      key,
      { ...composed, pspReference: "P4YMAB12CD34EF56", eventCode: "AUTHORISATION" },
      "tiKUzGC6m8DwSSOq8n5rMx0mqNCicP+sc74QIlTpZnM=",
    ],
    [
      "a composed capture",
      key,
      { ...composed, pspReference: "C4PTAB12CD34EF56", originalReference: "P4YMAB12CD34EF56", eventCode: "CAPTURE" },
      "q2TMQj1oBgzL3vQS35y+0NUW2JDxyyMxP/v8Z1LLKXk=",
    ],
  ])("%s is proven as published, and by nothing else", async (_, webhookHmacKey, item, hmacSignature) => {
    const by = settings({ webhookHmacKey, merchantAccount: item.merchantAccountCode });
    const request = received(standard([{ ...item, additionalData: { hmacSignature } }]));
    expect(await proves(request, by)).toBe(true);
    expect(await proves(request, { ...by, webhookHmacKey: "00".repeat(32) })).toBe(false);
    expect(await proves(request, { ...by, webhookHmacKey: ["00".repeat(32), webhookHmacKey] })).toBe(true);
    const other = {
      ...item,
      amount: { ...item.amount, value: item.amount.value + 1 },
      additionalData: { hmacSignature },
    };
    expect(await proves(received(standard([other])), by)).toBe(false);
  });

  it.each([
    ["no amount", { amount: undefined }],
    ["an amount of zero", { amount: { value: 0, currency: "EUR" } }],
    ["success as a boolean", { success: true }],
    ["a reference with spaces, colons and backslashes", { merchantReference: String.raw`a b:c\d\:e` }],
    ["letters of other alphabets", { merchantReference: "köp-№ 1" }],
    ["no merchant reference", { merchantReference: undefined }],
    ["an original reference that is null", { originalReference: null }],
  ])("is proven with %s", async (_, item) => {
    expect(await proves(received(standard([signed(item)])))).toBe(true);
  });

  it("is needed by every item of a batch", async () => {
    const good = signed();
    const { additionalData: _, ...bare } = signed({ pspReference: "S4CDAB12CD34EF56" });
    expect(await proves(received(standard([good, signed({ pspReference: "S4CDAB12CD34EF56" })])))).toBe(true);
    for (const bad of [bare, { ...bare, additionalData: { hmacSignature: "" } }, { ...good, success: "false" }, {}]) {
      expect(await proves(received(standard([good, bad])))).toBe(false);
      expect(await proves(received(standard([bad, good])))).toBe(false);
    }
    expect(await proves(received({ live: "false", notificationItems: [good] })), "not wrapped").toBe(false);
    expect(await proves(received(standard([]))), "no item").toBe(false);
  });

  it("does not prove fields that were split otherwise", async () => {
    const item = signed({ originalReference: "A", merchantReference: "B:C" });
    const moved = {
      ...item,
      pspReference: "P4YMAB12CD34EF56:A",
      originalReference: "NorceTestECOM",
      merchantAccountCode: "B",
      merchantReference: "C",
    };
    expect(await proves(received(standard([item])))).toBe(true);
    expect(await proves(received(standard([moved])), settings({ merchantAccount: "B" }))).toBe(false);
  });

  it("does not prove an item by a header, nor a token webhook by an item", async () => {
    const { additionalData: _, ...bare } = signed();
    const body = JSON.stringify(standard([bare]));
    expect(await proves(received(body, { hmacsignature: sign(body) }))).toBe(false);
    const text = JSON.stringify({ ...JSON.parse(tokenBody), additionalData: { hmacSignature: tokenSignature } });
    expect(await proves(received(text))).toBe(false);
  });

  it("is lost with any byte of what is signed", async () => {
    const text = JSON.stringify(standard([signed({ additionalData: {} })]));
    const unsigned = /"eventDate":"[^"]*"/.exec(text);
    let proven = 0;
    for (let at = 0; at < text.length; at += 1) {
      const isUnsigned = unsigned !== null && at >= unsigned.index && at < unsigned.index + unsigned[0].length;
      const isLive = text.slice(0, at + 1).length <= text.indexOf("notificationItems");
      const flipped = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      if (isUnsigned || isLive) continue;
      if (await proves(received(flipped))) proven += 1;
    }
    expect(proven).toBe(0);
  });

  it("is checked without throwing, whatever comes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        expect(await proves(received(text))).toBe(false);
        expect(await proves(received(`{"notificationItems":[${text}]}`))).toBe(false);
        expect(await proves(received(`{"notificationItems":[{"NotificationRequestItem":${text}}]}`))).toBe(false);
      }),
    );
  });
});

describe("the signature of a token webhook", () => {
  it("is proven as composed in docs/psp/adyen.md, (b.3), over the bytes alone", async () => {
    expect(Buffer.byteLength(tokenBody)).toBe(291);
    expect(await proves(received(tokenBody, { hmacsignature: tokenSignature }))).toBe(true);
    expect(await proves(received(`${tokenBody} `, { hmacsignature: tokenSignature }))).toBe(false);
    expect(await proves(received(tokenBody, {}))).toBe(false);
  });

  it("may have a key of its own, which then is the only one", async () => {
    const request = received(tokenBody, { hmacsignature: tokenSignature });
    const other = "00".repeat(32);
    expect(await proves(request, settings({ webhookHmacKey: other, tokenWebhookHmacKey: key }))).toBe(true);
    expect(await proves(request, settings({ tokenWebhookHmacKey: other }))).toBe(false);
    expect(await proves(request, settings({ tokenWebhookHmacKey: [other, key] }))).toBe(true);
  });
});

describe("another webhook of the endpoint", () => {
  // Published in Adyen's PHP library, HmacSignatureTest.
  const platform =
    '{"data":{"balancePlatform":"Integration_tools_test","accountId":"BA32272223222H5HVKTBK4MLB","sweep":{"id":"SWPC42272223222H5HVKV6H8C64DP5","schedule":{"type":"balance"},"status":"active","targetAmount":{"currency":"EUR","value":0},"triggerAmount":{"currency":"EUR","value":0},"type":"pull","counterparty":{"balanceAccountId":"BA3227C223222H5HVKT3H9WLC"},"currency":"EUR"}},"environment":"test","type":"balancePlatform.balanceAccountSweep.updated"}';
  const by = settings({ webhookHmacKey: "D7DD5BA6146493707BF0BE7496F6404EC7A63616B7158EC927B9F54BB436765F" });

  it("is taken and gives no event: refused, it would come for a month and hold back the others", async () => {
    const request = received(platform, { hmacsignature: "9Qz9S/0xpar1klkniKdshxpAhRKbiSAewPpWoxKefQA=" });
    expect(await proves(request, by)).toBe(true);
    expect(webhook.parse(request, target, by)).toEqual([]);
    expect(await proves(received(platform, {}), by)).toBe(false);
    const ach = JSON.stringify({ type: "ach.notificationOfChange", environment: "test", data: { pspReference: "Q" } });
    expect(await proves(received(ach, { hmacsignature: sign(ach) }))).toBe(true);
    expect(webhook.parse(received(ach), target, settings())).toEqual([]);
  });

  it("is refused all the same where it is live and this is a test", async () => {
    const live = JSON.stringify({ type: "ach.notificationOfChange", environment: "live", data: {} });
    expect(await proves(received(live, { hmacsignature: sign(live) }))).toBe(false);
  });

  it("is refused where it is about a token of no merchant account", async () => {
    const bare = JSON.stringify({ ...JSON.parse(tokenBody), data: { storedPaymentMethodId: "T0K3NAB12CD34EF5" } });
    expect(await proves(received(bare, { hmacsignature: sign(bare) }))).toBe(false);
  });
});

describe("whose it is", () => {
  const live = settings({ apiUrl: "https://x-checkout-live.adyenpayments.com/checkout/v71" });

  it.each([
    ["false", true, false],
    [false, true, false],
    ["true", false, true],
    [true, false, true],
    [undefined, true, false],
    ["maybe", true, false],
  ])("live %j: for a test %s, for live %s", async (said, test, alive) => {
    const request = received(standard([signed()], said));
    expect(await proves(request)).toBe(test);
    expect(await proves(request, live)).toBe(alive);
  });

  it("keeps the tokens of test and live apart", async () => {
    const body = tokenBody.replace('"test"', '"live"');
    const request = received(body, { hmacsignature: sign(body) });
    expect(await proves(request)).toBe(false);
    expect(await proves(request, live)).toBe(true);
    expect(await proves(received(tokenBody, { hmacsignature: tokenSignature }), live)).toBe(false);
  });

  it("takes and drops what is another merchant account's of the company, once it is proven", async () => {
    const other = signed({ merchantAccountCode: "AnotherECOM" });
    const foreign = { drop: "other-account" };
    expect(await proofOf(received(standard([other])))).toEqual(foreign);
    const { additionalData: _, ...unsigned } = other;
    expect(await proofOf(received(standard([unsigned])))).toBe(false);
    expect(await proves(received(standard([signed(), other])))).toBe(true);
    expect(eventsOf(signed(), other)).toEqual(eventsOf(signed()));
    const body = tokenBody.replace("NorceTestECOM", "AnotherECOM");
    expect(await proofOf(received(body, { hmacsignature: sign(body) }))).toEqual(foreign);
    expect(await proofOf(received(body, { hmacsignature: tokenSignature }))).toBe(false);
  });

  it("takes what no payment stands behind, and drops it where it is not signed", async () => {
    const report = {
      eventCode: "REPORT_AVAILABLE",
      pspReference: "settlement_batch_1.csv",
      merchantAccountCode: "Company",
    };
    const ping = { eventCode: "AUTHORISATION", pspReference: "testnotification_1" };
    for (const item of [report, ping])
      expect(await proofOf(received(standard([item])))).toEqual({ drop: "no-payment" });
    expect(await proves(received(standard([report, signed()])))).toBe(true);
    expect(eventsOf(report, signed())).toEqual(eventsOf(signed()));
    expect(await proofOf(received(standard([report, { ...signed(), success: "false" }])))).toBe(false);
  });

  it("looks at no more items than Adyen would send", async () => {
    const many = (count: number) =>
      received(standard(Array.from({ length: count }, (_, at) => signed({ pspReference: `P${at}` }))));
    expect(await proves(many(100))).toBe(true);
    expect(await proofOf(many(101))).toBe(false);
    const flood = received(standard(Array.from({ length: 33_000 }, () => ({}))));
    await proofOf(flood);
    const before = process.cpuUsage();
    for (let round = 0; round < 10; round += 1) expect(await proofOf(flood)).toBe(false);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 10_000, "milliseconds of processor time each").toBeLessThan(150);
  });

  it("wants the password of the endpoint where there is one", async () => {
    const body = JSON.stringify(standard([signed()]));
    const basic = (name: string, password: string) => ({
      authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`,
    });
    const by = settings({ webhookPassword: ["new", "old"] });
    expect(await proves(received(body, basic("adyen", "new")), by)).toBe(true);
    expect(await proves(received(body, basic("adyen", "old")), by)).toBe(true);
    expect(await proves(received(body, basic("adyen", "other")), by)).toBe(false);
    expect(await proves(received(body, basic("norce", "new")), by)).toBe(false);
    expect(await proves(received(body), by)).toBe(false);
  });

  it("wants a token of the merchant's identity provider where one is named, besides the signature and never instead", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const [issuer, audience, jwksUrl] = ["https://id.example", "psp", "https://id.example/keys"];
    const keys = { [jwksUrl]: JSON.stringify({ keys: [await exportJWK(publicKey)] }) };
    const tokenFor = async (aud: string) =>
      await new SignJWT({})
        .setProtectedHeader({ alg: "ES256" })
        .setIssuer(issuer)
        .setAudience(aud)
        .setExpirationTime("1h")
        .sign(privateKey);
    const authorization = `Bearer ${await tokenFor(audience)}`;
    const by = settings({ webhookOAuth: { issuer, audience, jwksUrl }, webhookPassword: "for token webhooks" });
    const item = signed();
    const body = JSON.stringify(standard([item]));
    const forged = JSON.stringify(standard([{ ...item, amount: { value: 99999, currency: "SEK" } }]));
    const proof = async (text: string, headers: Record<string, string>, lying = keys) =>
      await proofOf(received(text, headers), by, lying);
    expect(isProven(await proof(body, { authorization }))).toBe(true);
    expect(await proof(forged, { authorization })).toBe(false);
    expect(await proof(body, { authorization: `Bearer ${await tokenFor("other")}` })).toBe(false);
    expect(await proof(body, {})).toBe(false);
    expect(await proof(body, { authorization }, {}), "the provider is away: Adyen has to come again").toEqual({
      busy: true,
    });
    expect(await proof(forged, { authorization }, {}), "nobody is asked for what is forged").toBe(false);
    const basic = { authorization: `Basic ${Buffer.from("adyen:for token webhooks").toString("base64")}` };
    expect(await proves(received(tokenBody, { ...basic, hmacsignature: tokenSignature }), by)).toBe(true);
  });
});

describe("events", () => {
  it("looks by the original payment, then by the event's own reference, then by what we wrote", () => {
    expect(eventOf({}).clues).toEqual([{ reference: "P4YMAB12CD34EF56" }, { echo: "p_1" }]);
    const capture = { eventCode: "CAPTURE", pspReference: "C4PTAB12CD34EF56", originalReference: "P4YMAB12CD34EF56" };
    const event = eventOf({
      ...capture,
      merchantReference: "a capture's own",
      additionalData: { originalMerchantReference: "p_1" },
    });
    expect(event.reference).toBe("P4YMAB12CD34EF56");
    expect(event.clues).toEqual([
      { reference: "P4YMAB12CD34EF56" },
      { reference: "C4PTAB12CD34EF56" },
      { echo: "a capture's own" },
      { echo: "p_1", onlyOf: "P4YMAB12CD34EF56" },
    ]);
    expect(
      eventOf({ additionalData: { originalMerchantReference: "p_2" } }).clues,
      "what nobody signed leads nowhere by itself",
    ).toEqual([{ reference: "P4YMAB12CD34EF56" }, { echo: "p_1" }]);
  });

  it("has other keys for whatever else is signed, and one for a repeat, whatever nobody signed of it", () => {
    const keys = [
      {},
      { success: "false" },
      { amount: { value: 10001, currency: "SEK" } },
      { amount: { value: 10000, currency: "NOK" } },
      { merchantReference: "p_2" },
      { eventCode: "CAPTURE" },
      { pspReference: "S4CDAB12CD34EF56" },
      { originalReference: "O4RGAB12CD34EF56" },
    ].map((item) => eventOf(item).key);
    expect(new Set(keys).size).toBe(keys.length);
    const replays = [
      signed({ eventDate: "2026-02-09T10:15:30Z" }),
      signed({ paymentMethod: "swish", reason: "Transaction Recaptured" }),
      signed({ additionalData: { "tokenization.storedPaymentMethodId": "F0RE1GN", networkProcessingMode: "sale" } }),
    ];
    const [first, ...others] = eventsOf(signed(), ...replays);
    expect(first?.line).toEqual(eventOf({}).line);
    expect(others).toEqual([]);
  });

  it.each([
    ["no code", { eventCode: undefined, success: "true" }],
    ["a code that is none", { eventCode: "capture?", success: "true" }],
    ["an outcome that is none", { eventCode: "CAPTURE", success: "maybe" }],
    ["no reference of its own", { eventCode: "CAPTURE", success: "true", pspReference: undefined }],
  ])("are not held back by an item of %s", (_, item) => {
    const bad = signed({ pspReference: "C4PTAB12CD34EF56", originalReference: "P4YMAB12CD34EF56", ...item });
    const good = signed({ pspReference: "S4CDAB12CD34EF56" });
    for (const batch of [
      [bad, good],
      [good, bad],
    ]) {
      const events = eventsOf(...batch);
      expect(events).toContainEqual(eventOf(good));
      expect(events.find(({ type }) => type === "UNREADABLE")).toMatchObject({
        reference: "P4YMAB12CD34EF56",
        line: { event: "paymentAction", amount: 0, success: false },
      });
    }
    expect(() => eventsOf(bad)).toThrow("the webhook is not what Adyen documents");
  });

  it("keep no token of a contract that cannot be read", () => {
    const token = "M5N7TQ4TG5PFWR50";
    const contract = signed({ eventCode: "RECURRING_CONTRACT", pspReference: token, success: "maybe" });
    expect(JSON.stringify(eventsOf(signed(), contract))).not.toContain(token);
  });

  it("says what an item moved, in the units of ISO 4217", () => {
    expect(eventOf({ amount: { value: 279000, currency: "ISK" } }).line).toMatchObject({
      amount: 2790,
      currency: "ISK",
    });
    expect(eventOf({ success: "false", reason: "Refused" }).line).toMatchObject({
      event: "confirm",
      amount: 0,
      success: false,
      errorDetail: "Refused",
      facts: { amount: 10000 },
    });
  });

  it.each([
    ["CAPTURE", "true", "capture", true, 10000],
    ["CAPTURE", "false", "capture", false, 0],
    ["CAPTURE_FAILED", "true", "capture", false, 10000],
    ["CAPTURE_FAILED", "false", "capture", true, 0],
    ["REFUND", "true", "refund", true, 10000],
    ["REFUND_FAILED", "true", "refund", false, 10000],
    ["REFUNDED_REVERSED", "true", "refund", false, 10000],
    ["CANCELLATION", "true", "cancel", true, 10000],
    ["CANCELLATION", "false", "cancel", false, 0],
    ["TECHNICAL_CANCEL", "true", "cancel", true, 10000],
    // Its amount is the original authorisation's.
    ["EXPIRE", "true", "cancel", true, 0],
    ["OFFER_CLOSED", "true", "cancel", true, 0],
    ["PENDING", "true", "process", true, 0],
    ["AUTHORISATION_ADJUSTMENT", "true", "paymentAction", true, 10000],
    ["AUTHORISATION_ADJUSTMENT", "false", "paymentAction", false, 0],
    ["CHARGEBACK", "true", "paymentAction", true, 0],
    ["ORDER_CLOSED", "false", "paymentAction", false, 0],
    ["SOMETHING_NEW", "true", "paymentAction", true, 0],
  ])("%s %s is a line %s, success %s, %i", (eventCode, success, event, isSuccess, amount) => {
    expect(eventOf({ eventCode, success }).line).toMatchObject({
      event,
      success: isSuccess,
      amount,
      pspStatus: eventCode,
    });
  });

  it.each(["refund", "cancel"])("names a reversal by what it did: %s", (action) => {
    const item = { eventCode: "CANCEL_OR_REFUND", additionalData: { "modification.action": action } };
    expect(eventOf(item).line).toMatchObject({ event: action, facts: { action } });
  });

  it("tells a shopper who went back from an issuer who refused", () => {
    expect(eventOf({ success: "false", reason: "Cancelled by Shopper" }).line?.event).toBe("reopen");
    for (const reason of ["CANCELLED", "Shopper Cancelled", "Cancelled by Shopper"])
      expect(eventOf({ success: "false", reason }).line?.event).toBe("reopen");
    for (const reason of ["FRAUD-CANCELLED", "Refused", "Issuer Unavailable"])
      expect(eventOf({ success: "false", reason }).line).toMatchObject({ event: "confirm", success: false });
  });

  it.each([
    ["REPORT_AVAILABLE", { eventCode: "REPORT_AVAILABLE", pspReference: "settlement_batch_1.csv", amount: undefined }],
    ["a payout", { eventCode: "PAYOUT_THIRDPARTY" }],
    ["a test ping", { pspReference: "test_AUTHORISATION_1" }],
    ["another test ping", { pspReference: "testnotification_AUTHORISATION_1" }],
    ["a test ping that somebody wrote", { pspReference: "TEST_CUSTOM_7914073381342284" }],
  ])("%s is proven and gives none", async (_, item) => {
    expect(await proves(received(standard([signed(item)])))).toBe(true);
    expect(eventsOf(signed(item))).toEqual([]);
    expect(eventsOf(signed(item), signed({ pspReference: "S4CDAB12CD34EF56" })), "beside another one").toHaveLength(1);
  });

  it("keeps nothing personal, and card data only in a token's description", () => {
    const additionalData = {
      cardHolderName: "canary",
      shopperEmail: "canary@example.invalid",
      "billingAddress.street": "canary",
      shopperIP: "192.0.2.1",
      cardBin: "canary",
      cardSummary: "1111",
      "tokenization.storedPaymentMethodId": "T0K3NAB12CD34EF5",
      "tokenization.shopperReference": "shopper-77",
    };
    const event = eventOf({
      additionalData,
      reason: "033899:1111:03/2030",
      paymentMethod: "visa",
      merchantReference: "p_1",
    });
    expect(JSON.stringify(event)).not.toMatch(/canary|192\.0|033899/);
    expect(event.line?.recurring).toMatchObject({ token: "T0K3NAB12CD34EF5", description: "visa •••• 1111" });
    expect(JSON.stringify({ ...event.line, recurring: null })).not.toContain("1111");
    expect(eventOf({ success: "false", reason: "4111111111111111" }).line?.errorDetail).toBeUndefined();
    expect(eventOf({ success: "false", reason: "a@example.invalid" }).line?.errorDetail).toBeUndefined();
  });

  it("never takes a token for a reference", () => {
    const token = "8415555555555555";
    const contract = { eventCode: "RECURRING_CONTRACT", pspReference: token, amount: { value: 0, currency: "EUR" } };
    const event = eventOf({
      ...contract,
      originalReference: "P4YMAB12CD34EF56",
      additionalData: { shopperReference: "shopper-77" },
    });
    expect(event.reference).toBe("P4YMAB12CD34EF56");
    expect(event.line?.recurring).toMatchObject({ token, attributes: { shopperReference: "shopper-77" } });
    expect(JSON.stringify({ ...event, line: { ...event.line, recurring: null } })).not.toContain(token);
    expect(eventOf(contract).reference).toBeUndefined();
  });

  it.each([
    ["created", "created", { firstPspReference: "QBQQ9DLNRHHKGK38" }],
    ["updated", "updated", {}],
    ["alreadyExisting", "alreadyExisting", {}],
    ["created", undefined, { firstPspReference: "QBQQ9DLNRHHKGK38" }],
    ["disabled", undefined, {}],
  ])("tell what became of a token: %s, operation %j", (what, operation, more) => {
    // As Adyen's Java, Node and PHP libraries have them.
    const type = `recurring.token.${what}`;
    const data = {
      merchantAccount: "NorceTestECOM",
      storedPaymentMethodId: "M5N7TQ4TG5PFWR50",
      type: "visastandarddebit",
      operation,
      shopperReference: "YOUR_SHOPPER_REFERENCE",
    };
    const body = { createdAt: "2025-06-30T16:40:23+02:00", eventId: "QBQQ9DLNRHHKGK38", environment: "test", data };
    const [event] = webhook.parse(received({ ...body, version: "1", type }), target, settings());
    const attributes = {
      shopperReference: "YOUR_SHOPPER_REFERENCE",
      paymentMethodVariant: "visastandarddebit",
      operationType: what,
      ...more,
    };
    expect(event).toMatchObject({ type, at: "2025-06-30T14:40:23.000Z", reference: "QBQQ9DLNRHHKGK38" });
    expect(event?.line?.recurring?.attributes).toEqual(attributes);
  });

  it("finds a token's payment by the event id alone", () => {
    const [event] = webhook.parse(received(tokenBody), target, settings());
    expect(event).toMatchObject({
      type: "recurring.token.created",
      at: "2026-02-03T10:15:30.000Z",
      reference: "P4YMAB12CD34EF56",
      clues: [{ reference: "P4YMAB12CD34EF56" }],
      line: { amount: 0, recurring: { token: "T0K3NAB12CD34EF5" } },
    });
    expect(event?.key).not.toContain("T0K3N");
    const unknown = received(tokenBody.replace("recurring.token.created", "balancePlatform.something"));
    expect(webhook.parse(unknown, target, settings())).toEqual([]);
  });
});
