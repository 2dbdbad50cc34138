import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, type TestContext, test as base } from "vitest";
import { openProxy } from "../../prove/proxy.ts";
import { workerDefaults } from "../../src/queue/engines/defaults.ts";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { freezeAll, thawAll } from "../support/outages.ts";
import { freePort } from "../support/ports.ts";
import { openPlace, type Place, type Program, type Served } from "../support/processes.ts";
import { until } from "../support/until.ts";

const second = 1_000;
const minute = 60 * second;
/** A machine that is busy with other things starts a process in many seconds. */
const patient = 5 * minute;
const test = base.concurrent;

/** A place whose processes are all searched for secrets when the test ends. */
async function place(context: TestContext, embedded = false): Promise<Place> {
  const opened = await openPlace((clean) => context.onTestFinished(clean), embedded);
  context.onTestFinished(() => expectSilence(opened));
  return opened;
}

function expectSilence(opened: Place): void {
  // A callback URL is the one secret that is printed on purpose, by the command that is there for it.
  const output = opened.output().replaceAll(/^(push|notification) +http\S+$/gm, "");
  expect(opened.secrets().filter((secret) => output.includes(secret))).toEqual([]);
}

/** Whether somebody takes a connection there. */
async function answers(url: string): Promise<boolean> {
  return await fetch(`${url}/health/live`).then(
    () => true,
    () => false,
  );
}

describe("start-up", () => {
  test.for(["web.ts", "worker.ts"])(
    "`%s` without an engine URL exits with a clear message",
    async (script, context) => {
      const program = (await place(context)).run(script);
      expect(await program.exited).toEqual({ code: 1, signal: null });
      expect(program.output()).toMatch(/REDIS_URL or QUEUE_URL: is not set.*npm start/);
      expect(program.output()).not.toContain("    at ");
    },
  );

  // A production host that lost its configuration would be healthy, and forget everything.
  test.for<readonly [string, Readonly<Record<string, string>>]>([
    ["NODE_ENV=production", { NODE_ENV: "production" }],
    [
      "REDIS_URL, QUEUE_URL, PUBLIC_URL, URL_SIGNING_KEYS",
      {
        REDIS_URL: "redis://127.0.0.1:1",
        QUEUE_URL: "postgres://127.0.0.1:1/q",
        PUBLIC_URL: "https://psp.example.com",
        URL_SIGNING_KEYS: "signing-key-0001",
      },
    ],
  ])("without a configuration no sandbox starts where %s is set", async ([signs, environment], context) => {
    const here = await place(context);
    rmSync(join(here.folder, "config.yaml"));
    const unset = { URL_SIGNING_KEYS: undefined, ADMIN_TOKEN: undefined, NORCE_TOKEN: undefined };
    const program = here.run("start.ts", { environment: { ...unset, ...environment } });
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(program.output()).toContain(`${signs} says that this is no place for the sandbox`);
  });

  test("every fault of the configuration is told at once, and no secret", async (context) => {
    const here = await place(context);
    writeFileSync(
      join(here.folder, "config.yaml"),
      `norce: { orderApi: "http://127.0.0.1:1/order", token: "\${NORCE_TOKEN}" }
merchants:
  acme:
    se:
      klarna-checkout: { adapterId: mine, apiUrl: https://psp.example, password: canary-password, apiKey: canary-key }
      klarna-chekcout: { adapterId: mine, apiUrl: https://psp.example }
    no:
      klarna-checkout: { adapterId: mine, apiUrl: "\${MISSING}", username: u, password: canary-password }
`,
    );
    const environment = { PORT: "a-port", ADMIN_TOKEN: "canary-short", REDIS_URL: "http://:canary-redis@localhost" };
    const programs = ["web.ts", "worker.ts", "start.ts"].map((script) => here.run(script, { environment }));
    for (const program of programs) {
      expect(await program.exited).toEqual({ code: 1, signal: null });
      for (const path of ["PORT", "ADMIN_TOKEN", "REDIS_URL", "merchants.acme.se.klarna-checkout.apiKey"])
        expect(program.output()).toContain(`  - ${path}: `);
      for (const path of ["se.klarna-chekcout", "no.klarna-checkout.apiUrl"])
        expect(program.output()).toContain(`  - merchants.acme.${path}: `);
      expect(program.output()).not.toMatch(/canary|    at /);
    }
  });

  test("what is wrong in a line of YAML is told without the line", async (context) => {
    const here = await place(context);
    writeFileSync(join(here.folder, "config.yaml"), 'norce:\n  token: "canary-token\n merchants: [');
    const program = here.run("start.ts");
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(program.output()).toMatch(/config\.yaml: is not YAML: [a-z ]+ in line \d, column \d+/);
    expect(program.output()).not.toContain("canary");
  });

  test(
    "a password in an engine's URL is never printed, also when the engine is not there, nor a signing key that can be guessed",
    { timeout: patient },
    async (context) => {
      const here = await place(context);
      const port = await freePort();
      // Nobody is there: they start all the same.
      const web = await here.serve("web.ts", {
        REDIS_URL: `redis://someone:canary-password@127.0.0.1:${port}`,
        NODE_OPTIONS: `--import=data:text/javascript,setInterval(()=>process.emitWarning('of-no-interest'),20)`,
      });
      const worker = here.run("worker.ts", {
        environment: { QUEUE_URL: `postgres://u:canary-password@127.0.0.1:${port}/q` },
      });
      await Promise.all([web.program.says("queue.unreachable"), worker.says("queue.unreachable")]);
      expect(await web.program.says("config.doubtful")).toMatchObject({
        level: 40,
        warning: expect.stringMatching(/^URL_SIGNING_KEYS: number 1 is shorter/),
      });
      expect(await here.purchase().push(web.url)).toBe(503);
      // What Node would print by itself is a line like any other, once.
      expect(await web.program.says("process.warned")).toMatchObject({ warning: "of-no-interest" });
      expect(web.program.logged("process.warned")).toHaveLength(1);
      expect(here.output()).not.toContain("canary");
      expect(await web.program.end("SIGTERM")).toEqual({ code: 0, signal: null });
    },
  );
});

