import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { DesiredPayment, KeptEvent } from "../../contract/adapter.ts";
import { map } from "./map.ts";
import { type Checkout, checkoutSchema, notedIn, orderSchema, parsed, type Snapshot } from "./schema.ts";

const fixtures = `${import.meta.dirname}/fixtures`;
const cases = readdirSync(fixtures);
const unmapped = expect.objectContaining({ kind: "Unmapped" });

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
function mapped(change: object, more: Partial<Snapshot> = {}, kept: readonly KeptEvent[] = []): DesiredPayment {
  const { order, ...rest } = snapshotOf("accepted");
  if (order === null) throw new Error("the fixture has no order");
  return map({ ...rest, ...more, order: { ...order, ...change } }, { kept });
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

describe("golden", () => {
  it.each(cases)("%s maps to what its desired.json says", (name) => {
    expect(map(snapshotOf(name), { kept: keptOf(name) })).toEqual(read(name, "desired.json"));
  });
});

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

  it("counts captures and refunds up in Walley's order, and agrees with looks that came in between", () => {
    const desired = mapped({ status: "Activated", ...invoices(40, -10, 60, -5) });
    expect(keysOf(desired)).toEqual(["confirm", "capture:4000", "capture:10000", "refund:1000", "refund:1500"]);
    expect(keysOf(mapped({ status: "PartActivated", ...invoices(40, -10) }))).toEqual([
      "confirm",
      "capture:4000",
      "refund:1000",
    ]);
  });

  it("logs the same capture whether the order or the purchase told of it first", () => {
    expect(keysOf(map(snapshotOf("captured-before-the-order"), { kept: [] }))).toEqual(
      keysOf(map(snapshotOf("direct"), { kept: [] })),
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
      expect(map(snapshotOf(name), { kept: [] }).possible, name).toEqual([]);
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
      expect(mapped({ status: "PartActivated", ...invoices(40, 10) }, {}, kept)).not.toHaveProperty("underWay");
    }
  });

  it("promise no more than there is", () => {
    expect(mapped({ totalAmount: 30 }, {}, [accepted("a", "capture", 4000, 0)]).underWay).toEqual({ capture: 3000 });
  });

  it("never decide money", () => {
    const kept = [accepted("a", "capture", 10000, 0), ...keptOf("charge-failed")];
    expect(sumsOf(mapped({}, {}, kept))).toEqual([10000, 0, 0, 0]);
    expect(mapped({}, {}, kept).phase).toBe("confirmed");
  });

  it("have the look repeated, sooner at first, until nothing is expected any more", () => {
    const look = (readAt: string) => mapped({}, { readAt }, [accepted("a", "capture", 4000, 0)]).lookAgain;
    expect(look("2026-03-04T08:31:51.000Z")).toEqual({ afterSeconds: 3 });
    expect(look("2026-03-04T08:33:30.000Z")).toEqual({ afterSeconds: 25 });
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
  it("waits longer the longer the order lags", () => {
    const look = (awaitedSince: string) => {
      const snapshot = snapshotOf("order-not-there-yet");
      return map({ ...snapshot, noted: { ...snapshot.noted, awaitedSince } }, { kept: [] }).lookAgain;
    };
    expect(look("2026-03-04T08:31:59.000Z")).toEqual({ afterSeconds: 3 });
    expect(look("2026-03-04T08:28:00.000Z")).toEqual({ afterSeconds: 60 });
    expect(look("2026-03-01T08:28:00.000Z")).toEqual({ afterSeconds: 3600 });
  });

  it("goes on hourly where an authorisation outlives its end, and not at all where there is none", () => {
    expect(mapped({}, { readAt: "2026-05-03T08:40:00.000Z" }).lookAgain).toEqual({ afterSeconds: 3600 });
    expect(mapped({ expiresAt: null }).lookAgain).toBeUndefined();
  });

  it("has nothing to wait for once all is settled", () => {
    for (const name of ["captured", "returned", "cancelled", "expired", "rejected", "abandoned", "zero-amount"])
      expect(map(snapshotOf(name), { kept: [] }).lookAgain, name).toBeUndefined();
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
  ])("is not possible for %s", (_, change) => {
    expect(mapped(change, { upsells: [] }).upsell).toEqual({ eligible: false, transactions: [] });
  });

  it("is asked for less and less often, and has failed where no end shows within a day", () => {
    const at = (readAt: string, status: string | null = "Pending") => {
      const { upsell, lookAgain } = mapped(
        {},
        { readAt, upsells: [{ id: "u-1", status, awaitedSince: "2026-03-04T08:32:00.000Z" }] },
      );
      return [upsell?.transactions[0]?.state, lookAgain];
    };
    expect(at("2026-03-04T08:32:15.000Z")).toEqual(["created", { afterSeconds: 15 }]);
    expect(at("2026-03-04T08:36:00.000Z")).toEqual(["created", { afterSeconds: 60 }]);
    expect(at("2026-03-05T08:31:00.000Z", null)).toEqual(["created", { afterSeconds: 3600 }]);
    expect(at("2026-03-05T08:32:00.000Z", null)).toEqual(["failed", { at: "2026-05-03T08:32:00.000Z" }]);
    expect(at("2026-03-05T08:32:00.000Z", "completed")[0]).toBe("completed");
  });

  it("is left alone where the merchant offers none", () => {
    expect(mapped({})).not.toHaveProperty("upsell");
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
    const attempt = () => parsed(schema, body, "answer");
    expect(attempt).toThrow(unmapped);
    expect(attempt).toThrow(field);
    expect(attempt).not.toThrow(/Settled|Maybe|canary/);
  });

  it("keeps no personal data and nothing that cannot be read", () => {
    const people = { customer: { name: "canary" }, invoiceAddress: "canary" };
    const answers = [
      parsed(orderSchema, { ...order, ...people, paymentMethod: "canary!", expiresAt: "canary" }, "order"),
      parsed(
        checkoutSchema,
        { ...checkout, ...people, order: { orderId: "o-1", customerToken: "canary" } },
        "checkout",
      ),
    ];
    expect(JSON.stringify(answers)).not.toContain("canary");
  });

  it("cuts seven digits of a second down to three", () => {
    const { expiresAt } = parsed(orderSchema, { ...order, expiresAt: "2026-03-04T08:31:12.1200450+01:00" }, "order");
    expect(expiresAt).toBe("2026-03-04T07:31:12.120Z");
  });

  it("takes a note that we cannot have written for none", () => {
    expect(notedIn({ checkout: "maybe", orderId: "../x", bought: -1, openedAt: 7 })).toEqual({});
  });

  it("does not guess the currency of a country", () => {
    const { checkout: known } = snapshotOf("authorized");
    expect(() =>
      map(
        { ...snapshotOf("order-not-there-yet"), checkout: { ...known, countryCode: "PL" } as Checkout },
        { kept: [] },
      ),
    ).toThrow(unmapped);
  });
});
