import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SimulatedPurchase } from "../../contract/simulator.ts";
import { openStage, type Purchase, type Stage } from "../../../test/support/stage.ts";
import { loadSubjects } from "../../../test/support/subjects.ts";

const folder = "walley-checkout";
let stage: Stage;

beforeAll(async () => {
  const subject = (await loadSubjects()).find((one) => one.folder === folder);
  if (subject === undefined) throw new Error("not loaded");
  stage = await openStage(subject);
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

async function hear(purchase: Purchase): Promise<void> {
  for (const webhook of purchase.sent()) await stage.deliver(webhook);
  await stage.look(purchase.key);
  await stage.rest(purchase.key);
}

/** A session that the shop opens for the same payment, and whose notification names it. */
function another(purchase: Purchase, more: Partial<SimulatedPurchase> = {}): string {
  const { orderId, paymentId } = purchase.key;
  const url = purchase.sent().find(({ webhook }) => webhook === "notification")?.url ?? "";
  const notification = url.replace(purchase.reference, "{checkout.id}");
  return stage.simulator.open({
    orderId,
    paymentId,
    amount: 100_00,
    currency: "SEK",
    callbackUrls: { notification },
    ...more,
  });
}

describe("a shopper who pays with a second session", () => {
  it.each(["pay-rejected", "abort"])("after %s has paid", async (name) => {
    const purchase = stage.purchase();
    purchase.act({ name, part: false });
    const second = another(purchase);
    await hear(purchase);
    expect(["failed", "declined"]).toContain(purchase.state());
    stage.simulator.act(second, "pay");
    for (const webhook of stage.simulator.due(Date.now())) await stage.deliver(webhook);
    await stage.rest(purchase.key);
    expect(purchase.payment()).toMatchObject({ state: "reserved", reference: second, amount: 100 });
  });

  it("is not taken for the shopper of another order", async () => {
    const purchase = stage.purchase();
    purchase.act({ name: "pay-rejected", part: false });
    const second = another(purchase, { paymentId: "p_of_somebody_else" });
    await hear(purchase);
    stage.simulator.act(second, "pay");
    for (const webhook of stage.simulator.due(Date.now())) await stage.deliver(webhook);
    await stage.rest(purchase.key).catch(() => undefined);
    expect(purchase.payment()).toMatchObject({ state: "declined", reference: purchase.reference });
  });
});

describe("a renewal that Walley knows as an authorisation alone", () => {
  const authorizationId = "c31e9218-6a19-4b2f-8992-affc9dca1c41";

  async function tell(purchase: Purchase, type: string, minute: number, more: object = {}): Promise<void> {
    const { webhookUsername, webhookPassword } = stage.simulator.settings("http://walley.invalid") as Record<
      string,
      string
    >;
    const authorization = `Basic ${Buffer.from(`${webhookUsername}:${webhookPassword}`).toString("base64")}`;
    const response = await stage.deliver({
      method: "POST",
      url: `/${folder}/api/checkout/v1/callback/orders/webhook?merchant=acme&channel=se`,
      headers: { "content-type": "application/json", authorization },
      body: JSON.stringify({
        Type: `walley:${type}`,
        Timestamp: `2026-02-03T10:${String(minute).padStart(2, "0")}:00.0000000+00:00`,
        Payload: { AuthorizationId: authorizationId, Reference: purchase.key.paymentId, ...more },
      }),
    });
    expect(response.status).toBe(200);
    await stage.rest(purchase.key, "patient");
  }

  it("is processing until it has failed for good", async () => {
    const purchase = stage.purchase({ referenced: false });
    const { orderId, paymentId } = purchase.key;
    stage.norce.edit(orderId, paymentId, (payment) => ({ ...payment, reference: authorizationId }));
    await tell(purchase, "authorization:created", 1);
    expect(purchase.state()).toBe("processing");
    await tell(purchase, "authorization:retrying", 2, { Reason: "PAYMENT_METHOD_NO_FUNDS" });
    expect(purchase.state()).toBe("processing");
    await tell(purchase, "authorization:failed", 3, { Reason: "PAYMENT_METHOD_EXPIRED" });
    expect(purchase.state()).toBe("declined");
  });
});
