import { describe, expect, test } from "vitest";
import type { DesiredPayment, OperationResult, Repeat } from "../../contract/adapter.ts";
import { WorkerError } from "../../lib/errors.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { OperationState } from "../../queue/operations.ts";
import { current, desired, key, money, readAt } from "../../../test/support/money.ts";
import { attempt, type Order, type Step } from "./attempt.ts";
import type { OperateParts } from "./parts.ts";

interface Scene {
  readonly repeat?: Repeat;
  readonly order?: Partial<Order>;
  readonly payment?: Partial<CurrentPayment>;
  /** What the PSP says, look after look; the last one stays. */
  readonly truths?: readonly Partial<DesiredPayment>[];
  readonly tell?: () => OperationResult;
  readonly logged?: readonly string[];
  /** A webhook's job keeps the line of the same event at this moment. */
  readonly isKept?: boolean;
}

const minute = 60_000;
const sent = {
  at: readAt - 2 * minute,
  first: readAt - 2 * minute,
  times: 1,
  before: money(),
  amount: 10_000,
  whole: true,
};
const captured = { money: money({ captured: 10_000 }) };

/** One attempt, and everything that was done, in order. */
async function play(scene: Scene): Promise<{ step: Step; did: string[]; order: OperationState }> {
  const did: string[] = [];
  const possible = ["capture", "cancel", "refund"] as const;
  const truths = (scene.truths ?? [{}]).map((truth) => desired({ possible: [...possible], ...truth }));
  let looks = 0;
  const tell = async (): Promise<OperationResult> => {
    did.push("told");
    return scene.tell?.() ?? { is: "done" };
  };
  const operations = { repeat: scene.repeat ?? "look-first", capture: tell, cancel: tell, refund: tell };
  const adapter = {
    id: "any",
    secrets: [],
    operations,
    fetch: async () => truths[Math.min(looks++, truths.length - 1)],
    map: (snapshot: DesiredPayment) => snapshot,
  };
  const payment = current({
    state: "reserved",
    record: { bound: "ref-1", phase: "confirmed", accepted: true },
    ...scene.payment,
  });
  const keys = new Set(scene.logged ?? []);
  const parts = {
    config: {
      find: () => ({ adapter, settings: { adapterId: "acme_adapter", merchantReference: "paymentId" } }),
      publicUrl: "https://us",
    },
    norce: {
      payment: async () => payment,
      log: async () => ({ keys, kept: [] }),
      appendTransaction: async (_key: unknown, _currency: string, line: { key: string; pspStatus: string }) =>
        void did.push(`line ${line.key} ${line.pspStatus}`),
      appendEvent: async (_key: unknown, event: { key: string }) => void did.push(`event ${event.key}`),
    },
    contexts: () => ({ now: readAt }),
    queue: {
      looks: { ask: async () => void did.push("look asked") },
      letters: {
        put: async ({ context }: { context?: { reason?: string } }) => void did.push(`letter ${context?.reason ?? ""}`),
      },
      claims: { claim: async () => undefined },
      locks: {
        acquire: async () =>
          scene.isKept === true ? undefined : { isMine: async () => true, release: async () => undefined },
      },
      journal: { append: async () => undefined },
    },
    teller: { met: () => undefined, operated: () => undefined, buried: () => undefined },
    shell: { random: () => 0 },
    now: () => readAt,
  } as unknown as OperateParts;
  const held = { id: "op", signal: new AbortController().signal, prove: async () => undefined };
  const work = {
    id: "op",
    held,
    writing: held,
    order: { key, name: "capture", at: readAt, tries: 0, ...scene.order } as Order,
    async note(more: Partial<Order>) {
      this.order = { ...this.order, ...more };
      did.push(`noted ${Object.keys(more).join()}`);
    },
    async unsent() {
      const { sent: _sent, ...unsent } = this.order;
      this.order = unsent;
      did.push("noted unsent");
    },
  };
  return { step: await attempt(work, parts), did, order: work.order };
}

const statusOf = async (scene: Scene): Promise<unknown> => {
  const { step } = await play(scene);
  return "end" in step ? [step.end.status, step.end.reason] : step;
};

