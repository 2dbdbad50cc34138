import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readAs } from "../../lib/read.ts";
import { fraudStatuses } from "../_klarna/schema.ts";
import type { DesiredPayment, KeptEvent } from "../../contract/adapter.ts";
import { map as mapOf } from "./map.ts";
import { checkoutSchema, type Order, orderSchema, type Snapshot } from "./schema.ts";

const fixtures = `${import.meta.dirname}/fixtures`;
const cases = readdirSync(fixtures);
const statuses = orderSchema.shape.status.options;
const decisions = fraudStatuses;

const usualNow = "2026-02-03T10:17:30.000Z";

function map(snapshot: Snapshot, now = usualNow): DesiredPayment {
  return mapOf(snapshot, { kept: [], now: Date.parse(now) });
}

function snapshotOf(name: string): Snapshot {
  return JSON.parse(readFileSync(`${fixtures}/${name}/snapshot.json`, "utf8")) as Snapshot;
}

function desiredOf(name: string): DesiredPayment {
  return JSON.parse(readFileSync(`${fixtures}/${name}/desired.json`, "utf8")) as DesiredPayment;
}

/** The authorised order, changed. */
function mapped(change: Partial<Order>, now = usualNow): DesiredPayment {
  const { order } = snapshotOf("authorized");
  if (order === null) throw new Error("the fixture has no order");
  return map({ ...snapshotOf("authorized"), order: { ...order, ...change } }, now);
}

function outcomeOf(row: Partial<Order>): DesiredPayment | "Unmapped" {
  try {
    return mapped(row);
  } catch (error) {
    expect(error).toMatchObject({ kind: "Unmapped" });
    return "Unmapped";
  }
}

/** The captured order as Klarna sends it. */
function raw(): Partial<Order> {
  return { ...snapshotOf("captured").order };
}

function readLater(name: string, now: string): DesiredPayment {
  return map(snapshotOf(name), now);
}

describe("golden", () => {
  it.each(cases)("%s is what the schema makes of an answer", (name) => {
    const { order, checkout } = snapshotOf(name);
    if (order !== null) expect(readAs(orderSchema, order, "an order")).toEqual(order);
    if (checkout !== null) expect(readAs(checkoutSchema, checkout, "an order")).toEqual(checkout);
  });
});

describe("every status × fraud decision × sums", () => {
  const amounts = [0, 4000, 10000];
  const table = statuses.flatMap((status) =>
    decisions.flatMap((fraud_status) =>
      amounts.flatMap((captured_amount) =>
        amounts.flatMap((refunded_amount) =>
          amounts.map((remaining_authorized_amount) => ({
            status,
            fraud_status,
            captured_amount,
            refunded_amount,
            remaining_authorized_amount,
          })),
        ),
      ),
    ),
  );

  it("has both: orders that are read and orders that contradict themselves", () => {
    const outcomes = table.map(outcomeOf);
    expect(outcomes.filter((outcome) => outcome === "Unmapped").length).toBeGreaterThan(100);
    expect(outcomes.filter((outcome) => outcome !== "Unmapped").length).toBeGreaterThan(100);
  });

  it("is a payment whose sums add up, or Unmapped", () => {
    for (const row of table) {
      const outcome = outcomeOf(row);
      if (outcome === "Unmapped") continue;
      const { authorized, captured, refunded, released } = outcome.money;
      const sums = [authorized, captured, refunded, released, authorized - captured - released, captured - refunded];
      expect(
        sums.every((sum) => Number.isSafeInteger(sum) && sum >= 0),
        JSON.stringify(row),
      ).toBe(true);
      expect(new Set(outcome.transactions.map(({ key }) => key)).size).toBe(outcome.transactions.length);
      expect(outcome.transactions.map(({ key }) => key)).toContain(outcome.marker);
    }
  });

  it("never reserves or lets capture what the fraud review has not accepted", () => {
    for (const row of table.filter(({ fraud_status }) => fraud_status !== "ACCEPTED")) {
      const outcome = outcomeOf(row);
      if (outcome === "Unmapped") continue;
      expect(outcome.possible, JSON.stringify(row)).not.toContain("capture");
      if (row.status === "AUTHORIZED" && row.captured_amount === 0) {
        expect(["review", "declined"], JSON.stringify(row)).toContain(outcome.phase);
      }
    }
  });

  it("holds nothing open once the order is over", () => {
    for (const row of table.filter(({ status }) => !["AUTHORIZED", "PART_CAPTURED"].includes(status))) {
      const outcome = outcomeOf(row);
      if (outcome === "Unmapped") continue;
      const { authorized, captured, released } = outcome.money;
      expect(authorized - captured - released, JSON.stringify(row)).toBe(0);
      expect(outcome.possible.filter((name) => name !== "refund")).toEqual([]);
    }
  });
});

