import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DesiredPayment, KeptEvent } from "../../contract/adapter.ts";
import { map } from "./map.ts";
import { checkoutSchema, orderFrom, orderSchema } from "./schema.ts";
import { notedFrom, type Snapshot } from "./snapshot.ts";
import { checkoutStatuses } from "./wire.ts";

const fixtures = `${import.meta.dirname}/fixtures`;
const cases = readdirSync(fixtures);

function snapshotOf(name: string): Snapshot {
  return JSON.parse(readFileSync(`${fixtures}/${name}/snapshot.json`, "utf8")) as Snapshot;
}

function keptOf(name: string): readonly KeptEvent[] {
  if (!readdirSync(`${fixtures}/${name}`).includes("kept.json")) return [];
  return JSON.parse(readFileSync(`${fixtures}/${name}/kept.json`, "utf8")) as readonly KeptEvent[];
}

/** @param more what differs from the fixture; `now`: when it is looked at. */
function mapped(
  name: string,
  { now, ...more }: Partial<Snapshot> & { readonly now?: string } = {},
  kept = keptOf(name),
): DesiredPayment {
  const context = JSON.parse(readFileSync(`${fixtures}/${name}/context.json`, "utf8")) as { readonly now: string };
  return map({ ...snapshotOf(name), ...more }, { kept, now: Date.parse(now ?? context.now) });
}

/** The next look at the same truth, with what the last one remembered. */
function next(name: string, more: Parameters<typeof mapped>[1] = {}): DesiredPayment {
  return mapped(name, { noted: notedFrom(mapped(name).memory ?? {}, "4711001"), ...more });
}

describe("golden", () => {
  it.each(cases)("%s maps to what its desired.json says", (name) => {
    expect(mapped(name)).toEqual(JSON.parse(readFileSync(`${fixtures}/${name}/desired.json`, "utf8")));
  });

  it.each(cases)("%s is what the schema makes of an answer", (name) => {
    const { order, checkout } = snapshotOf(name);
    if (order !== null) expect(orderSchema.parse(order)).toEqual(order);
    if (checkout !== null) expect(checkoutSchema.parse(checkout)).toEqual(checkout);
  });

  it.each(cases)("%s comes to the same at the next look", (name) => {
    expect(next(name)).toEqual(mapped(name));
  });
});

it("captures and refunds of nothing are no lines", () => {
  const { order } = snapshotOf("part-captured");
  if (order === null) throw new Error("the fixture has no order");
  const [first, capture] = order.PaymentTransactions;
  if (first === undefined || capture === undefined) throw new Error("the fixture has no capture");
  const nothing = (["Capture", "Refund"] as const).map((Type, index) => ({
    ...capture,
    PaymentTransactionId: `662160${index}`,
    Type,
    Amount: 0,
  }));
  const more = { order: { ...order, PaymentTransactions: [...order.PaymentTransactions, ...nothing] } };
  expect(mapped("part-captured", more).transactions).toEqual(mapped("part-captured").transactions);
});

describe("the checkout's status", () => {
  it.each(checkoutStatuses)("%s takes nothing back that was captured", (CheckoutStatus) => {
    const { order } = snapshotOf("captured");
    const { checkout } = snapshotOf("reserved");
    const read = mapped("captured", { order, checkout: checkout && { ...checkout, CheckoutStatus }, noted: {} });
    expect(read).toMatchObject({ phase: "confirmed", money: { captured: 10000 } });
  });

  it("is the ledger's where the merchant API says none", () => {
    const { checkout } = snapshotOf("reserved");
    const silent = checkout && { ...checkout, CheckoutStatus: null };
    expect(mapped("reserved", { checkout: silent })).toMatchObject({
      phase: "confirmed",
      money: { authorized: 10000 },
    });
    expect(mapped("recurring-declined", { checkout: silent })).toMatchObject({ phase: "declined" });
    expect(mapped("created", { checkout: silent })).toMatchObject({ phase: "created" });
  });

  it("is no purchase where all attempts failed, whatever it says (Krokedil 2.2.8)", () => {
    const { order } = snapshotOf("recurring-declined");
    expect(mapped("reserved", { order })).toMatchObject({ phase: "declined", money: { authorized: 0 } });
  });
});

