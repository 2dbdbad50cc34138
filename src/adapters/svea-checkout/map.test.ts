import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import type { DesiredPayment, KeptEvent } from "../../contract/adapter.ts";
import { readAs } from "../../lib/read.ts";
import { map as mapOf } from "./map.ts";
import {
  capitalised,
  checkoutSchema,
  type Delivery,
  notedFrom,
  type Order,
  orderSchema,
  type Snapshot,
} from "./schema.ts";

const fixtures = `${import.meta.dirname}/fixtures`;
const cases = readdirSync(fixtures);

function read(name: string, file: string): unknown {
  return JSON.parse(readFileSync(`${fixtures}/${name}/${file}`, "utf8"));
}

function map(snapshot: Snapshot, kept: readonly KeptEvent[] = [], now = "2026-03-02T08:17:30.000Z"): DesiredPayment {
  return mapOf(snapshot, { kept, now: Date.parse(now) });
}

function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  return readAs(schema, capitalised(body), "Svea's order");
}

function nowOf(name: string): number {
  return Date.parse((read(name, "context.json") as { readonly now: string }).now);
}

function snapshotOf(name: string): Snapshot {
  return read(name, "snapshot.json") as Snapshot;
}

function orderOf(name: string): Order {
  const { order } = snapshotOf(name);
  if (order === null) throw new Error("the fixture has no order");
  return order;
}

/** A fixture's order, changed. */
function mapped(
  name: string,
  change: Partial<Order>,
  { now, ...more }: Partial<Pick<Snapshot, "noted">> & { readonly now?: string } = {},
  kept: readonly KeptEvent[] = [],
): DesiredPayment {
  const at = now === undefined ? nowOf(name) : Date.parse(now);
  return mapOf({ ...snapshotOf(name), ...more, order: { ...orderOf(name), ...change } }, { kept, now: at });
}

function delivery(change: Partial<Delivery> = {}): Delivery {
  const [first] = orderOf("delivered").Deliveries;
  if (first === undefined) throw new Error("the fixture has no delivery");
  return { ...first, ...change };
}

function asked(name: string, amount: number, before: number, at = "2026-03-05T10:20:00.000Z"): KeptEvent {
  const facts = { amount, before };
  const line = { event: "paymentAction", pspStatus: "202", amount: 0, currency: "SEK", success: true, facts } as const;
  return { key: `asked:${name}`, type: `asked:${name}`, at, ...line };
}

