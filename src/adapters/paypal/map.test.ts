import { describe, expect, it } from "vitest";
import type { DesiredPayment, KeptEvent } from "../../contract/adapter.ts";
import { amountOf, minorOf } from "./amounts.ts";
import { map } from "./map.ts";
import { orderSchema, parsed, type Snapshot } from "./schema.ts";

const noon = Date.parse("2026-02-03T12:00:00.000Z");
const sek = (value: string) => ({ currency_code: "SEK", value });
const capture = (id: string, status: string, value = "100.00", more = {}) => ({
  id,
  status,
  amount: sek(value),
  final_capture: false,
  ...more,
});
const authorization = (id: string, status: string, value = "100.00", more = {}) => ({
  id,
  status,
  amount: sek(value),
  ...more,
});
const up = (kind: string, id: string) => ({
  links: [{ rel: "up", href: `https://api.paypal.com/v2/payments/${kind}/${id}` }],
});

interface Given {
  readonly status?: string;
  readonly units?: readonly object[];
  readonly authorizations?: readonly object[];
  readonly captures?: readonly object[];
  readonly refunds?: readonly object[];
  readonly more?: object;
  readonly kept?: readonly KeptEvent[];
  /** What is said beside the order. */
  readonly beside?: Partial<Snapshot>;
  readonly now?: number;
}

function desired({
  status = "COMPLETED",
  units,
  kept = [],
  more = {},
  beside = {},
  now = noon,
  ...payments
}: Given): DesiredPayment {
  const order = parsed(orderSchema, {
    id: "8AB12345CD678901E",
    intent: "AUTHORIZE",
    status,
    purchase_units: units ?? [{ amount: sek("100.00"), custom_id: "p_1", payments }],
    ...more,
  });
  return map({ order, ...beside } satisfies Snapshot, { kept, now });
}

describe("amounts", () => {
  it.each([
    ["SEK", "249.50", 24950],
    ["SEK", "249.5", 24950],
    ["SEK", "249", 24900],
    ["SEK", "0.07", 7],
    ["SEK", "1.10", 110],
    ["USD", "90071992547409.91", 9007199254740991],
    ["JPY", "1500", 1500],
    ["JPY", "1500.00", 1500],
    ["HUF", "1500", 150000],
    ["TND", "1.234", 1234],
  ])("reads %s %s as %i", (currency_code, value, minor) => {
    expect(minorOf({ currency_code, value })).toBe(minor);
  });

  it.each([
    ["SEK", "1.001"],
    ["JPY", "1.5"],
    ["SEK", "900719925474099.93"],
  ])("refuses %s %s", (currency_code, value) => {
    expect(() => minorOf({ currency_code, value })).toThrow("whole number");
  });

  it.each([
    [24950, "SEK", "249.50"],
    [7, "SEK", "0.07"],
    [1500, "JPY", "1500"],
    [150000, "HUF", "1500"],
    [150050, "HUF", "1500.50"],
    [1234, "TND", "1.234"],
  ])("writes %i %s as %s", (minor, currency, value) => {
    expect(amountOf(minor, currency)).toEqual({ currency_code: currency, value });
  });
});

describe("an order that contradicts itself is Unmapped", () => {
  it.each<[string, Given]>([
    ["several purchase units", { units: [{ amount: sek("1.00") }, { amount: sek("1.00") }] }],
    [
      "several currencies",
      { captures: [{ ...capture("C1", "COMPLETED"), amount: { currency_code: "EUR", value: "1.00" } }] },
    ],
    ["a captured authorization without a capture", { authorizations: [authorization("A1", "CAPTURED")] }],
    [
      "more refunded than captured",
      { captures: [capture("C1", "COMPLETED")], refunds: [capture("R1", "COMPLETED", "100.01")] },
    ],
    [
      "a refund of another capture than there is",
      {
        captures: [capture("C1", "COMPLETED", "50.00"), capture("C2", "COMPLETED", "50.00")],
        refunds: [capture("R1", "COMPLETED", "1.00", up("captures", "C3"))],
      },
    ],
    [
      "a refund of more than any capture has",
      {
        captures: [capture("C1", "COMPLETED", "50.00"), capture("C2", "COMPLETED", "50.00")],
        refunds: [capture("R1", "COMPLETED", "50.01")],
      },
    ],
    [
      "a refund of a capture that was refused",
      { captures: [capture("C1", "DECLINED")], refunds: [capture("R1", "COMPLETED", "1.00", up("captures", "C1"))] },
    ],
  ])("%s", (_, given) => {
    expect(() => desired(given)).toThrow("contradicts itself");
  });

  it.each([
    ["a status", { status: "SHIPPED" }],
    ["an amount", { units: [{ amount: sek("-1.00") }] }],
    ["no unit", { units: [] }],
    ["a capture's status", { captures: [capture("C1", "LOST")] }],
  ])("what nobody mapped: %s", (_, given) => {
    expect(() => desired(given)).toThrow("cannot read");
  });
});