describe("another look", () => {
  it("is asked for while something may change without a push", () => {
    expect(mapped("created").lookAgain).toEqual({ at: "2026-02-13T09:16:00.000Z" });
    expect(mapped("on-hold").lookAgain).toEqual({ at: "2026-02-11T09:30:00.000Z" });
    expect(mapped("push-before-ledger").lookAgain).toEqual({ at: "2026-02-11T09:15:05.000Z" });
    expect(mapped("card-awaited").lookAgain).toEqual({ at: "2026-02-11T09:24:20.500Z" });
    for (const name of ["reserved", "captured", "refunded", "cancelled", "refused", "expired", "zero-amount"])
      expect(mapped(name).lookAgain, name).toBeUndefined();
  });

  it("waits longer, the longer the ledger lags", () => {
    const completedAt = "2026-02-11T08:15:00.000Z";
    const noted = { status: "Completed" as const, completedAt };
    expect(mapped("push-before-ledger", { noted }).lookAgain).toEqual({ at: "2026-02-11T09:30:00.000Z" });
  });

  it("is asked for where a purchase is complete and its ledger shows failed attempts only, for a day", () => {
    const { order } = snapshotOf("recurring-declined");
    expect(mapped("reserved", { order }).lookAgain).toEqual({ at: "2026-02-11T09:16:00.000Z" });
    const noted = { seenAt: "2026-02-11T05:15:00.000Z" };
    expect(mapped("reserved", { order, noted }).lookAgain).toEqual({ at: "2026-02-11T10:15:00.000Z" });
    expect(mapped("reserved", { order, noted: { seenAt: "2026-02-10T09:14:00.000Z" } }).lookAgain).toBeUndefined();
    expect(mapped("recurring-declined").lookAgain).toBeUndefined();
  });

  it("finds a session over after 48 hours, and not before", () => {
    const noted = { seenAt: "2026-02-09T09:15:00.000Z" };
    expect(mapped("created", { noted })).toMatchObject({ phase: "created" });
    expect(mapped("created", { noted, now: "2026-02-11T09:15:00.001Z" })).toMatchObject({ phase: "failed" });
    expect(mapped("attempt-running", { noted, now: "2026-02-12T09:15:00.000Z" })).toMatchObject({ phase: "failed" });
    expect(mapped("reversed-while-choosing", { noted, now: "2026-02-12T09:15:00.000Z" })).toMatchObject({
      phase: "confirmed",
      money: { authorized: 10000, captured: 0, refunded: 0, released: 10000 },
    });
  });

  it("has an end with a name for every wait", () => {
    const noted = { seenAt: "2026-02-09T09:15:00.000Z" };
    const late = { noted, now: "2026-03-12T09:15:00.000Z" };
    const findings = [{ name: "authorization-at-risk" }];
    expect(mapped("on-hold", late)).toMatchObject({ phase: "review", findings });
    expect(mapped("recurring-under-way", late)).toMatchObject({ phase: "failed" });
    expect(mapped("recurring-declined", late)).toMatchObject({ phase: "declined" });
  });
});