describe("reading", () => {
  it.each(cases)("%s is what the schema makes of an answer", (name) => {
    const { order, checkout } = snapshotOf(name);
    if (order !== null) expect(parsed(orderSchema, order)).toEqual(order);
    if (checkout !== null) expect(parsed(checkoutSchema, checkout)).toEqual(checkout);
  });

  it.each([
    ["a status nobody mapped", { OrderStatus: "PartiallyDelivered" }, "OrderStatus"],
    ["a negative amount", { CancelledAmount: -1 }, "CancelledAmount"],
    ["a fraction", { OrderAmount: 99.5 }, "OrderAmount"],
    ["a currency without hundredths", { Currency: "ISK" }, "Currency"],
    ["a currency with thousandths", { Currency: "KWD" }, "Currency"],
    ["an amount that is not exact", { OrderAmount: 2 ** 53 }, "OrderAmount"],
    ["a list that is none", { Deliveries: "canary" }, "Deliveries"],
    ["an id that bends a path", { Id: "../canary" }, "Id"],
    ["a delivery without an amount", { Deliveries: [{ Id: 1, CreditedAmount: 0 }] }, "Deliveries.0.DeliveryAmount"],
  ])("refuses %s, naming the field and never the value", (_, change, field) => {
    const reading = () => parsed(orderSchema, { ...orderOf("open"), ...change });
    expect(reading).toThrow(expect.objectContaining({ kind: "Unmapped" }));
    expect(reading).toThrow(field);
    expect(reading).not.toThrow(/PartiallyDelivered|canary|99\.5/);
  });

  it("takes null for nothing, wherever Svea writes it", () => {
    const nulls = { Deliveries: null, Actions: null, PaymentType: null, ExpirationDate: null, CancelledAmount: null };
    const order = parsed(orderSchema, { ...orderOf("open"), ...nulls });
    expect(order).toMatchObject({ Deliveries: [], Actions: [], CancelledAmount: 0 });
    expect(order.PaymentType).toBeUndefined();
  });

  it("keeps no personal data and no unreadable detail", () => {
    const people = { NationalId: "canary", EmailAddress: "canary", BillingAddress: { FullName: "canary" } };
    const odd = { PaymentType: "canary with spaces", CreationDate: "canary", Actions: ["canary"] };
    expect(JSON.stringify(parsed(orderSchema, { ...orderOf("open"), ...people, ...odd }))).not.toContain("canary");
  });

  it("reads times without a zone as UTC", () => {
    const order = parsed(orderSchema, { ...orderOf("open"), ExpirationDate: "2024-06-09T22:00:00" });
    expect(order.ExpirationDate).toBe("2024-06-09T22:00:00.000Z");
  });

  it("reads back what an earlier look at the same order concluded, and nothing else", () => {
    const known = { orderId: "7654321", checkout: "read", orderAmount: 10000, review: "passed", authorized: 10000 };
    const noted = { checkout: "read", orderAmount: 10000, review: "passed" };
    expect(notedFrom({ ...known, other: 1 }, "7654321")).toEqual(noted);
    expect(notedFrom(known, "7654322")).toEqual({});
    expect(notedFrom({ orderId: "7", checkout: "canary", orderAmount: -1, review: true }, "7")).toEqual({});
  });

  it("reads past rows that cannot be read, and gives nothing back by them", () => {
    const row = { OrderRowId: 1, VatPercent: 25.5, Actions: ["CanCreditRow"] };
    const [given] = orderOf("delivered").Deliveries;
    const odd = [
      { ...row },
      { ...row, VatPercent: 2500, OrderRowId: "canary" },
      "canary",
      { ...row, Actions: "canary" },
    ];
    for (const part of odd) {
      const order = parsed(orderSchema, { ...orderOf("delivered"), Deliveries: [{ ...given, OrderRows: [part] }] });
      const { money, wholeOnly = [], possible } = mapped("delivered", order);
      expect(money).toEqual(mapped("delivered", {}).money);
      expect(
        !possible.includes("refund") || wholeOnly.includes("refund") || part !== odd[0],
        JSON.stringify(part),
      ).toBe(true);
    }
  });
});

