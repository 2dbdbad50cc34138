import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createContexts } from "../../src/adapters/contexts.ts";
import { type Config, createConfig } from "../../src/config.ts";
import type {
  AskContext,
  Json,
  Probe,
  ProbeResult,
  Registered,
  Registration,
  Registrations,
} from "../../src/contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest, SimulatedWebhook, Simulator } from "../../src/contract/simulator.ts";
import { type Kinship, kinshipOf } from "../../src/doctor/registered.ts";
import { isProven } from "../../src/signatures/proven.ts";
import { callbackUrl } from "../../src/signatures/urls.ts";
import { receive } from "../../src/webhooks/receive.ts";
import { loadSimulator } from "../../sandbox/kernel/load.ts";
import { listenOnLoopback } from "../../sandbox/loopback.ts";
import { createSandboxPsp } from "../../sandbox/psp.ts";
import { filesBehind } from "../support/forgeries.ts";
import { fixtureSigningKey, urlProofOf } from "../support/signing.ts";
import { loadSubjects, receivedFrom, type Subject, textsIn } from "../support/subjects.ts";

const subjects = (await loadSubjects()).filter(({ adapter }) => adapter.probe ?? adapter.registrations);
const publicUrl = "https://worker.example.com/psp";

describe.each(subjects)("$folder", (subject) => {
  const { adapter, folder } = subject;
  const probe = adapter.probe as Probe<unknown> | undefined;
  const registrations = adapter.registrations as Registrations<unknown> | undefined;
  let simulator: Simulator;
  let asked: SimulatedRequest[] = [];
  let instead: SimulatedAnswer | undefined;
  /** A client certificate is shown in the handshake, and here there is none: who asks so has tests of its own, over TLS. */
  let byHandshake = false;
  let apiUrl = "";
  let close = async (): Promise<void> => undefined;

  beforeAll(async () => {
    simulator = await simulatorOf(folder);
    const relay = new Proxy(simulator, {
      get: (_, name) => (name === "answer" ? answer : name === "due" ? () => [] : simulator[name as keyof Simulator]),
    });
    const answer: Simulator["answer"] = (request) => {
      asked.push(request);
      return instead ?? simulator.answer(request);
    };
    const psp = createSandboxPsp({ simulators: new Map([[folder, relay]]) });
    const server = await listenOnLoopback(psp.handler);
    apiUrl = `${server.url}/${folder}`;
    close = async () => {
      await psp.close();
      await server.close();
    };
  });
  beforeEach(async () => {
    simulator = await simulatorOf(folder);
    simulator.settings(apiUrl);
    asked = [];
    instead = undefined;
  });
  afterAll(() => close());

  const configWith = (changes: Readonly<Record<string, Json>> = {}): Config =>
    createConfig(
      { URL_SIGNING_KEYS: fixtureSigningKey, PUBLIC_URL: publicUrl },
      {
        norce: { orderApi: "https://norce.example", token: "t" },
        merchants: { acme: { se: { [folder]: { adapterId: "ours", ...simulator.settings(apiUrl), ...changes } } } },
      },
      new Map([[folder, adapter]]),
    );
  const account = { adapter: folder, merchant: "acme", channel: "se" };
  const contextOf = (config: Config): AskContext<unknown> => {
    const [target] = config.targets;
    if (target === undefined) throw new Error("it is not configured");
    const context = createContexts()(account, target, { signal: AbortSignal.timeout(20_000) });
    const http: typeof context.http = (options) => {
      if (options.tls !== undefined) byHandshake = true;
      return context.http(options);
    };
    return { ...context, http };
  };
  const probed = async (changes: Readonly<Record<string, Json>> = {}): Promise<readonly ProbeResult[]> =>
    (await probe?.(contextOf(configWith(changes)))) ?? [];

  describe.runIf(probe !== undefined)("its probe", () => {
    test("says that the right credentials work, names no secret, and changes nothing", async () => {
      const results = await probed();
      expect(results).not.toHaveLength(0);
      for (const { is, says } of results) expect(is, says).toBe("works");
      for (const request of asked)
        expect(simulator.isHarmless(request), `${request.method} ${request.path}`).toBe(true);
      const own = simulator.settings(apiUrl);
      const secrets = adapter.secrets.flatMap((name) => textsIn(own[name] ?? null));
      for (const secret of secrets) expect(JSON.stringify(results)).not.toContain(secret);
    });

    test("names each secret that is wrong, or says that it is not tried, or else it is one that proves webhooks", async () => {
      const own = simulator.settings(apiUrl);
      let tried = 0;
      for (const name of adapter.secrets) {
        const value = own[name];
        if (value === undefined) continue;
        const results = await probed({ [name]: another(value) });
        const refused = results.filter(({ is }) => is === "refused");
        for (const { says } of refused) expect(says, `${name} is wrong`).toContain(name);
        tried += refused.length;
        const isTold = results.some(({ says }) => says.includes(name) && (byHandshake || says.includes("not tried")));
        if (refused.length === 0 && !isTold)
          expect(await provesWebhooks(subject, name), `nobody notices that ${name} is wrong`).toBe(true);
        for (const { is, says } of results) expect(is, says).not.toBe("unreachable");
      }
      if (!byHandshake && adapter.secrets.some((name) => own[name] !== undefined)) expect(tried).toBeGreaterThan(0);
    });

    test("says that nobody answers, where nobody does", async () => {
      instead = { status: 503 };
      const results = await probed();
      expect(results).not.toHaveLength(0);
      for (const { is, says } of results) expect(is, says).toBe("unreachable");
    });
  });

  describe.runIf(registrations !== undefined)("its registrations", () => {
    const { webhooks = [] } = registrations ?? {};
    const urlOf = (
      { publicUrl: base, signingKeys: keys }: Pick<Config, "publicUrl" | "signingKeys">,
      webhook: string,
    ) => callbackUrl({ publicUrl: base, keys }, adapter, account, webhook);
    const listed = async (config: Config): Promise<readonly Registration[]> =>
      (await registrations?.list(contextOf(config))) ?? [];
    const kin = (
      all: readonly Registration[],
      config: Config,
      webhook: string,
    ): readonly (readonly [Kinship, Registration])[] => {
      const keys = config.signingKeys.of("callback", account);
      const wanted = { target: account, webhook, url: urlOf(config, webhook), keys, needsSig: true };
      return all.map((one) => [kinshipOf(one, wanted).is, one]);
    };
    const made = async (config: Config, webhook: string, url: string): Promise<Registered> => {
      if (registrations?.register === undefined) throw new Error(`${folder} registers nothing`);
      return await registrations.register({ webhook, url }, contextOf(config));
    };
    /** With what the PSP told when it registered, in front of what stands there. */
    const storing = ({ secret }: Registered): Config => {
      if (secret === undefined) return configWith();
      const own = simulator.settings(apiUrl)[secret.setting];
      return configWith({ [secret.setting]: [secret.value, ...textsIn(own ?? null)] });
    };
    /** What the PSP waits for before a registration counts: its webhook, answered as we answer. */
    const answered = (): readonly SimulatedWebhook[] => {
      const sent = simulator.due(Date.now());
      for (const one of sent) simulator.answered(one, { status: 200, body: "", ...adapter.webhooks[one.webhook]?.ack });
      return sent;
    };
    const faultOf = (one: Registration, config: Config, webhook: string): string | undefined => {
      if (!one.active) return "it is switched off";
      return registrations?.faultOf?.(one, { webhook, url: urlOf(config, webhook) }, config.targets[0]?.settings);
    };

    test("are of webhooks of the whole account", () => {
      for (const webhook of webhooks) expect(adapter.webhooks[webhook]?.scope).toBe("account");
      expect(registrations?.unavailable?.(configWith().targets[0]?.settings)).toBeUndefined();
    });

    test("may be listed, and asking changes nothing", async () => {
      await listed(configWith());
      for (const request of asked)
        expect(simulator.isHarmless(request), `${request.method} ${request.path}`).toBe(true);
    });

    test.each(webhooks)("%s is missing, is registered, and is listed as it should be", async (webhook) => {
      const config = configWith();
      const before = await listed(config);
      expect(kin(before, config, webhook).filter(([is]) => is !== "foreign")).toEqual([]);
      const registered = await made(config, webhook, urlOf(config, webhook));
      answered();
      const now = storing(registered);
      const ours = kin(await listed(now), now, webhook).filter(([is]) => is === "ours");
      expect(ours.map(([, { id }]) => id)).toEqual([registered.id]);
      for (const [, one] of ours) expect(faultOf(one, now, webhook)).toBeUndefined();
      expect((await listed(now)).filter(({ id }) => id !== registered.id)).toEqual(before);
    });

    test.each(webhooks)(
      "%s is repaired where it leads elsewhere, and what is not ours is left alone",
      async (webhook) => {
        const config = configWith();
        const foreign = await made(config, webhook, "https://shop.example.com/hooks?merchant=acme&channel=se");
        const old = urlOf({ ...config, publicUrl: "https://before.example.com" }, webhook);
        await made(config, webhook, old);
        answered();
        const before = await listed(config);
        const [wrong, ...more] = kin(before, config, webhook).filter(([is]) => is !== "foreign");
        expect([wrong?.[0], more]).toEqual(["old", []]);
        if (wrong === undefined || registrations?.repair === undefined) throw new Error(`${folder} repairs nothing`);
        const url = urlOf(config, webhook);
        const repaired = await registrations.repair(wrong[1], { webhook, url }, contextOf(config));
        answered();
        const now = storing(repaired);
        const after = kin(await listed(now), now, webhook).filter(([is]) => is !== "foreign");
        expect(after.map(([is, { id }]) => [is, id])).toEqual([["ours", repaired.id]]);
        for (const [, one] of after) expect(one.active).toBe(true);
        expect((await listed(now)).find(({ id }) => id === foreign.id)).toEqual(
          before.find(({ id }) => id === foreign.id),
        );
      },
    );

    test.runIf(registrations?.test !== undefined).each(webhooks)(
      "the PSP's test of %s arrives, and is proven",
      async (webhook) => {
        const config = configWith();
        const registered = await made(config, webhook, urlOf(config, webhook));
        answered();
        const now = storing(registered);
        const [right] = (await listed(now)).filter(({ id }) => id === registered.id);
        if (right === undefined) throw new Error("it is not listed");
        await registrations?.test?.(right, contextOf(now));
        const [sent, ...more] = answered();
        if (sent === undefined) throw new Error("the PSP sent nothing");
        expect(more).toEqual([]);
        const url = new URL(sent.url);
        const head = {
          method: sent.method,
          url: url.pathname.replace("/psp", "") + url.search,
          query: url.searchParams,
        };
        const headers = Object.fromEntries(
          Object.entries(sent.headers).map(([name, value]) => [name.toLowerCase(), value]),
        );
        const { by, ack } = await receive(
          { config: now, files: await filesBehind(subject), store: async () => undefined, now: Date.now },
          { to: { target: account, webhook }, head: { ...head, headers }, body: async () => Buffer.from(sent.body) },
        );
        expect(by).toBeDefined();
        expect(ack).toEqual(adapter.webhooks[webhook]?.ack);
      },
    );
  });
});