describe("the end of an upsell", () => {
  const eligible = (until: unknown) =>
    orderFrom({
      OrderId: 4711001,
      Currency: "SEK",
      Upsell: { EligibleForUpsell: true, EligibleForUpsellUntil: until },
    }).Upsell;

  it.each([
    ["2022-10-10", { EligibleForUpsell: true, EligibleForUpsellUntil: "2022-10-10T00:00:00.000Z" }],
    ["2026-02-11T09:25:00", { EligibleForUpsell: true, EligibleForUpsellUntil: "2026-02-11T09:25:00.000Z" }],
    ["tomorrow", { EligibleForUpsell: false }],
    [1_760_000_000, { EligibleForUpsell: false }],
    [null, { EligibleForUpsell: true }],
  ])("%s is read, or offers nothing", (until, upsell) => {
    expect(eligible(until)).toEqual(upsell);
  });

  it("offers nothing once it is over, also where it is a day", () => {
    const { order } = snapshotOf("upsell-eligible");
    const over = order && { ...order, Upsell: eligible("2022-10-10") };
    expect(mapped("upsell-eligible", { order: over }).upsell).toMatchObject({ eligible: false });
  });
});

describe("the saved card", () => {
  it("is the token once the purchase is complete", () => {
    expect(mapped("card-saved").recurring).toMatchObject({
      token: "c2a5d9f0-4b7e-4f1a-9a11-5be0c8f1d210",
      description: "MASTERCARD ****0008 05/29",
    });
    expect(mapped("card-saved-before-purchase").recurring).toBeUndefined();
  });

  it("is waited for where a card paid, for a day", () => {
    expect(mapped("card-awaited").memory).toMatchObject({ checkout: "open" });
    expect(next("card-awaited", { now: "2026-02-12T09:15:00.000Z" }).memory).toMatchObject({ checkout: "read" });
    expect(mapped("reserved").memory).toMatchObject({ checkout: "read" });
  });

  it("is waited for where nobody says what paid", () => {
    const { order, checkout } = snapshotOf("reserved");
    const transactions = order?.PaymentTransactions.map((made) => ({ ...made, Method: undefined })) ?? [];
    const silent = order && { ...order, PaymentTransactions: transactions };
    const session = checkout && { ...checkout, Method: undefined };
    expect(mapped("reserved", { order: silent, checkout: session }).memory).toMatchObject({ checkout: "open" });
  });

  it("is described by what is known of it", () => {
    const { checkout } = snapshotOf("card-saved");
    const bare = checkout && { ...checkout, Card: { Id: "token" } };
    expect(mapped("card-saved", { checkout: bare }).recurring).toEqual({
      token: "token",
      attributes: { type: "card" },
    });
  });
});

describe("what the purchase is for", () => {
  it.each([
    ["reduced", 10000],
    ["upsell-added", 10000],
    ["upsell-replaced-and-reversed", 10000],
    ["push-before-ledger", 10000],
    ["recurring-under-way", 10000],
  ])("is the same after %s", (name, total) => {
    expect(mapped(name).total).toBe(total);
  });

  it("is another where everything was given back before the shopper bought again", () => {
    const { order } = snapshotOf("bought-again-after-reversal");
    const cheaper = order?.PaymentTransactions.map((made, index) => (index === 2 ? { ...made, Amount: 80 } : made));
    const again = order && { ...order, PaymentTransactions: cheaper ?? [] };
    expect(mapped("bought-again-after-reversal", { order: again }).total).toBe(8000);
  });
});

describe("our ids", () => {
  it("are the merchant reference or the metadata", () => {
    const paymentId = "p0123456789012345678901234567";
    const { order } = snapshotOf("reserved");
    const cut = order && { ...order, MerchantReference: paymentId.slice(0, 25) };
    expect(mapped("reserved", { order: cut }).echoes).toEqual([paymentId.slice(0, 25)]);
    const foreign = order && { ...order, MerchantReference: "SE1", Echoes: [paymentId] };
    expect(mapped("reserved", { order: foreign }).echoes).toEqual(["SE1", paymentId]);
  });

  it("are what Qliro says now, exactly: a reference that was rewritten, and the metadata that stays", () => {
    const { order } = snapshotOf("renamed-reference");
    expect(mapped("renamed-reference").echoes).toEqual(["SE1000481"]);
    const both = order && { ...order, Echoes: ["p_1"] };
    expect(mapped("renamed-reference", { order: both }).echoes).toEqual(["SE1000481", "p_1"]);
  });
});

