import { expect, test } from "vitest";
import type { PspEvent, LogLine } from "../../contract/adapter.ts";
import { current, key } from "../../../test/support/money.ts";
import { keep } from "./keep.ts";

const line: LogLine = { event: "paymentAction", pspStatus: "x", amount: 0, success: true };
const event = (id: string): PspEvent & { readonly line: LogLine } => ({ key: id, type: "x", at: null, line });

/** Keeps an event in a log that has so many lines of events already. */
async function keepBeside(lines: number, vouchedFor: boolean, id = "new"): Promise<{ is: string; did: string[] }> {
  const did: string[] = [];
  const kept = Array.from({ length: lines }, (_, at) => ({ ...event(`old-${at}`), ...line }));
  const parts = {
    config: { find: () => ({ adapter: { id: "any" }, settings: { adapterId: "acme_adapter" } }) },
    norce: {
      payment: async () => current({}),
      log: async () => ({ keys: new Set(kept.map(({ key: known }) => known)), kept }),
      appendEvent: async (_key: unknown, appended: PspEvent) => void did.push(`kept ${appended.key}`),
    },
    contexts: () => ({ now: 0 }),
    queue: { locks: { acquire: async () => ({ isMine: async () => true, release: async () => undefined }) } },
    teller: { found: (_key: unknown, { name }: { name: string }) => void did.push(name) },
  } as unknown as Parameters<typeof keep>[4];
  const held = { id: "job", signal: new AbortController().signal, prove: async () => undefined };
  const stored = { target: key, webhook: "webhook", receivedAt: 0, event: event(id) };
  return { is: await keep(key, stored, vouchedFor, held, parts), did };
}

test("webhooks that nobody vouches for leave twenty lines in a payment's log, and then a finding; all of them ask for a look", async () => {
  expect(await keepBeside(19, false)).toEqual({ is: "looks", did: ["kept new"] });
  expect(await keepBeside(20, false)).toEqual({ is: "looks", did: ["too-many-lines"] });
  expect(await keepBeside(20, true)).toEqual({ is: "looks", did: ["kept new"] });
  expect(await keepBeside(20, false, "old-3"), "what stands there already").toEqual({ is: "looks", did: [] });
});
