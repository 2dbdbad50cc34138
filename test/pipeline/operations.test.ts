import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { operationUrl } from "../../src/signatures/urls.ts";
import type { Document } from "../../sandbox/norce.ts";
import { backends, type TestEngine } from "../support/engines.ts";
import type { Purchase, World } from "../support/service.ts";
import { calmAfterEach, openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";
import { signingKeysOf } from "../support/signing.ts";

const admin = { authorization: "Bearer an-admin-token-of-ours" };

interface Answer {
  readonly http: number;
  readonly operationId: string;
  readonly status: string;
  readonly code?: string;
  readonly outcome?: { readonly [fact: string]: unknown };
}

describe.each(backends())("on $name", (engine: TestEngine) => {
  let world: World;

  openWorldFor(engine, (opened) => (world = opened), { settings: { publishActions: "signed" } });
  calmAfterEach(() => world);

  const urlOf = ({ key }: Purchase, operation: string): string =>
    `${world.url}/${key.adapter}/api/order/v1/orders/${key.orderId}/payments/${key.paymentId}/${operation}?merchant=acme&channel=se`;

  const answered = async (response: Response): Promise<Answer> => ({
    http: response.status,
    ...((await response.json()) as Omit<Answer, "http">),
  });

  async function ask(
    purchase: Purchase,
    operation: string,
    options: { amount?: number; idempotencyKey?: string } = {},
  ) {
    const { amount, idempotencyKey } = options;
    return await answered(
      await fetch(urlOf(purchase, operation), {
        method: "POST",
        headers: { ...admin, ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }) },
        ...(amount === undefined ? {} : { body: JSON.stringify({ amount }) }),
      }),
    );
  }

  /** The operation once it has come to its end. */
  async function ended(purchase: Purchase, operation: string, operationId: string): Promise<Answer> {
    let last: Answer | undefined;
    await until(async () => {
      const url = `${urlOf(purchase, operation)}&operationId=${operationId}`;
      last = await answered(await fetch(url, { headers: admin }));
      return last.status !== "queued" && last.status !== "running";
    }, "the operation to end");
    if (last === undefined) throw new Error("nothing was answered");
    return last;
  }

  async function reserved(): Promise<Purchase> {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    await world.idle();
    return purchase;
  }

  const linesOf = (purchase: Purchase, event: string): readonly Document[] =>
    purchase.transactions().filter((line) => line["event"] === event);
  const actionsOf = (purchase: Purchase): unknown[] =>
    ((purchase.payment()["actions"] ?? []) as { type: string }[]).map(({ type }) => type);
  const calls = (route: RegExp) => world.psp.fault({ match: ({ path }) => route.test(path), slowMs: 0 });

  test("a capture is told to the PSP, leaves its outcome in the log, and the payment follows", async () => {
    const purchase = await reserved();
    const { http, operationId } = await ask(purchase, "capture");
    expect(http).toBe(200);
    await purchase.reaches("captured");
    expect(await ended(purchase, "capture", operationId)).toMatchObject({ status: "done", outcome: { amount: 100 } });
    await until(() => linesOf(purchase, "capture").length === 1, "the capture in the log");
    expect(linesOf(purchase, "paymentAction")).toMatchObject([
      {
        pspEvent: "capture",
        pspStatus: "done",
        amount: 100,
        isSuccess: true,
        paymentAction: { type: "capture", adapterId: "acme_klarna_adapter" },
      },
    ]);
  });

  test("a capture that is asked for five times at once captures once", async () => {
    const purchase = await reserved();
    const sent = calls(/captures$/);
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(purchase, "capture")));
    await purchase.reaches("captured");
    await world.idle();
    for (const { http, code } of answers) expect(http === 200 || code === "nothing-to-capture").toBe(true);
    expect(sent.struck).toBe(1);
    expect(linesOf(purchase, "capture")).toHaveLength(1);
  });

  test("the same idempotency key is the same operation, also after it has ended", async () => {
    const purchase = await reserved();
    const idempotencyKey = randomUUID();
    const sent = calls(/captures$/);
    const first = await ask(purchase, "capture", { amount: 40, idempotencyKey });
    await ended(purchase, "capture", first.operationId);
    const again = await ask(purchase, "capture", { amount: 40, idempotencyKey });
    expect(again).toMatchObject({ http: 200, operationId: first.operationId, status: "done" });
    expect(await ask(purchase, "capture", { amount: 50, idempotencyKey })).toMatchObject({
      http: 409,
      code: "idempotency-key-reused",
    });
    const other = await ask(purchase, "capture", { amount: 40, idempotencyKey: randomUUID() });
    await ended(purchase, "capture", other.operationId);
    expect(sent.struck).toBe(2);
    await until(() => linesOf(purchase, "capture").length === 2, "both captures in the log");
    expect(purchase.state()).toBe("reserved");
  });

  test("what the PSP's truth does not allow is refused with a reason and never sent", async () => {
    const purchase = await reserved();
    const sent = calls(/captures$|refunds$|cancel$|release/);
    expect(await ask(purchase, "capture", { amount: 100.01 })).toMatchObject({ http: 409, code: "above-authorized" });
    expect(await ask(purchase, "capture", { amount: 10.001 })).toMatchObject({ http: 409, code: "too-many-decimals" });
    expect(await ask(purchase, "refund")).toMatchObject({ http: 409, code: "nothing-to-refund" });
    expect(sent.struck).toBe(0);
    await ask(purchase, "capture", { amount: 100 });
    await purchase.reaches("captured");
    expect(await ask(purchase, "refund", { amount: 101 })).toMatchObject({ http: 409, code: "above-captured" });
    expect(await ask(purchase, "cancel")).toMatchObject({ http: 409, code: "already-captured" });
    expect(sent.struck).toBe(1);
  });

  test("a cancellation and a refund find their way too", async () => {
    const cancelled = await reserved();
    await ask(cancelled, "cancel");
    await cancelled.reaches("removed");
    const refunded = await reserved();
    await ask(refunded, "capture");
    await refunded.reaches("captured");
    await ask(refunded, "refund", { amount: 30 });
    await until(() => linesOf(refunded, "refund").length === 1, "the first refund");
    expect(refunded.state()).toBe("captured");
    await ask(refunded, "refund");
    await refunded.reaches("credited");
  });

  test("an answer that is lost after the capture does not capture twice", async () => {
    const purchase = await reserved();
    const sent = world.psp.fault({ match: ({ path }) => path.endsWith("/captures"), times: 1, drop: "after" });
    const { operationId } = await ask(purchase, "capture", { amount: 40 });
    expect(await ended(purchase, "capture", operationId)).toMatchObject({ status: "done" });
    expect(sent.struck).toBe(1);
    await until(() => linesOf(purchase, "capture").length === 1, "the capture in the log");
    expect(linesOf(purchase, "capture")).toMatchObject([{ amount: 40 }]);
    expect(linesOf(purchase, "paymentAction")).toHaveLength(1);
  });

  test("an operation whose outcome is unknown keeps its turn, so that another one's money is not taken for its own", async () => {
    const purchase = await reserved();
    world.psp.fault({ match: ({ path }) => path.endsWith("/captures"), times: 1, drop: "before" });
    const first = await ask(purchase, "capture", { amount: 40 });
    const second = await ask(purchase, "capture", { amount: 60 });
    for (const { operationId } of [first, second])
      expect(await ended(purchase, "capture", operationId)).toMatchObject({ status: "done" });
    await purchase.reaches("captured");
    await until(() => linesOf(purchase, "capture").length === 2, "both captures in the log");
  });

  test("what a look would refuse is nothing to operate on", async () => {
    const owner = await reserved();
    const stranger = world.purchase({ payment: { reference: owner.reference } });
    const sent = calls(/captures$/);
    expect(await ask(stranger, "capture")).toMatchObject({ http: 409, code: "other-order" });
    expect(sent.struck).toBe(0);
  });

  test("a refresh that comes during a look is answered with the look after it, which sees what happened since", async () => {
    const purchase = await reserved();
    const slow = world.norce.fault({ match: ({ method }) => method === "GET", times: 1, slowMs: 400 });
    const first = (await (await purchase.refresh()).json()) as { operationId: string };
    await until(() => slow.struck === 1, "a look that runs");
    purchase.act("capture");
    const second = (await (await purchase.refresh()).json()) as { operationId: string };
    expect(second.operationId).not.toBe(first.operationId);
    const seen = async (): Promise<Answer> =>
      await answered(
        await fetch(`${urlOf(purchase, "refresh")}&operationId=${second.operationId}`, { headers: admin }),
      );
    await until(async () => (await seen()).status === "done", "the look after it");
    expect(purchase.state()).toBe("captured");
  });

  test("nobody is told of another payment's look", async () => {
    const [mine, theirs] = [await reserved(), await reserved()];
    const { operationId } = (await (await theirs.refresh()).json()) as { operationId: string };
    const asked = await fetch(`${urlOf(mine, "refresh")}&operationId=${operationId}`, { headers: admin });
    expect(await answered(asked)).toMatchObject({ status: "unknown" });
  });

  test("a PSP that is away is asked again, and carries it out once", async () => {
    const purchase = await reserved();
    world.psp.fault({ match: ({ path }) => path.endsWith("/captures"), times: 2, status: 503 });
    const { operationId } = await ask(purchase, "capture");
    expect(await ended(purchase, "capture", operationId)).toMatchObject({ status: "done" });
    await until(() => linesOf(purchase, "capture").length === 1, "the capture in the log");
  });

  test("an outcome that Norce did not take is written later, once", async () => {
    const purchase = await reserved();
    world.norce.fault({ match: ({ method }) => method === "POST", times: 2, status: 500 });
    const { operationId } = await ask(purchase, "capture");
    expect(await ended(purchase, "capture", operationId)).toMatchObject({ status: "done" });
    expect(linesOf(purchase, "paymentAction")).toHaveLength(1);
  });

  test("the PSP's own refusal is an outcome, with the PSP's reason in the log", async () => {
    const purchase = await reserved();
    const refusing = { match: ({ path }: { path: string }) => path.endsWith("/captures"), times: 1, status: 403 };
    world.psp.fault(refusing);
    const { operationId } = await ask(purchase, "capture");
    expect(await ended(purchase, "capture", operationId)).toMatchObject({ status: "refused" });
    expect(linesOf(purchase, "paymentAction")).toMatchObject([{ pspEvent: "capture", isSuccess: false }]);
    expect(purchase.state()).toBe("reserved");
  });

  test("actions show what is possible now, and are written only when that changes", async () => {
    const purchase = await reserved();
    await until(() => actionsOf(purchase).length > 0, "the actions");
    expect(actionsOf(purchase)).toEqual(["capture", "cancel"]);
    const writes = world.norce.writes.replacePayment;
    await purchase.refresh();
    await world.idle();
    expect(world.norce.writes.replacePayment).toBe(writes);
    await ask(purchase, "capture");
    await until(() => actionsOf(purchase).join() === "refund", "the refund to be offered");
  });

  test("what a look would write is told without writing it", async () => {
    const purchase = await reserved();
    purchase.act("capture", 40_00);
    const before = JSON.stringify([purchase.payment(), purchase.transactions()]);
    const url = `${urlOf(purchase, "refresh")}&dryRun=1`;
    const { operationId } = await answered(await fetch(url, { method: "POST", headers: admin }));
    let told: Answer | undefined;
    await until(async () => {
      told = await answered(await fetch(`${url}&operationId=${operationId}`, { headers: admin }));
      return told.status === "done";
    }, "the preview");
    expect(told?.outcome).toMatchObject({ would: { outcome: "would-write", from: "reserved", to: "reserved" } });
    expect(JSON.stringify([purchase.payment(), purchase.transactions()])).toBe(before);
  });

  test("an operation URL is proven for its own operation only, does the whole, and dies", async () => {
    const purchase = await reserved();
    await until(() => actionsOf(purchase).includes("capture"), "the capture to be offered");
    const maker = { publicUrl: world.url, keys: signingKeysOf() };
    const soon = Math.floor(Date.now() / 1_000) + 60;
    const published = ((purchase.payment()["actions"] ?? []) as { type: string; url: string }[]).find(
      ({ type }) => type === "capture",
    );
    const { pathname, search } = new URL(published?.url ?? "");
    const capture = `${world.url}${pathname}${search}`;
    for (const [url, status, body] of [
      [capture, 401, '{"amount":40}'],
      [capture.replace("/capture?", "/cancel?"), 401],
      [operationUrl(maker, purchase.key, "capture", soon - 120), 401],
      [urlOf(purchase, "capture"), 401],
      [urlOf(purchase, "reverse"), 404],
      [capture, 200],
    ] as const) {
      const response = await fetch(url, { method: "POST", ...(body === undefined ? {} : { body }) });
      await response.body?.cancel();
      expect(response.status, url).toBe(status);
    }
    await purchase.reaches("captured");
  });

  test.each(["nonsense", "{", '{"amount":0}', '{"amount":"1"}', '{"amount":-5}'])(
    "the body %s is malformed",
    async (body) => {
      const purchase = await reserved();
      const response = await fetch(urlOf(purchase, "capture"), { method: "POST", headers: admin, body });
      expect(await answered(response)).toMatchObject({ http: 400 });
    },
  );
});
