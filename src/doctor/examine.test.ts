import { describe, expect, it } from "vitest";
import { loadAdapters } from "../adapters/registry.ts";
import { type Config, createConfig } from "../config.ts";
import type { Answered, Outgoing, Transport, Unanswered } from "../lib/transport.ts";
import { examine } from "./examine.ts";
import type { ServiceSelf, ServiceView, Wishes } from "./parts.ts";
import type { Finding, Report } from "./report.ts";
import { signingKeysOf } from "../../test/support/signing.ts";

const master = "a-master-key-that-is-long-enough-for-everybody";
const adapters = await loadAdapters(["klarna-checkout", "svea-checkout", "mollie", "nonpsp"]);
const now = Date.parse("2026-02-03T10:00:00.000Z");
const klarna = { adapterId: "k", apiUrl: "https://api.klarna.com", username: "u", password: "p" };
const mollie = { adapterId: "m", apiUrl: "https://api.mollie.com", apiKey: "live_key" };
const svea = {
  adapterId: "s",
  apiUrl: "https://checkoutapi.svea.com",
  orderManagementApiUrl: "https://paymentadminapi.svea.com",
  merchantId: "1",
  apiSecret: "secret",
};
const production = "https://acme.api-se.norce.tech/checkout/order";

interface Options {
  readonly orderApi?: string;
  readonly publicUrl?: string;
  readonly channel?: Readonly<Record<string, object>>;
  /** What is answered instead of the usual; `undefined` leaves it. */
  readonly answer?: (outgoing: Outgoing) => Partial<Answered> | Unanswered | undefined;
  readonly self?: Partial<ServiceSelf>;
  readonly wishes?: Wishes;
  readonly clock?: number;
  readonly longestMs?: number;
  readonly transport?: Transport;
}

function configOf({
  orderApi = production,
  publicUrl = "https://psp.example.invalid",
  channel = { "klarna-checkout": klarna },
}: Options): Config {
  return createConfig(
    { URL_SIGNING_KEYS: master, PUBLIC_URL: publicUrl },
    { norce: { orderApi, token: "t" }, merchants: { acme: { se: channel } } },
    adapters,
  );
}

/** Everybody answers as they should, at ten o'clock. */
function usual({ url }: Outgoing): Partial<Answered> {
  if (url.pathname.endsWith("/health/live")) {
    const echo = signingKeysOf(master).echo(url.searchParams.get("nonce") ?? "");
    return { text: JSON.stringify({ status: "live", echo }) };
  }
  return url.hostname.endsWith("norce.tech") ? { text: '{"data":[]}' } : { status: 404, text: "{}" };
}

async function examined(options: Options = {}): Promise<Report> {
  const config = configOf(options);
  const transport: Transport = async (outgoing) => {
    const given = options.answer?.(outgoing) ?? usual(outgoing);
    if ("code" in given) return given;
    return { status: 200, headers: { date: new Date(now).toUTCString() }, text: "", ...given };
  };
  const service: ServiceView = {
    self: async () => ({
      engine: { kind: "redis", level: "power-loss", says: "all of it", faults: [] },
      workers: 1,
      masters: config.signingKeys.masters,
      ...options.self,
    }),
    arrivals: async () => [],
  };
  const parts = { config, transport: options.transport ?? transport, service, now: () => options.clock ?? now };
  return await examine({ ...parts, longestMs: options.longestMs ?? 5_000 }, options.wishes);
}

function about({ findings }: Report, check: string): readonly Finding[] {
  return findings.filter((one) => one.check === check);
}

const isNorce = ({ url }: Outgoing): boolean => url.hostname.endsWith("norce.tech");
const isOurs = ({ url }: Outgoing): boolean => url.pathname.endsWith("/health/live");

it("says that all is well where it is", async () => {
  const report = await examined();
  expect(report.is).toBe("fine");
  expect(report.findings.map(({ check, is }) => `${check} ${is}`)).toEqual([
    "configuration fine",
    "PUBLIC_URL fine",
    "certificate of PUBLIC_URL skipped",
    "queue fine",
    "Norce fine",
    "credentials fine",
    "live and test fine",
    "clock fine",
  ]);
});