describe("what PayPal leaves out", () => {
  it("may as well be null", () => {
    const without = desired({ captures: [capture("C1", "COMPLETED")] });
    const more = { intent: "AUTHORIZE", payment_source: { paypal: null, card: { attributes: null } } };
    const nulls = { final_capture: null, status_details: null, links: null, supplementary_data: null };
    const payments = { authorizations: null, captures: [capture("C1", "COMPLETED", "100.00", nulls)], refunds: null };
    const given = desired({ units: [{ amount: sek("100.00"), custom_id: "p_1", payments }], more });
    expect({ ...given, attributes: {} }).toEqual({ ...without, attributes: {} });
    const bare = { intent: null, payment_source: null };
    expect(
      desired({ status: "CREATED", units: [{ amount: sek("100.00"), payments: null }], more: bare }),
    ).toMatchObject({ phase: "created" });
  });
});

describe("several pieces", () => {
  it("two authorizations that are open can be cancelled, but nobody could say which one a capture is of", () => {
    const { possible, money } = desired({
      authorizations: [authorization("A1", "CREATED", "40.00"), authorization("A2", "CREATED", "60.00")],
    });
    expect(money).toMatchObject({ authorized: 10000, released: 0 });
    expect(possible).toEqual(["cancel"]);
  });

  it("of what is held, only what is not in review can be captured", () => {
    const { possible, available } = desired({
      authorizations: [authorization("A1", "CREATED", "60.00"), authorization("A2", "PENDING", "40.00")],
    });
    expect(possible).toEqual(["capture", "cancel"]);
    expect(available).toEqual({ capture: 6000 });
  });

  it("a capture is its authorization's, whichever of its links says so", () => {
    const links = [...up("orders", "8AB12345CD678901E").links, ...up("authorizations", "A2").links];
    const { money } = desired({
      authorizations: [authorization("A1", "VOIDED", "40.00"), authorization("A2", "CAPTURED", "60.00")],
      captures: [capture("C1", "COMPLETED", "60.00", { links })],
    });
    expect(money).toEqual({ authorized: 10000, captured: 6000, refunded: 0, released: 4000 });
  });

  it.each([
    ["CREATED", [], { authorized: 10000, captured: 0, refunded: 0, released: 0 }],
    ["VOIDED", [], { authorized: 10000, captured: 0, refunded: 0, released: 0 }],
    ["CAPTURED", [], { authorized: 10000, captured: 0, refunded: 0, released: 0 }],
    [
      "PARTIALLY_CAPTURED",
      [capture("C1", "COMPLETED", "40.00", up("authorizations", "A1"))],
      { authorized: 10000, captured: 4000, refunded: 0, released: 0 },
    ],
  ])("a renewed authorization replaces the one before, shown as %s", (status, captures, expected) => {
    const { money, possible, findings } = desired({
      authorizations: [authorization("A1", status), authorization("A2", "CREATED")],
      captures,
    });
    expect(money).toEqual(expected);
    expect(possible.slice(0, 2)).toEqual(["capture", "cancel"]);
    expect(findings).toEqual([]);
  });

  it("a renewed authorization of more than was asked holds no more than that, and what was taken above it counts", () => {
    const authorizations = [authorization("A1", "CREATED"), authorization("A2", "CREATED", "115.00")];
    expect(desired({ authorizations }).money.authorized).toBe(10000);
    const captures = [capture("C1", "COMPLETED", "110.00", up("authorizations", "A2"))];
    expect(
      desired({ authorizations: authorizations.map((one) => ({ ...one, status: "CAPTURED" })), captures }).money,
    ).toEqual({ authorized: 11000, captured: 11000, refunded: 0, released: 0 });
  });

  it("a final capture ends what is held while it is pending, and no more where it is declined", () => {
    const held = (status: string) =>
      desired({
        authorizations: [authorization("A1", "PARTIALLY_CAPTURED")],
        captures: [capture("C1", status, "40.00", { ...up("authorizations", "A1"), final_capture: true })],
      });
    expect(held("PENDING").money).toEqual({ authorized: 10000, captured: 0, refunded: 0, released: 6000 });
    expect(held("PENDING").possible).not.toContain("capture");
    expect(held("DECLINED").money).toEqual({ authorized: 10000, captured: 0, refunded: 0, released: 0 });
    expect(held("DECLINED").possible).toContain("capture");
  });

  it("a denied authorization beside a good one", () => {
    const { money, phase } = desired({
      authorizations: [authorization("A1", "DENIED"), authorization("A2", "CREATED")],
    });
    expect({ phase, ...money }).toEqual({
      phase: "confirmed",
      authorized: 10000,
      captured: 0,
      refunded: 0,
      released: 0,
    });
  });

  it("an older EXPIRED is released", () => {
    const { money, transactions } = desired({ authorizations: [authorization("A1", "EXPIRED")] });
    expect(money.released).toBe(10000);
    expect(transactions.at(-1)).toMatchObject({ event: "cancel", pspEvent: "expire" });
  });

  it("captures, refunds and a refund under way are told apart by capture", () => {
    const { money, underWay, transactions, possible } = desired({
      captures: [
        capture("C2", "PARTIALLY_REFUNDED", "60.00", { create_time: "2026-02-03T10:02:00Z" }),
        capture("C1", "REFUNDED", "40.00", { create_time: "2026-02-03T10:01:00Z" }),
      ],
      refunds: [
        capture("R2", "PENDING", "5.00", { ...up("captures", "C2"), create_time: "2026-02-03T11:01:00Z" }),
        capture("R1", "COMPLETED", "40.00", { ...up("captures", "C1"), create_time: "2026-02-03T11:00:00Z" }),
      ],
    });
    expect(money).toEqual({ authorized: 10000, captured: 10000, refunded: 4000, released: 0 });
    expect(underWay).toEqual({ refund: 500 });
    expect(possible).toEqual(["refund"]);
    expect(transactions.map(({ key, amount }) => [key, amount])).toEqual([
      ["confirm:C1", 4000],
      ["confirm:C2", 10000],
      ["capture:C1", 4000],
      ["capture:C2", 10000],
      ["refund:R1", 4000],
      ["refund:R2:pending", 4000],
    ]);
  });

  it("a refund that is pending has not come back yet, whatever the capture is called", () => {
    const { money, underWay } = desired({ captures: [capture("C1", "REFUNDED")], refunds: [capture("R1", "PENDING")] });
    expect(money.refunded).toBe(0);
    expect(underWay).toEqual({ refund: 10000 });
  });

  it("a reversal beside a refund", () => {
    const { money, transactions } = desired({
      captures: [capture("C1", "REFUNDED")],
      refunds: [capture("R1", "COMPLETED", "30.00")],
    });
    expect(money.refunded).toBe(10000);
    expect(transactions.find(({ key }) => key === "reversal:C1:7000")).toMatchObject({
      amount: 10000,
      facts: { reversedAmount: 7000 },
    });
  });

  it("adds up in the order in which it was found, where what was made first is decided last", () => {
    const held = [authorization("A1", "PARTIALLY_CAPTURED")];
    const at = (day: number) => ({ ...up("authorizations", "A1"), create_time: `2026-02-0${day}T10:00:00Z` });
    const look = (captures: readonly object[], linesBefore: readonly string[] = []) => {
      const { transactions, memory } = desired({ authorizations: held, captures, beside: { linesBefore } });
      const lines = transactions.flatMap(({ key, event, amount }) => (event === "capture" ? [`${key} ${amount}`] : []));
      return { lines, order: memory?.["order"] };
    };
    const later = capture("C2", "COMPLETED", "30.00", at(2));
    const first = look([capture("C1", "PENDING", "40.00", at(1)), later]);
    expect(first).toEqual({
      lines: ["capture:C1:pending 0", "capture:C2 3000"],
      order: ["capture:C1:pending", "capture:C2"],
    });
    const captures = [capture("C1", "COMPLETED", "40.00", at(1)), later];
    expect(look(captures, first.order as string[]).lines).toEqual(["capture:C2 3000", "capture:C1 7000"]);
    expect(look(captures)).toEqual({ lines: ["capture:C1 4000", "capture:C2 7000"], order: undefined });
  });

  it("says a second time what was taken back, where a refund beside it has failed", () => {
    const captures = [capture("C1", "REFUNDED"), capture("C2", "PARTIALLY_REFUNDED")];
    const of = (id: string) => ({ ...up("captures", id), create_time: "2026-02-02T10:00:00Z" });
    const look = (status: string, linesBefore: readonly string[]) =>
      desired({
        captures,
        refunds: [capture("R1", status, "30.00", of("C1")), capture("R2", "COMPLETED", "5.00", of("C2"))],
        beside: { linesBefore },
      });
    const { memory, money } = look("PENDING", []);
    expect(money.refunded).toBe(7500);
    const after = look("FAILED", memory?.["order"] as string[]);
    const lines = after.transactions.flatMap(({ key, event, amount, success }) =>
      event === "refund" && success ? [`${key} ${amount}`] : [],
    );
    expect(after.money.refunded).toBe(10500);
    expect(lines).toEqual(["refund:R2 500", "reversal:C1:7000 7500", "reversal:C1:10000 10500"]);
  });

  it("remembers the ids by which later events may name the payment", () => {
    const { aliases } = desired({
      authorizations: [authorization("A1", "PARTIALLY_CAPTURED")],
      captures: [capture("C1", "COMPLETED", "40.00")],
    });
    expect(aliases).toEqual(["C1", "A1"]);
  });
});