describe("sums over the life of the payment", () => {
  const statuses = orderSchema.shape.OrderStatus.options;
  const amounts = [0, 4000, 10000];
  const table = statuses.flatMap((OrderStatus) =>
    amounts.flatMap((CancelledAmount) =>
      amounts.flatMap((DeliveryAmount) =>
        amounts.map((CreditedAmount) => ({
          OrderStatus,
          CancelledAmount,
          Deliveries: DeliveryAmount === 0 ? [] : [delivery({ DeliveryAmount, CreditedAmount })],
        })),
      ),
    ),
  );

  it("are never impossible: each combination is mapped within its bounds, or a person looks", () => {
    let looked = 0;
    for (const row of table) {
      let desired: DesiredPayment;
      try {
        desired = mapped("open", row);
      } catch (error) {
        expect(error).toMatchObject({ kind: "Unmapped" });
        continue;
      }
      looked += 1;
      const { authorized, captured, refunded, released } = desired.money;
      expect(captured + released, JSON.stringify(row)).toBeLessThanOrEqual(authorized);
      expect(refunded, JSON.stringify(row)).toBeLessThanOrEqual(captured);
      const isOver = row.OrderStatus !== "Open" && authorized > 0;
      if (isOver) expect(authorized - captured - released, JSON.stringify(row)).toBe(0);
    }
    expect(looked).toBeGreaterThan(table.length / 4);
  });

  it.each([
    ["more delivered than ordered", { Deliveries: [delivery({ DeliveryAmount: 10001 })] }],
    ["more cancelled than ordered", { CancelledAmount: 10001 }],
    ["more credited than delivered", { Deliveries: [delivery({ DeliveryAmount: 100, CreditedAmount: 101 })] }],
    ["more gone than ordered", { CancelledAmount: 6000, Deliveries: [delivery({ DeliveryAmount: 6000 })] }],
    ["delivered in name only", { OrderStatus: "Delivered" }],
    ["failed and delivered", { OrderStatus: "Failed", Deliveries: [delivery()] }],
    ["without a payment method and delivered", { OrderStatus: "Processing", Deliveries: [delivery()] }],
  ] as const)("are no truth: %s", (_, change) => {
    expect(() => mapped("open", change as Partial<Order>)).toThrow(expect.objectContaining({ kind: "Unmapped" }));
  });

  it("count a credit once, also where Svea counts it as cancelled as well", () => {
    const both = { CancelledAmount: 10000, Deliveries: [delivery({ CreditedAmount: 10000 })] };
    expect(mapped("credited-payment-plan", both).money).toEqual(mapped("credited-payment-plan", {}).money);
  });
});

describe("a review", () => {
  it("is what nothing may be delivered of", () => {
    for (const action of ["CanDeliverOrder", "CanDeliverPartially", "CanDeliverOrderPartially"])
      expect(mapped("pending", { Actions: [action] }).phase, action).toBe("confirmed");
    expect(mapped("pending", { Actions: [] }).phase).toBe("review");
    expect(mapped("pending", { Actions: [], Deliveries: [delivery({ DeliveryAmount: 1 })] }).phase).toBe("confirmed");
    expect(mapped("pending", { Actions: [], OrderAmount: 0 }).phase).toBe("confirmed");
  });

  it("goes on while the lender has not decided, in whatever case Svea writes it", () => {
    expect(mapped("open", { PaymentType: "LeasingUnapproved" }).phase).toBe("review");
    const { memory, lookAgain } = mapped("leasing-unapproved", {});
    expect(memory).not.toHaveProperty("checkout");
    expect(lookAgain).toEqual({ afterSeconds: 900 });
  });

  it("is refused only by Svea, and only where a look saw it", () => {
    expect(mapped("refused-in-review", {}).phase).toBe("declined");
    expect(mapped("refused-in-review", {}, { noted: { checkout: "read" } }).phase).toBe("confirmed");
    expect(mapped("refused-in-review", {}, { noted: { review: "passed" } }).phase).toBe("confirmed");
    expect(mapped("refused-in-review", {}, {}, [asked("cancel", 10000, 0)]).phase).toBe("confirmed");
  });

  it("never decides about the money", () => {
    const { money } = mapped("refused-in-review", {});
    expect(mapped("refused-in-review", {}, { noted: {} }).money).toEqual(money);
    expect(mapped("refused-in-review", {}, {}, [asked("cancel", 10000, 0)]).money).toEqual(money);
  });
});

