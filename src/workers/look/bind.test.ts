import { describe, expect, test } from "vitest";
import type { DesiredPayment } from "../../contract/adapter.ts";
import { isWorkerError } from "../../lib/errors.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { current, desired, key, lookedAt, money, nothing } from "../../../test/support/money.ts";
import { bind, type BindParts, type Bindable } from "./bind.ts";

interface Scene {
  readonly current?: CurrentPayment;
  readonly folds?: boolean;
  readonly sameId?: (one: string, other: string) => boolean;
  readonly merchantReference?: string;
  readonly renews?: boolean;
}

const bound = (over: Partial<CurrentPayment> = {}, said: Partial<DesiredPayment> = {}): CurrentPayment => ({
  ...lookedAt(current(), desired({ phase: "failed", money: nothing, ...said })),
  ...over,
});

/** What became of it, what was claimed, and how often the order was read. */
async function play(answers: readonly (readonly [string, Partial<DesiredPayment> | null])[], scene: Scene = {}) {
  const claimed: string[] = [];
  let read = 0;
  const adapter = {
    id: "any",
    secrets: [],
    ...(scene.folds === true ? { fold: () => null } : {}),
    ...(scene.sameId === undefined ? {} : { sameId: scene.sameId }),
  };
  const settings = { adapterId: "acme_adapter", merchantReference: scene.merchantReference ?? "paymentId" };
  const payment = { key, found: { adapter, settings }, current: scene.current ?? current() } as unknown as Bindable;
  const parts = {
    norce: {
      order: async () => {
        read += 1;
        return { id: "o_1", reference: "1001", payments: [{ id: "p_1" }] };
      },
      payment: async () => current(),
    },
    claims: {
      claim: async (_key: unknown, { reference }: { reference: string }) => void claimed.push(reference),
      takeOver: async () => true,
    },
    renews: scene.renews ?? false,
  } as unknown as BindParts;
  const asked = answers.map(([reference, over]) => ({
    reference,
    answer: over === null ? null : { desired: desired({ reference: reference === "" ? "ref-1" : reference, ...over }) },
  }));
  try {
    const { answer, findings, judged } = await bind(payment, asked, parts);
    const found = findings.map(({ id, facts }) => [id, facts?.["why"]]);
    return { chosen: answer?.desired.reference ?? null, found, judged, claimed, read };
  } catch (error) {
    return { refused: isWorkerError(error, "Refused") ? error.context["reason"] : error, claimed };
  }
}

describe("an id that is bound", () => {
  test("is not judged again: a merchant reference that was rewritten at the PSP stops nothing", async () => {
    const rewritten = await play([["ref-1", { echoes: ["SE1000481"], total: 1 }]], { current: bound() });
    expect(rewritten).toMatchObject({ chosen: "ref-1", claimed: [], read: 0 });
  });

  test("is claimed once, when it is bound", async () => {
    expect(await play([["ref-1", {}]])).toMatchObject({ chosen: "ref-1", claimed: ["ref-1"] });
    expect(await play([["", {}]], { folds: true })).toMatchObject({ chosen: "ref-1", claimed: ["ref-1"] });
  });

  test("is claimed again where the sweep asks: the store may have forgotten it", async () => {
    const scene = { current: bound(), renews: true };
    expect(await play([["ref-1", {}]], scene)).toMatchObject({ chosen: "ref-1", claimed: ["ref-1"] });
    expect(await play([["ref-1", {}]], { current: bound() })).toMatchObject({ claimed: [] });
    expect(await play([["ref-1", {}]], { renews: true })).toMatchObject({ claimed: ["ref-1"] });
  });

  test("is judged where somebody wrote another into Norce, whatever we once bound", async () => {
    const overwritten = { current: bound({ reference: "ref-2" }) };
    const answers = [
      ["ref-1", { phase: "failed", money: nothing }],
      ["ref-2", { echoes: ["p_9"] }],
    ] as const;
    expect(await play(answers, overwritten)).toEqual({ refused: "other-order", claimed: [] });
  });
});

describe("what is not bound", () => {
  const krona = { total: 100, money: money({ authorized: 100 }) };
  test.each([
    ["an answer about another id", [["ref-1", { reference: "ref-9" }]], {}, "other-reference"],
    [
      "a session looked at before it was paid does not bind by having been seen",
      [["ref-1", { echoes: ["p_9"] }]],
      {},
      "other-order",
    ],
    [
      "nothing echoed, and only a webhook says so",
      [["ref-2", { echoes: [] }]],
      { current: current({ reference: null }) },
      "other-order",
    ],
    ["the order alone, another amount", [["ref-1", { echoes: ["o_1"], ...krona }]], {}, "reference-not-bound"],
    [
      "nothing echoed in events, another amount",
      [["", { echoes: [], ...krona }]],
      { folds: true },
      "reference-not-bound",
    ],
    ["events of another payment", [["", { echoes: ["p_9"] }]], { folds: true }, "other-order"],
  ] as const)("%s", async (_, answers, scene, refused) => {
    expect(await play(answers, scene)).toEqual({ refused, claimed: [] });
  });

  test("an id is compared as the adapter compares it", async () => {
    const sameId = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
    expect(await play([["REF-1", { reference: "ref-1" }]], { sameId })).toMatchObject({ chosen: "ref-1" });
  });
});

describe("another attempt", () => {
  const failed = ["ref-1", { phase: "failed", money: nothing }] as const;
  const less = { total: 9_900, money: money({ authorized: 9_900 }) };

  test("takes the place of one that failed only with the same amount", async () => {
    expect(await play([failed, ["ref-2", {}]], { current: bound() })).toMatchObject({
      chosen: "ref-2",
      claimed: ["ref-2"],
    });
    expect(await play([failed, ["ref-2", less]], { current: bound() })).toMatchObject({
      chosen: "ref-1",
      claimed: [],
      found: [["ref-2", "reference-not-bound"]],
      judged: ["ref-1", "ref-2"],
    });
  });

  test("takes the place of a provisional one as if nothing had been bound: then less is not paid", async () => {
    const provisional = bound({}, { phase: "created", provisional: true });
    const created = ["ref-1", { phase: "created", money: nothing }] as const;
    expect(await play([created, ["ref-2", less]], { current: provisional })).toMatchObject({ chosen: "ref-2" });
  });
});

test("the order is read once, where an echo can only be understood with it", async () => {
  const scene = { current: current({ reference: null }), merchantReference: "orderReference" };
  expect(
    await play(
      [
        ["ref-2", { echoes: ["1001"] }],
        ["ref-3", { echoes: ["1002"] }],
      ],
      scene,
    ),
  ).toMatchObject({
    chosen: "ref-2",
    found: [["ref-3", "other-order"]],
    read: 1,
  });
  expect(await play([["ref-1", {}]], { merchantReference: "orderReference" })).toMatchObject({ read: 0 });
});
