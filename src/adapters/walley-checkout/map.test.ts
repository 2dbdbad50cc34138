import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DesiredPayment, KeptEvent } from "../../contract/adapter.ts";
import { map } from "./map.ts";
import { readAs } from "../../lib/read.ts";
import { type Checkout, checkoutSchema, notedIn, orderSchema, type Snapshot } from "./schema.ts";

const fixtures = `${import.meta.dirname}/fixtures`;
const unmapped = expect.objectContaining({ kind: "Unmapped" });
/** When the fixtures are looked at, but for those that say otherwise. */
const noon = Date.parse("2026-03-04T08:32:00.000Z");
const day = 86_400_000;

function read(name: string, file: string): unknown {
  return JSON.parse(readFileSync(`${fixtures}/${name}/${file}`, "utf8"));
}

function snapshotOf(name: string): Snapshot {
  return read(name, "snapshot.json") as Snapshot;
}

function keptOf(name: string): readonly KeptEvent[] {
  return readdirSync(`${fixtures}/${name}`).includes("kept.json") ? (read(name, "kept.json") as KeptEvent[]) : [];
}

/** The authorised order, changed. */
function mapped(
  change: object,
  more: Partial<Snapshot> = {},
  kept: readonly KeptEvent[] = [],
  now: number = noon,
): DesiredPayment {
  const { order, ...rest } = snapshotOf("accepted");
  if (order === null) throw new Error("the fixture has no order");
  return map({ ...rest, ...more, order: { ...order, ...change } }, { kept, now });
}

function invoices(...amounts: number[]): object {
  return { invoices: amounts.map((totalAmount) => ({ totalAmount })) };
}

function sumsOf({ money }: DesiredPayment): readonly number[] {
  return [money.authorized, money.captured, money.refunded, money.released];
}

function keysOf({ transactions }: DesiredPayment): readonly string[] {
  return transactions.map(({ key }) => key);
}

describe("every status × invoices", () => {
  const lists = [[], [40], [100], [40, 60], [100, -25], [100, -100], [40, -15], [150], [40, -60], [0]];
  const table = orderSchema.shape.status.options.flatMap((status) => lists.map((list) => ({ status, list })));

  it.each(table)("$status with $list adds up, or is Unmapped", ({ status, list }) => {
    const order = { status, ...invoices(...list) };
    let desired: DesiredPayment;
    try {
      desired = mapped(order);
    } catch (error) {
      expect(error).toEqual(unmapped);
      return;
    }
    const { authorized, captured, refunded, released } = desired.money;
    const sums = [authorized, captured, refunded, released, authorized - captured - released, captured - refunded];
    expect(sums.every((sum) => Number.isSafeInteger(sum) && sum >= 0)).toBe(true);
    expect(new Set(keysOf(desired)).size).toBe(desired.transactions.length);
    const open = authorized > captured + released && desired.phase === "confirmed";
    expect(desired.possible.includes("capture")).toBe(open);
    expect(desired.possible.includes("refund")).toBe(captured > refunded && desired.phase === "confirmed");
  });
});

