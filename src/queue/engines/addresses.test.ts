import { describe, expect, test, vi } from "vitest";
import { ConfigError } from "../../lib/document.ts";
import { postgresAddress } from "./postgres-address.ts";
import { redisAddress, type TlsSettings } from "./redis-address.ts";

const ca = "-----BEGIN CERTIFICATE-----";

describe("Redis over TLS", () => {
  test("a cluster's nodes are called by the names that their certificates are for", () => {
    const { cluster, nodes } = redisAddress("rediss://one.example:1,rediss://two.example:2", {});
    expect(nodes).toEqual([
      { host: "one.example", port: 1 },
      { host: "two.example", port: 2 },
    ]);
    const found = vi.fn<(error: unknown, address?: string, family?: number) => void>();
    cluster.dnsLookup?.("three.example", found);
    expect(found).toHaveBeenCalledExactlyOnceWith(null, "three.example");
  });

  test.each<readonly [string, TlsSettings, object]>([
    ["by the machine's own list", {}, {}],
    ["by a chain of one's own", { ca }, { ca }],
    ["by nothing, where that is asked for", { tlsInsecure: true }, { rejectUnauthorized: false }],
  ])("judges certificates %s", (_, settings, tls) => {
    expect(redisAddress("rediss://host", settings).options.tls).toEqual(tls);
  });

  test("is none without the second s", () => {
    const { options, cluster } = redisAddress("redis://host", { ca });
    expect([options.tls, cluster.dnsLookup]).toEqual([undefined, undefined]);
  });
});

test.each<readonly [string, TlsSettings, unknown]>([
  ["", {}, false],
  ["?sslmode=disable", { ca }, false],
  ["", { ca }, { ca }],
  ["", { tlsInsecure: true }, { rejectUnauthorized: false }],
  ["?sslmode=require", {}, {}],
  ["?sslmode=verify-full", { ca }, { ca }],
  ["?sslmode=no-verify", {}, { rejectUnauthorized: false }],
  ["?sslmode=verify-ca", { ca }, { ca, checkServerIdentity: expect.any(Function) }],
])("PostgreSQL with %j and %j judges by %j", (query, settings, ssl) => {
  const address = postgresAddress(`postgres://user:password@host/db${query}`, settings);
  expect(address.ssl).toEqual(ssl);
  expect(address.connectionString).not.toContain("sslmode");
});

test.each<readonly [string, () => unknown]>([
  ["REDIS_URL", () => redisAddress("redis://user:canary%zz@host", {})],
  ["REDIS_URL", () => redisAddress("redis://user:can/ary@host", {})],
  ["QUEUE_URL", () => postgresAddress("postgres://user:canary%zz@host/db", {})],
  ["QUEUE_URL", () => postgresAddress("postgres://user:canary#x@host/db", {})],
])("%s that cannot be read is a fault in plain words, without a stack and without the password", (name, read) => {
  const fault = (): unknown => {
    try {
      return read();
    } catch (error) {
      return error;
    }
  };
  const error = fault();
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toContain(`${name}: `);
  expect(String(error)).not.toMatch(/can\/?ary/);
});
