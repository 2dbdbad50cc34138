import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AnyAdapter, Json } from "../../src/contract/adapter.ts";
import type { SimulatedAnswer } from "../../src/contract/simulator.ts";
import { commonConfig } from "../../src/contract/adapter.ts";
import { createConfig, redacted } from "../../src/config.ts";
import {
  bodyWithPeople,
  expectSilence,
  norceToken,
  person,
  planted,
  tokenOf,
  withPeople,
} from "../support/canaries.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { fixtureSigningKey } from "../support/signing.ts";
import { loadSubjects, type Subject } from "../support/subjects.ts";

const subjects = await loadSubjects();

describe.each(subjects)("$folder", (subject) => {
  const { adapter, fixtures, requests, say } = subject;

  test.each(fixtures)("$name is mapped to nothing personal", async (fixture) => {
    const peopled = await say(fixture, withPeople(fixture.snapshot));
    expect(peopled, "extra fields change nothing").toEqual(await say(fixture));
  });

  describe("in the whole way of a payment", () => {
    let stage: Stage;
    let answered: (answer: SimulatedAnswer) => SimulatedAnswer = (answer) => answer;
    beforeAll(async () => {
      stage = await openStage(subject, { norceToken, sockets: true, answered: (answer) => answered(answer) });
    });
    beforeEach(async () => {
      await stage.reset();
      answered = (answer) => ({ ...answer, ...(answer.body === undefined ? {} : { body: withPeople(answer.body) }) });
    });
    afterAll(() => stage.close());

    test.each([
      ["refuses", { status: 401, body: planted }],
      ["fails", { status: 500, body: planted }],
      ["does not know the payment", { status: 404, body: planted }],
      ["does not allow it", { status: 403, body: { ...planted, code: "SOME_CODE" } }],
      ["answers something else", { status: 200, body: planted }],
      ["answers a list", { status: 200, body: [planted] }],
      ["answers a text", { status: 200, body: `${person}-text` }],
    ] as const)("nothing gets out when the PSP %s", async (_, answer) => {
      answered = () => answer;
      const purchase = stage.purchase();
      await stage.look(purchase.key);
      await expectSilence(subject, stage, [purchase], []);
    });

    test("nothing gets out when Norce fails", async () => {
      const purchase = stage.purchase({ recurring: true });
      purchase.act({ name: purchase.actions()[0] ?? "", part: false });
      for (const method of ["GET", "PUT", "POST"]) {
        for (const fault of [
          { status: 500 },
          { status: 400 },
          { status: 401 },
          { status: 502, html: `<p>${person}</p>` },
        ]) {
          stage.norce.fault({ match: (request) => request.method === method, times: 3, ...fault });
          await stage.look(purchase.key);
          stage.norce.clearFaults();
        }
      }
      await stage.rest(purchase.key);
      await expectSilence(subject, stage, [purchase], tokenOf(purchase.payment()["recurring"] ?? null));
    });

    test("nothing of a webhook gets out that is refused or cannot be read", async () => {
      for (const { request } of requests) {
        const headers = { ...request.headers, authorization: `${person}-in-a-header` };
        const forged = request.url.replace(/sig=[^&]*/, `sig=${person}-signature`);
        const odd = `${request.url}&${person}=${person}%00`;
        for (const url of [forged, odd, request.url])
          for (const body of [`{"${person}`, bodyWithPeople(request.body), JSON.stringify([planted])]) {
            const answer = await stage.deliver({ ...request, url, headers, body });
            expect(await answer.text()).not.toContain("canary");
          }
      }
      await expectSilence(subject, stage, [], []);
    });
  });

  test.each(adapter.secrets.map(String))(
    "%s appears in no printed configuration, fault, log line or error",
    async (secret) => {
      const usual = await subject.settings("http://psp.invalid");
      const { canary, settings } = settingsWith(subject, usual, secret);
      const configured = (more: Record<string, unknown>): unknown => {
        const document = {
          norce: { orderApi: "http://norce.invalid", token: norceToken },
          merchants: { acme: { se: { [adapter.id]: { ...settings, ...more } } } },
        };
        try {
          const config = createConfig(
            { URL_SIGNING_KEYS: fixtureSigningKey },
            document,
            new Map([[adapter.id, adapter]]),
          );
          return [redacted(config), config.warnings];
        } catch (error) {
          return error instanceof Error ? [error.message, error.stack, JSON.stringify(error)] : error;
        }
      };
      const values = [canary, "", `${canary}\n`, [canary, 1], { [canary]: canary }, 1];
      for (const more of [{}, ...values.map((value) => ({ [secret]: value }))]) {
        const printed = JSON.stringify(configured(more));
        for (const told of [canary, norceToken, fixtureSigningKey]) expect(printed).not.toContain(told);
      }

      // The simulator knows other credentials: it refuses, and that is when a client is tempted to say what it has sent.
      const stage = await openStage(subject, {
        norceToken,
        sockets: true,
        settings: (apiUrl) => ({ ...settings, apiUrl }),
      });
      try {
        const purchase = stage.purchase();
        purchase.act({ name: purchase.actions()[0] ?? "", part: false });
        await stage.look(purchase.key);
        if ("fetch" in adapter) expect(stage.asked, "the PSP has been asked").not.toHaveLength(0);
        await expectSilence(subject, stage, [purchase], [canary, Buffer.from(canary).toString("base64url")]);
      } finally {
        await stage.close();
      }
    },
  );
});

/**
 * Settings that the adapter takes and in which the secret stands, a text in the shape that this secret has: where it excludes others,
 * without them.
 */
function settingsWith(
  { adapter }: Subject,
  usual: Readonly<Record<string, Json>>,
  secret: string,
): { readonly canary: string; readonly settings: Readonly<Record<string, Json>> } {
  const text = `canary-${secret}`;
  const digits = createHash("sha256").update(text).digest("hex").toUpperCase();
  const given = usual[secret];
  // `sk_test_…`: what the PSP writes before its keys says what they are for.
  const prefix = typeof given === "string" ? (/^(?:[a-z]+_)+/.exec(given)?.[0] ?? "") : "";
  const shapes = [
    { canary: text, value: text },
    { canary: digits, value: digits },
    { canary: digits, value: `${prefix}${digits}` },
    { canary: text, value: { "key-1": text } },
    { canary: digits, value: `-----BEGIN PRIVATE KEY-----\n${digits}\n-----END PRIVATE KEY-----\n` },
  ];
  for (const { canary, value } of shapes) {
    const settings = settingsTaken(adapter, usual, secret, value);
    if (settings !== undefined) return { canary, settings };
  }
  throw new Error(`no settings of ${adapter.id} take the secret ${secret}`);
}

function settingsTaken(
  adapter: AnyAdapter,
  usual: Readonly<Record<string, Json>>,
  secret: string,
  value: Json,
): Readonly<Record<string, Json>> | undefined {
  const others = Object.keys(usual).filter((name) => name !== secret && !(name in commonConfig.shape));
  const choices = Array.from({ length: 2 ** others.length }, (_, bits) =>
    Object.fromEntries(
      Object.entries({ ...usual, [secret]: value }).filter(
        ([name]) => !others.includes(name) || ((bits >> others.indexOf(name)) & 1) === 0,
      ),
    ),
  );
  return choices.find((settings) => adapter.config.safeParse(settings).success);
}