/** In pages of one and the other way round: whoever reads a list reads all of it. */
async function simulatorOf(folder: string): Promise<Simulator> {
  const simulator = await loadSimulator(folder, { timeScale: 0, lists: { page: 1, order: "reversed" } });
  if (simulator === undefined) throw new Error(`add ${folder}/simulator.ts, the PSP with a memory`);
  return simulator;
}

/** The same with the last letter of each text another one, so that it has the same shape. */
function another(value: Json): Json {
  if (typeof value === "string") return value.replace(/[\da-z](?=[^\da-z]*$)/i, (last) => (last === "1" ? "2" : "1"));
  if (Array.isArray(value)) return value.map((one: Json) => another(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, another(inner)]));
}

/** Whether a fixture's webhook is proven with this setting, and is not with another. */
async function provesWebhooks(subject: Subject, setting: string): Promise<boolean> {
  const { adapter, folder, requests } = subject;
  const settings = await subject.settings("http://psp.invalid");
  const files = await filesBehind(subject);
  for (const { request: fixture } of requests) {
    const webhook = adapter.webhooks[fixture.webhook];
    if (webhook === undefined) continue;
    const { request, target } = receivedFrom(folder, fixture);
    const isProvenWith = async (changes: Readonly<Record<string, Json>>): Promise<boolean> => {
      const config = adapter.config.parse({ ...settings, ...changes }) as never;
      return isProven(
        await webhook.verify.check(request, { config, target, webhook: fixture.webhook, ...urlProofOf(), files }),
      );
    };
    const value = settings[setting] ?? null;
    if (fixture.at !== undefined) vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(fixture.at) });
    const isNoticed = (await isProvenWith({})) && !(await isProvenWith({ [setting]: another(value) }));
    vi.useRealTimers();
    if (isNoticed) return true;
  }
  return false;
}