describe("Norce", () => {
  it.each<[string, Partial<Answered> | Unanswered, string, string]>([
    ["refuses the token", { status: 401 }, "attention", "does not take norce.token"],
    ["has no such path", { status: 404 }, "attention", "is not the Order API (404)"],
    ["is a web page", { text: "<html>" }, "attention", "is not the Order API"],
    ["answers something else", { text: '{"orders":1}' }, "attention", "is not the Order API"],
    ["knows no such channel", { status: 403, text: "{}" }, "attention", "shows no orders of this channel (403)"],
    ["fails", { status: 500, text: "{}" }, "unreachable", "nobody answered"],
    ["is not there", { code: "ENOTFOUND", sent: false }, "unreachable", "nobody answered"],
  ])("%s", async (_, given, is, says) => {
    const report = await examined({ answer: (outgoing) => (isNorce(outgoing) ? given : undefined) });
    expect(about(report, "Norce")).toMatchObject([
      { is, says: expect.stringContaining(says), todo: expect.any(String) },
    ]);
    expect(report.is).toBe(is);
  });
});

describe("PUBLIC_URL", () => {
  it.each<[string, Partial<Answered> | Unanswered, string, string]>([
    [
      "leads to a service with other keys",
      { text: '{"status":"live","echo":"another"}' },
      "attention",
      "other URL_SIGNING_KEYS",
    ],
    ["leads to somebody else", { text: '{"status":"live"}' }, "attention", "somebody else"],
    ["leads to a web page", { text: "<html>" }, "attention", "somebody else"],
    ["is refused by a proxy", { status: 403, text: "no" }, "attention", "somebody else"],
    ["leads to nobody behind a proxy", { status: 502, text: "no" }, "unreachable", "it answers 502"],
    ["leads nowhere", { code: "ECONNREFUSED", sent: false }, "unreachable", "nobody answers"],
  ])("%s", async (_, given, is, says) => {
    const report = await examined({ answer: (outgoing) => (isOurs(outgoing) ? given : undefined) });
    expect(about(report, "PUBLIC_URL")).toMatchObject([{ is, says: expect.stringContaining(says) }]);
  });

  it("is nothing that PSPs can call where it is this machine, or without TLS", async () => {
    expect(about(await examined({ publicUrl: "http://localhost:3000" }), "PUBLIC_URL")[1]?.says).toContain(
      "no PSP can call it",
    );
    expect(about(await examined({ publicUrl: "http://psp.example.invalid" }), "PUBLIC_URL")[1]?.says).toContain(
      "without TLS",
    );
    const here = { ...klarna, apiUrl: "http://127.0.0.1:1" };
    const sandbox = await examined({ publicUrl: "http://localhost:3000", channel: { "klarna-checkout": here } });
    expect(about(sandbox, "PUBLIC_URL")).toMatchObject([{ is: "fine" }]);
  });
});

describe("the queue", () => {
  const engine = { kind: "redis", level: "power-loss", says: "all of it", faults: [] };
  it.each<[string, Partial<ServiceSelf>, string, string]>([
    ["evicts", { engine: { ...engine, faults: ["Redis forgets"] } }, "attention", "Redis forgets"],
    [
      "loses the last second",
      { engine: { ...engine, level: "last-second", says: "may lose" } },
      "attention",
      "may lose",
    ],
    ["does not tell", { engine: { ...engine, level: "unknown", says: "is unknown" } }, "skipped", "is unknown"],
    ["is embedded", { engine: { ...engine, kind: "embedded", level: "process", says: "here" } }, "attention", "here"],
    ["has no worker", { workers: 0 }, "attention", "no worker"],
    ["is another installation's", { masters: ["other"] }, "attention", "other URL_SIGNING_KEYS"],
  ])("%s", async (_, self, is, says) => {
    const found = about(await examined({ self }), "queue").filter((one) => one.is !== "fine");
    expect(found).toMatchObject([{ is, says: expect.stringContaining(says) }]);
  });
});