describe("the log", () => {
  it("goes by time before it goes by id, whatever order Svea lists deliveries in", () => {
    const { Deliveries } = orderOf("several-deliveries");
    const turned = mapped("several-deliveries", { Deliveries: Deliveries.toReversed() });
    expect(turned.transactions).toEqual(mapped("several-deliveries", {}).transactions);
  });

  it("has one line for each sum that was refunded, whichever delivery was credited first", () => {
    const [first, second] = [delivery({ Id: "1", DeliveryAmount: 4000 }), delivery({ Id: "2", DeliveryAmount: 6000 })];
    const lines = (...credited: readonly number[]) =>
      mapped("delivered", {
        Deliveries: [first, second].map((one, index) => ({ ...one, CreditedAmount: credited[index] ?? 0 })),
      })
        .transactions.filter(({ event }) => event === "refund")
        .map(({ key, amount }) => [key, amount]);
    expect(lines(0, 1000)).toEqual([["refund:1000", 1000]]);
    expect(lines(500, 1000)).toEqual([["refund:1500", 1500]]);
  });

  it("compares a changed order with the cart, else with what it was for when it was first seen", () => {
    const bought = mapped("open", { OrderAmount: 12500 });
    expect(bought).toMatchObject({ total: 10000, memory: { orderAmount: 10000 } });
    expect(bought.transactions.map(({ key }) => key)).toEqual(["confirm", "paymentAction:12500"]);
    expect(mapped("open", { OrderAmount: 10001 }), "how a row is rounded").toMatchObject({ total: 10001 });
    const first = mapped("open-in-lower-case", { OrderAmount: 12500 });
    expect(first).toMatchObject({ total: 12500, memory: { orderAmount: 12500 } });
    expect(first.transactions.map(({ event }) => event)).toEqual(["confirm"]);
  });
});

describe("what is possible", () => {
  it("is what Svea's actions allow", () => {
    expect(mapped("open", { Actions: ["CanDeliverPartially"] }).possible).toEqual([]);
    expect(mapped("open-by-card", {})).toMatchObject({ possible: ["capture", "cancel"], wholeOnly: ["capture"] });
    expect(mapped("open", {})).toMatchObject({ possible: ["capture", "cancel"], wholeOnly: ["capture", "cancel"] });
    expect(mapped("delivered", { Deliveries: [delivery({ Actions: [] })] }).possible).toEqual([]);
  });

  it("gives back a part as a row only where its VAT cannot be wrong", () => {
    const [row] = delivery().OrderRows ?? [];
    if (row === undefined) throw new Error("the fixture has no row");
    const mixed = delivery({ OrderRows: [row, { ...row, OrderRowId: 2, VatPercent: 1200 }] });
    expect(mapped("delivered", { Deliveries: [mixed] })).toMatchObject({ possible: ["refund"], wholeOnly: ["refund"] });
    expect(mapped("delivered", {}).wholeOnly).toEqual(undefined);
    const half = { ...mixed, CreditedAmount: 1000 };
    expect(mapped("delivered", { Deliveries: [half] }).possible).toEqual([]);
  });

  it("gives back at once what one delivery has left", () => {
    expect(mapped("several-deliveries", {}).available).toEqual({ refund: 6000 });
    expect(mapped("part-credited-several-deliveries", {}).available).toBeUndefined();
    expect(mapped("delivered", {}).available).toBeUndefined();
  });
});

describe("what Svea has accepted", () => {
  const [at, readAt] = ["2026-03-05T10:20:00.000Z", "2026-03-05T10:24:00.000Z"];

  it("is under way until the order shows it, for an hour at most", () => {
    const look = (name: string, change: Partial<Order>, when = readAt) =>
      mapped(name, change, { now: when }, [asked("capture", 10000, 0, at)]);
    expect(look("open", {})).toMatchObject({ underWay: { capture: 10000 }, lookAgain: { growing: at } });
    expect(look("delivered", {}).underWay).toBeUndefined();
    expect(look("open", {}, "2026-03-05T11:21:00.000Z").underWay).toBeUndefined();
  });

  it("is not under way any more once Svea says that the credit failed", () => {
    const kept = read("credit-failed", "kept.json") as KeptEvent[];
    const { money, underWay, findings } = map(snapshotOf("credit-failed"), kept);
    expect(underWay).toBeUndefined();
    expect(findings).toMatchObject([{ name: "refund-failed", id: "1783" }]);
    expect(money).toMatchObject({ captured: 10000, refunded: 0 });
  });

  it("never changes the money", () => {
    const lines = [asked("capture", 10000, 0), asked("refund", 5000, 0), asked("cancel", 10000, 0)];
    for (const name of cases) {
      const snapshot = snapshotOf(name);
      expect(map(snapshot, lines).money, name).toEqual(map(snapshot).money);
    }
  });
});

