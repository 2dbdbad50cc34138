import { describe, expect, test } from "vitest";
import type { Proof, RawRequest } from "../contract/adapter.ts";
import { basicCredentials, sharedSecret } from "./shared-secret.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { isProven as fits } from "./proven.ts";
import { filesOf } from "../../test/support/signing.ts";

interface Config {
  readonly user: string;
  readonly passwords: readonly string[];
}

const verifier = sharedSecret<Config>({
  header: "authorization",
  values: ({ user, passwords }) => basicCredentials(user, passwords),
});
const target = { adapter: "a", merchant: "acme", channel: "se" };
const own = "Basic d2FsbGV5LWhvb2s6czNjcmV0";

function check(authorization: string | undefined, passwords: readonly string[] = ["s3cret"]) {
  const request: RawRequest = {
    method: "POST",
    url: "/",
    query: new URLSearchParams(),
    headers: authorization === undefined ? {} : { authorization },
    body: Buffer.from("{}"),
  };
  const config = { user: "walley-hook", passwords };
  return fits(
    verifier.check(request, {
      config,
      target,
      webhook: "webhook",
      callbackKeys: [],
      files: filesOf(),
      publicUrl: "http://localhost",
    }) as Proof,
  );
}

describe("shared secret", () => {
  test("writes user and password as RFC 7617 does", () => {
    expect(basicCredentials("walley-hook", ["s3cret"])).toEqual([{ value: own, secret: "s3cret" }]);
    const value = `Basic ${Buffer.from("använd:lösen").toString("base64")}`;
    expect(basicCredentials("använd", ["lösen"])).toEqual([{ value, secret: "lösen" }]);
  });

  test("proves who calls, and is a hint", () => {
    expect(check(own)).toBe(true);
    expect(verifier).toMatchObject({ trust: "hint", scheme: "shared-secret" });
  });

  test("goes on proving the previous password during a rotation, and none once it is gone", () => {
    expect(check(own, ["newest", "s3cret"])).toBe(true);
    expect(check(own, ["s3cret", "older"])).toBe(true);
    expect(check(own, ["newest"])).toBe(false);
  });

  test("is named by the secret that stands in the settings, whatever is made of it", async () => {
    const perOrder = sharedSecret<unknown>({
      header: "authorization",
      values: (_, __, { orderId = "" }) => [{ value: `made-for-${orderId}`, secret: "s3cret" }],
    });
    const proofs = ["o_1", "o_2"].map((orderId) => {
      const request = { method: "POST", url: "/", query: new URLSearchParams(), body: Buffer.alloc(0) };
      const headers = { authorization: `made-for-${orderId}` };
      const context = {
        config: {},
        webhook: "webhook",
        callbackKeys: [],
        files: filesOf(),
        publicUrl: "http://localhost",
      };
      return perOrder.check({ ...request, headers }, { ...context, target: { ...target, orderId } });
    });
    expect(proofs).toEqual([{ by: fingerprintOf("s3cret") }, { by: fingerprintOf("s3cret") }]);
  });

  test.each(["basic", "BASIC", "Basic "])("takes the scheme's name as %j", (name) => {
    expect(check(own.replace("Basic", name))).toBe(true);
  });

  test.each([
    undefined,
    "",
    " ",
    "Basic",
    "Basic ",
    own.slice(0, -1),
    own.slice(1),
    `${own}A`,
    own.toLowerCase(),
    own.replace("Basic", "Bearer"),
    `${own},${own}`,
  ])("does not take %j", (authorization) => {
    expect(check(authorization)).toBe(false);
  });

  test("proves nothing where nothing is configured", () => {
    expect(check(own, [])).toBe(false);
    const empty = sharedSecret<Config>({ header: "x-key", values: () => [""] });
    const request: RawRequest = {
      method: "POST",
      url: "/",
      query: new URLSearchParams(),
      headers: { "x-key": "" },
      body: Buffer.alloc(0),
    };
    const context = {
      config: { user: "", passwords: [] },
      target,
      webhook: "webhook",
      callbackKeys: [],
      files: filesOf(),
      publicUrl: "http://localhost",
    };
    expect(empty.check(request, context)).toBe(false);
  });
});
