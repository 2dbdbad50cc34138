import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SimulatedWebhook } from "../../contract/simulator.ts";
import { openStage, type Purchase, type Stage } from "../../../test/support/stage.ts";
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

async function hear(purchase: Purchase, webhooks: readonly SimulatedWebhook[]): Promise<void> {
  for (const webhook of webhooks) expect((await stage.deliver(webhook)).status).toBe(200);
  await stage.rest(purchase.key, "patient");
}

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
