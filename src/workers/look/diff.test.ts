import { describe, expect, onTestFinished, test } from "vitest";
import type { DesiredPayment, Money } from "../../contract/adapter.ts";
import { isWorkerError } from "../../lib/errors.ts";
import { createNorceClient } from "../../norce/client.ts";
import { listenOnLoopback } from "../../../sandbox/loopback.ts";
import { createSandboxNorce } from "../../../sandbox/norce.ts";
import {
  compare,
  confirm,
  current,
  desired,
  key,
  lookedAt,
  money,
  nothing,
  readAt,
  reasonOf,
  written,
} from "../../../test/support/money.ts";
import { diffGone } from "./diff.ts";
import { signingKeysOf } from "../../../test/support/signing.ts";

const agreed = { is: "agreed", findings: [] };
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
      bound: "ref-1",
      accepted: true,
    });
  });

  test("when it came to where it is stands in our record until it moves on", () => {
    const later = { now: readAt + 60_000 };
    expect(compare({ current: reserved, logged: new Set(["confirm"]), ...later })).toEqual(agreed);
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
    expect(compare({ current: reserved, logged: new Set(["confirm"]) })).toEqual(agreed);
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
    expect(compare({ current: after, desired: other, logged: new Set(["confirm"]) })).toEqual(agreed);
  });

  test("a token is written and never blanked", () => {
    const withToken = desired({ recurring: { token: "t-1", description: "monthly" } });
    const after = written(current(), compare({ desired: withToken }));
    expect(after.recurring).toMatchObject({ token: "t-1" });
    expect(compare({ current: after, logged: new Set(["confirm"]) })).toEqual(agreed);
  });

  test("what others added to recurring or upsell is no difference", () => {
    const wanted = desired({ recurring: { token: "t-1" }, upsell: { eligible: true, transactions: [] } });
    const theirs = {
      ...reserved,
      recurring: { token: "t-1", note: "theirs" },
      upsell: { eligible: true, transactions: [], note: "theirs" },
    };
    expect(compare({ current: theirs, desired: wanted, logged: new Set(["confirm"]) })).toEqual(agreed);
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
    expect(compare({ current: credited, desired: refunded, states: "twelve", logged: new Set(["confirm"]) })).toEqual(
      agreed,
    );
  });
});