describe("sums", () => {
  it.each([
    ["a capture in parts", { status: "PartActivated", ...invoices(15, 25) }, [10000, 4000, 0, 0]],
    [
      "a part that was captured and all refunded",
      { status: "PartActivated", ...invoices(40, -40) },
      [10000, 4000, 4000, 0],
    ],
    ["a fee on the invoice", { status: "Activated", ...invoices(129) }, [10000, 10000, 0, 0]],
    ["an order without invoices", { status: "Activated", invoices: null }, [10000, 10000, 0, 0]],
    [
      "a rest that was cancelled, then returned",
      { status: "Returned", ...invoices(40, -40) },
      [10000, 4000, 4000, 6000],
    ],
    ["an order returned without invoices", { status: "Returned" }, [10000, 10000, 10000, 0]],
    ["a raised and captured order", { status: "Activated", totalAmount: 125 }, [12500, 12500, 0, 0]],
  ])("%s", (_, change, sums) => {
    expect(sumsOf(mapped(change))).toEqual(sums);
  });

  it.each([
    ["captured in part without an invoice", { status: "PartActivated" }],
    ["captured in part by an unreadable invoice", { status: "PartActivated", invoices: [{}] }],
    ["captured above the total", { status: "PartActivated", ...invoices(150) }],
    ["refunded above what was captured", { status: "PartActivated", ...invoices(40, -60) }],
    ["cancelled with an unreadable invoice", { status: "Cancelled", invoices: [{}] }],
  ])("%s is Unmapped", (_, change) => {
    expect(() => mapped(change)).toThrow(unmapped);
  });

  it("logs the sums of invoices and credit notes, in whichever order Walley lists them", () => {
    for (const list of [
      [40, -10, 60, -5],
      [60, -5, 40, -10],
      [-5, -10, 60, 40],
    ])
      expect(keysOf(mapped({ status: "Activated", ...invoices(...list) }))).toEqual([
        "confirm",
        "capture:10000",
        "refund:1500",
      ]);
    expect(keysOf(mapped({ status: "PartActivated", ...invoices(0, 40) }))).toEqual(["confirm", "capture:4000"]);
  });

  it("logs the same capture whether the order or the purchase told of it first", () => {
    expect(keysOf(map(snapshotOf("captured-before-the-order"), { kept: [], now: noon }))).toEqual(
      keysOf(map(snapshotOf("direct"), { kept: [], now: noon })),
    );
  });
});

describe("precedence", () => {
  it.each(["Preliminary", "OnHold", "Signing", "Rejected", "Activated", "Completed"] as const)(
    "the order beats a purchase that is %s",
    (result) => {
      const { checkout } = snapshotOf("authorized");
      const purchase = { ...checkout?.purchase, result } as Checkout["purchase"];
      for (const status of orderSchema.shape.status.options.filter((word) => word !== "PartActivated")) {
        const withPurchase = mapped({ status }, { checkout: { ...checkout, purchase } as Checkout });
        expect([withPurchase.phase, withPurchase.money]).toEqual([mapped({ status }).phase, mapped({ status }).money]);
      }
    },
  );

  it("never lets tell an order that is not there", () => {
    for (const name of ["order-not-there-yet", "captured-before-the-order", "legacy-reserved", "zero-amount"])
      expect(map(snapshotOf(name), { kept: [], now: noon }).possible, name).toEqual([]);
  });
});

describe("the log's lines", () => {
  const at = "2026-03-04T08:31:50.000Z";
  function accepted(key: string, operation: string, amount: number, before: number, more: object = {}): KeptEvent {
    const line = { event: "paymentAction", pspStatus: "202", amount, currency: "SEK", success: true } as const;
    return { key, type: "operation:accepted", at, ...line, facts: { operation, before }, ...more };
  }

  it("add up what was accepted and does not show, however the log is ordered", () => {
    const lines = [accepted("a", "capture", 4000, 0), accepted("b", "capture", 1000, 4000)];
    for (const kept of [lines, lines.toReversed(), [...lines, ...lines]]) {
      expect(mapped({}, {}, kept).underWay).toEqual({ capture: 5000 });
      expect(mapped({ status: "PartActivated", ...invoices(40) }, {}, kept).underWay).toEqual({ capture: 1000 });
      expect(mapped({ status: "PartActivated", ...invoices(40, 10) }, {}, kept).underWay).toBeUndefined();
    }
  });

  it("promise what was accepted after somebody else captured, too", () => {
    const kept = [accepted("a", "capture", 1000, 0), accepted("b", "capture", 1000, 4000)];
    expect(mapped({ status: "PartActivated", ...invoices(40) }, {}, kept).underWay).toEqual({ capture: 1000 });
    expect(mapped({ status: "PartActivated", ...invoices(40, 10) }, {}, kept).underWay).toBeUndefined();
  });

  it("promise no more than there is", () => {
    expect(mapped({ totalAmount: 30 }, {}, [accepted("a", "capture", 4000, 0)]).underWay).toEqual({ capture: 3000 });
  });

  it("never decide money", () => {
    const kept = [accepted("a", "capture", 10000, 0), ...keptOf("charge-failed")];
    expect(sumsOf(mapped({}, {}, kept))).toEqual([10000, 0, 0, 0]);
    expect(mapped({}, {}, kept).phase).toBe("confirmed");
  });

  it("have the look repeated until nothing is expected any more", () => {
    const look = (now: string) => mapped({}, {}, [accepted("a", "capture", 4000, 0)], Date.parse(now)).lookAgain;
    expect(look("2026-03-04T08:31:51.000Z")).toEqual({ growing: at });
    expect(look("2026-03-04T08:41:49.000Z")).toEqual({ growing: at });
    expect(look("2026-03-04T08:41:50.000Z")).toHaveProperty("at");
  });

  it("tell the last authorisation by its own time", () => {
    const kept = keptOf("charge-failed");
    expect(mapped({}, {}, kept).attributes).toMatchObject({ authorization: "failed PAYMENT_METHOD_EXPIRED" });
    expect(mapped({}, {}, kept.toReversed())).toEqual(mapped({}, {}, kept));
    expect(mapped({}, {}, kept).aliases).toEqual([
      "0f5d1d22-7a31-4c55-8a4b-b2b1009d1e77",
      "c31e9218-6a19-4b2f-8992-affc9dca1c41",
    ]);
  });
});

