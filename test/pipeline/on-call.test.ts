import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startAlerts } from "../../src/alerts/alerts.ts";
import { linesOf, reportSchema } from "../../src/cli/report-lines.ts";
import { dayOf } from "../../src/lib/time.ts";
import { embeddedEngine, serverEngines, type TestEngine } from "../support/engines.ts";
import { startReceiver } from "../support/receiver.ts";
import { startWorld, type World, type WorldOptions } from "../support/service.ts";
import { until } from "../support/until.ts";

const minute = 60_000;
const hour = 60 * minute;
const adminToken = "an-admin-token-of-ours";
const root = join(import.meta.dirname, "../..");
type Report = ReturnType<typeof reportSchema.parse>;

/** What people on call see is the same on every engine: the laws of what it is made from are tested on each. */
const engine: TestEngine = serverEngines().find(({ name }) => name === "redis") ?? embeddedEngine();

let world: World;
beforeEach(async () => await engine.start(), 120_000);
afterEach(async () => {
  await world.stop();
  await engine.stop();
});

async function open(options: Omit<WorldOptions, "engine"> = {}): Promise<void> {
  world = await startWorld({ engine: engine.settings(), ...options });
}

/** The report from today to the day that the workers' clock has reached. */
async function report(): Promise<Report> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const query = `from=${dayOf(Date.now())}&to=${dayOf(world.now())}`;
  return reportSchema.parse(await (await fetch(`${world.url}/report?${query}`, { headers })).json());
}

/** The command as a person calls it. */
async function command(...parameters: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    PATH: process.env["PATH"],
    URL_SIGNING_KEYS: "a-master-key-of-ours-long-enough-for-all",
    ADMIN_TOKEN: adminToken,
    PUBLIC_URL: world.url,
  };
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, ["src/cli/report.ts", ...parameters], { cwd: root, env }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