test("what Norce writes in a spelling of its own is no difference: the second look writes nothing", async () => {
  const norce = createSandboxNorce({ respells: true });
  const server = await listenOnLoopback(norce.handler);
  onTestFinished(() => server.close());
  const orderApi = `${server.url}/checkout/order`;
  const client = createNorceClient({ orderApi, token: norce.token, version: "v0", adapterIdOf: () => "acme_adapter" });
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

  test("an attempt that ended goes on paying, and a second look changes nothing", () => {
    const paying = lookedAt(current(), desired({ phase: "paying", money: nothing }));
    const back = { desired: desired({ phase: "created", money: nothing }), logged: new Set(["confirm"]) };
    expect(compare({ current: paying, ...back, now: readAt + 60_000 })).toEqual(agreed);
    const storefront = written(
      current({ state: "processing" }),
      compare({ current: current({ state: "processing" }), ...back }),
    );
    expect(compare({ current: storefront, ...back, now: readAt + 60_000 })).toEqual(agreed);
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
    expect(compare({ current: removed, desired: desired({ money: money({ released: 10_000 }) }) })).toEqual(agreed);
    expect(
      compare({ current: removed, desired: desired({ phase: "created", money: money({ authorized: 0 }) }) }),
    ).toEqual(agreed);
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

describe("what is refused names the values that differ", () => {
  const refused = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      return isWorkerError(error, "Refused") ? error.context : error;
    }
  };

  test("another currency, whatever was bound before", () => {
    const euro = desired({ currency: "EUR" });
    const facts = { reason: "currency-differs", norceCurrency: "SEK", pspCurrency: "EUR", reference: "ref-1" };
    expect(refused(() => compare({ desired: euro }))).toEqual(facts);
    expect(refused(() => compare({ current: reserved, desired: euro }))).toEqual(facts);
  });

  test("more than the payment's upper limit", () => {
    expect(refused(() => compare({ current: current({ upperLimit: 9_999 }) }))).toMatchObject({
      reason: "above-upper-limit",
      upperLimit: 9_999,
      authorized: 10_000,
    });
  });

  test("money on a removed payment", () => {
    expect(refused(() => compare({ current: current({ state: "removed" }) }))).toMatchObject({
      reason: "paid-on-removed",
      authorized: 10_000,
      captured: 0,
      currency: "SEK",
    });
  });

  test("a payment that held money and of which the PSP now says that it failed", () => {
    const failed = desired({ phase: "failed", money: nothing });
    expect(reasonOf(() => compare({ current: reserved, desired: failed }))).toBe("gone-at-psp");
    expect(compare({ current: lookedAt(current(), desired({ money: nothing })), desired: failed })).toMatchObject({
      changes: { payment: { state: "failed" } },
    });
  });

  test("events that tell less than before, unless they say why", () => {
    const folds = { current: captured, folds: true };
    expect(reasonOf(() => compare(folds))).toBe("backwards-without-reason");
    expect(compare({ ...folds, desired: desired({ reversal: "CAPTURE_FAILED" }) }).is).toBe("differs");
  });
});

describe("a payment that the PSP does not know any more", () => {
  const day = 24 * 60 * 60_000;
  const gone = (payment: ReturnType<typeof current>, now = readAt + 2 * day): unknown =>
    diffGone({ current: payment, states: "ten", now });
  const session = lookedAt(current(), desired({ phase: "created", money: nothing }));

  test("was never there, where it was never bound", () => {
    expect(gone(current())).toBeUndefined();
    expect(gone(current({ state: "reserved" }))).toBeUndefined();
  });

  test("has failed, where it held no money and has been at rest for a day: two looks have to agree", () => {
    expect(gone(session)).toMatchObject({
      is: "backwards",
      fingerprint: "gone",
      changes: { payment: { state: "failed", record: { phase: "failed", bound: "ref-1" } } },
    });
    expect(gone(session)).not.toHaveProperty("attention");
    expect(gone(session, readAt + day - 1)).toBeUndefined();
  });

  test("needs a person where it held money, and nothing is written", () => {
    for (const paid of [reserved, captured])
      expect(gone(paid)).toMatchObject({
        is: "backwards",
        changes: { transactions: [], afterWrite: false },
        attention: { reason: "gone-at-psp", context: { reference: "ref-1", authorized: 10_000, currency: "SEK" } },
      });
    expect(gone(reserved)).not.toHaveProperty("changes.payment");
  });

  test("is left alone once it has come to an end", () => {
    const released = lookedAt(current(), desired({ money: money({ released: 10_000 }) }));
    expect(gone(released)).toEqual(agreed);
    expect(gone(lookedAt(current(), desired({ phase: "declined", money: nothing })))).toEqual(agreed);
  });
});

describe("the record", () => {
  test("keeps the adapter's memory as it was last said, and replaces it whole", () => {
    const first = lookedAt(current(), desired({ memory: { checkout: { status: "open" }, at: 1 } }));
    expect(first.record).toMatchObject({ memory: { checkout: { status: "open" }, at: 1 } });
    expect(lookedAt(first, desired({ money: money({ captured: 1 }) })).record).toMatchObject({ memory: { at: 1 } });
    const second = lookedAt(first, desired({ memory: { checkout: { status: "done" } } }));
    expect(second.record?.["memory"]).toEqual({ checkout: { status: "done" } });
  });

  test("is ours: no fact of an adapter's takes the place of what binds a payment", () => {
    const attributes = { bound: "theirs", accepted: false, memory: "x", authorized: 7, status: "AUTHORIZED" };
    expect(lookedAt(current(), desired({ attributes })).record).toMatchObject({
      bound: "ref-1",
      accepted: true,
      authorized: 10_000,
      status: "AUTHORIZED",
    });
    expect(lookedAt(current(), desired({ attributes })).record).not.toHaveProperty("memory");
  });

  test("names what was bound before, and begins anew with another attempt", () => {
    const session = lookedAt(
      current({ reference: "s-1" }),
      desired({
        phase: "failed",
        money: nothing,
        reference: "s-1",
        memory: { of: "s-1" },
        attributes: { status: "X" },
      }),
    );
    const second = compare({ current: session, desired: desired({ reference: "s-2" }) });
    expect(second).toMatchObject({ is: "differs", changes: { payment: { state: "reserved", reference: "s-2" } } });
    const { record } = written(session, second);
    expect(record).toMatchObject({ bound: "s-2", earlier: ["s-1"] });
    expect(record).not.toHaveProperty("memory");
    expect(record).not.toHaveProperty("status");
  });

  test("of another attempt is compared with nothing: it begins where it is", () => {
    const gone = lookedAt(
      current({ reference: "s-1" }),
      desired({ money: money({ released: 10_000 }), reference: "s-1" }),
    );
    expect(compare({ current: gone, desired: desired({ reference: "s-2" }) })).toMatchObject({
      is: "differs",
      changes: { payment: { state: "reserved", record: { released: 0 } } },
    });
  });

  test("says that an id will be replaced for as long as the PSP says so", () => {
    const session = lookedAt(current(), desired({ phase: "created", money: nothing, provisional: true }));
    expect(session.record).toMatchObject({ bound: "ref-1", provisional: true });
    expect(lookedAt(session, desired()).record).not.toHaveProperty("provisional");
  });
});

test("bad news is told whatever is written", () => {
  const findings = [{ name: "chargeback", id: "d-1", deadline: "2026-03-01T00:00:00Z", facts: { amount: 5 } }] as const;
  const news = desired({ findings: [...findings] });
  expect(compare({ desired: news }).findings).toEqual(findings);
  expect(compare({ desired: news, current: reserved, logged: new Set(["confirm"]) })).toEqual({
    is: "agreed",
    findings,
  });
});

describe("actions", () => {
  const publish = {
    mode: "bearer",
    key,
    adapterId: "acme_adapter",
    offered: ["capture", "cancel"],
    maker: { publicUrl: "https://us.example", keys: signingKeysOf() },
  } as const;
  const types = (over: Parameters<typeof compare>[0]): unknown => {
    const verdict = compare({ publish, ...over });
    if (verdict.is === "agreed") return undefined;
    return (verdict.changes.payment?.actions as readonly { type: string }[] | undefined)?.map(({ type }) => type);
  };
  const possible = ["capture", "cancel", "refund"] as const;

  test("are what the PSP allows and the adapter can do", () => {
    expect(types({ desired: desired({ possible }) })).toEqual(["capture", "cancel"]);
    expect(types({ desired: desired({ possible: ["cancel"] }) })).toEqual(["cancel"]);
  });

  test("offer no capture of less than was asked", () => {
    expect(types({ desired: desired({ possible, total: 100, money: money({ authorized: 100 }) }) })).toEqual([
      "cancel",
    ]);
  });

  test("are withdrawn where none is offered any more, those of others stay", () => {
    const published = {
      type: "capture",
      adapterId: "acme_adapter",
      url: "https://us.example/any/api/order/v1/orders/x",
    };
    const theirs = { type: "ship", adapterId: "acme_adapter", url: "https://shop.example" };
    const before = { ...reserved, raw: { actions: [published, theirs] } };
    const verdict = compare({ current: before, desired: desired({ possible }), publish: { ...publish, offered: [] } });
    expect(verdict).toMatchObject({ changes: { payment: { actions: [theirs] } } });
  });
});