describe("contradictions are no truth", () => {
  it.each([
    ["captured above ordered", { status: "CAPTURED", captured_amount: 10001, remaining_authorized_amount: 0 }],
    ["refunded above captured", { status: "CAPTURED", captured_amount: 100, refunded_amount: 101 }],
    ["remaining above what is left", { status: "PART_CAPTURED", captured_amount: 4000 }],
    ["captured in name only", { status: "CAPTURED", remaining_authorized_amount: 0 }],
    ["authorised with nothing remaining", { remaining_authorized_amount: 0 }],
  ] as const)("%s", (_, change) => {
    expect(() => mapped(change)).toThrow(expect.objectContaining({ kind: "Unmapped" }));
  });
});

describe("reading", () => {
  it.each([
    ["a status nobody mapped", { status: "SETTLED" }, "status"],
    ["a fraud decision nobody mapped", { fraud_status: "MAYBE" }, "fraud_status"],
    ["a negative amount", { captured_amount: -1 }, "captured_amount"],
    ["a fraction", { order_amount: 99.5 }, "order_amount"],
    ["an amount that is not exact", { order_amount: 2 ** 53 }, "order_amount"],
    ["a list that is none", { captures: "canary" }, "captures"],
    ["an id that bends a path", { order_id: "../canary" }, "order_id"],
  ])("refuses %s, naming the field and never the value", (_, change, field) => {
    const read = () => readAs(orderSchema, { ...raw(), ...change }, "an order");
    expect(read).toThrow(expect.objectContaining({ kind: "Unmapped" }));
    expect(read).toThrow(field);
    expect(read).not.toThrow(/SETTLED|MAYBE|canary|99\.5/);
  });

  it("keeps no personal data and no unreadable detail", () => {
    const order = readAs(
      orderSchema,
      {
        ...raw(),
        billing_address: { given_name: "canary" },
        klarna_reference: "canary with spaces",
        expires_at: "canary",
        initial_payment_method: { type: "canary with spaces" },
        captures: [{ ...raw().captures?.[0], description: "canary" }],
      },
      "an order",
    );
    expect(JSON.stringify(order)).not.toContain("canary");
  });

  it.each([undefined, null])(
    "takes an order without a fraud decision (%s) for one that nobody decides about",
    (said) => {
      const { fraud_status: _, ...rest } = { ...snapshotOf("authorized").order };
      const order = readAs(orderSchema, said === undefined ? rest : { ...rest, fraud_status: said }, "an order");
      expect(map({ order, checkout: null })).toMatchObject({ phase: "confirmed", possible: ["capture", "cancel"] });
    },
  );

  it("takes absent lists for empty ones", () => {
    const { captures: _c, refunds: _r, ...rest } = raw();
    expect(readAs(orderSchema, rest, "an order")).toMatchObject({ captures: [], refunds: [] });
  });

  it("takes null for absent, wherever a field may be", () => {
    const optional = [
      "original_order_amount",
      "captures",
      "refunds",
      "klarna_reference",
      "merchant_reference2",
      "expires_at",
      "initial_payment_method",
    ];
    const given = raw();
    const nulls = Object.fromEntries(optional.map((name) => [name, null]));
    const absent = Object.fromEntries(Object.entries(given).filter(([name]) => !optional.includes(name)));
    const read = (answer: object): DesiredPayment =>
      map({ ...snapshotOf("captured"), order: readAs(orderSchema, answer, "an order"), checkout: null });
    expect(read({ ...given, ...nulls })).toEqual(read(absent));
  });

  it("takes an empty recurring token for one that has not come yet", () => {
    const { checkout } = snapshotOf("recurring-awaited");
    const read = readAs(checkoutSchema, { ...checkout, recurring_token: "" }, "an order");
    const desired = map({ ...snapshotOf("recurring-awaited"), checkout: read });
    expect(desired).toEqual(desiredOf("recurring-awaited"));
  });
});

