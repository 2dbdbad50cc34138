import { beforeEach, expect, test } from "vitest";
import { createListSeam, type ListSeam } from "../../../test/support/list-seam.ts";
import { current } from "../../../test/support/money.ts";
import { startEventsOn } from "../../../test/support/start-events.ts";
import { evidenceMs } from "../../queue/evidence.ts";
import type { LogLine, PspEvent } from "../../contract/adapter.ts";
import { WorkerError } from "../../lib/errors.ts";
import type { DeadLetter, StoredEvent } from "../../queue/jobs.ts";
import type { EventTold } from "../tell.ts";

const target = { adapter: "any", merchant: "acme", channel: "se" };
const account = JSON.stringify(Object.values(target));

let lists: ListSeam;
let told: EventTold[];
let buried: DeadLetter[];
let kept: PspEvent[];
let now: number;
let isProverDown: boolean;
const line: LogLine = { event: "paymentAction", pspStatus: "CREATED", amount: 0, success: true };

beforeEach(() => {
  lists = createListSeam();
  kept = [];
  isProverDown = false;
  [told, buried, now] = [[], [], Date.now()];
  const adapter = {
    id: "any",
    webhooks: {
      push: {
        verify: { trust: "hint" },
        proveLater: async (evidence: unknown) => {
          if (isProverDown) throw new WorkerError("Unreachable", "the prover is down");
          return evidence === "genuine";
        },
        // Of others the PSP has no such event, or not yet.
        reread: async ({ key, type, at }: PspEvent) => (key === "told" ? { key, type, at, line } : null),
      },
    },
  };
  startEventsOn(lists, target, {
    adapter,
    settings: { adapterId: "acme_adapter" },
    norce: {
      payment: async () => current(),
      log: async () => ({ keys: new Set(), kept: [] }),
      appendEvent: async (_key: unknown, event: PspEvent) => void kept.push(event),
    },
    now: () => now,
    teller: {
      received: () => undefined,
      event: (event: EventTold) => void told.push(event),
      buried: (letter: DeadLetter) => void buried.push(letter),
    },
  });
});

async function eventWith(evidence: string, key: string): Promise<StoredEvent> {
  const name = (await lists.seam.evidence.put(account, evidence)) ?? "";
  await lists.seam.evidence.keep(name);
  return { target, webhook: "push", receivedAt: now, event: { key, type: "paid", at: null }, evidence: name };
}

const proven = (): string[] => lists.events.map(({ event }) => event.event.key);

test("what is proven goes on by itself, what is disproved ends", async () => {
  await lists.run("events-any", await eventWith("genuine", "good"));
  await lists.run("events-any", await eventWith("forged", "bad"));
  expect(proven()).toEqual(["good"]);
  expect(told.map(({ is }) => is)).toEqual(["disproved"]);
});

test("where the prover is down it waits with what proves it, and is judged once the prover is there", async () => {
  isProverDown = true;
  const event = await eventWith("genuine", "good");
  await lists.run("events-any", event);
  const [waiting] = lists.events.splice(0);
  expect(waiting?.event).toEqual(event);
  isProverDown = false;
  await lists.run("events-any", event);
  expect(lists.events.map(({ event: next }) => [next.event.key, next.evidence])).toEqual([["good", undefined]]);
});

test("a worker that died after it had judged: whoever runs it again judges nothing of another's, and loses nothing", async () => {
  const forged = await eventWith("forged", "bad");
  await lists.run("events-any", forged);
  // All places are taken by genuine ones, that of the forged one too.
  const genuine: StoredEvent[] = [];
  for (let failed = 0; failed < 400; failed += 1) {
    const event = await eventWith("genuine", `good ${genuine.length}`);
    if (event.evidence !== "") genuine.push(event);
  }
  expect(genuine).toHaveLength(64);
  await lists.run("events-any", forged);
  expect(proven()).toEqual([]);
  for (const event of genuine) await lists.run("events-any", event);
  expect(proven()).toEqual(genuine.map(({ event }) => event.key));
  expect(told.map(({ is }) => is)).toEqual(["disproved"]);
});

test("of hearsay the PSP's own word is kept, and its payment is looked at", async () => {
  const event = { key: "told", type: "token", at: null, hearsay: true } as const;
  const payment = { ...target, orderId: "o_1", paymentId: "p_1" };
  await lists.run("events-any", { target: payment, webhook: "push", receivedAt: now, event });
  expect(kept).toEqual([{ key: "told", type: "token", at: null, line }]);
  expect(lists.asked).toEqual([payment]);
});

test("of hearsay that the PSP does not tell nothing is kept, and its payment is looked at", async () => {
  const event = { key: "invented", type: "token", at: null, hearsay: true } as const;
  const payment = { ...target, orderId: "o_1", paymentId: "p_1" };
  await lists.run("events-any", { target: payment, webhook: "push", receivedAt: now, event });
  expect(lists.asked).toEqual([payment]);
  expect([told, kept]).toEqual([[], []]);
});

test("what nobody could prove in time is a letter by name", async () => {
  const event = await eventWith("genuine", "good");
  await lists.seam.evidence.remove(typeof event.evidence === "string" ? event.evidence : "");
  await lists.run("events-any", event);
  expect(buried).toEqual([]);
  now += evidenceMs;
  await lists.run("events-any", event);
  expect(buried).toMatchObject([{ event: { key: "good" }, context: { reason: "never-proven" } }]);
});
