import { expect, test } from "vitest";
import type { PspEvent, LogLine } from "../../contract/adapter.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { Note } from "../../queue/seam.ts";
import { current, key } from "../../../test/support/money.ts";
import { keep } from "./keep.ts";

const line: LogLine = { event: "paymentAction", pspStatus: "x", amount: 0, success: true };
const event = (id: string): PspEvent & { readonly line: LogLine } => ({ key: id, type: "x", at: null, line });

interface Scene {
  /** How many lines of events the log has already. */
  readonly lines?: number;
  /** Norce's payment as it is read, time after time; the last one stays. */
  readonly payments?: readonly Partial<CurrentPayment>[];
  readonly note?: Note;
}

/** Keeps an event. */
async function keepBeside(
  { lines = 0, payments = [{}], note = {} }: Scene,
  vouchedFor: boolean,
  id = "new",
): Promise<{ is: string; did: string[] }> {
  const did: string[] = [];
  let reads = 0;
  const kept = Array.from({ length: lines }, (_, at) => ({ ...event(`old-${at}`), ...line }));
  const parts = {
    config: { find: () => ({ adapter: { id: "any" }, settings: { adapterId: "acme_adapter" } }) },
    norce: {
      payment: async () => current(payments[Math.min(reads++, payments.length - 1)]),
      log: async () => ({ keys: new Set(kept.map(({ key: known }) => known)), kept }),
      appendEvent: async (_key: unknown, appended: PspEvent) => void did.push(`kept ${appended.key}`),
    },
    contexts: () => ({ now: 0 }),
    queue: {
      locks: { acquire: async () => ({ isMine: async () => true, release: async () => undefined }) },
      looks: { read: async () => note },
    },
    teller: { found: (_key: unknown, { name }: { name: string }) => void did.push(name) },
  } as unknown as Parameters<typeof keep>[4];
  const held = { id: "job", signal: new AbortController().signal, prove: async () => undefined };
  const stored = { target: key, webhook: "webhook", receivedAt: 0, event: event(id) };
  return { is: await keep(key, stored, vouchedFor, held, parts), did };
}

test("webhooks that nobody vouches for leave twenty lines in a payment's log, and then a finding; all of them ask for a look", async () => {
  expect(await keepBeside({ lines: 19 }, false)).toEqual({ is: "looks", did: ["kept new"] });
  expect(await keepBeside({ lines: 20 }, false)).toEqual({ is: "looks", did: ["too-many-lines"] });
  expect(await keepBeside({ lines: 20 }, true)).toEqual({ is: "looks", did: ["kept new"] });
  expect(await keepBeside({ lines: 20 }, false, "old-3"), "what stands there already").toEqual({
    is: "looks",
    did: [],
  });
});

const nobody = { reference: null };
const asked = { version: "1", askedBy: "webhook", announcedAt: 0, hints: {} } as const;

test.each<readonly [string, Scene, "looks" | "rests"]>([
  ["rests before the PSP's payment exists", { payments: [nobody] }, "rests"],
  ["is looked at where there is one", {}, "looks"],
  [
    "is looked at where a look runs, which may have read the log before",
    { payments: [nobody], note: { asked } },
    "looks",
  ],
  ["is looked at where a look waits", { payments: [nobody], note: { known: { clocks: {} } } }, "looks"],
  ["is looked at where a look has found it since", { payments: [nobody, { reference: "ref-1" }] }, "looks"],
])("a line that names no payment of the PSP's %s", async (_, scene, became) => {
  expect(await keepBeside(scene, true)).toEqual({ is: became, did: ["kept new"] });
});