describe("echoes", () => {
  it.each([
    ["o_Demo/p_1", undefined, ["o_Demo:p_1"]],
    ["p_1", "INV-77", ["p_1", "INV-77"]],
    [undefined, "Order #7", ["Order #7"]],
    [null, null, []],
  ])("of %s and %s", (custom_id, invoice_id, echoes) => {
    expect(desired({ units: [{ amount: sek("100.00"), custom_id, invoice_id }] }).echoes).toEqual(echoes);
  });
});

describe("a token", () => {
  const vault = (of: object): Given => ({
    captures: [capture("C1", "COMPLETED")],
    more: { payment_source: { paypal: { attributes: { vault: of } } } },
  });
  it.each(["VAULTED", "CREATED"])("that is %s stands in the order", (status) => {
    expect(desired(vault({ id: "t1", status })).recurring).toEqual({
      token: "t1",
      description: "PayPal",
      attributes: { sourceType: "paypal" },
    });
  });

  it("needs no status: its id says that it is there", () => {
    const { phase, recurring } = desired(vault({ id: "t1", customer: { id: "c1" } }));
    expect(phase).toBe("confirmed");
    expect(recurring).toMatchObject({ token: "t1", attributes: { customerId: "c1" } });
  });

  it("that is only APPROVED is awaited for a day, and PayPal's vault has it", () => {
    const given = vault({ status: "APPROVED", customer: { id: "c1" } });
    const update_time = "2026-02-03T11:00:00Z";
    const waiting = { ...given, more: { ...given.more, update_time } };
    expect(desired(waiting)).toMatchObject({ recurring: undefined, lookAgain: { at: "2026-02-03T12:01:00.000Z" } });
    expect(desired({ ...waiting, now: noon + 7_200_000 }).lookAgain).toEqual({ growing: update_time });
    expect(desired({ ...waiting, now: noon + 24 * 3_600_000 }).lookAgain).toBeUndefined();
    const found = desired({ ...waiting, beside: { stored: { token: "t2", type: "card", source: { brand: "VISA" } } } });
    expect(found.recurring).toEqual({
      token: "t2",
      description: "VISA",
      attributes: { sourceType: "card", customerId: "c1" },
    });
    expect(found.lookAgain).toBeUndefined();
    expect(JSON.stringify(found.memory)).not.toContain("t2");
  });
});

