import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import type { KeptEvent } from "../../contract/adapter.ts";
import { config } from "./config.ts";
import { fold, type FoldContext } from "./fold.ts";
import { asking } from "../../../test/support/asking.ts";

const payment = { paymentId: "p_1", amount: 10000, currency: "SEK", reference: null, upsell: null };
const given = {
  adapterId: "a",
  apiUrl: "http://psp.invalid",
  adyenApiKey: "k",
  merchantAccount: "NorceTestECOM",
  webhookHmacKey: "00".repeat(32),
};
const p1 = "P4YMAB12CD34EF56";

/** A look in the hour in which most of it happens. */
const soon = Date.UTC(2026, 1, 3, 0, 10);

function context(settings: object = {}, more: object = {}, now = soon): FoldContext {
  return { config: config.parse({ ...given, ...settings }), ...asking(), now, payment: { ...payment, ...more } };
}

interface Told {
  readonly of?: string;
  readonly psp?: string;
  readonly at?: number;
  readonly success?: boolean;
  readonly amount?: number;
  readonly currency?: string | undefined;
  readonly facts?: object;
}

/** A kept line; `at` counts seconds. */
function line(
  type: string,
  { of = p1, psp = of, at = 0, success = true, amount = 10000, facts = {}, ...more }: Told = {},
): KeptEvent {
  const currency = "currency" in more ? more.currency : "SEK";
  const time = new Date(Date.UTC(2026, 1, 3) + at * 1000).toISOString();
  return {
    key: JSON.stringify([type, psp, success, time]),
    type,
    at: time,
    event: "paymentAction",
    pspStatus: type,
    amount: success ? amount : 0,
    currency,
    success,
    facts: { payment: of, pspReference: psp, success, amount, ...facts },
  };
}

function money(events: readonly KeptEvent[], settings: object = {}): string {
  const desired = fold(events, context(settings));
  if (desired === null) return "nothing";
  const { authorized, captured, refunded, released } = desired.money;
  return `${desired.phase} ${[authorized, captured, refunded, released].join("/")}`;
}

const auth = (more: Told = {}): KeptEvent => line("AUTHORISATION", more);
const capture = (psp = "C1", more: Told = {}): KeptEvent => line("CAPTURE", { psp, at: 10, ...more });
const refund = (psp = "R1", more: Told = {}): KeptEvent => line("REFUND", { psp, at: 20, ...more });

