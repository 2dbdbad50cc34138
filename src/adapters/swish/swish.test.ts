import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import nock from "nock";
import type { Json, KeptEvent, LookContext, OperationCall, RawRequest } from "../../contract/adapter.ts";
import { createHttp } from "../../lib/http.ts";
import { createTransport, type Transport } from "../../lib/transport.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";
import {
  authority,
  clientCertificate,
  clientKey,
  clientPassphrase,
  clientPkcs12,
  foreignCertificate,
  foreignKey,
  serverCertificate,
  serverKey,
} from "../../../test/support/certificates.ts";
import { identityOf, lifeOf } from "./certificate.ts";
import { fetchSnapshot, isSameId } from "./client.ts";
import { type Config, config } from "./config.ts";
import { expiryFinding } from "./expiry.ts";
import adapter from "./index.ts";
import { minorOf, msOf, type Payment, type Refund, type Snapshot } from "./schema.ts";
import { payment as paymentWebhook, refundEvent } from "./webhooks.ts";

const apiUrl = "https://swish.example.invalid/swish-cpcapi";
const [id, of, refundId] = ["0A1B2C3D4E5F60718293A4B5C6D7E8F9", "F00DF00DF00D4CAF".repeat(2), "B1".repeat(16)] as const;
const pem = { certificate: clientCertificate, privateKey: clientKey };
const common = { adapterId: "a", apiUrl, payeeAlias: "1230000000" };
const paid: Payment = {
  id,
  status: "PAID",
  amount: 100,
  currency: "SEK",
  payeeAlias: "1230000000",
  dateCreated: "2026-02-03T10:15:30.123Z",
  errorCode: null,
  paymentReference: of,
};
const refund: Refund = {
  id: refundId,
  originalPaymentReference: of,
  status: "PAID",
  amount: "40.00",
  currency: "SEK",
  dateCreated: "2026-02-03T11:17:00.123+0100",
};
const now = Date.parse("2026-02-03T10:20:00.000Z");

function contextWith({
  settings = config.parse({ ...common, ...pem }),
  kept = [],
  memory = {},
  transport,
}: {
  readonly settings?: Config;
  readonly kept?: readonly KeptEvent[];
  readonly memory?: Readonly<Record<string, Json>>;
  readonly transport?: Transport;
} = {}): LookContext<Config> {
  return {
    config: settings,
    ...asking(memory),
    now,
    kept: async () => kept,
    payment: { paymentId: "p_1", amount: 10_000, currency: "SEK", reference: id, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "swish", transport, ...options }),
  };
}

/** A line that names a refund, as it is read back. */
function keptOf(named: string): KeptEvent {
  const { key, type, at, line } = refundEvent(named, "2026-02-03T10:17:00.000Z");
  return { key, type, at, ...line };
}

function snapshotOf(payment: Partial<Payment>, more: Partial<Snapshot> = {}): Snapshot {
  return { payment: { ...paid, ...payment }, ended: [], refunds: [], awaited: [], certificate: null, ...more };
}

answerByNock("localhost");

