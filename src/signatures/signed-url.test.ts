import { expect, test } from "vitest";
import fc from "fast-check";
import type { RawRequest, Target } from "../contract/adapter.ts";
import { callbackSignature, operationProven, operationSignature, signedUrl } from "./signed-url.ts";

const key = "signing-key-1";
const target = {
  adapter: "klarna-checkout",
  merchant: "acme",
  channel: "se",
  orderId: "o_1",
  paymentId: "p_1",
} as const satisfies Target;
const account = { adapter: "klarna-checkout", merchant: "acme", channel: "se" } as const satisfies Target;
const now = Date.parse("2026-02-03T10:00:00.000Z");
const exp = now / 1_000 + 60;

function callbackProven(sig: string | undefined, of: Target, webhook: string, keys: readonly string[] = [key]) {
  const query = new URLSearchParams(sig === undefined ? {} : { sig });
  const request: RawRequest = { method: "POST", url: "/", query, headers: {}, body: Buffer.alloc(0) };
  return signedUrl.check(request, { config: {}, target: of, webhook, urlSigningKeys: keys });
}

function queryOf(fields: Record<string, string | number>): URLSearchParams {
  return new URLSearchParams(Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]));
}

test("signs as the README documents it", () => {
  expect(callbackSignature(key, target, "push")).toBe("OtaiNCimIMTfRoZbwRpYw_ArdGV3k6CxeSdbovrVQRk");
});

test("proves the URL it was made for, and is a hint", () => {
  expect(callbackProven(callbackSignature(key, target, "push"), target, "push")).toBe(true);
  expect(signedUrl.trust).toBe("hint");
});

test.each([
  ["another adapter", { ...target, adapter: "klarna-payments" }, "push"],
  ["another merchant", { ...target, merchant: "acme2" }, "push"],
  ["another channel", { ...target, channel: "no" }, "push"],
  ["another order", { ...target, orderId: "o_2" }, "push"],
  ["another payment", { ...target, paymentId: "p_2" }, "push"],
  ["another webhook", target, "notification"],
  ["the account instead of a payment", account, "push"],
])("does not prove %s", (_, other, webhook) => {
  expect(callbackProven(callbackSignature(key, target, "push"), other, webhook)).toBe(false);
});

test("proves account-level URLs, with empty ids", () => {
  const sig = callbackSignature(key, account, "push");
  expect(callbackProven(sig, account, "push")).toBe(true);
  expect(sig).toBe(callbackSignature(key, { ...account, orderId: "", paymentId: "" }, "push"));
});

test("goes on proving URLs that were signed before a rotation, and none once the key is gone", () => {
  const sig = callbackSignature(key, target, "push");
  expect(callbackProven(sig, target, "push", ["newest", key])).toBe(true);
  expect(callbackProven(sig, target, "push", ["newest"])).toBe(false);
  expect(callbackProven(sig, target, "push", [])).toBe(false);
});

test.each([undefined, "", " ", "OtaiNCimIMTfRoZbwRpYw_ArdGV3k6CxeSdbovrVQR", "åäö", "=".repeat(43)])(
  "does not take %j for a signature",
  (sig) => {
    expect(callbackProven(sig, target, "push")).toBe(false);
  },
);

test("proves an operation until it expires, to the second", () => {
  const query = queryOf({ sig: operationSignature(key, target, "refresh", exp), exp });
  expect(operationProven([key], query, target, "refresh", now)).toBe(true);
  expect(operationProven(["newest", key], query, target, "refresh", now)).toBe(true);
  expect(operationProven([key], query, target, "refresh", exp * 1_000 - 1)).toBe(true);
  expect(operationProven([key], query, target, "refresh", exp * 1_000)).toBe(false);
});

test("does not prove another operation, nor another payment", () => {
  const query = queryOf({ sig: operationSignature(key, target, "refresh", exp), exp });
  expect(operationProven([key], query, target, "capture", now)).toBe(false);
  expect(operationProven([key], query, { ...target, paymentId: "p_2" }, "refresh", now)).toBe(false);
});

test.each([exp + 1, `${exp}0`, `0${exp}`, `${exp}.0`, `+${exp}`, " ", "", "Infinity", "1e99", "9".repeat(13)])(
  "does not let the end of an operation be moved to %j",
  (moved) => {
    const query = queryOf({ sig: operationSignature(key, target, "refresh", exp), exp: moved });
    expect(operationProven([key], query, target, "refresh", now)).toBe(false);
  },
);

test("never lets a callback URL be used as an operation, nor the other way round", () => {
  for (const webhook of ["push", "refresh", "operation/refresh", `operation/refresh\n${exp}`]) {
    const sig = callbackSignature(key, target, webhook);
    if (webhook.includes("\n")) continue;
    expect(operationProven([key], queryOf({ sig, exp }), target, "refresh", now), webhook).toBe(false);
    expect(operationProven([key], queryOf({ sig }), target, "refresh", now), webhook).toBe(false);
  }
  const sig = operationSignature(key, target, "refresh", exp);
  for (const webhook of ["refresh", "operation/refresh"]) expect(callbackProven(sig, target, webhook)).toBe(false);
});

/** Whatever stands in a URL's path or query, as long as it has no control characters: those are answered 400 before. */
const part = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/\p{Cc}/u.test(text));
const targets = fc.record({ adapter: part, merchant: part, channel: part, orderId: part, paymentId: part });

test("gives two URLs the same signature only where they are the same: no text can pass for a border", () => {
  fc.assert(
    fc.property(targets, part, targets, part, (one, webhook, other, otherWebhook) => {
      const same = JSON.stringify([one, webhook]) === JSON.stringify([other, otherWebhook]);
      expect(callbackSignature(key, one, webhook) === callbackSignature(key, other, otherWebhook)).toBe(same);
      const moved = { ...one, merchant: one.merchant + one.channel, channel: "" };
      expect(callbackProven(callbackSignature(key, one, webhook), moved, webhook)).toBe(false);
    }),
  );
});