const gauge = async (name: string, labels = ""): Promise<number | undefined> => {
  const line = (await world.meters.text()).split("\n").find((one) => one.startsWith(`${name}${labels} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
};
const ready = async (): Promise<unknown> => await (await fetch(`${world.url}/health/ready`)).json();
const said = (message: string): string[] => world.logged.filter((line) => line.includes(`"msg":"${message}"`));
const account = '{peer="klarna-checkout",merchant="acme",channel="se"}';

test("300 payments, 200 of them dead for one reason and the rest well", async () => {
  await open();
  const dead = Array.from({ length: 200 }, () => world.purchase({ payment: { currency: "EUR" } }));
  const well = Array.from({ length: 100 }, () => world.purchase());
  for (const purchase of [...dead, ...well]) purchase.act("pay");
  // A machine that is busy answers 503 now and then, and a PSP sends again.
  for (const purchase of [...dead, ...well])
    await until(async () => (await purchase.push()).status === 200, "each webhook to be taken");
  await until(async () => (await world.queue.letters.count()) === 200, "every letter", 60_000);
  await until(() => well.every(({ state }) => state() === "reserved"), "the rest", 60_000);
  await until(async () => (await report()).peers[1]?.lastWebhook !== undefined, "what is known of the account", 20_000);

  const told = await report();
  expect(told).toMatchObject({ needsAttention: true, waiting: [], workers: { there: 1 } });
  expect(told.dead).toHaveLength(200);
  // What a letter tells is told once.
  expect(told.drift.filter(({ name }) => name === "currency-differs")).toEqual([]);
  expect(linesOf(told)).toContain("letters (200): 200 currency-differs");
  expect(await gauge("norce_psp_letters", '{adapter="klarna-checkout",reason="currency-differs"}')).toBe(200);
  expect(told.peers).toMatchObject([{ peer: "norce" }, { peer: "klarna-checkout", merchant: "acme", channel: "se" }]);
  expect(told.keys).toMatchObject([{ setting: "URL_SIGNING_KEYS", age: "newest", safeToRetire: false }]);

  // One is put right: its letter goes, and its entry says that it is resolved.
  const [mended, dismissed] = dead;
  if (mended === undefined || dismissed === undefined) throw new Error("there are two");
  world.norce.edit(mended.key.orderId, mended.key.paymentId, (payment) => ({ ...payment, currency: "SEK" }));
  await mended.refresh();
  await mended.reaches("reserved");
  await until(async () => (await world.queue.letters.count()) === 199, "its letter to go");
  const { id } = (await report()).dead.find(({ paymentId }) => paymentId === dismissed.key.paymentId) ?? {};
  expect(await command("--dismiss", id ?? "")).toMatchObject({ code: 0 });
  const resolved = async (): Promise<Report["drift"]> =>
    (await report()).drift.filter(({ name, resolved: over }) => name === "currency-differs" && over !== undefined);
  await until(async () => (await resolved()).length === 2, "both entries to be over");
  const entries = await resolved();
  expect(entries.find(({ paymentId }) => paymentId === mended.key.paymentId)?.resolved).toMatch(/^\d{4}-/);
  expect(entries.find(({ paymentId }) => paymentId === dismissed.key.paymentId)).toMatchObject({ attention: false });
}, 300_000);

test("a wrong NORCE_TOKEN in a quiet hour", async () => {
  await open({ norce: { token: "a-token-that-nobody-takes" }, environment: { SWEEP_INTERVAL_SECONDS: "1" } });
  await until(
    async () => (await gauge("norce_psp_credential_refused", '{peer="norce",merchant="",channel=""}')) === 1,
    "it",
    20_000,
  );
  expect((await report()).peers[0]).toMatchObject({ peer: "norce", refused: { status: 401 } });
  expect(await ready()).toMatchObject({ status: "ready", workers: 1, peers: [{ peer: "norce", is: "refused" }] });
  const { code, out } = await command();
  expect(out).toMatch(/^ {2}norce {2}refuses us since \S+ \(.*status 401.*\)/m);
  expect(out).toContain("credentials-refused");
  expect(code).toBe(1);
  const wrong = await Promise.all([
    command("--merchant", "acne"),
    command("--from", "2026-02-02", "--to", "2026-02-01"),
  ]);
  expect(wrong.map((one) => one.code)).toEqual([2, 2]);
  expect(wrong[0]?.err).toContain("no such merchant is configured");
  expect(wrong[1]?.err).toContain("from has to be no later than to");
}, 300_000);

test("a PSP that is down for an hour", async () => {
  await open();
  world.psp.fault({ status: 503 });
  const purchases = Array.from({ length: 12 }, () => world.purchase());
  for (const purchase of purchases) {
    purchase.act("pay");
    await purchase.push();
  }
  await until(async () => (await gauge("norce_psp_gate_closed", account)) === 1, "the gate to close", 20_000);
  await until(async () => (await gauge("norce_psp_peer_down", account)) === 1, "it to be said to be down", 20_000);
  const waitingIn = ({ waiting }: Report): number => waiting.reduce((sum, { payments }) => sum + payments, 0);
  await until(async () => waitingIn(await report()) === 12, "all of them to wait", 20_000);
  const away = await report();
  expect(away.peers[1]).toMatchObject({ down: { status: 503 }, gate: { why: "psp-down" } });
  const since = Math.min(...away.waiting.map((one) => Date.parse(one.since)));

  world.advance(hour);
  await Promise.all(purchases.map((purchase) => purchase.refresh()));
  await until(
    async () =>
      ((await gauge("norce_psp_oldest_wait_seconds", '{adapter="klarna-checkout",reason="unreachable"}')) ?? 0) >=
      3_590,
    "an hour",
    20_000,
  );
  expect(Math.min(...(await report()).waiting.map((one) => Date.parse(one.since)))).toBe(since);

  world.psp.clearFaults();
  world.advance(2 * minute);
  await Promise.all(purchases.map((purchase) => purchase.refresh()));
  await until(() => purchases.every(({ state }) => state() === "reserved"), "every payment", 60_000);
  await until(async () => (await gauge("norce_psp_peer_down", account)) === 0, "it to be over", 20_000);
  await until(async () => (await report()).waiting.length === 0, "nothing to wait");
  const over = await report();
  expect(over.peers[1]).not.toHaveProperty("down");
  expect(over.drift.find(({ name }) => name === "psp-down")).toMatchObject({
    attention: false,
    resolved: expect.any(String),
  });
  expect(over.dead).toEqual([]);
}, 300_000);

test("no worker is left", async () => {
  await open();
  await until(async () => (await gauge("norce_psp_workers")) === 1, "the worker to be heard of");
  await world.stopWorker();
  await until(async () => (await gauge("norce_psp_workers")) === 0, "it to be missed");
  const { workers, needsAttention } = await report();
  expect([workers.there, needsAttention]).toEqual([0, true]);
  expect(Date.parse(workers.noneSince ?? "")).toBeGreaterThan(Date.now() - minute);
  expect(await gauge("norce_psp_worker_heard_timestamp_seconds")).toBe(Date.parse(workers.noneSince ?? "") / 1_000);
  expect(await ready()).toMatchObject({ status: "ready", workers: 0, noWorkerSince: workers.noneSince });
  const purchase = world.purchase();
  purchase.act("pay");
  await purchase.push();
  await until(async () => ((await gauge("norce_psp_inbox_oldest_seconds")) ?? 0) > 0, "the webhook to wait");
});

describe("webhooks that stop while the sweep repairs", () => {
  test("are silent, and heard again with the next one", async () => {
    const receiver = await startReceiver();
    onTestFinished(receiver.close);
    await open({ environment: { SWEEP_INTERVAL_SECONDS: "1", ALERT_URL: receiver.url } });
    const first = world.purchase();
    first.act("pay");
    for (let pushed = 0; pushed < 100; pushed += 1) await first.push();
    await first.reaches("reserved");
    await until(async () => ((await report()).keys[0]?.webhooks ?? 0) >= 90, "the webhooks to be counted", 20_000);
    expect(await gauge("norce_psp_webhooks_silent", account)).toBe(0);

    world.advance(8 * hour);
    const missed = Array.from({ length: 3 }, () => world.purchase());
    for (const purchase of missed) purchase.act("pay");
    await until(() => missed.every(({ state }) => state() === "reserved"), "the sweep to repair them", 60_000);
    await until(
      async () => (await gauge("norce_psp_webhooks_silent", account)) === 1,
      "the silence to be found",
      20_000,
    );
    expect(said("webhook.silent")).toHaveLength(1);
    const told = await report();
    expect(told.peers[1]).toMatchObject({ silent: { found: 3 }, lastWebhook: told.peers[1]?.silent?.since });
    expect(told.drift.find(({ name }) => name === "webhooks-silent")).toMatchObject({ attention: true });
    expect(told.calls).toContainEqual(expect.objectContaining({ name: "webhooks-silent" }));
    // Those who are on call are told by themselves.
    const { config, queue, log, meters, now } = world;
    const alerts = startAlerts({ config, queue, log, meters, now, everyMs: 50 });
    try {
      await until(async () => (await queue.causes.list()).length > 0, "the cause to be seen");
      world.advance(31_000);
      await until(() => receiver.arrived.length > 0, "the alert");
    } finally {
      await alerts.close();
    }
    const data = { cause: "webhooks-silent", of: "klarna-checkout", count: 1 };
    expect(receiver.arrived[0]?.body).toMatchObject({ type: "alert.opened", data });
    expect(await gauge("norce_psp_webhook_silence_seconds", account)).toBeGreaterThan(7 * 3_600);

    await first.push();
    // The web half has a clock of its own, which was not moved on.
    await world.queue.inbox.add([
      { target: first.key, webhook: "push", receivedAt: world.now(), event: { key: "k", type: "push", at: null } },
    ]);
    await until(async () => (await gauge("norce_psp_webhooks_silent", account)) === 0, "it to be over", 20_000);
    expect(said("webhook.heard")).toHaveLength(1);
    expect((await report()).drift.find(({ name }) => name === "webhooks-silent")).toMatchObject({ attention: false });
  }, 300_000);
});
