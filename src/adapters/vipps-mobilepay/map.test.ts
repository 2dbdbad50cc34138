import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { map } from "./map.ts";
import { readAs } from "../../lib/read.ts";
import {
  agreementSchema,
  chargeSchema,
  paymentFrom,
  paymentSchema,
  type Payment,
  type PaymentEvent,
  type Snapshot,
} from "./schema.ts";

const now = Date.parse("2026-02-03T10:20:00.000Z");

function fixture(name: string): Snapshot {
  return JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/${name}/snapshot.json`, "utf8")) as Snapshot;
}

function paymentIn(name: string): Snapshot & { readonly of: "payment" } {
  const snapshot = fixture(name);
  if (snapshot.of !== "payment") throw new Error(`${name} is no payment`);
  return snapshot;
}

function changed(
  name: string,
  change: (payment: Payment, events: readonly PaymentEvent[]) => Partial<Snapshot>,
): Snapshot {
  const snapshot = paymentIn(name);
  return { ...snapshot, ...change(snapshot.payment, snapshot.events) } as Snapshot;
}

describe("sums that contradict each other", () => {
  const sums = (aggregate: Partial<Record<keyof Payment["aggregate"], number>>, currency = "NOK"): Snapshot =>
    changed("authorized", (payment) => ({
      payment: {
        ...payment,
        aggregate: {
          ...payment.aggregate,
          ...Object.fromEntries(Object.entries(aggregate).map(([name, value]) => [name, { currency, value }])),
        },
      },
    }));
  it.each([
    ["captured above authorised", sums({ capturedAmount: 10001 })],
    ["refunded above captured", sums({ capturedAmount: 1, refundedAmount: 2 })],
    ["captured and cancelled above authorised", sums({ capturedAmount: 6000, cancelledAmount: 6000 })],
    ["two currencies", sums({ capturedAmount: 0 }, "DKK")],
  ])("are for a person: %s", (_, snapshot) => {
    expect(() => map(snapshot, { now })).toThrow(/contradicts itself/);
  });

  it("are none where a payment was withdrawn before it was approved: nothing is below zero", () => {
    expect(map(fixture("terminated"), { now }).money).toEqual({ authorized: 0, captured: 0, refunded: 0, released: 0 });
  });
});

it("a payment of which a part was authorised is over that part", () => {
  const { payment } = paymentIn("authorized");
  const authorizedAmount = { ...payment.amount, value: 100 };
  const part = changed("authorized", () => ({
    payment: { ...payment, aggregate: { ...payment.aggregate, authorizedAmount } },
  }));
  expect([map(part, { now }).total, map(fixture("authorized"), { now }).total]).toEqual([100, payment.amount.value]);
});

describe("the log", () => {
  it("comes to the same lines in whichever order, and with an entry twice", () => {
    const plain = map(paymentIn("refunded"), { now });
    const other = changed("refunded", (_, events) => ({ events: [...events.toReversed(), ...events] }));
    expect(map(other, { now })).toEqual(plain);
  });

  it("changes no money where it is missing, unreadable or in another currency", () => {
    const { money } = map(paymentIn("part-refunded"), { now });
    const odd = [
      changed("part-refunded", () => ({ events: [] })),
      changed("part-refunded", (_, events) => ({
        events: events.map((event) => ({ ...event, amount: { currency: "EUR", value: 1 } })),
      })),
    ];
    for (const snapshot of odd) {
      const desired = map(snapshot, { now });
      expect(desired.money).toEqual(money);
      expect(desired.transactions.map(({ key }) => key)).toEqual([
        expect.stringMatching(/^confirm:/),
        "capture:total:10000",
        "refund:total:2500",
      ]);
    }
  });

  it("that comes before the sums adds no line yet, and no line that stands is another one later", () => {
    const early = map(fixture("sums-behind-the-log"), { now });
    expect(early.transactions.map(({ event }) => event)).toEqual(["confirm"]);
    const later = map(fixture("part-captured"), { now });
    expect(later.transactions.slice(0, 1)).toEqual(early.transactions);
  });
});

describe("a guarantee", () => {
  it.each([
    ["2026-02-09T10:15:29.000Z", 0, { at: "2026-02-09T10:15:30.000Z" }],
    ["2026-02-09T10:15:30.000Z", 1, { at: "2026-02-10T10:16:30.000Z" }],
    ["2026-02-10T10:16:30.000Z", 1, undefined],
  ])("at %s is %i findings", (at, findings, lookAgain) => {
    const desired = map(fixture("authorized"), { now: Date.parse(at) });
    expect(desired.findings).toHaveLength(findings);
    expect(desired.lookAgain).toEqual(lookAgain);
    expect(desired.possible).toEqual(["capture", "cancel"]);
  });

  it("is nobody's concern once nothing is held", () => {
    const desired = map(fixture("captured"), { now: Date.parse("2026-03-01T00:00:00.000Z") });
    expect([desired.findings, desired.lookAgain]).toEqual([[], undefined]);
  });
});

describe("no wait is for ever", () => {
  it.each(["agreement-pending", "charge-due", "charge-tried-again"])(
    "%s has an end, or somebody hears of it",
    (name) => {
      const desired = map(fixture(name), { now: now + 185 * 24 * 60 * 60_000 });
      expect(desired.phase === "failed" || desired.findings?.length === 1).toBe(true);
    },
  );
});

it("tells of a guarantee that ends on a day, without a time", () => {
  const { payment, ...rest } = paymentIn("authorized");
  const said = readAs(paymentSchema, { ...payment, captureGuaranteedUntil: "2026-02-04" }, "a Vipps payment");
  const { findings, lookAgain } = map({ ...rest, payment: paymentFrom(said) }, { now });
  expect(findings).toMatchObject([{ name: "authorization-at-risk", deadline: "2026-02-04T00:00:00.000Z" }]);
  expect(lookAgain).toEqual({ at: "2026-02-04T00:01:00.000Z" });
});

it("reads a charge past an entry of its history that cannot be read", () => {
  const snapshot = fixture("charge-captured");
  if (snapshot.of !== "charge") throw new Error("the fixture is no charge");
  const odd = [{ event: "charge-retry", occurred: "soon" }, { event: "CAPTURE" }, null];
  const said = { ...snapshot.charge, currency: "nok", history: [...snapshot.charge.history, ...odd] };
  const charge = readAs(chargeSchema, said, "a Vipps charge");
  expect(map({ ...snapshot, charge }, { now })).toEqual(map(snapshot, { now }));
});

it.each([
  ["2026-02-03", "confirmed"],
  ["", "failed"],
  [null, "failed"],
])("an agreement that was stopped and began at %j is %s", (start, phase) => {
  const snapshot = fixture("agreement-stopped");
  if (snapshot.of !== "agreement") throw new Error("the fixture is no agreement");
  const agreement = readAs(agreementSchema, { ...snapshot.agreement, start }, "a Vipps agreement");
  expect(map({ ...snapshot, agreement, charge: null }, { now }).phase).toBe(phase);
});

it.each(["T00:00:00Z", "T00:00:00.000", ""])(
  "hears that a charge is overdue whose day is written with %j behind it",
  (time) => {
    const snapshot = fixture("charge-overdue");
    if (snapshot.of !== "charge") throw new Error("the fixture is no charge");
    const charge = readAs(chargeSchema, { ...snapshot.charge, due: `2026-01-05${time}` }, "a Vipps charge");
    expect(map({ ...snapshot, charge }, { now })).toMatchObject({
      attributes: { due: "2026-01-05" },
      findings: [{ name: "authorization-at-risk" }],
    });
  },
);