describe("the order of things", () => {
  test("that it is sent is written down before it is, and what came of it before it is logged", async () => {
    const { did, step } = await play({ repeat: "idempotency-key" });
    expect(did).toEqual(["noted valid,sent", "told", "noted result", "line operation:op done", "look asked"]);
    expect(step).toEqual({ end: { status: "done", amount: 100 } });
  });

  test("what only a refusal tells is kept, once, before its outcome is logged", async () => {
    const line = { event: "capture", pspStatus: "expired", amount: 0, success: false } as const;
    const event = { key: "expired", type: "reservation.expired", at: null, line };
    const scene: Scene = { tell: () => ({ is: "refused", reason: "1010", event }) };
    const { did, step } = await play(scene);
    expect(did.slice(-3)).toEqual(["event expired", "line operation:op refused", "look asked"]);
    expect(step).toEqual({ end: { status: "refused", amount: 100, reason: "1010" } });
    expect((await play({ ...scene, logged: ["expired"] })).did).not.toContain("event expired");
    // Whoever is at it may have died: the outcome waits until it stands there.
    const busy = await play({ ...scene, isKept: true });
    expect(busy.did).not.toContain("event expired");
    expect(busy.did).not.toContain("line operation:op refused");
    expect(busy.step).toEqual({ againMs: 500 });
  });

  test("where nobody could find out, Norce's log says so as well, before", async () => {
    const { did, order } = await play({ repeat: "never" });
    expect(did.slice(0, 4)).toEqual(["noted announced", "line sent:op sending", "noted valid,sent", "told"]);
    expect(order).toMatchObject({ announced: true, sent: { first: readAt, times: 1, amount: 10_000, whole: true } });
  });

  test("what was announced already is announced once", async () => {
    const again = await play({ repeat: "never", order: { announced: true }, logged: ["sent:op"] });
    expect(again.did.slice(0, 2)).toEqual(["noted valid,sent", "told"]);
    const lost = await play({ repeat: "never", order: { announced: true } });
    expect(lost.did.slice(0, 2)).toEqual(["line sent:op sending", "noted valid,sent"]);
  });
});

describe("after it was sent", () => {
  test.each<readonly [string, Scene, unknown]>([
    ["it is not sent where the sums show it", { order: { sent }, truths: [captured] }, ["done", undefined]],
    ["it is sent again where nothing shows it", { order: { sent } }, ["done", undefined]],
    [
      "a repeat is judged by nothing but the sums: that it is possible was found before the first",
      { repeat: "idempotency-key", order: { sent }, truths: [{ possible: [] }] },
      ["done", undefined],
    ],
    [
      "a refused repeat may have been carried out after all",
      { order: { sent }, truths: [{}, captured], tell: () => ({ is: "refused", reason: "409" }) },
      ["done", undefined],
    ],
    [
      "a refused repeat that nothing shows is refused",
      { order: { sent }, tell: () => ({ is: "refused", reason: "409" }) },
      ["refused", "409"],
    ],
    [
      "a first refusal is one, whatever else happened since",
      { truths: [{}, captured], tell: () => ({ is: "refused", reason: "409" }) },
      ["refused", "409"],
    ],
    [
      "nobody knows",
      { repeat: "never", order: { sent, announced: true }, truths: [captured] },
      ["unknown", "outcome-unknown"],
    ],
    [
      "an engine that came back empty sends nothing",
      { repeat: "never", logged: ["sent:op"] },
      ["unknown", "outcome-unknown"],
    ],
    ["nor does another operation", { repeat: "never", logged: ["sent:other"] }, ["refused", "another-outcome-unknown"]],
    [
      "another one that ended is no obstacle",
      { repeat: "never", logged: ["sent:other", "operation:other"] },
      ["done", undefined],
    ],
  ])("%s", async (_, scene, status) => {
    expect(await statusOf(scene)).toEqual(status);
  });

  test("an answer about another payment shows nothing of this one, and nothing is sent there", async () => {
    const { step, did } = await play({ order: { sent }, truths: [{ reference: "ref-9", ...captured }] });
    expect(step).toEqual({ againMs: expect.any(Number) as number });
    expect(did.filter((what) => what !== "noted tries,notBefore")).toEqual([]);
  });

  test("a repeat says what was said first", async () => {
    const first = { ...sent, amount: 4_000, whole: true };
    const { order } = await play({ order: { sent: first }, truths: [{ money: money({ captured: 1_000 }) }] });
    expect(order.sent).toEqual({ ...first, at: readAt, times: 2 });
  });

  test("what the PSP turned away at its door was not sent; an earlier sending stays one", async () => {
    const busy = (): never => {
      throw new WorkerError("Unreachable", "busy", { context: { status: 429 } });
    };
    expect((await play({ tell: busy })).order).not.toHaveProperty("sent");
    expect((await play({ tell: busy, order: { sent } })).order).toHaveProperty("sent.times", 2);
  });
});

describe("what is not paid in full", () => {
  const underpaid = {
    payment: { amount: 100_000, state: "pending", record: { bound: "ref-1", phase: "confirmed" } },
  } as const satisfies Scene;

  test("is not captured, and can be given back", async () => {
    expect(await statusOf(underpaid)).toEqual(["refused", "underpaid"]);
    expect(await statusOf({ ...underpaid, order: { name: "cancel" } })).toEqual(["done", undefined]);
    const truths = [captured];
    expect(await statusOf({ ...underpaid, truths, order: { name: "refund" } })).toEqual(["done", undefined]);
  });

  test("a refusal by the truth asks for a look, and nothing is sent", async () => {
    expect((await play(underpaid)).did).toEqual(["look asked"]);
  });
});

test("what a look would refuse is nothing to operate on", async () => {
  expect(await statusOf({ payment: { record: null }, truths: [{ echoes: ["p_9"] }] })).toEqual([
    "refused",
    "other-order",
  ]);
  expect(await statusOf({ truths: [{ currency: "EUR" }] })).toEqual(["refused", "currency-differs"]);
  expect(await statusOf({ truths: [{ reference: "ref-9" }] })).toEqual(["refused", "other-reference"]);
});