describe("the upsell", () => {
  it("is nobody's business where the merchant has none", () => {
    expect(mapped("reserved").upsell).toBeUndefined();
  });

  it("is eligible until the earlier of two ends", () => {
    const { order } = snapshotOf("upsell-eligible");
    const until = (EligibleForUpsellUntil: string) =>
      mapped("upsell-eligible", {
        order: order && { ...order, Upsell: { EligibleForUpsell: true, EligibleForUpsellUntil } },
      });
    expect(until("2026-02-11T09:16:00.000Z").upsell).toMatchObject({
      eligible: true,
      expiration: "2026-02-11T09:16:00.000Z",
    });
    expect(until("2026-02-11T09:15:00.000Z").upsell).toMatchObject({ eligible: false });
    expect(until("2026-02-11T10:00:00.000Z").upsell).toMatchObject({ expiration: "2026-02-11T09:19:20.500Z" });
    expect(until("2026-02-11T09:16:00.000Z").lookAgain).toEqual({ at: "2026-02-11T09:16:00.000Z" });
  });

  it("is dated by our own first look where Qliro's time is yet to come", () => {
    const { order } = snapshotOf("upsell-eligible");
    const ahead = order && {
      ...order,
      PaymentTransactions: order.PaymentTransactions.map((made) => ({
        ...made,
        Timestamp: "2026-02-11T10:14:20.500Z",
      })),
    };
    expect(mapped("upsell-eligible", { order: ahead }).memory).toMatchObject({
      completedAt: "2026-02-11T09:15:00.000Z",
    });
  });

  it("is not eligible any more once everything was given back", () => {
    const { upsell } = snapshotOf("upsell-eligible");
    const { order } = snapshotOf("cancelled");
    const open = order && { ...order, Upsell: { EligibleForUpsell: true } };
    expect(mapped("upsell-eligible", { order: open, ...(upsell && { upsell }) }).upsell).toMatchObject({
      eligible: false,
    });
  });

  it.each([
    ["upsell-added", "completed"],
    ["upsell-under-way", "created"],
    ["upsell-replaced", "completed"],
    ["upsell-failed", "failed"],
    ["upsell-link-unused", "failed"],
  ])("of %s is %s", (name, state) => {
    expect(mapped(name).upsell?.transactions).toMatchObject([{ id: "ups-7f0e", state }]);
  });

  it("is left as it stands while its link may still be used", () => {
    expect(mapped("upsell-link-open").upsell?.transactions).toEqual([]);
    expect(mapped("upsell-link-open").lookAgain).toEqual({ at: "2026-02-11T09:19:20.500Z" });
  });

  it("is no failure while the ledger lags behind the push that it succeeded, though its window is over", () => {
    const { order } = snapshotOf("reserved");
    const late = mapped("upsell-link-unused", { order }, keptOf("upsell-added"));
    expect(mapped("upsell-link-unused").upsell?.transactions).toMatchObject([{ state: "failed" }]);
    expect(late.upsell?.transactions).toEqual([]);
    expect(late.memory).toMatchObject({ checkout: "open" });
  });

  it("is believed to have succeeded by the ledger alone", () => {
    const { order } = snapshotOf("reserved");
    const { checkout } = snapshotOf("upsell-failed");
    expect(mapped("upsell-added", { order, checkout }).upsell?.transactions).toEqual([]);
    expect(mapped("upsell-added", {}, keptOf("upsell-failed")).upsell?.transactions).toMatchObject([
      { state: "completed" },
    ]);
  });

  it("keeps the payment's reference and names the transaction that counts", () => {
    expect(mapped("upsell-replaced")).toMatchObject({
      reference: "4711001",
      total: 10000,
      attributes: { paymentTransactionId: "6620093" },
    });
  });
});
