import { createSign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { simulatorCertificate, simulatorKey } from "../adapters/paypal/simulator-certificate.ts";
import type { ProofContext, RawRequest } from "../contract/adapter.ts";
import { createPublicFiles } from "./public-files.ts";
import { rsaCertificate, type RsaClaim } from "./rsa-certificate.ts";

const name = "messageverificationcerts.sandbox.paypal.com";
const at = Date.parse("2026-02-03T10:00:00Z");
const text = "what was signed";
const sign = (of: string, key = simulatorKey): string => createSign("sha256").update(of).sign(key, "base64");
const signature = sign(text);

let answer: { status: number; body: string; location?: string } = { status: 200, body: simulatorCertificate };
let hangs = false;
let asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? "");
  if (hangs) return;
  response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
  response.end(answer.body);
});
let place = "";
let count = 0;
const files = createPublicFiles();
/** Certificates are cached by URL, so that each test has its own. */
const nextUrl = (): string => `${place}CERT-${(count += 1)}`;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  place = `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs/`;
});
beforeEach(() => {
  answer = { status: 200, body: simulatorCertificate };
  hangs = false;
  asked = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const request: RawRequest = {
  method: "POST",
  url: "/",
  query: new URLSearchParams(),
  headers: {},
  body: Buffer.from("body"),
};

async function check(
  url: string,
  more: Partial<Omit<RsaClaim, "certificate">> & Partial<RsaClaim["certificate"]> = {},
) {
  const { within = [place], names = [name], ...rest } = more;
  const claim: RsaClaim = { signature, texts: [text], at, ...rest, certificate: { url, within, names } };
  const verifier = rsaCertificate({ claim: () => claim, evidence: () => "evidence" });
  return await verifier.check(request, { files } as ProofContext<unknown>);
}

describe("a signature by the key of a certificate", () => {
  it("is fetched once and proves", async () => {
    const url = nextUrl();
    expect(await check(url)).toBe(true);
    expect(await check(url)).toBe(true);
    expect(asked).toEqual([new URL(url).pathname]);
  });

  it("is fetched once for all that wait for it", async () => {
    const url = nextUrl();
    expect(await Promise.all([check(url), check(url), check(url)])).toEqual([true, true, true]);
    expect(asked).toHaveLength(1);
  });

  it("is found among the certificates of a chain", async () => {
    answer.body = `${simulatorCertificate}\n${simulatorCertificate}`;
    expect(await check(nextUrl())).toBe(true);
  });

  it.each<[string, Parameters<typeof check>[1]]>([
    ["another text", { texts: ["what was never signed"] }],
    ["no text, because no id is configured", { texts: [] }],
    ["an empty signature", { signature: "" }],
    ["a signature that is cut short", { signature: signature.slice(0, -4) }],
    [
      "other bits behind the signature's end",
      { signature: signature.replace(/.==$/, (end) => `${end[0] === "A" ? "B" : "A"}==`) },
    ],
    ["a signature with a space in it", { signature: `${signature} ` }],
    ["another name", { names: ["messageverificationcerts.paypal.com"] }],
    ["a name above it", { names: ["sandbox.paypal.com"] }],
    ["a time before it was valid", { at: Date.parse("2019-12-31T23:59:59Z") }],
    ["a time after it was valid", { at: Date.parse("2120-01-01T00:00:01Z") }],
    ["a time that is none", { at: Number.NaN }],
  ])("does not prove with %s", async (_, more) => {
    expect(await check(nextUrl(), more)).toBe(false);
  });

  it("proves with any of the texts that may have been signed", async () => {
    expect(await check(nextUrl(), { texts: ["newest", text] })).toBe(true);
  });

  it("does not prove with a certificate whose key nobody can read", async () => {
    const bytes = Buffer.from(simulatorCertificate.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
    // The name of the key's algorithm, rsaEncryption, becomes that of none.
    const rsaEncryption = Buffer.from("2a864886f70d010101", "hex");
    bytes[bytes.indexOf(rsaEncryption) + rsaEncryption.length - 1] = 0x63;
    answer.body = `-----BEGIN CERTIFICATE-----\n${bytes.toString("base64")}\n-----END CERTIFICATE-----`;
    expect(await check(nextUrl())).toBe(false);
  });

  it("does not prove with another hash or padding", async () => {
    const sha1 = createSign("sha1").update(text).sign(simulatorKey, "base64");
    const pss = createSign("sha256").update(text).sign({ key: simulatorKey, padding: 6 }, "base64");
    expect(await check(nextUrl(), { signature: sha1 })).toBe(false);
    expect(await check(nextUrl(), { signature: pss })).toBe(false);
  });
});

describe("a certificate elsewhere", () => {
  const pinned = ["https://api.paypal.com/v1/notifications/certs/"];
  it.each([
    "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
    "https://evil.example/v1/notifications/certs/CERT-1",
    "https://evil.example/https://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://sub.api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
    "https://user:password@api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
    "http://api.paypal.com/v1/notifications/certs/CERT-1",
    "ftp://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/",
    "https://api.paypal.com/v1/notifications/certs/../../oauth2/token",
    "https://api.paypal.com/v1/notifications/certs/%2e%2e/%2e%2e/oauth2/token",
    "https://api.paypal.com/v1/notifications/certs/..%2f..%2ffile",
    "https://api.paypal.com/v1/notifications/certs/a/b",
    "https://api.paypal.com/v1/notifications/certs//CERT-1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1?redirect=https://evil.example",
    "https://api.paypal.com/v1/notifications/certs/CERT-1#fragment",
    "https://api.paypal.com\\@evil.example/v1/notifications/certs/CERT-1",
    "https://api.paypal.com\t.evil.example/v1/notifications/certs/CERT-1",
    "https://API.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com./v1/notifications/certs/CERT-1",
    " https://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.p\u0430ypal.com/v1/notifications/certs/CERT-1",
    "https://api.xn--pypal-4ve.com/v1/notifications/certs/CERT-1",
    "https://api\u3002paypal.com/v1/notifications/certs/CERT-1",
    "HTTPS://api.paypal.com/v1/notifications/certs/CERT-1",
    "https:/api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1/",
    "https://api.paypal.com/v1/notifications/certs/CERT-1\n",
    "https://api.paypal.com/v1/notifications/certs/CERT-1, https://evil.example/CERT-1",
    "//api.paypal.com/v1/notifications/certs/CERT-1",
    "CERT-1",
    "",
  ])("is refused and not asked for: %s", async (url) => {
    expect(await check(url, { within: pinned })).toBe(false);
  });

  it("is refused where nothing is pinned", async () => {
    expect(await check(nextUrl(), { within: [] })).toBe(false);
    expect(asked).toEqual([]);
  });
});

describe("a certificate that cannot be had", () => {
  it.each([
    ["the PSP fails", { status: 503, body: "" }],
    ["it is a web page", { status: 200, body: "<html></html>" }],
    ["it is broken", { status: 200, body: simulatorCertificate.replace("MIID", "MIIE") }],
    ["it is endless", { status: 200, body: `${" ".repeat(100_000)}${simulatorCertificate}` }],
    ["it has moved", { status: 302, body: "", location: "/certs/CERT-1" }],
  ])("is proven later where %s", async (_, given) => {
    answer = given;
    const url = nextUrl();
    expect(await check(url)).toEqual({ later: "evidence" });
    const before = asked.length;
    answer = { status: 200, body: simulatorCertificate };
    expect(await check(url), "nor is it asked for again at once").toEqual({ later: "evidence" });
    expect(asked).toHaveLength(before);
    expect(new Set(asked), "no redirect is followed").toEqual(new Set([new URL(url).pathname]));
  });

  it.each([404, 410])("proves nothing where the PSP says %i: what points there is a forgery", async (status) => {
    answer = { status, body: "" };
    expect(await check(nextUrl())).toBe(false);
  });

  it("is not waited for", async () => {
    hangs = true;
    const started = performance.now();
    expect(await check(nextUrl())).toEqual({ later: "evidence" });
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  it("is asked for at a few addresses at once, whoever sends how many", async () => {
    hangs = true;
    const proofs = await Promise.all(Array.from({ length: 40 }, () => check(nextUrl())));
    expect(proofs, "that there is no room to ask makes nothing a forgery").toEqual(
      proofs.map(() => ({ later: "evidence" })),
    );
    expect(asked.length).toBeLessThanOrEqual(16);
  });

  it("is asked for all the same after many that lead nowhere, and what was found stays", async () => {
    const found = nextUrl();
    expect(await check(found)).toBe(true);
    answer = { status: 404, body: "" };
    for (let invented = 0; invented < 80; invented += 1) expect(await check(nextUrl())).toBe(false);
    answer = { status: 200, body: simulatorCertificate };
    expect(await check(nextUrl())).toBe(true);
    expect(await check(found)).toBe(true);
  });

  it("leaves a request unproven that says nothing of itself by which it could be proven later", async () => {
    answer = { status: 503, body: "" };
    const claim = { signature, texts: [text], at, certificate: { url: nextUrl(), within: [place], names: [name] } };
    const evidence = (): never => {
      throw new Error("no JSON");
    };
    expect(
      await rsaCertificate({ claim: () => claim, evidence }).check(request, { files } as ProofContext<unknown>),
    ).toBe(false);
  });
});
