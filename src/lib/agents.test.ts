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
    "HTTP_PROXY: has to be an http:// or https:// URL",
    "https_proxy: has to be an http:// or https:// URL",
  ]);
});