describe("looking again", () => {
  const iso = (at: number) => new Date(at).toISOString();

  it("waits longer the longer the order lags, and tells after a day", () => {
    const snapshot = snapshotOf("order-not-there-yet");
    const look = (since: number) => {
      const noted = { ...snapshot.noted, awaitedSince: iso(noon - since) };
      const { lookAgain, findings, memory } = map({ ...snapshot, noted }, { kept: [], now: noon });
      expect(lookAgain).toEqual({ growing: iso(noon - since) });
      expect(memory).toMatchObject({ awaitedSince: iso(noon - since) });
      return findings?.map(({ name, facts }) => [name, facts?.["reason"]]);
    };
    expect(look(1_000)).toEqual([]);
    expect(look(day)).toEqual([]);
    expect(look(day + 1)).toEqual([["authorization-at-risk", "order-not-shown"]]);
  });

  it.each([
    [{ placedAt: iso(noon - 15 * day) }, {}],
    [{ placedAt: null }, { noted: { openedAt: iso(noon - 15 * day) } }],
  ])("waits for a review, and tells after two weeks: %j %j", (order, more) => {
    const { phase, lookAgain, findings } = mapped({ status: "OnHold", ...order }, more);
    expect([phase, lookAgain]).toEqual(["review", { growing: iso(noon - 15 * day) }]);
    expect(findings).toMatchObject([{ name: "authorization-at-risk", facts: { reason: "review", open: 10000 } }]);
    const young = mapped({ status: "OnHold", placedAt: null }, { noted: {} });
    expect(young).toMatchObject({ findings: [], memory: { openedAt: iso(noon) } });
  });

  it("goes on where an authorisation outlives its end, and tells after a day; not at all where there is none", () => {
    const expiresAt = "2026-05-03T08:31:00.000Z";
    const at = (now: string) => mapped({ expiresAt }, {}, [], Date.parse(now));
    expect(at("2026-05-03T08:30:00.000Z")).toMatchObject({ lookAgain: { at: "2026-05-03T08:32:00.000Z" } });
    expect(at("2026-05-03T08:40:00.000Z")).toMatchObject({ lookAgain: { growing: expiresAt }, findings: [] });
    expect(at("2026-05-04T08:40:00.000Z").findings).toMatchObject([
      { name: "authorization-at-risk", deadline: expiresAt },
    ]);
    expect(mapped({ expiresAt: null }).lookAgain).toBeUndefined();
  });

  it("has nothing to wait for once all is settled", () => {
    for (const name of ["captured", "returned", "cancelled", "expired", "rejected", "zero-amount"])
      expect(map(snapshotOf(name), { kept: [], now: noon }).lookAgain, name).toBeUndefined();
  });

  it.each([
    ["identified", "created", 7 * day, { at: iso(noon + 3_600_000) }],
    ["committed", "paying", 7 * day, { growing: iso(noon - 7 * day) }],
    ["identified", "failed", 8 * day, undefined],
    ["committed", "failed", 8 * day, undefined],
  ])("takes a session that is %s for %s once it is so old", (name, phase, age, lookAgain) => {
    const snapshot = { ...snapshotOf(name), noted: { openedAt: iso(noon - age) } };
    const desired = map(snapshot, { kept: [], now: noon });
    expect([desired.phase, desired.lookAgain]).toEqual([phase, lookAgain]);
  });

  it("never gives up a purchase that is complete, and tells where it shows no result", () => {
    const { checkout, ...rest } = snapshotOf("committed");
    const complete = { ...checkout, status: "PurchaseCompleted", purchase: null } as Checkout;
    const noted = { openedAt: iso(noon - 8 * day) };
    const desired = map({ ...rest, checkout: complete, noted }, { kept: [], now: noon });
    expect(desired).toMatchObject({ phase: "paying", lookAgain: { growing: noted.openedAt } });
    expect(desired.findings).toMatchObject([{ facts: { reason: "result-not-shown" } }]);
  });
});