test(
  "a PostgreSQL that lets nobody in ends the start in one line, without a stack",
  { timeout: patient },
  async (context) => {
    const here = await place(context);
    // It is there, and hangs up on whoever comes: it leads nowhere.
    const { port, close } = await openProxy();
    context.onTestFinished(close);
    const program = here.run("worker.ts", {
      environment: { QUEUE_URL: `postgres://u:canary-password@127.0.0.1:${port}/q` },
    });
    expect(await program.exited).toEqual({ code: 1, signal: null });
    const [last] = program.output().trim().split("\n").slice(-1);
    expect(last).toMatch(/^QUEUE_URL: PostgreSQL could not be made ready: .*(terminated|ECONNRESET)/);
  },
);

const inTurn = { timeout: patient, concurrent: false };

// What one test leaves running the next goes on with: starting a process takes a processor for a second, with a database in it for several.
describe.concurrent("the embedded engine", () => {
  const cleaning: (() => Promise<void>)[] = [];
  // Nobody but the operator asks for a look.
  const environment = { PORT: "", SWEEP_INTERVAL_SECONDS: "86400" };
  let here: Place;
  let service: Served;
  const command = (script: string, ...parameters: string[]): Program =>
    here.run(`cli/${script}`, { parameters, environment });
  beforeAll(async () => {
    environment.PORT = String(await freePort());
    here = await openPlace((clean) => cleaning.push(clean), true);
  }, patient);
  afterAll(async () => {
    for (const clean of cleaning) await clean();
    expectSilence(here);
  });

  base("answers the commands of an operator", inTurn, async () => {
    const purchase = here.purchase();
    const { orderId, paymentId, adapter } = purchase.key;

    const early = command("reconcile.ts", "acme", "se", orderId);
    expect(await early.exited).toEqual({ code: 3, signal: null });
    expect(early.output()).toContain(`http://localhost:${environment.PORT} did not answer`);

    service = await here.serve("start.ts", environment);
    const [urls, ...refused] = [
      command("callback-url.ts", adapter, "acme", "se", orderId, paymentId),
      command("callback-url.ts"),
      command("callback-url.ts", "no-such-adapter", "acme", "se"),
      command("reconcile.ts", "acme", "se"),
      command("reconcile.ts", "acme", "se", "no-such-order"),
      command("reconcile.ts", "acme", "no", orderId),
    ];
    for (const program of refused) {
      expect(await program.exited).toEqual({ code: 2, signal: null });
      expect(program.output()).toMatch(/\S/);
      expect(program.output()).not.toContain("    at ");
    }
    const looked = command("reconcile.ts", "acme", "se", orderId);
    expect(await looked.exited).toEqual({ code: 0, signal: null });
    expect(looked.output()).toContain(`${orderId}  ${paymentId}  ${adapter}  `);
    for (const fact of ["written", 'from="intent"', 'to="reserved"']) expect(looked.output()).toContain(fact);
    expect(purchase.state()).toBe("reserved");
    const again = command("reconcile.ts", "acme", "se", orderId);
    expect(await again.exited).toEqual({ code: 0, signal: null });
    expect(again.output()).toContain("unchanged");

    expect(await urls?.exited).toEqual({ code: 0, signal: null });
    const push = /^push +(http\S+)$/m.exec(urls?.output() ?? "")?.[1] ?? "";
    expect((await fetch(push.replace("{checkout.order.id}", purchase.reference), { method: "POST" })).status).toBe(200);
  });

  base("refuses a second process on its folder, while the first goes on", inTurn, async () => {
    const other = here.run("start.ts");
    expect(await other.exited).toEqual({ code: 1, signal: null });
    expect(other.output()).toContain("belongs to another process that is still running");
    expect(other.output()).toContain("REDIS_URL");
    const purchase = here.purchase();
    expect(await purchase.push(service.url)).toBe(200);
    await purchase.reaches("reserved");
    expect(await service.program.end("SIGTERM")).toEqual({ code: 0, signal: null });
    // Its end frees the folder.
    service = await here.serve("start.ts");
  });

  base("keeps what it acknowledged through kill -9, and a killed process's lock blocks nobody", inTurn, async () => {
    // Nothing can be looked at yet: every event is still owed when the process dies.
    const away = here.norce.fault({ status: 503 });
    const purchases = Array.from({ length: 40 }, () => here.purchase());
    const statuses = await Promise.all(purchases.map((purchase) => purchase.push(service.url)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await service.program.end("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
    away.clear();
    await here.serve("start.ts");
    await Promise.all(purchases.map((purchase) => purchase.reaches("reserved", minute)));
  });
});

// The servers stand side by side.
describe.concurrent.each(serverEngines())("web and worker on $name", (server: ServerEngine) => {
  const cleaning: (() => Promise<void>)[] = [];
  let here: Place;
  let web: Served;
  let worker: Program;
  const startWeb = async (): Promise<Served> => await here.serve("web.ts", server.environment());
  const startWorker = (): Program => here.run("worker.ts", { environment: server.environment() });
  beforeAll(async () => {
    [here] = await Promise.all([openPlace((clean) => cleaning.push(clean)), server.start()]);
    web = await startWeb();
    worker = startWorker();
  }, patient);
  afterAll(async () => {
    for (const clean of cleaning) await clean();
    await server.stop();
    expectSilence(here);
  });

  base("do the main job as separate processes", inTurn, async () => {
    const purchase = here.purchase();
    // The worker need not be there: what is acknowledged waits for it.
    expect(await purchase.push(web.url)).toBe(200);
    await worker.says("worker.started");
    await purchase.reaches("reserved");
    for (const [action, state] of [
      ["capture", "captured"],
      ["refund", "credited"],
    ] as const) {
      purchase.act(action);
      expect(await purchase.push(web.url)).toBe(200);
      await purchase.reaches(state);
    }
    await until(() => purchase.events().length === 3, "the transactions");
    expect(purchase.events()).toEqual(["confirm", "capture", "refund"]);
    expect(web.program.logged("payment.written")).toEqual([]);
    expect((await worker.says("config.read"))["queue"]).toBe(server.name);
  });

  base("finish what a killed worker was writing, within 15 s, and double nothing", inTurn, async () => {
    const dying = worker;
    const [putting, logging, logged] = [here.purchase(), here.purchase(), here.purchase()];
    const put = here.norce.fault({
      match: ({ method, paymentId }) => method === "PUT" && paymentId === putting.key.paymentId,
      times: 1,
      slowMs: 6 * second,
    });
    const post = here.norce.fault({
      match: ({ method, paymentId }) => method === "POST" && paymentId === logging.key.paymentId,
      times: 1,
      slowMs: 6 * second,
    });
    // The third's look lasts until there is a second worker, and dies between the transaction and its answer.
    const last = here.norce.fault({
      match: ({ method, paymentId }) => method === "PUT" && paymentId === logged.key.paymentId,
      times: 1,
      slowMs: 2.5 * second,
    });
    let killed = false;
    here.norce.onChange(({ what, paymentId }) => {
      if (what !== "transaction" || paymentId !== logged.key.paymentId || killed) return;
      killed = true;
      void dying.end("SIGKILL");
    });
    await Promise.all([putting, logging, logged].map((purchase) => purchase.push(web.url)));
    await until(() => put.struck + post.struck + last.struck === 3, "the three writes to be under way");
    const next = startWorker();
    worker = next;
    expect(await dying.exited).toEqual({ code: null, signal: "SIGKILL" });
    const purchases = [putting, logging, logged];
    expect(logged.events()).toEqual(["confirm"]);
    // On a busy machine one of the others may have been given up and written before the worker died.
    const done = (): boolean =>
      purchases.every(({ state, events }) => state() === "reserved" && events().length > 0) &&
      ["payment.written", "payment.unchanged"].some((message) =>
        next.logged(message).some(({ paymentId }) => paymentId === logged.key.paymentId),
      );
    await until(done, "the killed worker's payments to be looked at", 4 * minute);
    // What bounds the time is when a lock runs out and when that is noticed; how fast this machine is, is not ours to test.
    expect(workerDefaults.lockDuration + workerDefaults.stalledInterval).toBeLessThan(15 * second);
    for (const purchase of purchases) {
      expect(purchase.state()).toBe("reserved");
      expect(purchase.events()).toEqual(["confirm"]);
    }
  });

  base("drain on SIGTERM, also while Norce hangs", inTurn, async () => {
    const draining = worker;
    await draining.says("worker.started");
    const [slow, hanging, late] = [here.purchase(), here.purchase(), here.purchase()];
    const slowly = here.norce.fault({
      match: ({ method, paymentId }) => method === "PUT" && paymentId === slow.key.paymentId,
      times: 1,
      slowMs: second,
    });
    const never = here.norce.fault({
      match: ({ paymentId }) => paymentId === hanging.key.paymentId,
      slowMs: minute,
    });
    await Promise.all([slow.push(web.url), hanging.push(web.url)]);
    await until(() => slowly.struck === 1 && never.struck > 0, "both looks to be under way");
    const stopped = performance.now();
    const exit = draining.end("SIGTERM");
    await draining.says("process.stopping");
    expect(await late.push(web.url)).toBe(200);
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - stopped).toBeLessThan(10 * second);
    // What ran was finished, what hung was given back, what came was left alone.
    expect(slow.state()).toBe("reserved");
    const ours = [slow, hanging, late].map(({ key }) => key.paymentId);
    const logged = (message: string) =>
      draining.logged(message).filter(({ paymentId }) => ours.includes(String(paymentId)));
    expect(logged("payment.written").map(({ paymentId }) => paymentId)).toEqual([slow.key.paymentId]);
    expect(logged("payment.later")).toMatchObject([{ paymentId: hanging.key.paymentId, why: "stopping" }]);
    expect(late.state()).toBe("intent");
    never.clear();
    worker = startWorker();
    await worker.says("worker.started");
    await Promise.all([late.reaches("reserved"), hanging.reaches("reserved")]);
    // It was given back and not left to be found.
    expect(worker.logged("job.stalled")).toEqual([]);
    expect(hanging.events().length).toBeLessThanOrEqual(1);
    expect(slow.events()).toEqual(["confirm"]);
  });

  base("answer what came in before SIGTERM, and take nothing new", inTurn, async () => {
    const purchase = here.purchase();
    // The body is still on its way when the process is told to stop.
    const body = new TransformStream<string, string>();
    const writer = body.writable.getWriter();
    void writer.write("x").catch(() => undefined);
    const underWay = purchase.push(web.url, {
      body: body.readable.pipeThrough(new TextEncoderStream()),
      duplex: "half",
    });
    await until(async () => await answers(web.url), "the process to answer");
    // Nothing tells from outside that the headers have been read.
    await pause(100);
    const exit = web.program.end("SIGTERM");
    await web.program.says("process.stopping");
    await until(async () => !(await answers(web.url)), "new connections to be refused");
    await writer.close();
    expect(await underWay).toBe(200);
    expect(await exit).toEqual({ code: 0, signal: null });
    await purchase.reaches("reserved");
  });

  base("stop within 10 s, also when the queue hangs", inTurn, async () => {
    web = await startWeb();
    const purchase = here.purchase();
    expect(await purchase.push(web.url)).toBe(200);
    await purchase.reaches("reserved");
    freezeAll(server);
    const stopped = performance.now();
    const exits = await Promise.all([web.program, worker].map((program) => program.end("SIGTERM")));
    const took = performance.now() - stopped;
    thawAll(server);
    expect(exits.map(({ code }) => code)).toEqual([0, 0]);
    expect(took).toBeLessThan(10 * second);
  });
});
