import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callbackUrl } from "../../signatures/urls.ts";
import type { SimulatedWebhook } from "../../contract/simulator.ts";
import { openStage, type Purchase, type Stage } from "../../../test/support/stage.ts";
import { signingKeysOf } from "../../../test/support/signing.ts";
import { loadSubjects } from "../../../test/support/subjects.ts";
import adapter from "./index.ts";

let stage: Stage;
beforeAll(async () => {
  const subject = (await loadSubjects()).find(({ folder }) => folder === adapter.id);
  if (subject === undefined) throw new Error("the folder was not loaded");
  stage = await openStage(subject);
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

/** A second attempt of the shopper's: another reference, the same payment in Norce. */
function again({ key }: Purchase, amount = 10000): { readonly reference: string; sent(): readonly SimulatedWebhook[] } {
  const { orderId, paymentId, ...account } = key;
  const maker = { publicUrl: stage.config.publicUrl, keys: signingKeysOf() };
  const callbackUrls = { webhook: callbackUrl(maker, adapter, account, "webhook") };
  const reference = stage.simulator.open({ orderId, paymentId, amount, currency: "SEK", callbackUrls });
  return { reference, sent: () => stage.simulator.due(Date.now()) };
}

async function hear(purchase: Purchase, webhooks: readonly SimulatedWebhook[]): Promise<void> {
  for (const webhook of webhooks) expect((await stage.deliver(webhook)).status).toBe(200);
  await stage.rest(purchase.key, "patient");
}

describe("another attempt", () => {
  it("takes the place of one that the shopper left", async () => {
    const purchase = stage.purchase();
    stage.simulator.act(purchase.reference, "abort");
    await hear(purchase, purchase.sent());
    expect(purchase.state()).toBe("failed");
    const { reference, sent } = again(purchase);
    stage.simulator.act(reference, "pay");
    await hear(purchase, sent());
    expect([purchase.state(), purchase.payment()["reference"]]).toEqual(["reserved", reference]);
  });

  it("does not where the first one holds the money", async () => {
    const purchase = stage.purchase();
    purchase.act({ name: "pay", part: false });
    await hear(purchase, purchase.sent());
    const { reference, sent } = again(purchase);
    stage.simulator.act(reference, "abort");
    await hear(purchase, sent());
    expect([purchase.state(), purchase.payment()["reference"]]).toEqual(["reserved", purchase.reference]);
  });
});

describe("with every webhook lost", () => {
  it.each([false, true])("looks alone bring everything, recurring %s", async (recurring) => {
    const purchase = stage.purchase({ recurring });
    const seen: unknown[] = [];
    for (const name of ["pay", "capture", "refund", "release"]) {
      expect(purchase.act({ name, part: name !== "pay" && name !== "release" })).toBe(true);
      await stage.look(purchase.key);
      await stage.rest(purchase.key);
      seen.push(purchase.state());
    }
    expect(seen).toEqual(["reserved", "reserved", "reserved", "credited"]);
    expect(purchase.payment()["recurring"] ?? null).toEqual(
      recurring ? expect.objectContaining({ token: purchase.reference }) : null,
    );
  });

  it("a webhook that is repeated for a week is acknowledged each time, and writes nothing new", async () => {
    const purchase = stage.purchase({ referenced: false });
    purchase.act({ name: "pay", part: false });
    const webhooks = purchase.sent();
    await hear(purchase, webhooks);
    const before = stage.writes();
    await hear(purchase, [...webhooks, ...webhooks.toReversed()]);
    expect([purchase.state(), stage.writes()]).toEqual(["reserved", before]);
  });
});