it.each<[string, Given, number]>([
  ["nothing yet", {}, 10000],
  ["all of it", { authorizations: [authorization("A1", "CREATED")] }, 10000],
  ["a part", { authorizations: [authorization("A1", "CREATED", "1.00")] }, 100],
  ["a part, taken at once", { captures: [capture("C1", "COMPLETED", "1.00")] }, 100],
  [
    "all of it, of which a part was taken for good",
    {
      authorizations: [authorization("A1", "CAPTURED")],
      captures: [capture("C1", "COMPLETED", "40.00", { final_capture: true })],
    },
    10000,
  ],
  ["more, as it may take", { captures: [capture("C1", "COMPLETED", "110.00")] }, 10000],
])("of an order of which %s was authorised, %#", (_, given, total) => {
  expect(desired(given).total).toBe(total);
});

describe("a refund that names no capture", () => {
  const refundedOf = (...statuses: readonly [string, string]): unknown => {
    const [one, other] = statuses;
    const captures = [capture("C1", one, "40.00"), capture("C2", other, "60.00")];
    const refunds = [capture("R1", "COMPLETED", "25.00")];
    const { money, transactions } = desired({ captures, refunds });
    return [money.refunded, transactions.at(-1)?.amount];
  };

  it("gave back what it says, of whichever capture", () => {
    expect(refundedOf("COMPLETED", "COMPLETED")).toEqual([2500, 2500]);
    expect(refundedOf("COMPLETED", "PARTIALLY_REFUNDED")).toEqual([2500, 2500]);
    expect(refundedOf("REFUNDED", "PARTIALLY_REFUNDED"), "the first was taken back by PayPal").toEqual([6500, 6500]);
  });
});