describe("the charge of a saved token", () => {
  const id = "c31e9218-6a19-4b2f-8992-affc9dca1c41";
  const snapshot: Snapshot = {
    reference: id,
    manages: true,
    checkout: null,
    order: null,
    noted: {},
    known: { amount: 10000, currency: "SEK" },
  };
  const told = (pspStatus: string, minute: number, more: object = {}): KeptEvent => ({
    key: `${pspStatus} ${minute}`,
    type: `walley:authorization:${pspStatus}`,
    at: new Date(noon + minute * 60_000).toISOString(),
    event: "process",
    pspStatus,
    amount: 0,
    success: pspStatus !== "failed",
    facts: { authorizationId: id },
    ...more,
  });
  const [began, tried] = [told("created", 0), told("retrying", 1, { errorDetail: "PAYMENT_METHOD_NO_FUNDS" })];
  const failed = told("failed", 2, { errorDetail: "PAYMENT_METHOD_EXPIRED" });

  it.each([
    ["has begun", [began], "paying", "created"],
    ["is tried again", [began, tried], "paying", "retrying PAYMENT_METHOD_NO_FUNDS"],
    ["has succeeded", [began, told("authorized", 1)], "paying", "authorized"],
    ["has failed for good", [began, tried, failed], "declined", "failed PAYMENT_METHOD_EXPIRED"],
    ["has failed, told in another order", [failed, began, tried], "declined", "failed PAYMENT_METHOD_EXPIRED"],
    ["is begun anew after that", [failed, told("created", 3)], "paying", "created"],
  ])("that %s", (_, kept, phase, authorization) => {
    const desired = map(snapshot, { kept, now: noon + day });
    expect(desired).toMatchObject({
      phase,
      money: { authorized: 0, captured: 0, refunded: 0, released: 0 },
      total: 10000,
      currency: "SEK",
      reference: id,
      provisional: true,
      attributes: { authorizationId: id, authorization },
      transactions: [],
      possible: [],
    });
    expect(desired.lookAgain === undefined).toBe(phase === "declined");
  });

  it("has failed once nothing was heard of it for thirty days", () => {
    const at = (days: number) => map(snapshot, { kept: [began, tried], now: noon + days * day });
    expect(at(30)).toMatchObject({ phase: "paying", lookAgain: { growing: tried.at } });
    expect(at(31)).toMatchObject({ phase: "failed", lookAgain: undefined });
  });

  it("gives way to its order", () => {
    const { order } = snapshotOf("accepted");
    if (order === null) throw new Error("the fixture has no order");
    const found = { ...snapshot, order, reference: order.id, replaces: id };
    const desired = map(found, { kept: [began, told("authorized", 1)], now: noon });
    expect(desired).toMatchObject({ phase: "confirmed", reference: order.id, aliases: [id], echoes: ["p_1"] });
    expect(desired.provisional).toBeUndefined();
  });
});

