import { afterEach, describe, expect, test } from "vitest";
import { startAlerts } from "../../src/alerts/alerts.ts";
import { backends, embeddedEngine } from "../support/engines.ts";
import { type Receiver, startReceiver, verified } from "../support/receiver.ts";
import { type Purchase, startWorld, type World, type WorldOptions } from "../support/service.ts";
import { until } from "../support/until.ts";

const second = 1_000;
const minute = 60 * second;
const secrets = ["whsec_bmV3ZXItc2VjcmV0LW9mLTI0LWJ5dGVz", "whsec_b2xkZXItc2VjcmV0LW9mLTI0LWJ5dGVz"] as const;

// What a server would change of it is the queue's, and has tests of its own.
const [engine = embeddedEngine()] = backends().toReversed();

describe(`on ${engine.name}`, () => {
  let receiver: Receiver;
  let world: World;
  const running: { close(): Promise<void> }[] = [];

  const open = async (
    environment: Record<string, string> = {},
    options: Omit<WorldOptions, "engine" | "environment"> = {},
  ): Promise<void> => {
    receiver = await startReceiver();
    await engine.start();
    world = await startWorld({
      engine: engine.settings(),
      environment: { ALERT_URL: receiver.url, ALERT_SECRET: secrets.join(","), ...environment },
      ...options,
    });
  };
  let passes = 0;
  /** As the web and the worker process do. */
  const alert = (): { close(): Promise<void> } => {
    const { config, queue, log, meters, now } = world;
    const causes = { ...queue.causes, list: async () => ((passes += 1), await queue.causes.list()) };
    const alerts = startAlerts({
      config,
      queue: { ...queue, causes },
      log,
      meters,
      now,
      random: () => 0,
      everyMs: 50,
    });
    running.push(alerts);
    return alerts;
  };
  const open200 = async (total: number, dead: number): Promise<Purchase[]> => {
    const purchases = Array.from({ length: total }, (_, index) =>
      world.purchase(index < dead ? { payment: { upperLimitAmount: 1 } } : {}),
    );
    for (const purchase of purchases) purchase.act("pay");
    // A machine that is busy answers 503 now and then, and a PSP sends again.
    await Promise.all(
      purchases.map((purchase) => until(async () => (await purchase.push()).status === 200, "a webhook to be taken")),
    );
    return purchases;
  };
  const causes = async (): Promise<number> => (await world.queue.causes.list()).length;
  /** Everything that was decided has been sent. */
  const told = (count: number): Promise<void> => until(() => receiver.arrived.length >= count, `${count} alerts`);
  /** A pass was begun and ended after now. */
  const passed = async (): Promise<void> => {
    const before = passes;
    await until(() => passes >= before + 2, "two passes");
  };

  afterEach(async () => {
    await Promise.all(running.splice(0).map((alerts) => alerts.close()));
    await world.stop();
    await Promise.all([engine.stop(), receiver.close()]);
  });

  test("200 of 300 payments dead for one reason are one alert, signed, and one more once it is over", async () => {
    await open();
    const purchases = await open200(300, 200);
    await until(async () => (await world.queue.letters.count()) === 200, "the letters", 60 * second);
    await Promise.all(purchases.slice(200).map((purchase) => purchase.reaches("reserved")));
    alert();
    await until(async () => (await causes()) === 1, "the cause to be seen");
    expect(receiver.arrived).toEqual([]);
    world.advance(31 * second);
    await told(1);
    const [first] = receiver.arrived;
    if (first === undefined) throw new Error("nothing arrived");
    expect(verified(first, secrets[0], world.now())).toEqual(first.body);
    expect(verified(first, secrets[1], world.now())).toEqual(first.body);
    expect(() => verified({ ...first, text: `${first.text} ` }, secrets[0], world.now())).toThrow("signature");
    const examples = (first.body.data?.["examples"] ?? []) as readonly Record<string, string>[];
    const { orderId = "", paymentId = "" } = examples[0] ?? {};
    expect(purchases.slice(0, 200).map(({ key }) => [key.orderId, key.paymentId])).toContainEqual([orderId, paymentId]);
    expect(first.body).toMatchObject({
      type: "alert.opened",
      data: {
        cause: "dead-letters",
        of: "above-upper-limit",
        summary: "200 payments need a person: above-upper-limit.",
        count: 200,
        accounts: [{ adapter: "klarna-checkout", merchant: "acme", channel: "se", count: 200 }],
        service: world.config.publicUrl,
        runbook: "docs/operate.md#dead-letters",
      },
    });
    expect(examples).toHaveLength(5);
    // It goes on for an hour: nothing more is told.
    world.advance(60 * minute);
    await passed();
    await passed();
    expect(receiver.arrived).toHaveLength(1);
    for (const { id } of await world.queue.letters.list(1_000)) await world.queue.letters.remove(id);
    await passed();
    world.advance(6 * minute);
    await told(2);
    const last = receiver.arrived[1];
    if (last === undefined) throw new Error("nothing arrived");
    expect(verified(last, secrets[0], world.now())).toMatchObject({
      type: "alert.resolved",
      data: { cause: "dead-letters", of: "above-upper-limit" },
    });
    expect(new Set(receiver.arrived.map(({ headers }) => headers["webhook-id"])).size).toBe(2);
    const delivered = 'norce_psp_alerts_total{cause="dead-letters",result="delivered"} 2';
    await until(async () => (await world.meters.text()).includes(delivered), "both to be counted");
    // The address is often the secret.
    expect(world.logged.join("")).not.toContain("canary-in-path");
  });

  test("a receiver that is down or says nothing disturbs no payment, and gets the same message under the same id", async () => {
    await open();
    receiver.answers = 503;
    const alerts = alert();
    await open200(3, 1);
    await until(async () => (await causes()) === 1, "the cause to be seen");
    world.advance(31 * second);
    await told(1);
    // Payments go on.
    const purchase = world.purchase();
    purchase.act("pay");
    expect((await purchase.push()).status).toBe(200);
    await purchase.reaches("reserved");
    receiver.answers = "silent";
    world.advance(20 * second);
    await told(2);
    // The process ends in the middle of it.
    await alerts.close();
    receiver.answers = 204;
    alert();
    await until(async () => {
      world.advance(5 * second);
      return receiver.arrived.length >= 3;
    }, "the third try");
    const ids = receiver.arrived.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(1);
    expect(new Set(receiver.arrived.map(({ text }) => text)).size).toBe(1);
    await until(async () => (await world.queue.causes.list())[0]?.value.told !== undefined, "it to be noted");
    const text = await world.meters.text();
    expect(text).toContain('norce_psp_alerts_total{cause="dead-letters",result="failed"} 2');
    expect(world.logged.join("")).toContain('"msg":"alert.failed"');
  });

  test("a peer that is down is told once, and that it answers again; in Slack's words", async () => {
    await open({ ALERT_FORMAT: "slack", ALERT_SECRET: "" });
    alert();
    world.norce.fault({ status: 503 });
    const purchases = await open200(8, 0);
    await until(async () => (await causes()) === 1, "the cause to be seen");
    world.advance(31 * second);
    await told(1);
    const [first] = receiver.arrived;
    expect(first?.body.text).toContain("*Open* Norce does not answer as it should.");
    expect(first?.headers["webhook-signature"]).toBeUndefined();
    expect(first?.headers["webhook-id"]).toMatch(/^alert_/);
    world.norce.clearFaults();
    world.advance(61 * second);
    for (const purchase of purchases) await purchase.push();
    await purchases[0]?.reaches("reserved");
    await until(
      async () => (await world.queue.peers.list()).every(({ down }) => down === undefined),
      "the trouble to end",
    );
    await passed();
    world.advance(6 * minute);
    await told(2);
    expect(receiver.arrived[1]?.body.text).toContain("*Resolved* Norce does not answer as it should.");
  });

  test("a dispute is told with its deadline, and once a look finds it closed; so is a sweep that does not come", async () => {
    // A sweep that is due in a day: ten of its periods go by without one.
    await open({ SWEEP_INTERVAL_SECONDS: "86400" }, { adapter: "stripe" });
    const purchase = world.purchase();
    const look = async (): Promise<void> => {
      const before = await world.looks();
      await purchase.refresh();
      await until(async () => (await world.looks()) > before, "a look");
      await world.idle();
    };
    for (const action of ["pay", "capture", "dispute"]) purchase.act(action);
    await look();
    await purchase.reaches("captured");
    alert();
    await until(async () => (await causes()) === 1, "the cause to be seen");
    world.advance(31 * second);
    await told(1);
    const opened = receiver.arrived[0]?.body;
    expect(opened).toMatchObject({ type: "alert.opened", data: { cause: "dispute", count: 1 } });
    expect(Date.parse(String(opened?.data?.["deadline"]))).toBeGreaterThan(world.now());

    purchase.act("win-dispute");
    await look();
    await passed();
    world.advance(6 * minute);
    await told(2);
    expect(receiver.arrived[1]?.body).toMatchObject({ type: "alert.resolved", data: { cause: "dispute" } });

    world.advance(11 * 24 * 60 * minute);
    await passed();
    world.advance(31 * second);
    await told(3);
    expect(receiver.arrived[2]?.body).toMatchObject({
      type: "alert.opened",
      data: { cause: "sweep-late", accounts: [{ merchant: "acme", channel: "se" }] },
    });
  });
});
