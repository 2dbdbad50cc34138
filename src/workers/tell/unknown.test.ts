import { expect, test } from "vitest";
import type { PaymentKey, Target } from "../../contract/adapter.ts";
import { createMeters } from "../../lib/meters.ts";
import { WorkerError } from "../../lib/errors.ts";
import { current, desired, key, readAt } from "../../../test/support/money.ts";
import type { Found } from "../found.ts";
import { compare, type CompareParts } from "../look/compare.ts";
import type { Opening } from "../look/open.ts";
import type { Outcome } from "../look/outcome.ts";
import { unknownPatience } from "../patience.ts";
import { tellMeters } from "./listeners.ts";
import type { Looked } from "./told.ts";
import { tellUnknown } from "./unknown.ts";

const account = { adapter: "any", merchant: "acme", channel: "se" };

/** What a look comes to where the PSP answers this about the id that Norce names. */
async function lookedAt(answer: object | null, folds = false): Promise<Outcome> {
  const truth = { fetch: async () => answer, map: () => desired() };
  const adapter = { secrets: [], ...(folds ? { fold: () => null } : truth) };
  const context = { kept: async () => [], now: readAt };
  const opening = { key, found: { adapter, settings: {} }, current: current(), context };
  const parts = {
    config: { norce: { states: "ten", version: "v0" }, publicUrl: "", signingKeys: {} },
    norce: { payment: async () => null },
    queue: { claims: { claim: async () => undefined } },
    now: () => readAt,
  } as unknown as CompareParts;
  const log = Promise.resolve({ keys: new Set<string>(), kept: [] });
  const { rest } = await compare({ ...opening, log } as unknown as Opening, { hints: [] }, parts);
  return { is: "later", why: "not-at-psp", ...rest };
}

function looked(paymentId: string, came: Looked["came"]): Looked {
  const of: PaymentKey = { ...account, orderId: "o_1", paymentId };
  const facts = { by: "sweep", hadLetter: false, announced: false, startedAt: readAt, now: readAt } as const;
  return { key: of, came, step: { do: "rest" }, ...facts };
}

test("an account whose PSP knows none of many payments is told of, until it knows one", async () => {
  const told: [of: Target, what: Found | string][] = [];
  const listener = tellUnknown({
    found: (of, found) => told.push([of, found]),
    over: (of, name) => told.push([of, name]),
  });
  const tell = (paymentId: string, outcome: Outcome): void =>
    listener.looked?.(looked(paymentId, { outcome }), { outcome: "later" });
  const [unknown, known] = [await lookedAt(null), await lookedAt({})];
  const { payments } = unknownPatience;
  const one = (payment: number): void => tell(`p_${payment}`, unknown);
  for (let payment = 1; payment < payments; payment += 1) one(payment);
  // The same payment again is no further one, and one that the PSP knows begins it anew.
  one(1);
  tell("known", known);
  for (let payment = 1; payment < payments; payment += 1) one(payment);
  expect(told).toEqual([]);
  // Where nobody can be asked, nobody says that it knows nothing.
  tell("folded", await lookedAt(null, true));
  tell("waits", { is: "later", why: "no-reference" });
  expect(told).toEqual([]);
  one(payments);
  const facts = { since: new Date(readAt).toISOString(), payments };
  expect(told.splice(0)).toEqual([[account, { name: "payments-not-at-psp", facts }]]);
  tell("known", known);
  tell("known", known);
  expect(told).toEqual([[account, "payments-not-at-psp"]]);
});

test("that Norce changed under a look is counted", async () => {
  const meters = createMeters();
  const { looked: tell } = tellMeters(meters);
  for (const kind of ["Conflict", "Unreachable"] as const)
    tell?.(looked("p_1", { error: new WorkerError(kind, "no") }), { outcome: "later" });
  const lines = (await meters.text()).split("\n").filter((line) => line.startsWith("norce_psp_oddities_total{"));
  expect(lines).toEqual(['norce_psp_oddities_total{adapter="any",reason="conflict"} 1']);
});