describe("upsell", () => {
  it.each(["Invoice", "DirectInvoice", "Account", "Instalment", "InterestFreeAccount", "invoice"])(
    "is possible for %s",
    (paymentMethod) => {
      expect(mapped({ paymentMethod }, { upsells: [] }).upsell?.eligible).toBe(true);
    },
  );

  it.each([
    ["a card", { paymentMethod: "Card" }],
    ["an unknown method", { paymentMethod: undefined }],
    ["a captured order", { status: "Activated" }],
    ["a review", { status: "OnHold" }],
    ["an expired one", { expiresAt: "2026-03-04T08:00:00.000Z" }],
    ["one whose end cannot be read", { expiresAt: undefined }],
  ])("is not possible for %s", (_, change) => {
    expect(mapped(change, { upsells: [] }).upsell).toEqual({ eligible: false, transactions: [] });
  });

  it("is asked for less and less often, and has failed where no end shows within a day", () => {
    const awaitedSince = "2026-03-04T08:32:00.000Z";
    const at = (now: string, status: string | null = "Pending") => {
      const { upsell, lookAgain } = mapped({}, { upsells: [{ id: "u-1", status, awaitedSince }] }, [], Date.parse(now));
      return [upsell?.transactions[0]?.state, lookAgain];
    };
    expect(at("2026-03-04T08:32:15.000Z")).toEqual(["created", { growing: awaitedSince }]);
    expect(at("2026-03-04T08:36:00.000Z")).toEqual(["created", { growing: awaitedSince }]);
    expect(at("2026-03-05T08:31:00.000Z", null)).toEqual(["created", { growing: awaitedSince }]);
    expect(at("2026-03-05T08:32:00.000Z", null)).toEqual(["failed", { at: "2026-05-03T08:32:00.000Z" }]);
    expect(at("2026-03-05T08:32:00.000Z", "completed")[0]).toBe("completed");
  });

  it("is left alone where the merchant offers none", () => {
    expect(mapped({}).upsell).toBeUndefined();
  });
});