it("what moved nothing makes no line", () => {
  const { transactions } = desired({
    captures: [capture("C1", "COMPLETED"), capture("C2", "COMPLETED", "0.00")],
    refunds: [capture("R1", "COMPLETED", "0.00", up("captures", "C1"))],
  });
  expect(transactions.map(({ key }) => key)).toEqual(["confirm:C1", "capture:C1"]);
});

describe("bad news", () => {
  const dispute = (key: string, at: string, type: string, more: object = {}): KeptEvent => ({
    key,
    type: `CUSTOMER.DISPUTE.${type}`,
    at,
    event: "paymentAction",
    pspStatus: type,
    amount: 0,
    success: true,
    facts: { disputeId: "PP-D-1", reason: "UNAUTHORISED", disputed: "10.00", currency: "SEK", ...more },
  });
  const created = dispute("WH-1", "2026-02-03T10:00:00.000Z", "CREATED", { deadline: "2026-02-13T10:00:00.000Z" });
  const resolved = dispute("WH-2", "2026-02-09T10:00:00.000Z", "RESOLVED");
  const ended = (outcome: string) => dispute("WH-2", "2026-02-09T10:00:00.000Z", "RESOLVED", { outcome });
  const old = { create_time: "2026-01-20T10:00:00Z" };

  it.each<[string, Given, readonly object[]]>([
    ["none", { captures: [capture("C1", "COMPLETED")] }, []],
    [
      "money that PayPal took back",
      { captures: [capture("C1", "REFUNDED", "100.00", { status_details: { reason: "CHARGEBACK" } })] },
      [
        {
          name: "chargeback",
          id: "C1",
          facts: { amount: 10000, currency: "SEK", status: "REFUNDED", reason: "CHARGEBACK" },
        },
      ],
    ],
    [
      "a capture of a hold that was refused",
      { authorizations: [authorization("A1", "CREATED")], captures: [capture("C1", "DECLINED")] },
      [{ name: "capture-failed", id: "C1", facts: { amount: 10000, currency: "SEK", status: "DECLINED" } }],
    ],
    ["a shopper's card that was refused is none", { captures: [capture("C1", "DECLINED")] }, []],
    [
      "a refund that failed",
      { captures: [capture("C1", "COMPLETED")], refunds: [capture("R1", "FAILED", "1.00")] },
      [{ name: "refund-failed", id: "R1", facts: { amount: 100, currency: "SEK", status: "FAILED" } }],
    ],
    [
      "a capture that waits for the merchant",
      {
        captures: [
          capture("C1", "PENDING", "100.00", {
            status_details: { reason: "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION" },
          }),
        ],
      },
      [{ name: "payout-held", id: "C1" }],
    ],
    [
      "a capture that is on its way is none",
      { captures: [capture("C1", "PENDING", "100.00", { create_time: "2026-02-01T10:00:00Z" })] },
      [],
    ],
    [
      "a capture that is on its way for too long",
      { captures: [capture("C1", "PENDING", "100.00", old)] },
      [{ name: "payout-held", id: "C1" }],
    ],
    [
      "a review that does not end",
      { authorizations: [authorization("A1", "PENDING", "100.00", old)] },
      [{ name: "authorization-at-risk", id: "A1" }],
    ],
    [
      "a dispute",
      { captures: [capture("C1", "COMPLETED")], kept: [created] },
      [
        {
          name: "dispute",
          id: "PP-D-1",
          deadline: "2026-02-13T10:00:00.000Z",
          facts: { stage: "CREATED", reason: "UNAUTHORISED", disputed: "10.00", currency: "SEK" },
        },
      ],
    ],
    [
      "a dispute that is over is none, in whatever order it was told",
      { captures: [capture("C1", "COMPLETED")], kept: [resolved, created] },
      [],
    ],
    [
      "a dispute that the seller has won",
      { captures: [capture("C1", "COMPLETED")], kept: [created, ended("RESOLVED_SELLER_FAVOUR")] },
      [],
    ],
    [
      "a dispute that the buyer has won, whatever the order shows",
      { captures: [capture("C1", "COMPLETED")], kept: [created, ended("RESOLVED_BUYER_FAVOUR")] },
      [{ name: "chargeback", id: "PP-D-1", facts: expect.objectContaining({ outcome: "RESOLVED_BUYER_FAVOUR" }) }],
    ],
    [
      "a dispute that names no id",
      { captures: [capture("C1", "COMPLETED")], kept: [{ ...created, type: "RISK.DISPUTE.CREATED", facts: {} }] },
      [{ name: "dispute", id: "WH-1" }],
    ],
    [
      "a capture that the buyer contests",
      { captures: [capture("C1", "PENDING", "100.00", { status_details: { reason: "BUYER_COMPLAINT" } })] },
      [{ name: "dispute", id: "C1" }],
    ],
    [
      "a capture that the issuer took back, which its sums do not show",
      { captures: [capture("C1", "COMPLETED", "100.00", { status_details: { reason: "CHARGEBACK" } })] },
      [{ name: "chargeback", id: "C1", facts: expect.objectContaining({ amount: 10000, reason: "CHARGEBACK" }) }],
    ],
    [
      "a part that went back of which no refund tells",
      { captures: [capture("C1", "PARTIALLY_REFUNDED")] },
      [{ name: "chargeback", id: "C1", facts: { currency: "SEK", status: "PARTIALLY_REFUNDED" } }],
    ],
    [
      "a part that was refunded is none",
      {
        captures: [capture("C1", "PARTIALLY_REFUNDED")],
        refunds: [capture("R1", "COMPLETED", "1.00", up("captures", "C1"))],
      },
      [],
    ],
  ])("%s", (_, given, expected) => {
    expect(desired(given).findings).toEqual(expected.map((finding) => expect.objectContaining(finding) as unknown));
  });
});

