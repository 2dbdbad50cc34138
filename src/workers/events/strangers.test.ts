import { expect, test } from "vitest";
import { createListSeam } from "../../../test/support/list-seam.ts";
import { startEventsOn } from "../../../test/support/start-events.ts";

const target = { adapter: "any", merchant: "acme", channel: "se" };
const now = Date.now();

/** How often Norce is asked for the orders that a hundred events of such a webhook name, of which it has none, and how many of them wait then. */
async function askedFor(webhook: object): Promise<{ asked: number; waiting: number }> {
  const lists = createListSeam();
  let asked = 0;
  startEventsOn(lists, target, {
    adapter: { id: "any", webhooks: { webhook } },
    settings: { merchantReference: "paymentId" },
    norce: {
      ordersBy: async () => {
        asked += 1;
        return [];
      },
      order: async () => null,
    },
    now: () => now,
  });
  for (let at = 0; at < 100; at += 1) {
    const event = { key: `e${at}`, type: "x", at: null, clues: [{ echo: `invented_${at}` }] };
    await lists.run("events-any", { target, webhook: "webhook", receivedAt: now, event });
  }
  return { asked, waiting: lists.events.length };
}

test.each([
  ["that nobody vouches for", { verify: { trust: "hint" } }, 60],
  ["whose proof covers nothing of them", { verify: { trust: "proven" }, signed: "none" }, 60],
  ["that the PSP vouches for", { verify: { trust: "proven" } }, 100],
])("a hundred events %s that lead nowhere are looked for so often, and all of them wait", async (_, webhook, times) => {
  expect(await askedFor(webhook)).toEqual({ asked: times, waiting: 100 });
});
