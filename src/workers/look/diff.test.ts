import { describe, expect, onTestFinished, test } from "vitest";
import type { CommonConfig, DesiredPayment, DesiredTransaction, Money, PaymentKey } from "../../contract/adapter.ts";
import { isWorkerError } from "../../lib/errors.ts";
import { createNorceClient } from "../../norce/client.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { listenOnLoopback } from "../../../sandbox/loopback.ts";
import { createSandboxNorce } from "../../../sandbox/norce.ts";
import { type Comparison, diff, refuseForeign, refuseOthers, refuseUnlike } from "./diff.ts";

const confirm: DesiredTransaction = {
  key: "confirm",
  event: "confirm",
  pspEvent: "authorized",
  pspStatus: "AUTHORIZED",
  amount: 10_000,
  success: true,
};

const money = (sums: Partial<Money>): Money => ({ authorized: 10_000, captured: 0, refunded: 0, released: 0, ...sums });

function desired(over: Partial<DesiredPayment> = {}): DesiredPayment {
  return {
    phase: "confirmed",
    money: money({}),
    total: 10_000,
    currency: "SEK",
    reference: "ref-1",
    transactions: [confirm],
    possible: [],
    echoes: ["p_1"],
    marker: "confirm",
    ...over,
  };
}

function current(over: Partial<CurrentPayment> = {}): CurrentPayment {
  return {
    adapterId: "acme_adapter",
    currency: "SEK",
    amount: 10_000,
    upperLimit: null,
    state: "intent",
    reference: "ref-1",
    recurring: null,
    upsell: null,
    record: null,
    raw: {},
    ...over,
  };
}

const readAt = Date.parse("2026-02-03T10:00:00.000Z");

function compare(over: Partial<Comparison> = {}): ReturnType<typeof diff> {
  return diff({
    current: current(),
    logged: new Set(),
    desired: desired(),
    states: "ten",
    version: "v0",
    now: readAt,
    ...over,
  });
}

/** The payment as it stands after these changes were written. */
function written(before: CurrentPayment, verdict: ReturnType<typeof diff>): CurrentPayment {
  if (verdict.is === "agreed") return before;
  const { record, recurring, upsell, ...fields } = verdict.changes.payment ?? {};
  return {
    ...before,
    ...fields,
    record: record ?? before.record,
    recurring: recurring === undefined ? before.recurring : { ...recurring },
    upsell: upsell ?? before.upsell,
  };
}

function reasonOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return isWorkerError(error, "Refused") ? error.context["reason"] : error;
  }
  return "nothing was refused";
}

const reserved = written(current(), compare());
const captured = written(current(), compare({ desired: desired({ money: money({ captured: 10_000 }) }) }));

describe("what is written", () => {
  test("state, our record and the log follow the PSP", () => {
    const verdict = compare();
    expect(verdict).toMatchObject({
      is: "differs",
      changes: { payment: { state: "reserved" }, transactions: [confirm], afterWrite: true },
    });
    expect(reserved.record).toEqual({
      phase: "confirmed",
      authorized: 10_000,
      captured: 0,
      refunded: 0,
      released: 0,
      removed: false,
      since: "2026-02-03T10:00:00.000Z",
    });
  });

  test("when it came to where it is stands in our record until it moves on", () => {
    const later = { now: readAt + 60_000 };
    expect(compare({ current: reserved, logged: new Set(["confirm"]), ...later })).toEqual({ is: "agreed" });
    const moved = written(
      reserved,
      compare({ current: reserved, desired: desired({ money: money({ captured: 10_000 }) }), ...later }),
    );
    expect(moved.record).toMatchObject({ since: "2026-02-03T10:01:00.000Z" });
  });

  test("money that moved back for a named reason is believed at once", () => {
    const reversal = { desired: desired({ reversal: "CAPTURE_FAILED" }) };
    expect(compare({ current: captured, ...reversal })).toMatchObject({ is: "differs" });
  });

  test("nothing is, once Norce agrees", () => {
    expect(compare({ current: reserved, logged: new Set(["confirm"]) })).toEqual({ is: "agreed" });
  });

  test("a missing marker alone brings back what the PSP must be told", () => {
    expect(compare({ current: reserved })).toMatchObject({
      is: "differs",
      changes: { afterWrite: true, transactions: [confirm] },
    });
    expect(compare({ current: reserved })).not.toHaveProperty("changes.payment");
  });

  test("a released remainder lowers the amount to what the payment covers", () => {
    const released = desired({ money: money({ captured: 4_000, released: 6_000 }) });
    expect(compare({ current: reserved, desired: released })).toMatchObject({
      changes: { payment: { state: "captured", amount: 4_000 } },
    });
  });

  test("an upsell raises the amount to what is authorised now", () => {
    expect(compare({ current: reserved, desired: desired({ money: money({ authorized: 12_000 }) }) })).toMatchObject({
      is: "differs",
      changes: { payment: { amount: 12_000 } },
    });
  });

  test("an amount other than Norce asked for is recorded, and stays recorded", () => {
    const other = desired({ money: money({ authorized: 9_000 }) });
    const after = written(current(), compare({ desired: other }));
    expect(after).toMatchObject({ amount: 9_000, record: { amountAsked: 10_000 } });
    expect(compare({ current: after, desired: other, logged: new Set(["confirm"]) })).toEqual({ is: "agreed" });
  });

  test("a token is written and never blanked", () => {
    const withToken = desired({ recurring: { token: "t-1", description: "monthly" } });
    const after = written(current(), compare({ desired: withToken }));
    expect(after.recurring).toMatchObject({ token: "t-1" });
    expect(compare({ current: after, logged: new Set(["confirm"]) })).toEqual({ is: "agreed" });
  });

  test("what others added to recurring or upsell is no difference", () => {
    const wanted = desired({ recurring: { token: "t-1" }, upsell: { eligible: true, transactions: [] } });
    const theirs = {
      ...reserved,
      recurring: { token: "t-1", note: "theirs" },
      upsell: { eligible: true, transactions: [], note: "theirs" },
    };
    expect(compare({ current: theirs, desired: wanted, logged: new Set(["confirm"]) })).toEqual({ is: "agreed" });
  });

  test("v1 is not sent an upsell that it does not document", () => {
    const wanted = desired({ upsell: { eligible: true, transactions: [] } });
    expect(compare({ desired: wanted, version: "v1" })).not.toHaveProperty("changes.payment.upsell");
    expect(compare({ desired: wanted, version: "v0" })).toHaveProperty("changes.payment.upsell");
  });

  test("changing between ten and twelve states rewrites no history", () => {
    const refunded = desired({ money: money({ captured: 10_000, refunded: 10_000 }) });
    const credited = written(current(), compare({ desired: refunded }));
    expect(credited.state).toBe("credited");
    expect(compare({ current: credited, desired: refunded, states: "twelve", logged: new Set(["confirm"]) })).toEqual({
      is: "agreed",
    });
  });
});