describe("the order of events", () => {
  const fixtures = `${import.meta.dirname}/fixtures`;
  it.each(readdirSync(fixtures))("does not matter: %s", (name) => {
    const read = (file: string): unknown => JSON.parse(readFileSync(`${fixtures}/${name}/${file}`, "utf8")) as unknown;
    const kept = read("kept.json") as KeptEvent[];
    const files = readdirSync(`${fixtures}/${name}`);
    const { settings = {}, payment: more = {} } = (files.includes("context.json") ? read("context.json") : {}) as {
      settings?: object;
      payment?: object;
    };
    const expected = fold(kept, context(settings, more));
    fc.assert(
      fc.property(fc.shuffledSubarray([...kept, ...kept], { minLength: 2 * kept.length }), (shuffled) => {
        expect(fold(shuffled, context(settings, more))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});

describe("any events at all", () => {
  const codes: readonly (readonly [string, readonly string[]])[] = [
    ["AUTHORISATION", [p1]],
    ["AUTHORISATION_ADJUSTMENT", ["A1", "A2"]],
    ["CAPTURE", ["C1", "C2"]],
    ["CAPTURE_FAILED", ["C1", "C2"]],
    ["REFUND", ["R1", "R2"]],
    ["REFUND_FAILED", ["R1", "R2", "V1"]],
    ["REFUNDED_REVERSED", ["R1", "R2", "V1"]],
    ["CANCEL_OR_REFUND", ["V1"]],
    ["CANCELLATION", ["X1"]],
    ["EXPIRE", ["E1", p1]],
    ["MANUAL_REVIEW_ACCEPT", ["M1"]],
    ["ORDER_OPENED", ["O1"]],
    ["ORDER_CLOSED", ["O1"]],
  ];
  const told = fc
    .constantFrom(...codes.flatMap(([code, ids]) => ids.map((psp) => ({ code, psp }))))
    .chain(({ code, psp }) =>
      fc
        .record({
          of: psp === "O1" ? fc.constant(psp) : fc.constantFrom(p1, p1, p1, "S1"),
          at: fc.nat(3),
          success: fc.constantFrom(true, true, false),
          amount: fc.constantFrom(2500, 4000, 10000),
          facts: fc.constantFrom({}, { action: "cancel" }, { action: "refund" }, { review: true }),
        })
        .map((more) => line(code, { psp: code === "AUTHORISATION" ? more.of : psp, ...more })),
    );
  const settings = fc.record({
    captureMode: fc.constantFrom("manual", "immediate", "delayed"),
    multiplePartialCaptures: fc.boolean(),
  });

  it("come to sums that can be, and to the same ones whatever their order", () => {
    fc.assert(
      fc.property(fc.array(told, { maxLength: 10 }), settings, (lines, by) => {
        const events = [...new Map(lines.map((event) => [event.key, event])).values()];
        const desired = fold(events, context(by));
        expect(fold([...events, ...events].toReversed(), context(by))).toEqual(desired);
        if (desired === null) return;
        const { authorized, captured, refunded, released } = desired.money;
        expect(Math.min(authorized, captured, refunded, released)).toBeGreaterThanOrEqual(0);
        expect(authorized - captured - released).toBeGreaterThanOrEqual(0);
        expect(captured).toBeGreaterThanOrEqual(refunded);
      }),
      { numRuns: 500 },
    );
  });
});

describe("two words on the same thing", () => {
  it("the newest counts", () => {
    expect(money([auth({ at: 1 }), auth({ at: 2, success: false })])).toBe("declined 0/0/0/0");
    expect(money([auth({ at: 2 }), auth({ at: 1, success: false })])).toBe("confirmed 10000/0/0/0");
    expect(money([auth(), capture(), refund(), refund("R1", { at: 30, success: false })])).toBe(
      "confirmed 10000/10000/0/0",
    );
    expect(money([auth(), capture(), refund("R1", { success: false }), refund("R1", { at: 30 })])).toBe(
      "confirmed 10000/10000/10000/0",
    );
  });

  it("in the same second an authorisation was given, and a modification failed", () => {
    expect(money([auth({ success: false }), auth()])).toBe("confirmed 10000/0/0/0");
    expect(money([auth(), capture(), capture("C1", { success: false })])).toBe("confirmed 10000/0/0/0");
    expect(money([auth(), capture(), refund(), refund("R1", { success: false })])).toBe("confirmed 10000/10000/0/0");
    expect(
      money([auth(), line("CANCELLATION", { psp: "X1" }), line("CANCELLATION", { psp: "X1", success: false })]),
    ).toBe("confirmed 10000/0/0/0");
  });

  it("what moved back is named", () => {
    const reversal = (...events: readonly KeptEvent[]) => fold(events, context())?.reversal;
    const paid = [auth(), capture(), refund()];
    expect(reversal(...paid)).toBeUndefined();
    expect(reversal(...paid, refund("R1", { success: false }))).toBe("REFUND");
    expect(reversal(...paid, line("REFUND_FAILED", { psp: "R1", at: 40 }))).toBe("REFUND_FAILED");
    expect(reversal(auth(), capture(), line("CAPTURE_FAILED", { psp: "C1", at: 40 }))).toBe("CAPTURE_FAILED");
    expect(reversal(auth(), line("EXPIRE", { psp: "E1" }), capture())).toBe("CAPTURE");
    const reduced = line("AUTHORISATION_ADJUSTMENT", { psp: "A1", at: 5, amount: 8000 });
    expect(reversal(auth(), capture("C1", { amount: 8000 }), reduced)).toBe("AUTHORISATION_ADJUSTMENT");
    expect(reversal(auth(), auth({ at: 1, success: false }))).toBe("AUTHORISATION");
  });
});

describe("a failure", () => {
  const failed = (psp: string, more: Told = {}): KeptEvent => line("CAPTURE_FAILED", { psp, at: 30, ...more });

  it("undoes the capture it names, once", () => {
    const parts = [auth(), capture("C1", { amount: 4000 }), capture("C2", { amount: 6000 })];
    const several = { multiplePartialCaptures: true };
    expect(money([...parts, failed("C1", { amount: 4000 })], several)).toBe("confirmed 10000/6000/0/0");
    expect(money([...parts, failed("C1", { amount: 4000 }), failed("C1", { amount: 4000, at: 31 })], several)).toBe(
      "confirmed 10000/6000/0/0",
    );
  });

  it("undoes one of its amount where it names none", () => {
    const parts = [auth(), capture("C1", { amount: 4000 }), capture("C2", { amount: 6000 })];
    expect(money([...parts, failed("Z9", { amount: 6000 })], { multiplePartialCaptures: true })).toBe(
      "confirmed 10000/4000/0/0",
    );
    expect(money([...parts, failed("Z9", { amount: 1 })], { multiplePartialCaptures: true })).toBe(
      "confirmed 10000/10000/0/0",
    );
  });

  it("whose own request was refused undoes no other one of its amount, nor one that came later", () => {
    const failedRefund = line("REFUND_FAILED", { psp: "R0", at: 30, amount: 2500 });
    const again = refund("R1", { at: 40, amount: 2500 });
    const first = refund("R0", { at: 20, amount: 2500 });
    const refused = refund("R0", { at: 25, amount: 2500, success: false });
    expect(money([auth(), capture(), first, failedRefund, again])).toBe("confirmed 10000/10000/2500/0");
    expect(money([auth(), capture(), first, refused, failedRefund, again])).toBe("confirmed 10000/10000/2500/0");
    expect(money([auth(), capture(), failedRefund, again])).toBe("confirmed 10000/10000/2500/0");
    const other = refund("R1", { at: 20, amount: 2500 });
    expect(money([auth(), capture(), refused, failedRefund, other])).toBe("confirmed 10000/10000/2500/0");
  });

  it("that is told in two ways undoes one refund, also where it names none", () => {
    const parts = [refund("R1", { amount: 2500 }), refund("R2", { amount: 2500 })];
    const told = (["REFUND_FAILED", "REFUNDED_REVERSED"] as const).map((code) =>
      line(code, { psp: "Z9", at: 40, amount: 2500 }),
    );
    expect(money([auth(), capture(), ...parts, ...told])).toBe("confirmed 10000/10000/2500/0");
  });

  it("that did not happen undoes nothing", () => {
    expect(money([auth(), capture(), failed("C1", { success: false })])).toBe("confirmed 10000/10000/0/0");
  });

  it("of a refund counts once, however it is told", () => {
    const told = [
      auth(),
      capture(),
      refund(),
      line("REFUND_FAILED", { psp: "R1", at: 40 }),
      line("REFUNDED_REVERSED", { psp: "R1", at: 41 }),
    ];
    expect(money(told)).toBe("confirmed 10000/10000/0/0");
    expect(money([...told, refund("R1", { at: 50 })])).toBe("confirmed 10000/10000/10000/0");
  });
});

describe("when money is taken", () => {
  const immediate = { captureMode: "immediate" };

  it("counts an unsaid capture once, also where an event says it after all", () => {
    expect(money([auth(), capture()], immediate)).toBe("confirmed 10000/10000/0/0");
    expect(money([auth(), capture("C1", { success: false })], immediate)).toBe("confirmed 10000/0/0/0");
    expect(money([auth(), line("CANCELLATION", { psp: "X1" })], immediate)).toBe("confirmed 10000/0/0/10000");
  });

  it("names why what was taken for captured was not", () => {
    const reversal = (...events: readonly KeptEvent[]) => fold([auth(), ...events], context(immediate))?.reversal;
    expect(reversal()).toBeUndefined();
    expect(reversal(line("CANCELLATION", { psp: "X1" }))).toBe("CANCELLATION");
    expect(reversal(line("CANCEL_OR_REFUND", { psp: "V1", facts: { action: "cancel" } }))).toBe("CANCEL_OR_REFUND");
    expect(reversal(capture("C1", { success: false }))).toBe("CAPTURE");
    expect(reversal(line("CANCELLATION", { psp: "X1", success: false }))).toBeUndefined();
  });

  it("waits for a review to end", () => {
    const review = auth({ facts: { review: true } });
    expect(money([review], immediate)).toBe("review 10000/0/0/0");
    expect(fold([review], context(immediate))?.transactions).toEqual([]);
    const accepted = [review, line("MANUAL_REVIEW_ACCEPT", { psp: "M1", at: 5 })];
    expect(money(accepted, immediate)).toBe("confirmed 10000/10000/0/0");
    expect(fold(accepted, context(immediate))?.transactions).toHaveLength(1);
  });

  it.each([
    ["immediate", { capture: "delayed" }, "confirmed 10000/0/0/0"],
    ["manual", { capture: "immediate" }, "confirmed 10000/10000/0/0"],
    ["delayed", { paymentMethod: "swish" }, "confirmed 10000/10000/0/0"],
    ["immediate", {}, "confirmed 10000/10000/0/0"],
  ])("%s with %j", (captureMode, facts, expected) => {
    expect(money([auth({ facts })], { captureMode, saleMethods: ["swish"] })).toBe(expected);
  });

  it("a refund shows a capture that nobody told of", () => {
    expect(money([auth(), refund("R1", { amount: 2500 })])).toBe("confirmed 10000/2500/2500/0");
    expect(money([auth(), refund("R1", { amount: 2500 })], { captureMode: "delayed" })).toBe(
      "confirmed 10000/10000/2500/0",
    );
    expect(money([auth(), refund("R1", { amount: 2500 }), capture()])).toBe("confirmed 10000/10000/2500/0");
  });

  it("a refund of more than the captures that were told leaves nothing to cancel twice", () => {
    const part = capture("C1", { amount: 4000 });
    expect(money([auth(), part, refund("R1", { amount: 6000 })])).toBe("confirmed 10000/6000/6000/4000");
    expect(money([auth(), part, refund()])).toBe("confirmed 10000/10000/10000/0");
  });

  it("more may be captured than was authorised", () => {
    expect(money([auth(), capture("C1", { amount: 11000 })])).toBe("confirmed 11000/11000/0/0");
  });
});

describe("a reversal", () => {
  const reversed = (facts: object = {}): KeptEvent => line("CANCEL_OR_REFUND", { psp: "V1", at: 30, facts });

  it("is what the money says where it does not say it itself", () => {
    expect(money([auth(), reversed()])).toBe("confirmed 10000/0/0/10000");
    expect(money([auth(), capture(), reversed()])).toBe("confirmed 10000/10000/10000/0");
    expect(money([auth(), capture(), refund("R1", { amount: 2500 }), reversed({ action: "refund" })])).toBe(
      "confirmed 10000/10000/10000/0",
    );
  });
});

describe("a reversal that cancelled", () => {
  it("took nothing, also on an account that captures at once", () => {
    const cancelled = line("CANCEL_OR_REFUND", { psp: "V1", at: 30, facts: { action: "cancel" } });
    expect(money([auth(), cancelled], { captureMode: "immediate" })).toBe("confirmed 10000/0/0/10000");
    expect(money([auth(), capture(), cancelled], { captureMode: "immediate" })).toBe("confirmed 10000/10000/0/0");
  });
});

describe("a reversal that refunded and failed later", () => {
  const reversed = line("CANCEL_OR_REFUND", { psp: "V1", at: 30, facts: { action: "refund" } });
  const failed = line("REFUND_FAILED", { psp: "V1", at: 40 });

  it("gave nothing back", () => {
    expect(money([auth(), capture(), reversed, failed])).toBe("confirmed 10000/10000/0/0");
    expect(money([auth(), capture(), reversed, line("REFUNDED_REVERSED", { psp: "V1", at: 40 })])).toBe(
      "confirmed 10000/10000/0/0",
    );
    expect(money([auth(), reversed, failed], { captureMode: "immediate" })).toBe("confirmed 10000/10000/0/0");
  });

  it("still shows a capture that nobody told of, and none that failed", () => {
    expect(money([auth(), reversed, failed])).toBe("confirmed 10000/10000/0/0");
    const part = refund("R1", { amount: 2500 });
    const partFailed = line("REFUND_FAILED", { psp: "R1", at: 30, amount: 2500 });
    expect(money([auth(), part, partFailed])).toBe("confirmed 10000/2500/0/0");
    expect(money([auth(), part, partFailed], { captureMode: "delayed" })).toBe("confirmed 10000/10000/0/0");
    expect(money([auth(), part, partFailed, refund("R2", { at: 40, amount: 2500 })])).toBe(
      "confirmed 10000/2500/2500/0",
    );
    const captureFailed = line("CAPTURE_FAILED", { psp: "C1", at: 50 });
    expect(money([auth(), capture(), refund(), line("REFUND_FAILED", { psp: "R1", at: 45 }), captureFailed])).toBe(
      "confirmed 10000/0/0/0",
    );
  });

  it("had given back what was captured, whatever its own amount", () => {
    expect(money([auth(), capture("C1", { amount: 4000 }), reversed])).toBe("confirmed 10000/4000/4000/6000");
    expect(money([auth(), capture("C1", { amount: 4000 }), reversed, failed])).toBe("confirmed 10000/4000/0/6000");
  });

  it("leaves other refunds where they are", () => {
    const part = refund("R1", { amount: 2500 });
    expect(money([auth(), capture(), part, reversed, failed])).toBe("confirmed 10000/10000/2500/0");
    const alike = line("REFUND_FAILED", { psp: "V1", at: 40, amount: 2500 });
    expect(money([auth(), capture(), part, reversed, alike])).toBe("confirmed 10000/10000/2500/0");
  });
});

describe("an expiry that names nothing but itself", () => {
  const expired = line("EXPIRE", { of: "E1", at: 30 });

  it("is about the only attempt that was authorised", () => {
    expect(money([auth(), expired])).toBe("confirmed 10000/0/0/10000");
    expect(money([auth({ of: "F1", success: false }), auth({ at: 1 }), expired])).toBe("confirmed 10000/0/0/10000");
    expect(fold([auth(), expired], context())).toMatchObject({ aliases: undefined });
  });

  it("is about none where there are several, or where it names another payment", () => {
    expect(money([auth(), auth({ of: "S1", at: 5 }), expired])).toBe("confirmed 10000/0/0/0");
    expect(money([auth(), line("EXPIRE", { of: "S1", psp: "E1", at: 30 })])).toBe("confirmed 10000/0/0/0");
    expect(money([expired])).toBe("nothing");
  });
});

describe("an order that is paid in parts", () => {
  const opened = line("ORDER_OPENED", { of: "O1", facts: { amount: 10000 } });
  const gift = auth({ amount: 3000, at: 1 });
  const card = auth({ of: "S1", amount: 7000, at: 2 });
  const closed = (success: boolean): KeptEvent => line("ORDER_CLOSED", { of: "O1", at: 3, success });

  it("is still being paid while something is missing", () => {
    const short = { phase: "paying", partial: true, possible: [], reversal: "ORDER_OPENED" };
    for (const events of [[opened, gift], [gift]])
      expect(fold(events, context())).toMatchObject({ ...short, lookAgain: { at: "2026-02-03T01:01:01.000Z" } });
    expect(money([opened, gift, auth({ of: "F1", amount: 7000, at: 2, success: false })])).toBe("paying 3000/0/0/0");
  });

  it("is no longer waited for after an hour: then less was paid than was asked", () => {
    const later = context({}, {}, Date.UTC(2026, 1, 3, 1, 1));
    for (const events of [[opened, gift], [gift]]) {
      expect(fold(events, later)).toMatchObject({ phase: "confirmed", total: 3000, money: { authorized: 3000 } });
      expect(fold(events, later)).toMatchObject({ partial: undefined, lookAgain: undefined });
    }
    expect(fold([gift], later)?.possible).toEqual(["capture", "cancel"]);
  });

  it("is the same where no event tells of the order", () => {
    expect(money([gift, card])).toBe("confirmed 10000/0/0/0");
    expect(fold([card, gift], context())).toMatchObject({
      total: 10000,
      reference: p1,
      attributes: { otherPayments: 0 },
    });
    const more = auth({ of: "T1", amount: 5000, at: 3 });
    expect(fold([gift, card, more], context())).toMatchObject({ total: 10000, attributes: { otherPayments: 1 } });
  });

  it("misses nothing where its authorisation was adjusted to less", () => {
    const less = line("AUTHORISATION_ADJUSTMENT", { psp: "A1", at: 5, amount: 4000 });
    expect(money([auth(), less])).toBe("confirmed 4000/0/0/0");
  });

  it("is complete once it was, whatever Norce asks later", () => {
    const raised = { ...context({}, { amount: 15000 }), memory: { asked: 10000 } };
    expect(fold([auth()], raised)).toMatchObject({ phase: "confirmed", memory: { asked: 10000 } });
    expect(fold([auth()], context())).toMatchObject({ memory: { asked: 10000 } });
  });

  it("has ended where Adyen closed it unpaid, unless something later says otherwise", () => {
    expect(money([opened, gift, closed(false)])).toBe("confirmed 3000/0/0/3000");
    expect(money([closed(false), gift])).toBe("confirmed 3000/0/0/3000");
    const taken = capture("C1", { amount: 3000, at: 2 });
    expect(money([gift, taken, closed(false)])).toBe("confirmed 3000/3000/3000/0");
    expect(money([gift, closed(false), capture("C1", { amount: 3000, at: 9 })])).toBe("confirmed 3000/3000/0/0");
    expect(money([gift, closed(false), line("CANCELLATION", { psp: "X1", at: 9, success: false })])).toBe(
      "confirmed 3000/0/0/0",
    );
    expect(money([gift, taken, closed(false), line("REFUND", { psp: "R1", at: 9, success: false })])).toBe(
      "confirmed 3000/3000/0/0",
    );
    expect(money([gift, closed(false), line("ORDER_CLOSED", { of: "O1", at: 9 })])).toBe("confirmed 3000/0/0/0");
    expect(money([gift, closed(false), auth({ of: "S1", at: 9 })]), "paid in another way").toBe(
      "confirmed 13000/0/0/3000",
    );
  });

  it("is paid once nothing is missing, or Adyen says so", () => {
    expect(money([opened, gift, card])).toBe("confirmed 10000/0/0/0");
    expect(money([opened, gift, card, closed(true)])).toBe("confirmed 10000/0/0/0");
    expect(money([opened, gift, closed(true)])).toBe("confirmed 3000/0/0/0");
    expect(money([gift, closed(true)])).toBe("confirmed 3000/0/0/0");
  });

  it("holds nothing once its parts were given back", () => {
    const ended = [opened, gift, closed(false), line("CANCELLATION", { psp: "X1", at: 4 })];
    expect(money(ended)).toBe("confirmed 3000/0/0/3000");
    expect(money([...ended, auth({ of: "S1", at: 9 })])).toBe("confirmed 13000/0/0/3000");
    expect(money([opened, gift, card, line("CANCELLATION", { of: "S1", psp: "X1", at: 4 })])).toBe(
      "confirmed 10000/0/0/7000",
    );
  });
});

it("a capture over nothing lets nothing go", () => {
  const zero = capture("C0", { amount: 0 });
  expect(money([auth(), zero])).toBe("confirmed 10000/0/0/0");
  expect(money([auth(), zero, capture("C1", { amount: 4000 })])).toBe("confirmed 10000/4000/0/6000");
  expect(money([auth(), zero], { captureMode: "immediate" })).toBe("confirmed 10000/10000/0/0");
});

describe("money that was captured", () => {
  const refused = auth({ at: 60, success: false });

  it("proves its authorisation, whatever a refusal with a later date says", () => {
    expect(money([auth(), capture(), refused])).toBe("confirmed 10000/10000/0/0");
    expect(money([auth(), capture(), refund("R1", { amount: 2500 }), refused])).toBe("confirmed 10000/10000/2500/0");
    expect(money([capture(), refused])).toBe("confirmed 10000/10000/0/0");
    expect(money([auth(), refused]), "nothing was captured").toBe("declined 0/0/0/0");
  });

  it("waits an hour for its authorisation", () => {
    expect(money([capture()])).toBe("nothing");
    const later = fold([capture("C1", { amount: 4000 })], context({}, {}, Date.UTC(2026, 1, 3, 2)));
    expect(later).toMatchObject({ total: 4000, money: { authorized: 4000, captured: 4000 }, echoes: [] });
  });
});

describe("bad news", () => {
  const failed = line("CAPTURE_FAILED", { psp: "C1", at: 30 });
  const reversed = line("REFUNDED_REVERSED", { psp: "R1", at: 30 });
  const dispute = (type: string, at: number, facts = {}): KeptEvent => line(type, { psp: "D1", at, facts });
  const deadline = "2026-02-20T10:15:30.000Z";
  const facts = (event: string) => ({ event, amount: 10000, currency: "SEK" });

  it.each<[string, readonly KeptEvent[], readonly object[]]>([
    ["none", [auth(), capture(), refund()], []],
    [
      "a capture that failed",
      [auth(), capture(), failed],
      [{ name: "capture-failed", id: "C1", facts: facts("CAPTURE_FAILED") }],
    ],
    ["a capture that failed and was made again", [auth(), capture(), failed, capture("C2", { at: 40 })], []],
    [
      "a refund that failed",
      [auth(), capture(), refund(), line("REFUND_FAILED", { psp: "R1", at: 30 })],
      [{ name: "refund-failed", id: "R1", facts: facts("REFUND_FAILED") }],
    ],
    [
      "a refund that was overturned",
      [auth(), capture(), refund(), refund("R1", { at: 30, success: false })],
      [{ name: "refund-failed", id: "R1", facts: facts("REFUND") }],
    ],
    ["a refund that was refused at once is none", [auth(), capture(), refund("R1", { success: false })], []],
    [
      "a refund that came back",
      [auth(), capture(), refund(), reversed],
      [{ name: "refund-reversed", id: "R1", facts: facts("REFUNDED_REVERSED") }],
    ],
    [
      "a refund that came back and was made again",
      [auth(), capture(), refund(), reversed, refund("R2", { at: 40 })],
      [],
    ],
    [
      "a chargeback that is coming",
      [auth(), capture(), dispute("NOTIFICATION_OF_CHARGEBACK", 30, { deadline })],
      [{ name: "dispute", id: "D1", deadline, facts: facts("NOTIFICATION_OF_CHARGEBACK") }],
    ],
    [
      "a chargeback",
      [auth(), capture(), dispute("CHARGEBACK", 31), dispute("NOTIFICATION_OF_CHARGEBACK", 30, { deadline })],
      [{ name: "chargeback", id: "D1", facts: facts("CHARGEBACK") }],
    ],
    [
      "a chargeback that can be answered, with the day",
      [auth(), capture(), dispute("CHARGEBACK", 31, { deadline })],
      [{ name: "chargeback", id: "D1", deadline, facts: facts("CHARGEBACK") }],
    ],
    [
      "a chargeback that was defended stays one",
      [auth(), capture(), dispute("CHARGEBACK", 31), dispute("INFORMATION_SUPPLIED", 32)],
      [{ name: "chargeback", id: "D1", facts: facts("CHARGEBACK") }],
    ],
    [
      "a chargeback that nobody defended stays one",
      [auth(), capture(), dispute("DISPUTE_DEFENSE_PERIOD_ENDED", 32), dispute("CHARGEBACK", 31)],
      [{ name: "chargeback", id: "D1", facts: facts("CHARGEBACK") }],
    ],
    [
      "a chargeback of which no notification told",
      [auth(), capture(), dispute("DISPUTE_OPENED_WITH_CHARGEBACK", 30, { deadline })],
      [{ name: "dispute", id: "D1", deadline, facts: facts("DISPUTE_OPENED_WITH_CHARGEBACK") }],
    ],
    [
      "a case that goes on after the money came back",
      [
        auth(),
        capture(),
        dispute("CHARGEBACK", 31),
        dispute("CHARGEBACK_REVERSED", 32),
        dispute("PREARBITRATION_OPEN", 33),
      ],
      [{ name: "dispute", id: "D1", facts: facts("PREARBITRATION_OPEN") }],
    ],
    [
      "a chargeback that was won",
      [auth(), capture(), dispute("CHARGEBACK", 31), dispute("CHARGEBACK_REVERSED", 32)],
      [],
    ],
  ])("%s", (_, events, expected) => {
    expect(fold(events, context())?.findings).toEqual(expected);
  });

  it("a review that nobody ends, sooner where it was rejected", () => {
    const review = auth({ facts: { review: true } });
    const rejected = [review, line("MANUAL_REVIEW_REJECT", { psp: "M1", at: 5 })];
    const names = (events: readonly KeptEvent[], days: number) =>
      fold(events, context({}, {}, soon + days * 24 * 3_600_000))?.findings?.map(({ name }) => name);
    expect([names([review], 6), names([review], 8)]).toEqual([[], ["authorization-at-risk"]]);
    expect([names(rejected, 0), names(rejected, 2)]).toEqual([[], ["authorization-at-risk"]]);
  });
});

it("money on its way is awaited for thirty days", () => {
  const pending = line("PENDING");
  const at = (days: number) => fold([pending], context({}, {}, soon + days * 24 * 3_600_000));
  expect(at(29)).toMatchObject({ phase: "awaiting", lookAgain: { at: "2026-03-05T00:01:00.000Z" } });
  expect(at(31)).toMatchObject({ phase: "failed", lookAgain: undefined });
});

describe("what is possible", () => {
  const failed = line("CAPTURE_FAILED", { psp: "C1", at: 30 });
  const possible = (events: readonly KeptEvent[], settings: object = {}) => fold(events, context(settings))?.possible;

  it("a method without a capture of its own can only give back", () => {
    const sale = auth({ facts: { capture: "immediate", sale: true } });
    const swish = auth({ facts: { paymentMethod: "swish" } });
    expect(possible([sale])).toEqual(["refund"]);
    expect(possible([sale, line("CAPTURE_FAILED", { at: 30 })])).toEqual([]);
    expect(possible([swish, line("CAPTURE_FAILED", { at: 30 })], { saleMethods: ["swish"] })).toEqual([]);
    expect(possible([auth(), capture(), failed])).toEqual(["capture", "cancel"]);
  });

  it("a second capture is a matter of the method", () => {
    const part = (paymentMethod: string) => [
      auth({ facts: { paymentMethod } }),
      capture("C1", { amount: 4000, facts: { paymentMethod } }),
    ];
    const settings = { multiplePartialCaptures: ["klarna"] };
    expect(possible(part("klarna"), settings)).toEqual(["capture", "refund"]);
    expect(possible(part("visa"), settings)).toEqual(["refund"]);
    expect(possible(part("visa"), { multiplePartialCaptures: true })).toEqual(["capture", "refund"]);
  });
});

describe("a token", () => {
  it("of another payment is somebody else's", () => {
    const recurring = { token: "T1", description: "visa" };
    const token = (of?: string): KeptEvent => ({
      ...line("RECURRING_CONTRACT", { psp: "X", at: 5 }),
      facts: { success: true, ...(of === undefined ? {} : { payment: of }) },
      recurring,
    });
    expect(fold([auth(), token(p1)], context())?.recurring?.token).toBe("T1");
    expect(fold([auth(), token()], context())?.recurring?.token).toBe("T1");
    expect(fold([auth(), token("0THER")], context())?.recurring).toBeUndefined();
  });
});

it("of a repeat the first copy counts", () => {
  const first = auth();
  const replay = { ...auth({ facts: { capture: "immediate" } }), key: first.key };
  expect(money([first, replay])).toBe("confirmed 10000/0/0/0");
});

describe("a reversal that was overturned", () => {
  const reversal = line("CANCEL_OR_REFUND", { psp: "V1", at: 30, facts: { action: "refund" } });
  it.each(["CANCEL_OR_REFUND", "REFUND"])("by %s gave nothing back", (code) => {
    expect(money([auth(), capture(), reversal, line(code, { psp: "V1", at: 40, success: false })])).toBe(
      "confirmed 10000/10000/0/0",
    );
  });
});

describe("several attempts", () => {
  it("a success after a refusal counts, whichever reference it has", () => {
    const refused = auth({ of: "F1", success: false, at: 1 });
    expect(fold([refused, auth()], context())).toMatchObject({ phase: "confirmed", reference: p1, aliases: ["F1"] });
    expect(fold([refused, line("PENDING", { of: "Q1", at: 2 })], context())).toMatchObject({
      phase: "awaiting",
      reference: "Q1",
    });
    expect(fold([line("PENDING"), auth({ at: 3, success: false })], context())).toMatchObject({ phase: "declined" });
    expect(fold([line("PENDING"), line("OFFER_CLOSED", { at: 3 })], context())).toMatchObject({ phase: "failed" });
  });

  it("what holds money goes before what does not, and the first before the second", () => {
    const second = auth({ of: "S1", at: 5 });
    expect(fold([auth(), second], context())).toMatchObject({ reference: p1, attributes: { otherPayments: 1 } });
    const cancelled = line("CANCELLATION", { psp: "X1", at: 3 });
    expect(fold([auth(), cancelled, second], context())).toMatchObject({
      reference: "S1",
      money: { released: 0 },
      reversal: "AUTHORISATION",
      attributes: { otherPayments: 0 },
    });
  });

  it("of an order are one payment, of which no operation knows the part", () => {
    const parts = [auth({ amount: 3000 }), auth({ of: "S1", amount: 7000, at: 2 }), line("ORDER_OPENED", { of: "O1" })];
    expect(fold(parts, context())).toMatchObject({ money: { authorized: 10000 }, total: 10000, possible: [] });
  });
});

describe("what says nothing, and what cannot be said", () => {
  it.each(["CAPTURE", "REFUND", "CANCELLATION", "RECURRING_CONTRACT", "SOMETHING_NEW", "ORDER_CLOSED", "CHARGEBACK"])(
    "%s alone says nothing of the payment",
    (type) => {
      expect(fold([line(type, { psp: "M1" })], context())).toBeNull();
    },
  );

  it("takes the payment's own currency where an event names none", () => {
    expect(fold([line("OFFER_CLOSED", { currency: undefined })], context())).toMatchObject({
      currency: "SEK",
      total: 10000,
    });
  });

  it.each([
    ["an authorisation without an amount", [auth({ currency: undefined })]],
    ["a capture in another currency", [auth(), capture("C1", { currency: "EUR" })]],
    ["a line that is not ours", [{ ...auth(), facts: {} }]],
  ])("%s is Unmapped", (_, events) => {
    expect(() => fold(events, context())).toThrow(WorkerError);
  });

  it("an unreadable amount that does not matter does not matter", () => {
    expect(money([auth(), line("CHARGEBACK", { psp: "D1", currency: undefined })])).toBe("confirmed 10000/0/0/0");
  });
});

describe("upsell", () => {
  const adjusted = line("AUTHORISATION_ADJUSTMENT", { psp: "A1", at: 5, amount: 12500 });
  const noted = { eligible: true, transactions: [{ id: "A1", state: "created" }] };

  it("tells the outcome of what the storefront noted, and nothing else", () => {
    expect(fold([auth(), adjusted], context({}, { upsell: noted }))?.upsell).toEqual({
      eligible: true,
      transactions: [{ id: "A1", state: "completed" }],
    });
    const refused = { ...adjusted, facts: { ...adjusted.facts, success: false }, success: false, amount: 0 };
    expect(fold([auth(), refused], context({}, { upsell: noted }))?.upsell?.transactions).toEqual([
      { id: "A1", state: "failed" },
    ]);
    for (const upsell of [null, {}, { eligible: true, transactions: [{ id: "other" }] }, { transactions: [null, 1] }])
      expect(fold([auth(), adjusted], context({}, { upsell }))?.upsell).toBeUndefined();
  });
});