describe("the log", () => {
  it("counts captures up in the order of their time, whatever order Klarna lists them in", () => {
    const { order } = snapshotOf("captured");
    const turned = mapped({ ...order, captures: order?.captures.toReversed() ?? [] });
    expect(turned).toEqual({ ...desiredOf("captured"), lookAgain: undefined });
  });

  it("tells what has no id from what has none either, and writes nothing of nothing", () => {
    const refunds = [
      { refunded_amount: 2000, refunded_at: "2026-02-10T09:00:00Z" },
      { refunded_amount: 0, refunded_at: "2026-02-10T09:00:00Z" },
      { refunded_amount: 1000, refunded_at: "2026-02-10T09:00:00Z" },
    ];
    const change = { status: "CAPTURED", captured_amount: 10000, remaining_authorized_amount: 0 } as const;
    const lines = [refunds, refunds.toReversed()].map((list) =>
      mapped({ ...change, refunded_amount: 3000, refunds: list })
        .transactions.filter(({ event }) => event === "refund")
        .map(({ key, amount }) => [key, amount]),
    );
    expect(lines[0]).toEqual([
      ["refund:2026-02-10T09:00:00Z:1000", 1000],
      ["refund:2026-02-10T09:00:00Z:3000", 3000],
    ]);
    expect(lines[1]).toEqual(lines[0]);
  });

  it("goes by time before it goes by id", () => {
    const captures = [
      { capture_id: "a", captured_amount: 4000, captured_at: "2026-02-05T09:00:00Z" },
      { capture_id: "b", captured_amount: 6000, captured_at: "2026-02-05T08:00:00.500Z" },
    ];
    const change = { status: "CAPTURED", captured_amount: 10000, remaining_authorized_amount: 0 } as const;
    const lines = mapped({ ...change, captures }).transactions.filter(({ event }) => event === "capture");
    expect(lines.map(({ key, amount }) => [key, amount])).toEqual([
      ["capture:b", 6000],
      ["capture:a", 10000],
    ]);
  });

  it("releases nothing during a review, whatever the remaining amount says", () => {
    const { money, transactions } = mapped({ fraud_status: "PENDING", remaining_authorized_amount: 0 });
    expect(money.released).toBe(0);
    expect(transactions.map(({ event }) => event)).toEqual(["confirm"]);
  });

  it("keeps one release line when a released order is closed later", () => {
    const released = snapshotOf("released-rest").order ?? {};
    const keys = (change: Partial<Order>) => mapped({ ...released, ...change }).transactions.map(({ key }) => key);
    expect(keys({ status: "CLOSED" })).toEqual(keys({ status: "CAPTURED" }));
  });

  it("shows a stop of a captured order, whose state stays with its money", () => {
    const { phase, transactions } = mapped({
      status: "CAPTURED",
      fraud_status: "STOPPED",
      captured_amount: 10000,
      remaining_authorized_amount: 0,
    });
    expect(phase).toBe("confirmed");
    expect(transactions[0]).toMatchObject({ key: "confirm:STOPPED", success: false });
  });
});