test("what Norce writes in a spelling of its own is no difference: the second look writes nothing", async () => {
  const norce = createSandboxNorce({ respells: true });
  const server = await listenOnLoopback(norce.handler);
  onTestFinished(() => server.close());
  const orderApi = `${server.url}/checkout/order`;
  const client = createNorceClient({ orderApi, token: norce.token, version: "v0", adapterIdOf: () => "acme_adapter" });
  const key: PaymentKey = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
  norce.createOrder({ merchant: "acme", channel: "se", id: "o_1", order: { currency: "SEK" } });
  norce.addPayment("o_1", { id: "p_1", adapterId: "acme_adapter", currency: "SEK", amount: 100, reference: "ref-1" });
  const wanted = desired({
    recurring: { token: "t-1" },
    attributes: { authorizedUntil: "2026-03-03T10:00:00.000Z" },
    upsell: {
      eligible: true,
      expiration: "2026-02-02T10:00:00.000Z",
      transactions: [{ id: "u_1", state: "completed" }],
    },
  });
  const look = async (now: number, said: DesiredPayment = wanted): Promise<string> => {
    const payment = await client.payment(key);
    if (payment === null) throw new Error("no payment");
    const verdict = compare({ current: payment, logged: new Set(["confirm"]), desired: said, now });
    if (verdict.is === "agreed") return "agreed";
    await client.replacePayment(key, payment, verdict.changes.payment ?? {});
    return Object.keys(verdict.changes.payment ?? {}).join(",");
  };
  expect(await look(readAt)).toBe("state,recurring,upsell,record");
  expect(await look(readAt + 60_000)).toBe("agreed");
  expect(norce.writes.replacePayment).toBe(1);
  const later = { ...wanted, upsell: { eligible: true, expiration: "2026-02-02T10:00:01.000Z", transactions: [] } };
  expect(await look(readAt + 120_000, later)).toBe("upsell");
  expect(await look(readAt + 180_000, later)).toBe("agreed");
});