describe("reading", () => {
  const order = { id: "o-1", totalAmount: 100, currency: "SEK", status: "NotActivated" };
  const checkout = {
    status: "PurchaseCompleted",
    countryCode: "SE",
    purchase: { result: "Preliminary", amountToPay: 100 },
  };

  it.each([
    ["a status nobody mapped", orderSchema, { ...order, status: "Settled" }, "status"],
    ["a negative total", orderSchema, { ...order, totalAmount: -1 }, "totalAmount"],
    ["an amount in words", orderSchema, { ...order, invoices: [{ totalAmount: "canary" }] }, "invoices.0.totalAmount"],
    ["an id that bends a path", orderSchema, { ...order, id: "../canary" }, "id"],
    [
      "a result nobody mapped",
      checkoutSchema,
      { ...checkout, purchase: { result: "Maybe", amountToPay: 1 } },
      "purchase.result",
    ],
    [
      "a purchase without an amount",
      checkoutSchema,
      { ...checkout, purchase: { result: "OnHold" } },
      "purchase.amountToPay",
    ],
  ])("refuses %s, naming the field and never the value", (_, schema, body, field) => {
    const attempt = () => readAs(schema, body, "answer");
    expect(attempt).toThrow(unmapped);
    expect(attempt).toThrow(field);
    expect(attempt).not.toThrow(/Settled|Maybe|canary/);
  });

  it("keeps no personal data and nothing that cannot be read", () => {
    const people = { customer: { name: "canary" }, invoiceAddress: "canary" };
    const answers = [
      readAs(orderSchema, { ...order, ...people, paymentMethod: "canary!", expiresAt: "canary" }, "order"),
      readAs(
        checkoutSchema,
        { ...checkout, ...people, order: { orderId: "o-1", customerToken: "canary" } },
        "checkout",
      ),
    ];
    expect(JSON.stringify(answers)).not.toContain("canary");
  });

  it("cuts seven digits of a second down to three", () => {
    const { expiresAt } = readAs(orderSchema, { ...order, expiresAt: "2026-03-04T08:31:12.1200450+01:00" }, "order");
    expect(expiresAt).toBe("2026-03-04T07:31:12.120Z");
  });

  it("takes a note that we cannot have written for none", () => {
    expect(notedIn({ checkout: "maybe", orderId: "../x", bought: -1, openedAt: 7 })).toEqual({});
  });

  it.each([
    ["EU", "EUR"],
    ["DE", "EUR"],
    ["FI", "EUR"],
    ["NO", "NOK"],
    ["DK", "DKK"],
    ["SE", "SEK"],
  ])("knows what is sold for in %s", (countryCode, currency) => {
    const { checkout: known } = snapshotOf("authorized");
    const snapshot = { ...snapshotOf("order-not-there-yet"), checkout: { ...known, countryCode } as Checkout };
    expect(map(snapshot, { kept: [], now: noon }).currency).toBe(currency);
  });

  it.each(["PL", null])(
    "does not guess the currency of %s where money is held, and needs none before",
    (countryCode) => {
      const { checkout: known } = snapshotOf("authorized");
      const bought = { ...snapshotOf("order-not-there-yet"), checkout: { ...known, countryCode } as Checkout };
      expect(() => map(bought, { kept: [], now: noon })).toThrow(unmapped);
      const opened = snapshotOf("initialized");
      const open = { ...opened, checkout: { ...opened.checkout, countryCode } as Checkout };
      expect(map(open, { kept: [], now: noon })).toMatchObject({ phase: "created", currency: "SEK" });
    },
  );

  it.each(["paymentMethod", "expiresAt", "placedAt", "reference", "metadata", "customerId", "customer", "items"])(
    "reads past an order's %s, whatever it is",
    (field) => {
      const [plain, odd] = [order, 7, "canary", null, ["canary"], { canary: "canary" }].map((value, index) =>
        readAs(orderSchema, index === 0 ? order : { ...order, [field]: value }, "order"),
      );
      expect([odd?.status, odd?.totalAmount]).toEqual([plain?.status, plain?.totalAmount]);
    },
  );

  it.each(["reference", "cart", "fees", "metadata", "customerId", "customer", "countryCode"])(
    "reads past a session's %s, whatever it is",
    (field) => {
      for (const value of [7, "canary", null, ["canary"], { canary: "canary" }, { items: "canary", totalAmount: "1" }])
        expect(readAs(checkoutSchema, { ...checkout, [field]: value }, "checkout")).toMatchObject({
          status: "PurchaseCompleted",
          purchase: { amountToPay: 100 },
        });
    },
  );
});

describe("the end of an order", () => {
  const ending = (expiresAt: unknown): DesiredPayment => {
    const { order } = snapshotOf("accepted");
    return mapped(readAs(orderSchema, { ...order, expiresAt }, "a Walley order"), { upsells: [] });
  };
  it.each(["2026-04-03", "2026-04-03T00:00:00", "2026-04-03T02:00:00.0000000+02:00"])(
    "is read from %s, and bounds what may be sold besides",
    (expiresAt) => {
      const { upsell, lookAgain } = ending(expiresAt);
      expect(upsell).toMatchObject({ eligible: true, expiration: "2026-04-03T00:00:00.000Z" });
      expect(lookAgain).toEqual({ at: "2026-04-03T00:01:00.000Z" });
    },
  );

  it.each(["soon", "0001-01-01T00:00:00", 1_775_174_400, ""])("that cannot be read from %s offers nothing", (said) => {
    expect(ending(said).upsell).toEqual({ eligible: false, transactions: [] });
  });
});

it("takes an order's id that is empty for none", () => {
  const said = readAs(checkoutSchema, { status: "PurchaseCompleted", order: { orderId: "" } }, "a Walley checkout");
  expect(said.order?.orderId).toBeUndefined();
});
