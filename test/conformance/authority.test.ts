import { describe, expect, test } from "vitest";
import type { CommonConfig } from "../../src/contract/adapter.ts";
import { ConfigError, createConfig } from "../../src/config.ts";
import { callbackSignature, operationProven, operationSignature } from "../../src/signatures/signed-url.ts";
import { isProven } from "../../src/signatures/proven.ts";
import { filesOf, fixtureSigningKey, signingKeysOf } from "../support/signing.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();
const tenant = { merchant: "acme", channel: "se" };

describe.each(subjects)("$folder", ({ adapter, folder, requests, settings }) => {
  test("the callback key of another merchant or channel, an operation key and a master key sign none of its callback URLs", async () => {
    const config = adapter.config.parse(await settings("http://psp.invalid")) as CommonConfig;
    const keys = signingKeysOf();
    const [own] = keys.of("callback", tenant);
    const others = [
      ...[
        { ...tenant, merchant: "other" },
        { ...tenant, channel: "no" },
      ].map((one) => keys.of("callback", one)[0]),
      keys.of("operation", tenant)[0],
      { ...own, key: Buffer.from(fixtureSigningKey) as never },
    ];
    for (const [webhook, { verify, scope }] of Object.entries(adapter.webhooks)) {
      if (verify.scheme !== "signed-url") continue;
      // What has to be true besides is shown by a fixture.
      const headers = requests.find(({ request }) => request.webhook === webhook)?.request.headers ?? {};
      const target = {
        adapter: folder,
        ...tenant,
        ...(scope === "payment" ? { orderId: "o_1", paymentId: "p_1" } : {}),
      };
      const proves = async (sig: string): Promise<boolean> => {
        const request = {
          method: "POST",
          url: "/",
          query: new URLSearchParams({ sig }),
          headers,
          body: Buffer.alloc(0),
        };
        const context = {
          config,
          target,
          webhook,
          callbackKeys: [own],
          files: filesOf(),
          publicUrl: "http://localhost",
        };
        return isProven(await verify.check(request, context));
      };
      expect(await proves(callbackSignature(own, target, webhook)), webhook).toBe(true);
      for (const key of others) expect(await proves(callbackSignature(key, target, webhook)), webhook).toBe(false);
    }
  });

  test("no key that is handed out signs an operation", () => {
    const target = { adapter: folder, ...tenant, orderId: "o_1", paymentId: "p_1" };
    const keys = signingKeysOf();
    const [now, exp] = [1_000_000, 2_000];
    for (const operation of ["capture", "cancel", "refund", "refresh"] as const) {
      const proves = (sig: string): boolean =>
        operationProven(
          keys.of("operation", tenant),
          new URLSearchParams({ sig, exp: `${exp}` }),
          target,
          operation,
          now,
        );
      expect(proves(operationSignature(keys.of("operation", tenant)[0], target, operation, exp))).toBe(true);
      for (const key of [keys.of("callback", tenant)[0], keys.of("operation", { ...tenant, merchant: "other" })[0]])
        expect(proves(operationSignature(key, target, operation, exp))).toBe(false);
    }
  });

  test.runIf(adapter.secrets.length > 0)(
    "each of its secrets has the shape of a secret, and is told of without its value",
    async () => {
      const usual = { adapterId: "ours", ...(await settings("http://psp.invalid")) };
      const faultsWith = (secret: string, value: unknown): readonly string[] => {
        const merchants = { acme: { se: { [folder]: { ...usual, [secret]: value } } } };
        const norce = { orderApi: "https://norce.example", token: "t" };
        try {
          createConfig({ URL_SIGNING_KEYS: fixtureSigningKey }, { norce, merchants }, new Map([[folder, adapter]]));
          return [];
        } catch (error) {
          return error instanceof ConfigError ? error.faults : [String(error)];
        }
      };
      for (const secret of adapter.secrets)
        for (const bad of ["canary\n", " canary", "canary\t", "can\u0000ary", "\u00a0canary"])
          for (const [value, at] of [
            [bad, ""],
            [["good", bad], ".1"],
            [{ an: bad }, ".an"],
          ] as const) {
            const faults = faultsWith(secret, value);
            expect(faults.join("\n"), JSON.stringify(value)).toContain(`.${folder}.${secret}${at}: must neither begin`);
            expect(faults.join("\n")).not.toContain("canary");
          }
    },
  );
});