describe("live and test", () => {
  it.each<[string, Options, string | undefined]>([
    ["are of one kind", {}, undefined],
    [
      "differ in a channel",
      { channel: { "klarna-checkout": klarna, mollie: { ...mollie, apiKey: "test_key" } } },
      "real money by klarna-checkout, test money by mollie",
    ],
    [
      "differ in an account",
      { channel: { "svea-checkout": { ...svea, apiUrl: "https://checkoutapistage.svea.com" } } },
      "merchants.acme.se.svea-checkout has addresses or keys of both",
    ],
    [
      "differ from Norce",
      { orderApi: "https://acme.api-se.playground.norce.tech/checkout/order" },
      "Norce is no production",
    ],
    [
      "are a test at Norce's production",
      { channel: { mollie: { ...mollie, apiKey: "test_key" } } },
      "Norce is its production",
    ],
  ])("%s", async (_, options, says) => {
    const [found] = about(await examined(options), "live and test");
    expect(found?.is).toBe(says === undefined ? "fine" : "attention");
    if (says !== undefined) expect(found?.says).toContain(says);
  });

  it("are not known of those who do not say", async () => {
    const report = await examined({ channel: { nonpsp: { adapterId: "n", apiUrl: "https://n.example" } } });
    expect(about(report, "live and test")).toMatchObject([{ is: "skipped" }]);
    expect(about(report, "credentials")).toMatchObject([{ is: "skipped" }]);
  });
});

describe("the clock", () => {
  it("is this machine's to set where everybody has another time", async () => {
    const [found] = about(await examined({ clock: now + 120_000 }), "clock");
    expect(found).toMatchObject({ is: "attention", says: expect.stringContaining("120 seconds ahead of") });
    const [slow] = about(await examined({ clock: now - 60_000 }), "clock");
    expect(slow?.says).toMatch(/6[01] seconds behind/);
  });

  it("is somebody else's matter where only that one has another time", async () => {
    const headers = { date: new Date(now - 3_600_000).toUTCString() };
    const report = await examined({
      answer: (outgoing) => (isNorce(outgoing) ? { headers, text: '{"data":[]}' } : undefined),
    });
    expect(about(report, "clock")).toMatchObject([
      { is: "fine", says: expect.stringContaining("that of acme.api-se.norce.tech is 360") },
    ]);
  });
});

it("ends what hangs by its own time-out, and tells the rest", async () => {
  const silent: Transport = async (outgoing) =>
    isNorce(outgoing)
      ? await new Promise(() => undefined)
      : { headers: {}, status: 200, text: "{}", ...usual(outgoing) };
  const report = await examined({ transport: silent, longestMs: 100 });
  expect(about(report, "Norce")).toMatchObject([{ is: "unreachable" }]);
  expect(about(report, "credentials")).toMatchObject([{ is: "fine" }]);
  expect(report.is).toBe("unreachable");
});

it("asks about what was asked for alone", async () => {
  const channel = { "klarna-checkout": klarna, mollie };
  const { findings } = await examined({ channel, wishes: { adapter: "mollie" } });
  expect(findings.map(({ check, adapter = "" }) => `${check} ${adapter}`)).toEqual([
    "credentials mollie",
    "webhooks mollie",
    "live and test ",
    "clock ",
  ]);
});

describe("the webhooks", () => {
  const channel = { mollie: { ...mollie, webhookSecret: "secret" } };
  const wishes = { adapter: "mollie" };
  const isHooks = ({ url }: Outgoing): boolean => url.pathname === "/v2/webhooks";

  it("are left to a person where the credential may not see them", async () => {
    const report = await examined({
      channel,
      wishes,
      answer: (outgoing) => (isHooks(outgoing) ? { status: 403, text: "{}" } : undefined),
    });
    expect(about(report, "webhooks")).toMatchObject([
      { is: "skipped", says: expect.stringContaining("(403)"), todo: expect.any(String) },
    ]);
    expect(report.is).toBe("fine");
  });

  it("are told of as they are where the PSP refuses to register one, and nothing is asked twice", async () => {
    const asked: string[] = [];
    const report = await examined({
      channel,
      wishes: { ...wishes, fix: true },
      answer(outgoing) {
        if (!isHooks(outgoing)) return undefined;
        asked.push(outgoing.method);
        if (outgoing.method === "GET") return { text: '{"_embedded":{"webhooks":[]}}' };
        return { status: 422, text: '{"status":422,"field":"url"}' };
      },
    });
    expect(about(report, "webhooks")).toMatchObject([
      { is: "attention", says: expect.stringContaining("refuses to register it (url)") },
    ]);
    expect(asked.filter((method) => method === "POST")).toHaveLength(1);
  });

  it("are not asked for where the settings say that none is wanted", async () => {
    const report = await examined({ channel: { mollie }, wishes });
    expect(about(report, "webhooks")).toMatchObject([
      { is: "skipped", says: expect.stringContaining("webhookSecret is not set") },
    ]);
  });
});