describe("moves backwards", () => {
  test.each([
    ["a capture that is gone", captured, desired()],
    [
      "a refund that is gone",
      written(current(), compare({ desired: desired({ money: money({ captured: 10_000, refunded: 10_000 }) }) })),
      desired({ money: money({ captured: 10_000 }) }),
    ],
    [
      "an authorisation that is back",
      written(current(), compare({ desired: desired({ money: money({ released: 10_000 }) }) })),
      desired(),
    ],
    ["a review after the decision", reserved, desired({ phase: "review" })],
    ["a session after the purchase", reserved, desired({ phase: "created", money: money({ authorized: 0 }) })],
    ["a reservation where somebody wrote captured", current({ state: "captured" }), desired()],
    [
      "a reservation where somebody moved our reserved to captured",
      { ...reserved, state: "captured" as const },
      desired(),
    ],
    [
      "a capture where somebody wrote credited",
      current({ state: "credited" }),
      desired({ money: money({ captured: 10_000 }) }),
    ],
  ])("%s has to be seen twice", (_, before, now) => {
    expect(compare({ current: before, desired: now }).is).toBe("backwards");
  });

  test.each([
    ["a declined payment that is authorised after all", current({ state: "declined" }), desired()],
    [
      "a failed attempt that is repeated",
      current({ state: "failed" }),
      desired({ phase: "paying", money: money({ authorized: 0 }) }),
    ],
    ["a review of what was only known to be confirmed", current({ state: "confirmed" }), desired({ phase: "review" })],
    ["a lower amount alone", reserved, desired({ money: money({ authorized: 8_000 }) })],
    ["a reservation that is refused later", reserved, desired({ phase: "declined", money: money({ authorized: 0 }) })],
    [
      "a capture that Norce's amount outgrew",
      { ...captured, amount: 12_000 },
      desired({ money: money({ captured: 10_000 }) }),
    ],
  ])("%s is not backwards", (_, before, now) => {
    expect(compare({ current: before, desired: now }).is).toBe("differs");
  });

  test("a session that exists does not object to a shopper who is paying", () => {
    const verdict = compare({
      current: current({ state: "processing" }),
      desired: desired({ phase: "created", money: money({ authorized: 0 }) }),
    });
    expect(verdict.is).toBe("differs");
    expect(verdict).not.toHaveProperty("changes.payment.state");
  });

  test("two looks that saw the same have the same fingerprint, others have not", () => {
    const fingerprint = (sums: Partial<Money>): unknown => {
      const verdict = compare({ current: captured, desired: desired({ money: money(sums) }) });
      return verdict.is === "backwards" ? verdict.fingerprint : verdict;
    };
    expect(fingerprint({})).toBe(fingerprint({}));
    expect(fingerprint({})).not.toBe(fingerprint({ captured: 5_000 }));
  });
});

describe("a removed payment", () => {
  const removed = current({ state: "removed" });

  test("that holds no money at the PSP is left alone", () => {
    expect(compare({ current: removed, desired: desired({ money: money({ released: 10_000 }) }) })).toEqual({
      is: "agreed",
    });
    expect(
      compare({ current: removed, desired: desired({ phase: "created", money: money({ authorized: 0 }) }) }),
    ).toEqual({ is: "agreed" });
  });

  test.each([
    ["reserved", money({})],
    ["captured", money({ captured: 10_000 })],
  ])("that is %s at the PSP needs a person", (_, sums) => {
    expect(reasonOf(() => compare({ current: removed, desired: desired({ money: sums }) }))).toBe("paid-on-removed");
  });

  test("that we removed ourselves follows the truth like any other", () => {
    const ours = written(current(), compare({ desired: desired({ money: money({ released: 10_000 }) }) }));
    expect(ours).toMatchObject({ state: "removed", record: { removed: true } });
    const revived = compare({ current: ours });
    expect(revived).toMatchObject({
      is: "backwards",
      changes: { payment: { state: "reserved", record: { removed: false } } },
    });
  });
});

describe("what is refused", () => {
  const settings: CommonConfig = {
    adapterId: "acme_adapter",
    apiUrl: "https://psp.example",
    merchantReference: "paymentId",
    publishActions: "off",
  };
  const key: PaymentKey = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };

  test("a payment of another adapter", () => {
    expect(reasonOf(() => refuseOthers(current({ adapterId: "klarna_checkout_adapter" }), settings))).toBe(
      "other-adapter",
    );
    expect(reasonOf(() => refuseOthers(current({ adapterId: null }), settings))).toBe("other-adapter");
    expect(reasonOf(() => refuseOthers(current(), settings))).toBe("nothing was refused");
  });

  test("another currency", () => {
    expect(reasonOf(() => compare({ desired: desired({ currency: "EUR" }) }))).toBe("currency-differs");
  });

  test("more than the payment's upper limit", () => {
    expect(reasonOf(() => compare({ current: current({ upperLimit: 9_999 }) }))).toBe("above-upper-limit");
  });

  test("a purchase that names another order", () => {
    const named = (echoes: readonly string[], over: Partial<CommonConfig> = {}, binding = false): unknown =>
      reasonOf(() =>
        refuseForeign(
          key,
          desired({ echoes }),
          { ...settings, ...over },
          { id: "o_1", reference: "1001", cart: { reference: "cart-7" } },
          binding,
        ),
      );
    expect(named(["p_2"])).toBe("other-order");
    expect(named(["o_2:p_1"])).toBe("other-order");
    expect(named(["1001"])).toBe("other-order");
    for (const echo of ["p_1", "o_1:p_1", "o_1"]) expect(named([echo])).toBe("nothing was refused");
    expect(named(["something else", "p_1"])).toBe("nothing was refused");
    expect(named(["1001"], { merchantReference: "orderReference" })).toBe("nothing was refused");
    expect(named(["cart-7"], { merchantReference: "cartReference" })).toBe("nothing was refused");
    expect(named([])).toBe("nothing was refused");
    expect(named([], {}, true)).toBe("other-order");
  });

  test("a reference whose purchase has another amount or currency", () => {
    expect(reasonOf(() => refuseUnlike(current(), desired({ total: 9_999 })))).toBe("reference-not-bound");
    expect(reasonOf(() => refuseUnlike(current(), desired({ currency: "NOK" })))).toBe("reference-not-bound");
    expect(reasonOf(() => refuseUnlike(current(), desired()))).toBe("nothing was refused");
  });
});
