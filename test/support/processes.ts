import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { loadAdapters } from "../../src/adapters/registry.ts";
import { loadSimulator } from "../../sandbox/kernel/load.ts";
import { listenOnLoopback } from "../../sandbox/loopback.ts";
import { createSandboxNorce, type Document, type SandboxNorce } from "../../sandbox/norce.ts";
import { createSandboxPsp, type SandboxPsp } from "../../sandbox/psp.ts";
import { callbackUrl } from "../../src/signatures/urls.ts";
import { layEmbedded } from "./models.ts";
import { textsIn } from "./subjects.ts";
import { compileCache, quickWasm } from "./tree.ts";
import { until } from "./until.ts";
import { signingKeysOf } from "./signing.ts";

const adapter = "klarna-checkout";
const adapterId = "acme_klarna_adapter";
const root = join(import.meta.dirname, "../..");

/** A machine that is busy with other things starts a process in many seconds. */
const patienceMs = 100_000;

/** What a process of the service was told that nobody else may learn. */
const secrets = {
  signingKey: "canary-signing-key",
  norceToken: "canary-norce-token",
  adminToken: "canary-admin-token",
} as const;

export interface Exit {
  /** `null` where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of the service's own. */
export interface Program {
  readonly exited: Promise<Exit>;
  readonly pid: number;
  running(): boolean;
  /** Everything it printed so far, stdout and stderr. */
  output(): string;
  /** The log lines with this message. */
  logged(message: string): readonly Record<string, unknown>[];
  /** Resolves with the first log line with this message. @throws Error with the output where it does not come. */
  says(message: string): Promise<Record<string, unknown>>;
  /** Sends the signal; resolves once the process has ended. */
  end(signal: NodeJS.Signals): Promise<Exit>;
}

export interface ProgramOptions {
  readonly parameters?: readonly string[];
  /** `undefined`: not set, also where every process has it. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A merchant's side of the world for processes of the service: Norce and Klarna here, a folder with a configuration there. */
export interface Place {
  /** Where processes run: it holds `config.yaml` and the embedded queue. */
  readonly folder: string;
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  /** Starts `node src/<script>` in the folder. */
  run(script: string, options?: ProgramOptions): Program;
  /** Starts it and waits until it receives webhooks; says where. */
  serve(
    script: "web.ts" | "start.ts",
    environment?: ProgramOptions["environment"],
    parameters?: readonly string[],
  ): Promise<Served>;
  /** A Norce order with one payment, and its purchase at Klarna: paid, but not pushed. */
  purchase(): Purchase;
  /** Every text that no process may print. */
  secrets(): readonly string[];
  /** What all processes printed. */
  output(): string;
}

export interface Served {
  readonly program: Program;
  readonly url: string;
}

export interface Purchase {
  readonly key: PaymentKey;
  readonly reference: string;
  state(): unknown;
  events(): readonly unknown[];
  transactions(): readonly Document[];
  act(action: string): void;
  /** Klarna's push, sent to a service; says its status, 0 where nobody answered. */
  push(url: string, init?: RequestInit): Promise<number>;
  reaches(state: string, withinMs?: number): Promise<void>;
}

/**
 * Opens a place. @param ended is told what has to be done at the end: a test's `onTestFinished`. @param embedded whether an embedded queue
 * lies there already, which spares its first process the making of one.
 */
export async function openPlace(ended: (clean: () => Promise<void>) => void, embedded = false): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "norce-psp-place-"));
  const programs: Program[] = [];
  const proofs: string[] = [];
  const adapters = await loadAdapters();
  const klarna = adapters.get(adapter);
  const simulator = await loadSimulator(adapter, { timeScale: 0 });
  if (klarna === undefined || simulator === undefined) throw new Error(`there is no ${adapter}`);
  const norce = createSandboxNorce({ token: secrets.norceToken });
  const psp = createSandboxPsp({ simulators: new Map([[adapter, { ...simulator, due: () => [] }]]) });
  const norceServer = await listenOnLoopback(norce.handler);
  const pspServer = await listenOnLoopback(psp.handler);
  const settings = simulator.settings(`${pspServer.url}/${adapter}`);
  writeFileSync(
    join(folder, "config.yaml"),
    // JSON is YAML.
    JSON.stringify({
      norce: { orderApi: `${norceServer.url}/checkout/order`, token: "${NORCE_TOKEN}" },
      merchants: { acme: { se: { [adapter]: { adapterId, ...settings } } } },
    }),
  );
  if (embedded) await layEmbedded(join(folder, ".data"));
  ended(async () => {
    await Promise.all(programs.map((program) => program.end("SIGKILL")));
    await psp.close();
    await Promise.all([norceServer.close(), pspServer.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const place: Place = {
    folder,
    norce,
    psp,
    run(script, { parameters = [], environment = {} } = {}) {
      const program = start(join(root, "src", script), parameters, folder, {
        PORT: "0",
        URL_SIGNING_KEYS: secrets.signingKey,
        NORCE_TOKEN: secrets.norceToken,
        ADMIN_TOKEN: secrets.adminToken,
        ...environment,
      });
      programs.push(program);
      return program;
    },
    async serve(script, environment = {}, parameters = []) {
      const program = place.run(script, { parameters, environment });
      const { port } = await program.says("web.started");
      return { program, url: `http://127.0.0.1:${String(port)}` };
    },
    purchase() {
      const key = {
        adapter,
        merchant: "acme",
        channel: "se",
        orderId: `o_${randomUUID()}`,
        paymentId: `p_${randomUUID()}`,
      };
      const maker = { publicUrl: "", keys: signingKeysOf(secrets.signingKey) };
      const push = callbackUrl(maker, klarna, key, "push");
      proofs.push(new URLSearchParams(push.split("?")[1]).get("sig") ?? "no sig");
      const reference = psp.open(adapter, {
        ...key,
        amount: 100_00,
        currency: "SEK",
        callbackUrls: { push },
        recurring: true,
      });
      const order = { currency: "SEK", country: "SE", culture: "sv-SE" };
      norce.createOrder({ merchant: "acme", channel: "se", id: key.orderId, order });
      norce.addPayment(key.orderId, {
        id: key.paymentId,
        adapterId,
        name: "Klarna",
        type: "default",
        currency: "SEK",
        amount: 100,
        state: "intent",
        reference,
      });
      psp.act(adapter, reference, "pay");
      const payment = (): Document => norce.payment(key.orderId, key.paymentId) ?? {};
      const transactions = (): readonly Document[] => norce.transactions(key.orderId, key.paymentId);
      return {
        key,
        reference,
        state: () => payment()["state"],
        transactions,
        events: () => transactions().map(({ event }) => event),
        act: (action) => psp.act(adapter, reference, action),
        async push(url, init) {
          const path = push.replace("{checkout.order.id}", reference);
          return await fetch(url + path, { method: "POST", ...init }).then(
            ({ status }) => status,
            () => 0,
          );
        },
        reaches: (wanted, withinMs = patienceMs) =>
          until(() => payment()["state"] === wanted, `${key.paymentId} to be ${wanted}; ${place.output()}`, withinMs),
      };
    },
    secrets() {
      const tokens = norce
        .orders()
        .flatMap(({ payments }) =>
          (payments as readonly Document[]).map(({ recurring }) => (recurring as { token?: string } | null)?.token),
        );
      const [username = "", password = ""] = [settings["username"], settings["password"]].flatMap((text) =>
        textsIn(text ?? null),
      );
      const basic = Buffer.from(`${username}:${password}`).toString("base64");
      return [...Object.values(secrets), password, basic, ...proofs, ...tokens.filter((token) => token !== undefined)];
    },
    output: () => programs.map((program) => program.output()).join("\n"),
  };
  return place;
}

/** Starts a program with this Node. Nothing of the test's own environment reaches it. */
function start(
  file: string,
  parameters: readonly string[],
  cwd: string,
  environment: NonNullable<ProgramOptions["environment"]>,
): Program {
  const child = spawn(process.execPath, [quickWasm, file, ...parameters], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", NODE_COMPILE_CACHE: compileCache, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const exited = endOf(child);
  const logged = (message: string): Record<string, unknown>[] =>
    printed
      .split("\n")
      .filter((line) => line.includes(`"msg":"${message}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    exited,
    pid: child.pid ?? 0,
    running,
    output: () => printed,
    logged,
    async says(message) {
      const said = (): boolean => logged(message).length > 0;
      await until(() => said() || !running(), message, patienceMs).catch(() => undefined);
      const [line] = logged(message);
      if (line === undefined) throw new Error(`${file} did not say ${message}:\n${printed}`);
      return line;
    },
    async end(signal) {
      child.kill(signal);
      return await exited;
    },
  };
}

/** However the test ends, its processes end with it. */
async function endOf(child: ChildProcess): Promise<Exit> {
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    // Not `exit`: by now the last line has been read as well.
    child.once("close", (code, signal) => {
      process.off("exit", kill);
      resolve({ code, signal });
    });
  });
}
