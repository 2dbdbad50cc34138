import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Explanation } from "../../src/operators/explain.ts";
import { recordKey } from "../../src/norce/payment.ts";
import { fingerprintOf } from "../../src/signatures/fingerprint.ts";
import { backends, type TestEngine } from "../support/engines.ts";
import type { Purchase, World } from "../support/service.ts";
import { calmAfterEach, openWorldFor } from "../support/worlds.ts";
import { fixtureSigningKey } from "../support/signing.ts";
import { until } from "../support/until.ts";

const admin = { authorization: "Bearer an-admin-token-of-ours" };

describe.each(backends())("what happened to an order, on $name", (engine: TestEngine) => {
  let world: World;

  openWorldFor(engine, (opened) => (world = opened));
  calmAfterEach(() => world);

  const ask = async (query: Record<string, string>, headers: Record<string, string> = admin): Promise<Response> =>
    await fetch(
      `${world.url}/explain?${new URLSearchParams({ merchant: "acme", channel: "se", ...query }).toString()}`,
      {
        headers,
      },
    );
  const explained = async (query: Record<string, string>): Promise<Explanation> =>
    (await (await ask(query)).json()) as Explanation;
  const ofOrder = async ({ key }: Purchase): Promise<Explanation> => await explained({ order: key.orderId });
  const said = ({ timeline }: Explanation): string[] => timeline.map(({ kind, says }) => `${kind}: ${says}`);
  const operate = async (purchase: Purchase, operation: string): Promise<Response> => {
    const { adapter, orderId, paymentId } = purchase.key;
    const path = `/${adapter}/api/order/v1/orders/${orderId}/payments/${paymentId}/${operation}?merchant=acme&channel=se`;
    return await fetch(world.url + path, { method: "POST", headers: admin });
  };

  async function paid(options?: Parameters<World["purchase"]>[0]): Promise<Purchase> {
    const purchase = world.purchase(options);
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    await world.idle();
    return purchase;
  }

  test("a webhook that paid: received and by which key, what both sides said, what was written", async () => {
    const purchase = await paid();
    const explanation = await ofOrder(purchase);
    const [received, looked, written] = said(explanation);
    expect(received).toContain(`webhook push received; proven by the key ${fingerprintOf(fixtureSigningKey)}`);
    expect(received).not.toContain(purchase.reference);
    expect(explanation.timeline[0]?.facts).toMatchObject({ ref: purchase.reference });
    expect(looked).toContain("asked by a webhook: the PSP says confirmed, authorised 100.00 SEK");
    expect(looked).toContain("Norce says intent, 100.00 SEK: they differ, so Norce is written");
    expect(written).toMatch(/^written: written to Norce: intent → reserved; state, record/);
    expect(explanation).toMatchObject({ known: true, needsAttention: false, letters: [], events: [] });
    expect(explanation.payments).toMatchObject([
      { ...idsOf(purchase), reference: purchase.reference, state: "reserved", waits: [] },
    ]);
    expect(explanation.timeline[1]?.facts).toMatchObject({
      psp: { phase: "confirmed", currency: "SEK", authorized: 100, captured: 0 },
      norce: { state: "intent", amount: 100 },
    });
    expect(explanation.next.map(({ command }) => command)).toContain(
      `npm run reconcile -- acme se ${purchase.key.orderId} --dry-run`,
    );
  });

  test("a forged webhook leaves nothing: who is not known is not known", async () => {
    const purchase = world.purchase();
    const forged = purchase.pushUrl.replace(/sig=[^&]+/, "sig=AAAA");
    expect((await world.post(forged)).status).toBe(401);
    expect(await ofOrder(purchase)).toMatchObject({ known: false, payments: [], timeline: [], needsAttention: false });
  });

  test("a PSP that was down and is up again: waits until when, why, and what came afterwards", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const down = world.psp.fault({ match: ({ path }) => path.includes(purchase.reference), status: 503 });
    await purchase.push();
    const waiting = async (): Promise<Explanation> => await ofOrder(purchase);
    await until(async () => (await waiting()).payments[0]?.waits.length === 1, "it to wait");
    const { payments, timeline, next } = await waiting();
    expect(payments).toMatchObject([{ waits: [{ why: "unreachable", tries: 1 }] }]);
    expect(timeline.at(-1)).toMatchObject({ kind: "waited", until: expect.any(String) });
    expect(timeline.at(-1)?.says).toContain("asked by a webhook: waits, because klarna-checkout answered 503");
    expect(next[0]?.says).toContain("it is looked at again by itself");
    down.clear();
    await purchase.push();
    await purchase.reaches("reserved");
    await world.idle();
    const kinds = (await ofOrder(purchase)).timeline.map(({ kind }) => kind);
    expect(kinds.slice(0, 5)).toEqual(["received", "waited", "received", "looked", "written"]);
  });

  test("an answer that cannot be read: a letter, its command, and the look that resolves it", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const strange = world.psp.fault({
      match: ({ path, method }) => method === "GET" && path.includes(purchase.reference),
      answer: (body) => ({ ...(body as object), status: "BRAND_NEW" }),
    });
    await purchase.push();
    await until(async () => (await ofOrder(purchase)).payments[0]?.waits.length === 1, "it to be asked once more");
    world.advance(6_000);
    await purchase.push();
    await until(async () => (await ofOrder(purchase)).payments[0]?.letter !== undefined, "a letter");
    const { payments, next, timeline } = await ofOrder(purchase);
    expect(timeline.at(-1)?.kind).toBe("buried");
    expect(timeline.at(-1)?.says).toContain("given up, a letter stands");
    const id = payments[0]?.letter?.id ?? "";
    expect(next[0]?.says).toMatch(/^first: a newer version may know the answer/);
    expect(next[1]).toMatchObject({ command: `npm run letters -- retry ${id}` });
    strange.clear();
    await world.post(`${world.url}/report?retry=${id}`, { headers: admin });
    await purchase.reaches("reserved");
    await until(async () => !(await ofOrder(purchase)).needsAttention, "the letter to go");
    const later = said(await ofOrder(purchase));
    expect(later).toContain("asked: an operator asked for a look");
    // The sweep's may have been sooner.
    expect(later.filter((line) => line.includes("the letter is gone"))).toHaveLength(1);
  });

  test("an operation: asked, sent, answered, and the look after it", async () => {
    const purchase = await paid();
    expect((await operate(purchase, "capture")).status).toBe(200);
    await purchase.reaches("captured");
    await world.idle();
    const lines = said(await ofOrder(purchase)).filter((line) => line.startsWith("operated"));
    expect(lines[0]).toBe("operated: capture of 100.00 SEK was asked for");
    expect(lines[1]).toBe("operated: capture of 100.00 SEK was sent to the PSP");
    expect(lines[2]).toContain("operated: capture of 100.00 SEK is done");
    expect(said(await ofOrder(purchase)).find((line) => line.includes("asked by an operation"))).toContain(
      "captured 100.00 SEK",
    );
    expect((await operate(purchase, "capture")).status).toBe(409);
    await world.idle();
    expect(said(await ofOrder(purchase))).toContain("operated: capture was refused: nothing-to-capture");
  });

  test("an operation that the PSP stumbles over says who answered what, and when it is tried again", async () => {
    const purchase = await paid();
    world.psp.fault({ match: ({ path }) => path.endsWith("/captures"), times: 1, status: 503 });
    await operate(purchase, "capture");
    await purchase.reaches("captured");
    await world.idle();
    const lines = (await ofOrder(purchase)).timeline.filter(({ kind }) => kind === "operated");
    const later = lines.find(({ facts }) => facts["is"] === "later");
    expect(later?.says).toContain("is tried again, because klarna-checkout answered 503");
    expect(later?.until).toBeDefined();
    expect(lines.map(({ facts }) => facts["is"])).toEqual(["asked", "later", "sent", "done"]);
  });

  test("a letter that a person took away says so, and what it was about", async () => {
    const purchase = world.purchase({ payment: { adapterId: "somebody_else" } });
    await purchase.push();
    await until(async () => (await ofOrder(purchase)).needsAttention, "a letter");
    const id = (await ofOrder(purchase)).payments[0]?.letter?.id ?? "";
    const dismissed = await world.post(`${world.url}/letters?do=dismiss&id=${id}`, { headers: admin });
    expect(dismissed.status).toBe(200);
    await until(async () => !(await ofOrder(purchase)).needsAttention, "the letter to go");
    await until(
      async () => said(await ofOrder(purchase)).some((line) => line.startsWith("dismissed")),
      "the journal to say so",
    );
    expect(said(await ofOrder(purchase)).at(-1)).toBe(
      `dismissed: whoever has the admin token ${fingerprintOf("an-admin-token-of-ours")} took the letter away: the payment belongs to another adapter`,
    );
  });

  test("a dry run is told, and writes nothing", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const { adapter, orderId, paymentId } = purchase.key;
    const url = `${world.url}/${adapter}/api/order/v1/orders/${orderId}/payments/${paymentId}/refresh?merchant=acme&channel=se&dryRun=1`;
    await fetch(url, { method: "POST", headers: admin });
    await until(async () => (await ofOrder(purchase)).timeline.length > 0, "the dry run to be told");
    expect(said(await ofOrder(purchase))[0]).toContain("a dry run: would write intent → reserved");
    expect(purchase.state()).toBe("intent");
  });

  test("who knows the PSP's id finds the order; who names the payment gets it alone", async () => {
    const purchase = await paid();
    const explanation = await explained({ reference: purchase.reference });
    expect(explanation.payments).toMatchObject([idsOf(purchase)]);
    expect(said(explanation)).toEqual(said(await ofOrder(purchase)));
    const { orderId, paymentId } = purchase.key;
    expect((await explained({ order: orderId, payment: paymentId })).payments).toHaveLength(1);
    expect((await explained({ order: orderId, payment: "p_another" })).known).toBe(false);
    expect((await explained({ reference: randomUUID() })).known).toBe(false);
  });

  test("what was written before the journal begins is a hole, and looks like one", async () => {
    const since = "2026-01-01T00:00:00.000Z";
    const record = { phase: "confirmed", authorized: 100_00, captured: 0, refunded: 0, released: 0, since };
    const purchase = await paid({ payment: { attributes: { [recordKey]: record } } });
    const [hole] = (await ofOrder(purchase)).timeline;
    expect(hole).toMatchObject({ kind: "hole", at: since });
    expect(hole?.says).toContain("this service had written it before, and the journal has nothing of that");
  });

  test("what cannot be asked is refused, and nobody else may ask", async () => {
    expect((await ask({ order: "o_1" }, {})).status).toBe(401);
    expect((await ask({})).status).toBe(400);
    expect((await ask({ order: "o_1", reference: "x" })).status).toBe(400);
    expect((await ask({ payment: "p_1", reference: "x" })).status).toBe(400);
    const strange = await ask({ order: "o_1", merchant: "nobody" });
    expect(strange.status).toBe(404);
    expect(await strange.json()).toMatchObject({ message: "no adapter is configured for nobody/se" });
  });
});