describe("a request to stop that only a webhook told of", () => {
  const kept: readonly KeptEvent[] = [
    {
      key: "stop",
      type: "FRAUD_RISK_STOPPED",
      at: null,
      event: "confirm",
      pspStatus: "FRAUD_RISK_STOPPED",
      amount: 0,
      success: false,
    },
  ];

  it.each(["authorized", "captured", "part-refunded"])(
    "is bad news where the order is %s, and moves nothing",
    (name) => {
      const { findings, ...stopped } = mapOf(snapshotOf(name), { kept, now: Date.parse(usualNow) });
      const { findings: none, ...usual } = map(snapshotOf(name));
      expect(none).toEqual([]);
      expect(findings).toMatchObject([{ name: "authorization-at-risk", facts: { event: "FRAUD_RISK_STOPPED" } }]);
      expect(stopped).toEqual(usual);
    },
  );

  it.each(["cancelled", "refunded", "rejected"])("is over where the order is %s", (name) => {
    expect(mapOf(snapshotOf(name), { kept, now: Date.parse(usualNow) }).findings).toEqual([]);
  });
});

it("an end without a time, or without a zone, is one", () => {
  const ends = (expires_at: string) => {
    const order = readAs(orderSchema, { ...snapshotOf("authorized").order, expires_at }, "an order");
    return map({ order, checkout: null, checkoutEnd: "read" }).lookAgain;
  };
  expect(ends("2026-03-03")).toEqual({ at: "2026-03-03T00:01:00.000Z" });
  expect(ends("2026-03-03T10:15:30")).toEqual({ at: "2026-03-03T10:16:30.000Z" });
  expect(ends("some day")).toBeUndefined();
});

describe("looking again", () => {
  it("goes on where an authorisation outlives its end, ever more rarely", () => {
    expect(mapped({}, "2026-03-03T10:17:00.000Z").lookAgain).toEqual({ growing: "2026-03-03T10:15:30.000Z" });
  });

  it("asks for the recurring token, and gives up after a day", () => {
    const awaited = readLater("recurring-awaited", "2026-02-03T10:15:40.000Z");
    expect(awaited).toMatchObject({ lookAgain: { growing: "2026-02-03T10:15:30.000Z" } });
    expect(awaited.memory).toBeUndefined();
    expect(readLater("recurring-awaited", "2026-02-05T10:15:30.000Z").memory).toEqual({ checkout: "no-token" });
  });

  it("tells of a review that has been forgotten", () => {
    expect(readLater("pending", "2026-02-04T10:15:30.000Z").findings).toEqual([]);
    expect(readLater("pending", "2026-02-06T10:15:30.000Z").findings).toMatchObject([
      { name: "authorization-at-risk" },
    ]);
  });

  it("hands out no recurring token of a refused purchase", () => {
    const { order, ...rest } = snapshotOf("recurring");
    if (order === null) throw new Error("the fixture has no order");
    expect(map({ ...rest, order: { ...order, fraud_status: "REJECTED" } }).recurring).toBeUndefined();
  });

  it("does not wait for a token when nobody knows since when", () => {
    const { checkout } = snapshotOf("recurring-awaited");
    const { order } = snapshotOf("authorized");
    if (order === null || checkout === null) throw new Error("the fixtures have no orders");
    const snapshot = {
      order: { ...order, created_at: undefined },
      checkout: { ...checkout, completed_at: undefined },
    };
    expect(map(snapshot).memory).toEqual({ checkout: "no-token" });
  });

  it("has nothing to wait for once all is settled", () => {
    for (const name of ["captured", "refunded", "cancelled", "expired", "rejected", "checkout-incomplete"]) {
      expect(map(snapshotOf(name)).lookAgain, name).toBeUndefined();
    }
  });
});