describe("looking again", () => {
  it("goes on where an order outlives its end, ever more rarely", () => {
    expect(mapped("open", {}, { now: "2026-05-02T00:00:00.000Z" }).lookAgain).toEqual({
      growing: orderOf("open").ExpirationDate,
    });
  });

  it("waits longer the longer Payment Admin lags, from the first look on", () => {
    const since = "2026-03-02T08:13:30.000Z";
    const first = map(snapshotOf("admin-lag"), [], since);
    expect(first).toMatchObject({ memory: { finalSince: since }, lookAgain: { growing: since } });
    const later = map({ ...snapshotOf("admin-lag"), noted: { finalSince: since } });
    expect(later).toEqual(first);
  });

  it("asks for the recurring token at first, and gives up after a day", () => {
    expect(map(snapshotOf("recurring-awaited")).memory).not.toHaveProperty("checkout");
    const late = map(snapshotOf("recurring-awaited"), [], "2026-03-04T08:15:30.000Z");
    expect(late.memory).toMatchObject({ checkout: "no-token" });
  });

  it("gives up an order that never gets a method of payment, and tells of a review that has been forgotten", () => {
    expect(map(snapshotOf("processing"), [], "2026-03-05T08:15:30.000Z").phase).toBe("failed");
    const late = map(snapshotOf("pending"), [], "2026-04-05T08:15:30.000Z");
    expect(late).toMatchObject({ phase: "review", findings: [{ name: "authorization-at-risk" }] });
  });

  it("has nothing to wait for once all is settled", () => {
    for (const name of ["delivered", "credited", "cancelled", "expired", "failed", "checkout-created", "zero-sum"])
      expect(map(snapshotOf(name)).lookAgain, name).toBeUndefined();
  });
});

it("looks again when an order ends on a day without a time", () => {
  const order = parsed(orderSchema, { ...orderOf("open"), ExpirationDate: "2026-05-01" });
  expect(map({ order, checkout: null, noted: {} }).lookAgain).toEqual({ at: "2026-05-01T00:01:00.000Z" });
});

describe("a cart", () => {
  const row = { Quantity: 100, UnitPrice: 10_000 };
  const totalOf = (items: readonly object[], order: Order | null): number => {
    const body = { OrderId: 1, Status: "Final", Currency: "SEK", Cart: { Items: items } };
    const checkout = parsed(checkoutSchema, body);
    return map(order === null ? { order, checkout, noted: {} } : { order, checkout, noted: {} }).total;
  };

  it.each([
    ["half a piece", [{ ...row, Quantity: 50.5 }], 5_050],
    ["a discount of a fraction", [{ ...row, DiscountPercent: 1_250.5 }], 8_750],
    ["a discount that is below zero", [{ ...row, DiscountAmount: -500 }], 10_500],
  ])("is read with %s", (_, items, total) => {
    expect(totalOf(items, null)).toBe(total);
  });

  it("of which a row cannot be read hides nothing of the order, whose amount counts then", () => {
    const order = orderOf("open");
    expect(totalOf([row, { ArticleNumber: "freight", Quantity: null }], order)).toBe(order.OrderAmount);
  });
});

it("takes a credited sum that is missing for none", () => {
  const [first] = orderOf("delivered").Deliveries;
  const order = parsed(orderSchema, {
    ...orderOf("delivered"),
    Deliveries: [{ ...first, CreditedAmount: null, Credits: null }],
  });
  expect(map({ order, checkout: null, noted: {} }).money.refunded).toBe(0);
});