describe("the client certificate", () => {
  const asPkcs12 = { pkcs12: clientPkcs12.toString("base64"), passphrase: clientPassphrase };

  describe("is shown to a server that asks for it", () => {
    let server: Server;
    let baseUrl = "";
    beforeAll(async () => {
      server = createServer(
        { cert: serverCertificate, key: serverKey, ca: authority, requestCert: true, rejectUnauthorized: true },
        (_, response) => void response.writeHead(404).end(),
      );
      await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
      baseUrl = `https://localhost:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    // Whether a refusal's alert or the end of the connection is seen first is chance.
    const inVain = /^(refused|unreachable)$/;
    it.each([
      ["PEM", pem, /^works$/],
      ["PEM in one line", { certificate: inOneLine(clientCertificate), privateKey: inOneLine(clientKey) }, /^works$/],
      ["PKCS#12", asPkcs12, /^works$/],
      ["another authority's", { certificate: foreignCertificate, privateKey: foreignKey }, inVain],
      ["a wrong passphrase", { ...asPkcs12, passphrase: "another" }, /^refused$/],
    ])("%s: %s", async (_, credentials, is) => {
      nock.restore();
      const settings = config.parse({ ...common, ...credentials, apiUrl: baseUrl });
      const transport = createTransport({ trusted: authority });
      const probed = await adapter.probe(contextWith({ settings, transport }));
      nock.activate();
      expect(probed).toMatchObject([{ is: expect.stringMatching(is), live: false }]);
      if (probed[0]?.is === "works") expect(probed[0].expires).toBe("2120-01-01T00:00:00.000Z");
    });
  });

  it("says when it ends, whatever it comes in", () => {
    const life = { serial: "04", ends: "2120-01-01T00:00:00.000Z" };
    expect(lifeOf(pem)).toEqual(life);
    expect(lifeOf(asPkcs12)).toEqual(life);
    expect(lifeOf({ ...asPkcs12, passphrase: "another" })).toBeUndefined();
  });

  it.each([
    ["line breaks", clientKey],
    ["blanks", inOneLine(clientKey)],
    ["escaped line breaks", clientKey.trim().replaceAll("\n", String.raw`\n`)],
  ])("is PEM with %s", (_, privateKey) => {
    expect(identityOf({ certificate: clientCertificate, privateKey }).key).toBe(clientKey);
  });

  const days = (count: number): string => new Date(now + count * 86_400_000).toISOString();
  it.each([
    [61, undefined],
    [59, 60],
    [29, 30],
    [13, 14],
    [-1, 14],
  ])("that ends in %d days is told of within %s", (left, withinDays) => {
    const [finding] = expiryFinding({ serial: "04", ends: days(left) }, now);
    expect(finding?.facts?.["withinDays"]).toBe(withinDays);
  });
});

describe("settings", () => {
  it.each([
    ["PEM", pem, true],
    ["nothing to be known by", {}, false],
    ["a certificate without its key", { certificate: clientCertificate }, false],
    ["both", { ...pem, pkcs12: "AAAA" }, false],
    ["a certificate that is none", { ...pem, certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n" }, false],
    ["a number of the simulator's there", { ...pem, payeeAlias: "1234679304" }, true],
    ["and at the live address", { ...pem, payeeAlias: "1234679304", apiUrl: "https://cpc.getswish.net/x" }, false],
    ["a merchant's at the live address", { ...pem, apiUrl: "https://cpc.getswish.net/swish-cpcapi" }, true],
  ])("%s", (_, more, good) => {
    expect(config.safeParse({ ...common, ...more }).success).toBe(good);
  });
});

describe("a callback", () => {
  const told = (value: unknown) => {
    const body = Buffer.from(JSON.stringify(value));
    const request: RawRequest = { method: "POST", url: "/", query: new URLSearchParams(), headers: {}, body };
    return paymentWebhook.parse(request, { adapter: "swish", merchant: "acme", channel: "se" }, contextWith().config);
  };

  it.each([
    ["a payment", { id, status: "PAID" }, [{ key: id, reference: id }]],
    ["an id in lower case", { id: id.toLowerCase() }, [{ reference: id }]],
    [
      "a refund at the payment's URL",
      { id: refundId, originalPaymentReference: of, amount: "40.00" },
      [{ type: "refund", line: { amount: 0, facts: { refund: refundId } } }],
    ],
    ["a payout", { payoutInstructionUUID: id }, []],
  ])("of %s", (_, value, events) => {
    expect(told(value)).toMatchObject(events);
  });

  it.each([[[]], [{}], [{ id: "../refunds" }], [{ id: 7 }]])("that names nothing: %j", (value) => {
    expect(() => told(value)).toThrow(expect.objectContaining({ kind: "MalformedWebhook" }));
  });
});

describe("fetch", () => {
  const swish = () => nock(apiUrl);
  const payment = { ...paid, payerAlias: "46701234567", message: "Order", errorMessage: "", datePaid: null };

  it("asks by the id as Swish writes it, and for nothing that is none", async () => {
    swish().get(`/api/v1/paymentrequests/${id}`).reply(200, payment);
    const snapshot = await fetchSnapshot("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", contextWith());
    expect(snapshot?.payment.id).toBe(id);
    expect(JSON.stringify(snapshot)).not.toContain("46701234567");
    expect(await fetchSnapshot("../refunds", contextWith())).toBeNull();
    expect(isSameId("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", id)).toBe(true);
  });

  it("refuses a payment to another number of the same certificate", async () => {
    swish()
      .get(`/api/v1/paymentrequests/${id}`)
      .reply(200, { ...payment, payeeAlias: "1239999999" });
    await expect(fetchSnapshot(id, contextWith())).rejects.toMatchObject({ context: { reason: "other-payee" } });
  });

  it("counts refunds of this payment alone, and asks for none that has ended", async () => {
    const [foreign, ended, unknown] = ["C2".repeat(16), "D3".repeat(16), "E4".repeat(16)] as const;
    swish()
      .get(`/api/v1/paymentrequests/${id}`)
      .reply(200, payment)
      .get(`/api/v1/refunds/${refundId}`)
      .reply(200, refund)
      .get(`/api/v1/refunds/${foreign}`)
      .reply(200, { ...refund, id: foreign, originalPaymentReference: id })
      .get(`/api/v1/refunds/${unknown}`)
      .reply(404);
    const kept = [foreign, ended, refundId, unknown].map(keptOf);
    const memory = { ended: [{ id: ended, is: "PAID", amount: 1_000 }] };
    const snapshot = await fetchSnapshot(id, contextWith({ kept, memory }));
    expect(snapshot?.refunds.map((one) => one.id)).toEqual([refundId]);
    expect(snapshot?.awaited).toEqual(["2026-02-03T10:17:00.000Z"]);
    expect(snapshot === null ? null : adapter.map(snapshot, { now }).money.refunded).toBe(5_000);
  });
});

it("takes texts that are empty for none, in payments and in refunds", async () => {
  const none = { errorCode: "", errorMessage: "", datePaid: "", payeePaymentReference: "" };
  nock(apiUrl)
    .get(`/api/v1/paymentrequests/${id}`)
    .reply(200, { ...paid, ...none });
  nock(apiUrl)
    .get(`/api/v1/refunds/${refundId}`)
    .reply(200, { ...refund, ...none });
  const snapshot = await fetchSnapshot(id, contextWith({ kept: [keptOf(refundId)] }));
  if (snapshot === null) throw new Error("nothing was read");
  expect(adapter.map(snapshot, { now })).toMatchObject({
    money: { captured: 10_000, refunded: 4_000 },
    attributes: { status: "PAID" },
    echoes: [],
  });
  const open = { ...paid, ...none, status: "DECLINED", paymentReference: "" };
  nock(apiUrl).get(`/api/v1/paymentrequests/${id}`).reply(200, open);
  expect((await fetchSnapshot(id, contextWith()))?.payment.paymentReference).toBeUndefined();
});

describe("a refund that is asked for", () => {
  const call: OperationCall = {
    name: "refund",
    id: "0f0e4f0a-9c0e-4f8b-8a1d-000000000001",
    amount: 4_050,
    currency: "SEK",
    whole: false,
    now,
  };
  const own = "0F0E4F0A9C0E4F8B8A1D000000000001";
  const ask = async (status: number, body?: object) => {
    nock(apiUrl)
      .put(`/api/v2/refunds/${own}`, {
        originalPaymentReference: of,
        callbackUrl: "https://worker.example.invalid/refund",
        payerAlias: "1230000000",
        amount: "40.50",
        currency: "SEK",
      })
      .reply(status, body);
    return await adapter.operations.refund?.(call, snapshotOf({}), contextWith());
  };
  const fault = (errorCode: string) => [{ errorCode, errorMessage: "a sentence", additionalInformation: null }];

  it("goes by the bank's reference, its own id in the path, and is kept", async () => {
    expect(await ask(201)).toMatchObject({ is: "accepted", pspId: own, event: { line: { facts: { refund: own } } } });
  });

  it("is the first attempt's where its id is used (RP09)", async () => {
    nock(apiUrl)
      .get(`/api/v1/refunds/${own}`)
      .reply(200, { ...refund, id: own });
    expect(await ask(422, fault("RP09"))).toMatchObject({ is: "accepted", pspId: own });
  });

  it.each([
    ["by nobody knows what (404)", 404, undefined],
    ["by another payment's refund", 200, { ...refund, id: own, originalPaymentReference: id }],
  ])("is unknown where its id is used %s", async (_, status, body) => {
    nock(apiUrl).get(`/api/v1/refunds/${own}`).reply(status, body);
    await expect(ask(422, fault("RP09"))).rejects.toMatchObject({ kind: "Unreachable" });
  });

  it.each([
    ["RF02", { is: "refused", reason: "RF02" }],
    ["RF08", { is: "refused", reason: "RF08" }],
  ])("is refused by its code: %s", async (code, result) => {
    expect(await ask(422, fault(code))).toEqual(result);
  });

  it.each([
    ["another one is being carried out", 422, fault("RF09"), "Unreachable"],
    ["the bank stumbles", 422, fault("FF10"), "Unreachable"],
    ["the certificate is another number's", 403, undefined, "Unauthorized"],
    ["Swish gives up", 504, undefined, "Unreachable"],
  ])("is asked for again where %s", async (_, status, body, kind) => {
    await expect(ask(status, body)).rejects.toMatchObject({ kind });
  });

  it("is refused where the bank's reference is not known", async () => {
    const snapshot = snapshotOf({ paymentReference: null });
    const result = await adapter.operations.refund?.(call, snapshot, contextWith());
    expect(result).toEqual({ is: "refused", reason: "no-payment-reference" });
  });
});

describe("the map", () => {
  const created = { status: "CREATED", paymentReference: null, dateCreated: "2026-02-03T10:00:00.000Z" } as const;
  const at = (seconds: number): number => Date.parse(created.dateCreated) + seconds * 1_000;
  it.each([
    [0, { at: "2026-02-03T10:00:05.000Z" }],
    [5, { at: "2026-02-03T10:00:15.000Z" }],
    [16, { at: "2026-02-03T10:00:30.000Z" }],
    [250, { at: "2026-02-03T10:06:00.000Z" }],
    [360, { growing: created.dateCreated }],
    [86_400, undefined],
  ])("looks again %d seconds after the request was made", (seconds, lookAgain) => {
    expect(adapter.map(snapshotOf(created), { now: at(seconds) }).lookAgain).toEqual(lookAgain);
  });

  it.each([
    ["a code that nobody knows", { status: "ERROR", errorCode: "XX99" }],
    ["an error without its code", { status: "ERROR" }],
    ["a status that nobody knows", { status: "SETTLED" }],
  ])("guesses at nothing: %s", (_, said) => {
    const snapshot = snapshotOf(said as Partial<Payment>);
    expect(() => adapter.map(snapshot, { now })).toThrow(expect.objectContaining({ kind: "Unmapped" }));
  });

  it.each(["ACMT02", "RP07"])("fails by %s, which Swish says of an account or a request", (errorCode) => {
    const desired = adapter.map(snapshotOf({ status: "ERROR", errorCode } as Partial<Payment>), { now });
    expect(desired).toMatchObject({ phase: "failed", transactions: [{ errorDetail: errorCode }] });
  });

  it("finds a payment that Swish had lost track of paid", () => {
    expect(adapter.map(snapshotOf({ status: "ERROR", errorCode: "DS24" }), { now }).phase).toBe("awaiting");
    expect(adapter.map(snapshotOf({}), { now }).money.captured).toBe(10_000);
  });

  it("finds our id in what the merchant wrote, with and without its dashes", () => {
    const echoes = (payeePaymentReference: string | null) =>
      adapter.map(snapshotOf({ payeePaymentReference }), { now }).echoes;
    expect(echoes(null)).toEqual([]);
    expect(echoes("p_1")).toEqual(["p_1"]);
    expect(echoes("0f0e4f0a9c0e4f8b8a1d000000000001")[1]).toBe("0f0e4f0a-9c0e-4f8b-8a1d-000000000001");
  });
});

it.each([
  [249, 24_900],
  [249.5, 24_950],
  [1148.54, 114_854],
  ["249.00", 24_900],
  ["0.01", 1],
  ["100", 10_000],
])("the amount %s is %d", (amount, minor) => {
  expect(minorOf({ amount })).toBe(minor);
});

it.each(["1e3", "10,00", 0.001, -1, 1e21, ""])("%s is no amount", (amount) => {
  expect(() => minorOf({ amount })).toThrow(expect.objectContaining({ kind: "Unmapped" }));
});

it.each([
  ["2026-01-05T11:15:30.123+0100", "2026-01-05T10:15:30.123Z"],
  ["2026-01-05T11:15:30.123+01:00", "2026-01-05T10:15:30.123Z"],
  ["2026-01-05T10:15:30.123Z", "2026-01-05T10:15:30.123Z"],
  ["2026-01-05T10:15:30", "2026-01-05T10:15:30.000Z"],
])("%s is %s", (text, time) => {
  expect(new Date(msOf(text)).toISOString()).toBe(time);
});

it.each([
  [404, "works"],
  [401, "refused"],
  [403, "refused"],
  [500, "unreachable"],
])("a certificate that is answered %d %s", async (status, is) => {
  nock(apiUrl)
    .get(`/api/v1/paymentrequests/${"0".repeat(32)}`)
    .times(3)
    .reply(status);
  expect(await adapter.probe(contextWith())).toMatchObject([{ is, live: false }]);
});

function inOneLine(text: string): string {
  return text.trim().replaceAll("\n", " ");
}
