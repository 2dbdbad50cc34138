/** The world around the service, in one process: a Norce Order API, the PSPs, a shop, and a page to watch and press buttons. */
import type { RequestHandler } from "express";
import type { Adapters } from "../src/adapters/registry.ts";
import type { Simulator } from "../src/contract/simulator.ts";
import { createSessions } from "../src/operators/page/session.ts";
import { createSigningKeys } from "../src/signatures/signing-keys.ts";
import { createHistory } from "./history.ts";
import { loadSimulator } from "./kernel/load.ts";
import { listenOnLoopback } from "./loopback.ts";
import { createSandboxNorce, type SandboxNorce } from "./norce.ts";
import { createPage } from "./page.ts";
import { createSandboxPsp, type SandboxPsp } from "./psp.ts";
import { demoChannels, demoMerchant, type PurchaseKind } from "./purchases.ts";
import { adapterIdOf, createShop, type Purchase, type PurchaseOptions } from "./shop.ts";
import { followPayments } from "./storefront.ts";
import { processTerminal, type Terminal } from "./terminal.ts";
import { printMoves, walk, type WalkSummary } from "./walk.ts";

export interface SandboxOptions {
  /** Where the service listens, as the PSPs of the sandbox reach it: `http://127.0.0.1:3000`. */
  readonly callbackBase: string;
  /** `URL_SIGNING_KEYS`, newest first. */
  readonly urlSigningKeys: readonly string[];
  /** One of `ADMIN_TOKEN`: the page asks the service for looks. */
  readonly adminToken: string;
  readonly adapters: Adapters;
  /** Where the walk prints; the process's own terminal where it is left out. */
  readonly terminal?: Terminal;
  /** How much faster than in real life the PSPs' schedules run. Default 1/240: two minutes are half a second. */
  readonly timeScale?: number;
}

export interface Sandbox {
  /** A configuration in the shape of `config.yaml` that points at this sandbox. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  /** To be mounted at `/`. */
  readonly page: RequestHandler;
  startPurchase(kind: PurchaseKind, options?: PurchaseOptions): Purchase;
  /** The demo; needs the service to run. @throws Error naming every purchase that did not end as it should. */
  walk(): Promise<WalkSummary>;
  close(): Promise<void>;
}

/** Starts Norce and every PSP that has a simulator on ports of the loopback interface. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const {
    adapters,
    callbackBase,
    urlSigningKeys,
    adminToken,
    terminal = processTerminal(),
    timeScale = 1 / 240,
  } = options;
  const simulators = await loadSimulators(adapters, timeScale);
  const norce = createSandboxNorce();
  const psp = createSandboxPsp({ simulators });
  const [norceServer, pspServer] = await Promise.all([listenOnLoopback(norce.handler), listenOnLoopback(psp.handler)]);
  const history = createHistory(norce, psp, Date.now);
  const service = { base: callbackBase.replace(/\/+$/, ""), keys: createSigningKeys(urlSigningKeys), adminToken };
  const shop = createShop({ norce, psp, history, adapters, service, now: Date.now });
  const sessions = createSessions({ config: { adminTokens: [adminToken], publicUrl: service.base }, now: Date.now });
  const onCall = (): string | undefined => sessions.open(adminToken);
  const page = createPage({ norce, psp, shop, history, adapters, onCall });
  const endings = [
    followPayments(norce),
    printMoves({ norce, shop, adapters, terminal }),
    () => history.close(),
    () => page.close(),
  ];
  return {
    document: {
      norce: { orderApi: `${norceServer.url}/checkout/order`, token: norce.token, version: "v0", states: "ten" },
      merchants: { [demoMerchant]: settingsByChannel(simulators, pspServer.url) },
    },
    norce,
    psp,
    page: page.router,
    startPurchase: (kind, purchase) => shop.startPurchase(kind, purchase),
    async walk() {
      terminal.write(`Sandbox: purchases on their way through every state. Watch them at ${service.base}/`);
      const summary = await walk({ norce, psp, shop, adapters, terminal });
      terminal.write(`Now it is your turn: ${service.base}/ has the buttons. Ctrl+C stops.`);
      return summary;
    },
    async close() {
      for (const end of endings) end();
      await psp.close();
      await Promise.all([norceServer.close(), pspServer.close()]);
    },
  };
}

async function loadSimulators(adapters: Adapters, timeScale: number): Promise<Map<string, Simulator>> {
  const found = await Promise.all(
    [...adapters.keys()].map(async (folder) => [folder, await loadSimulator(folder, { timeScale })] as const),
  );
  return new Map(found.filter((entry): entry is readonly [string, Simulator] => entry[1] !== undefined));
}

function settingsByChannel(simulators: ReadonlyMap<string, Simulator>, url: string): Record<string, unknown> {
  const settings = [...simulators].map(([folder, simulator]) => [
    folder,
    { adapterId: adapterIdOf(folder), ...simulator.settings(`${url}/${folder}`) },
  ]);
  return Object.fromEntries(demoChannels.map((channel) => [channel, Object.fromEntries(settings)]));
}
