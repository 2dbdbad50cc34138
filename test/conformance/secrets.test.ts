import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AnyAdapter, Json } from "../../src/contract/adapter.ts";
import type { SimulatedAnswer } from "../../src/contract/simulator.ts";
import { commonConfig } from "../../src/contract/adapter.ts";
import { createConfig, redacted } from "../../src/config.ts";
import { openStage, type Purchase, type Stage } from "../support/stage.ts";
import { fixtureSigningKey } from "../support/signing.ts";
import { credentialsIn, loadSubjects, type Subject, textsIn } from "../support/subjects.ts";

const subjects = await loadSubjects();

const norceToken = "canary-norce-token";
const person = "canary-person";
/** What a field may be called in which a PSP sends what is nobody's business here. */
const personal =
  /name|mail|phone|address|street|city|postal|zip|region|birth|national|person|customer|gender|\bip\b|card|iban/i;
const planted = {
  given_name: `${person}-1`,
  family_name: `${person}-2`,
  email: `${person}-3@example.invalid`,
  phone: `${person}-4`,
  street_address: `${person}-5`,
  postal_code: `${person}-6`,
  city: `${person}-7`,
  date_of_birth: `${person}-8`,
  national_identification_number: `${person}-9`,
  billing_address: { given_name: `${person}-10`, email: `${person}-11@example.invalid` },
  shippingAddress: { firstName: `${person}-12`, lastName: `${person}-13` },
  customer: { ip: `${person}-14`, iban: `${person}-15` },
} as const satisfies Json;

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
      stage = await openStage(subject, { norceToken, answered: (answer) => answered(answer) });
    });
    beforeEach(async () => {
      await stage.reset();
      answered = (answer) => ({ ...answer, ...(answer.body === undefined ? {} : { body: withPeople(answer.body) }) });
    });
    afterAll(() => stage.close());

    test("no secret and nothing personal gets out, wherever the PSP's actions lead", async () => {
      const purchases: Purchase[] = [];
      for (const first of stage.purchase().actions()) {
        const then = stage.purchase();
        then.act({ name: first, part: false });
        for (const second of then.actions()) {
          const purchase = stage.purchase({ recurring: true });
          purchases.push(purchase);
          for (const name of [first, second]) {
            purchase.act({ name, part: false });
            for (const webhook of purchase.sent()) {
              const headers = { ...webhook.headers, "x-shopper": `${person}-in-a-header` };
              // Where the PSP signs the body, the people in it are the simulator's own.
              for (const body of [bodyWithPeople(webhook.body), webhook.body])
                await stage.deliver({ ...webhook, headers, body });
            }
            await stage.look(purchase.key);
            await stage.rest(purchase.key);
            expect(JSON.stringify(await stage.snapshot(purchase)), "what is not read cannot leak").not.toContain(
              person,
            );
          }
        }
      }
      const tokens = purchases.flatMap(({ payment }) => tokenOf(payment()["recurring"] ?? null));
      await expectSilence(subject, stage, purchases, tokens);
    });

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
      const stage = await openStage(subject, { norceToken, settings: (apiUrl) => ({ ...settings, apiUrl }) });
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
 * Nothing that the service printed, counted, kept or wrote holds a secret or a person. Tokens stand in `recurring`, and in the event that
 * brought them while it waits and in the payment's log: nobody could be asked for them again.
 */
async function expectSilence(
  { adapter }: Subject,
  stage: Stage,
  purchases: readonly Purchase[],
  tokens: readonly string[],
): Promise<void> {
  const secrets = stage.config.targets.flatMap(({ settings }) =>
    adapter.secrets.flatMap((name) => textsIn((settings as Record<string, Json | undefined>)[name] ?? null)),
  );
  if (adapter.secrets.length > 0) expect(secrets, "the settings hold a secret").not.toHaveLength(0);
  const proofs = [...new Set(stage.asked.flatMap(({ headers }) => credentialsIn(headers["authorization"])))];
  const canaries = [person, norceToken, fixtureSigningKey, ...tokens, ...secrets, ...proofs].filter(
    (canary) => typeof canary === "string",
  );
  const broughtTokens = stage.stored.flatMap(({ event }) => event.line?.recurring?.token ?? []);
  const outlets: Readonly<Record<string, string>> = {
    "a log line": stage.logged.join(""),
    "a dead letter": JSON.stringify(stage.dead),
    "a metric": await stage.meters.text(),
    "a stored event": JSON.stringify(stage.stored),
    "a transaction": JSON.stringify(purchases.map(({ transactions }) => transactions())),
    "a payment": JSON.stringify(purchases.map(({ payment }) => ({ ...payment(), recurring: null }))),
    "a recurring": JSON.stringify(
      purchases.map(({ payment }) => ({ ...recurringOf(payment()["recurring"]), token: "" })),
    ),
  };
  for (const [outlet, text] of Object.entries(outlets)) {
    for (const canary of canaries) {
      if (broughtTokens.includes(canary) && (outlet === "a stored event" || outlet === "a transaction")) continue;
      expect(text.includes(canary), `${canary} in ${outlet}`).toBe(false);
    }
  }
}

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
  const shapes = [
    { canary: text, value: text },
    { canary: digits, value: digits },
    { canary: text, value: { "key-1": text } },
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

function bodyWithPeople(body: string): string {
  if (body === "") return body;
  try {
    return JSON.stringify(withPeople(JSON.parse(body) as Json));
  } catch {
    return `${body}&email=${person}`;
  }
}

/** The document with people in it: in every field that looks like one of theirs, and in new ones. */
function withPeople(document: Json): Json {
  if (typeof document !== "object" || document === null) return document;
  if (Array.isArray(document)) return document.map((item: Json) => withPeople(item));
  const fields = Object.entries(document).map(([name, inner]: [string, Json]) =>
    typeof inner === "string" && personal.test(name) && !/status$/i.test(name)
      ? [name, `${person}-${name}`]
      : [name, withPeople(inner)],
  );
  return { ...planted, ...(Object.fromEntries(fields) as Record<string, Json>) };
}

function recurringOf(recurring: Json | undefined): Record<string, Json> {
  return typeof recurring === "object" && recurring !== null ? { ...(recurring as Record<string, Json>) } : {};
}

function tokenOf(recurring: Json): string[] {
  const { token } = recurringOf(recurring);
  return typeof token === "string" ? [token] : [];
}
