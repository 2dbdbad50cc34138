import { expect, test } from "vitest";
import { isLoopback, proxyEnvOf, proxyFaults } from "./agents.ts";

test.each([
  ["http://localhost", true],
  ["http://LOCALHOST.", true],
  ["http://sandbox.localhost", true],
  ["http://127.0.0.1", true],
  ["http://127.8.9.10", true],
  ["http://0x7f.1", true],
  ["http://2130706433", true],
  ["http://0.0.0.0", true],
  ["http://[::1]", true],
  ["http://[::ffff:127.0.0.1]", true],
  ["http://[::]", true],
  ["http://localhost.example", false],
  ["http://127.example", false],
  ["http://10.0.0.1", false],
  ["http://[2001:db8::1]", false],
  ["http://[::ffff:10.0.0.1]", false],
])("%s is this machine: %s", (url, is) => {
  expect(isLoopback(new URL(url).hostname)).toBe(is);
});

test("an environment's proxies are those that are set, and each has to be a URL of HTTP", () => {
  const environment = { HTTP_PROXY: "http://p:1", https_proxy: "", NO_PROXY: "a,b", PATH: "/bin" };
  expect(proxyEnvOf(environment)).toEqual({ HTTP_PROXY: "http://p:1", NO_PROXY: "a,b" });
  expect(proxyFaults(environment)).toEqual([]);
  expect(proxyFaults({ HTTP_PROXY: "p:1", https_proxy: "socks5://user:secret@p:1" })).toEqual([
    expect.stringMatching(/^HTTP_PROXY: has to be an http:\/\/ or https:\/\/ URL/),
    expect.stringMatching(/^https_proxy: has to be an http:\/\/ or https:\/\/ URL/),
  ]);
});

test.each([
  ["a line break that came along", "http://user:canary@p:1\n"],
  ["a % that encodes nothing", "http://user:canary%zz@p:1"],
  ["no host", "http://user:canary@[::1"],
])("a proxy with %s is told of by its name alone", (_, HTTPS_PROXY) => {
  const faults = proxyFaults({ HTTPS_PROXY });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(/^HTTPS_PROXY: has to be/);
  expect(faults[0]).not.toContain("canary");
});

test("a proxy's password may be anything that is percent-encoded", () => {
  expect(proxyFaults({ HTTPS_PROXY: "http://user:p%40ss%2Fw%25@p:3128" })).toEqual([]);
});