describe("an order that nobody has paid", () => {
  const began = "2026-02-03T10:00:00Z";
  const at = (hours: number): number => Date.parse(began) + hours * 3_600_000;
  it.each([
    ["CREATED", 1, "created", { at: "2026-02-03T13:01:00.000Z" }],
    ["PAYER_ACTION_REQUIRED", 4, "paying", { growing: began }],
    ["APPROVED", 71, "paying", { growing: began }],
    ["CREATED", 73, "failed", undefined],
    ["APPROVED", 73, "failed", undefined],
    ["SAVED", 73, "paying", { growing: began }],
    ["SAVED", 30 * 24, "failed", undefined],
    [undefined, 1, "paying", { at: "2026-02-03T13:01:00.000Z" }],
    [undefined, 73, "failed", undefined],
  ])("%s, after %i hours, is %s", (status, hours, phase, lookAgain) => {
    const more = { create_time: began, status };
    const { phase: found, lookAgain: next, money } = desired({ more, now: at(hours) });
    expect({ phase: found, lookAgain: next, authorized: money.authorized }).toEqual({
      phase,
      lookAgain,
      authorized: 0,
    });
  });
});

it("an approval that was given back changes nothing once there is money", () => {
  const { money } = desired({
    status: "APPROVED",
    captures: [capture("C1", "COMPLETED")],
    beside: { approvalReversed: true },
  });
  expect(money.captured).toBe(10000);
});