function idsOf({ key: { adapter, orderId, paymentId } }: Purchase): object {
  return { adapter, orderId, paymentId };
}

describe("events of a whole account", () => {
  const [engine] = backends();
  if (engine === undefined) throw new Error("there is no engine");
  let world: World;

  openWorldFor(engine, (opened) => (world = opened), { adapter: "adyen-dropin", pushes: true });

  test("one that waits for its payment is found by the PSP's id and by what it echoes, and placed when the order appears", async () => {
    const purchase = world.purchase({ present: false });
    purchase.act("pay");
    const explained = async (query: Record<string, string>): Promise<Explanation> => {
      const all = new URLSearchParams({ merchant: "acme", channel: "se", ...query });
      return (await (await fetch(`${world.url}/explain?${all.toString()}`, { headers: admin })).json()) as Explanation;
    };
    const { orderId, paymentId } = purchase.key;
    const byPayment = { order: orderId, payment: paymentId };
    await until(async () => (await explained(byPayment)).events.length > 0, "the event to wait");
    const [event] = (await explained(byPayment)).events;
    expect(event).toMatchObject({ adapter: "adyen-dropin", webhook: "webhook", type: "AUTHORISATION" });
    expect((await explained({ reference: event?.reference ?? "" })).events).toHaveLength(1);
    expect((await explained({ order: "o_another" })).events).toEqual([]);
    purchase.appear();
    await purchase.reaches("reserved");
    const { timeline, events } = await explained({ order: orderId });
    expect(events).toEqual([]);
    expect(timeline.map(({ kind }) => kind).slice(0, 2)).toEqual(["received", "placed"]);
    expect(timeline[1]?.says).toContain("is this payment's: the PSP echoes our id");
  });
});
