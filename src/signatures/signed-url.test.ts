import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import fc from "fast-check";
import type { Proof, RawRequest, SigningKey, Target } from "../contract/adapter.ts";
import { signingKeysOf, urlProofOf } from "../../test/support/signing.ts";
import { isProven } from "./proven.ts";
import { callbackSignature, operationProven, operationSignature, signedUrl } from "./signed-url.ts";
import { createSigningKeys } from "./signing-keys.ts";

const master = "signing-key-0001";
/** The callback key of these masters, newest first, and the operation key of the first. */
const keysOf = (...masters: readonly string[]) => signingKeysOf(...masters).of("callback", target);
const target = {
  adapter: "klarna-checkout",
  merchant: "acme",
  channel: "se",
  orderId: "o_1",
  paymentId: "p_1",
} as const satisfies Target;
const account = { adapter: "klarna-checkout", merchant: "acme", channel: "se" } as const satisfies Target;
const [key] = keysOf(master);
const [operationKey] = signingKeysOf(master).of("operation", target);
const now = Date.parse("2026-02-03T10:00:00.000Z");
const exp = now / 1_000 + 60;

function callbackProven(sig: string | undefined, of: Target, webhook: string, keys: readonly SigningKey[] = [key]) {
  const query = new URLSearchParams(sig === undefined ? {} : { sig });
  const request: RawRequest = { method: "POST", url: "/", query, headers: {}, body: Buffer.alloc(0) };
  return isProven(
    signedUrl.check(request, { config: {}, target: of, webhook, ...urlProofOf(), callbackKeys: keys }) as Proof,
  );
}

function queryOf(fields: Record<string, string | number>): URLSearchParams {
  return new URLSearchParams(Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]));
}

test("signs as docs/http.md documents it, with keys of one purpose and one merchant's channel", () => {
  expect(key.text).toBe("_jI2B--E5tluSLEO1nu48Q_yRW7osu02rjLLOrWTtxk");
  expect(operationKey.text).toBe("HGPN8xwpxgzLWX6B_JtFGtdPpvrpx3cKkwfvur-xnZw");
  expect(callbackSignature(key, target, "push")).toBe("cJq9EGFzMmxCDRrCRaV_tCgnjfpYyYIJabJSUp6JjpA");
  expect(callbackSignature(key, account, "webhook")).toBe("24hEBHTM74xep4aVRiiT8kR1QWrHUm36K3vkLv2ci5Q");
  expect(operationSignature(operationKey, target, "capture", 1_800_000_000)).toBe(
    "D4rzTJ5CaZ8TQwKy2ufZAj0TSfnPv2VmihgKXISBjgE",
  );
});

test("takes no signature of an older scheme: the text joined by bars, the master key itself, or both", () => {
  const lines = [target.adapter, target.merchant, target.channel, target.orderId, target.paymentId, "push"];
  const digest = (secret: string, text: string): string =>
    createHmac("sha256", secret).update(text, "utf8").digest("base64url");
  expect(callbackProven(digest(key.text, lines.join("\n")), target, "push")).toBe(true);
  for (const [secret, separator] of [
    [key.text, "|"],
    [master, "\n"],
    [master, "|"],
  ] as const)
    expect(callbackProven(digest(secret, lines.join(separator)), target, "push"), separator).toBe(false);
});

test("has another key for another merchant, channel, purpose and generation, and the same for the same", () => {
  const generations = createSigningKeys([master], () => "2");
  const keys = [
    ...["callback", "operation"].flatMap((purpose) =>
      [target, { ...target, merchant: "other" }, { ...target, channel: "no" }].map(
        (tenant) => signingKeysOf(master).of(purpose as "callback", tenant)[0],
      ),
    ),
    generations.of("callback", target)[0],
    generations.of("operation", target)[0],
  ];
  expect(new Set(keys.map(({ text }) => text)).size).toBe(keys.length);
  expect(new Set(keys.map(({ master: from }) => from)).size).toBe(1);
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
  expect(callbackProven(sig, target, "push", keysOf("newest", master))).toBe(true);
  expect(callbackProven(sig, target, "push", keysOf("newest"))).toBe(false);
  expect(callbackProven(sig, target, "push", [])).toBe(false);
});

test.each([undefined, "", " ", "cJq9EGFzMmxCDRrCRaV_tCgnjfpYyYIJabJSUp6Jjp", "åäö", "=".repeat(43)])(
  "does not take %j for a signature",
  (sig) => {
    expect(callbackProven(sig, target, "push")).toBe(false);
  },
);

test("proves an operation until it expires, to the second", () => {
  const query = queryOf({ sig: operationSignature(operationKey, target, "refresh", exp), exp });
  expect(operationProven([operationKey], query, target, "refresh", now)).toBe(true);
  expect(operationProven(signingKeysOf("newest", master).of("operation", target), query, target, "refresh", now)).toBe(
    true,
  );
  expect(operationProven([operationKey], query, target, "refresh", exp * 1_000 - 1)).toBe(true);
  expect(operationProven([operationKey], query, target, "refresh", exp * 1_000)).toBe(false);
});

test("proves no operation that lives longer than 90 days", () => {
  const longest = now / 1_000 + 90 * 24 * 3_600;
  for (const [at, proves] of [
    [longest, true],
    [longest + 1, false],
    [999_999_999_999, false],
  ] as const) {
    const query = queryOf({ sig: operationSignature(operationKey, target, "capture", at), exp: at });
    expect(operationProven([operationKey], query, target, "capture", now), String(at)).toBe(proves);
  }
});

test("does not prove another operation, nor another payment", () => {
  const query = queryOf({ sig: operationSignature(operationKey, target, "refresh", exp), exp });
  expect(operationProven([operationKey], query, target, "capture", now)).toBe(false);
  expect(operationProven([operationKey], query, { ...target, paymentId: "p_2" }, "refresh", now)).toBe(false);
});

test.each([exp + 1, `${exp}0`, `0${exp}`, `${exp}.0`, `+${exp}`, " ", "", "Infinity", "1e99", "9".repeat(13)])(
  "does not let the end of an operation be moved to %j",
  (moved) => {
    const query = queryOf({ sig: operationSignature(operationKey, target, "refresh", exp), exp: moved });
    expect(operationProven([operationKey], query, target, "refresh", now)).toBe(false);
  },
);

test("never lets a callback URL be used as an operation, nor the other way round", () => {
  for (const webhook of ["push", "refresh", "operation/refresh", `operation/refresh\n${exp}`]) {
    const sig = callbackSignature(key, target, webhook);
    if (webhook.includes("\n")) continue;
    expect(operationProven([operationKey], queryOf({ sig, exp }), target, "refresh", now), webhook).toBe(false);
    expect(operationProven([operationKey], queryOf({ sig }), target, "refresh", now), webhook).toBe(false);
  }
  const sig = operationSignature(operationKey, target, "refresh", exp);
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
