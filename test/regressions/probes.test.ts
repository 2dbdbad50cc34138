import { afterAll, beforeAll, describe, expect, test } from "vitest";
import klarnaCheckout from "../../src/adapters/klarna-checkout/index.ts";
import klarnaPayments from "../../src/adapters/klarna-payments/index.ts";
import qliro from "../../src/adapters/qliro-checkout/index.ts";
import svea from "../../src/adapters/svea-checkout/index.ts";
import type { AskContext, CommonConfig, Json, Probe } from "../../src/contract/adapter.ts";
import type { SimulatedAnswer, Simulator } from "../../src/contract/simulator.ts";
import { createHttp } from "../../src/lib/http.ts";
import { loadSimulator } from "../../sandbox/kernel/load.ts";
import { listenOnLoopback } from "../../sandbox/loopback.ts";
import { createSandboxPsp } from "../../sandbox/psp.ts";
import { asking } from "../support/asking.ts";

const probed = [
  { adapter: klarnaCheckout, wrong: { password: "another" }, questions: 1 },
  { adapter: klarnaPayments, wrong: { password: "another" }, questions: 1 },
  { adapter: svea, wrong: { apiSecret: "another" }, questions: 2 },
  { adapter: qliro, wrong: { merchantApiSecret: "another" }, questions: 1 },
];

describe.each(probed)("the probe of $adapter.id", ({ adapter, wrong, questions }) => {
  let simulator: Simulator | undefined;
  let apiUrl = "";
  let instead: SimulatedAnswer | undefined;
  let close = async (): Promise<void> => undefined;
  beforeAll(async () => {
    const loaded = await loadSimulator(adapter.id);
    if (loaded === undefined) throw new Error("there is no simulator");
    simulator = { ...loaded, answer: (request) => instead ?? loaded.answer(request) };
    const server = await listenOnLoopback(createSandboxPsp({ simulators: new Map([["psp", simulator]]) }).handler);
    apiUrl = `${server.url}/psp`;
    close = () => server.close();
  });
  afterAll(() => close());

  const ask = async (settings: Readonly<Record<string, Json>> = {}): Promise<readonly string[]> => {
    const config = adapter.config.parse({ adapterId: "a", ...simulator?.settings(apiUrl), ...settings });
    const context: AskContext<CommonConfig> = {
      config,
      ...asking(),
      signal: new AbortController().signal,
      http: (options) => createHttp({ peer: adapter.id, ...options }),
    };
    const results = await (adapter.probe as Probe<CommonConfig>)(context);
    for (const [name, value] of Object.entries(config)) {
      if ((adapter.secrets as readonly string[]).includes(name) && typeof value === "string")
        expect(JSON.stringify(results)).not.toContain(value);
    }
    return results.map(({ is }) => is);
  };

  test("says whether the credentials are taken", async () => {
    expect(await ask()).toEqual(Array.from({ length: questions }, () => "works"));
    expect(await ask(wrong)).toEqual(Array.from({ length: questions }, () => "refused"));
  });

  test("says that nobody answered", async () => {
    instead = { status: 503 };
    expect(await ask()).toEqual(Array.from({ length: questions }, () => "unreachable"));
    instead = undefined;
  });
});
