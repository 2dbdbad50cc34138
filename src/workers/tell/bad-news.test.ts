import { pino } from "pino";
import { expect, test } from "vitest";
import { createBadNews } from "../../queue/bad-news.ts";
import { createMemoryStore } from "../../../test/support/memory-store.ts";
import { tellBadNews } from "./bad-news.ts";
import type { Looked } from "./told.ts";

const account = { adapter: "any", merchant: "acme", channel: "se" };
const key = { ...account, orderId: "o_1", paymentId: "p_1" };
const log = pino({ level: "silent" });

test("bad news is kept once, by any process, and nothing else that is found is", async () => {
  const at = Date.now();
  let clock = at;
  const badNews = createBadNews(createMemoryStore(), () => clock);
  const deadline = new Date(at + 24 * 3_600_000).toISOString();
  for (const _ of ["one process", "another one"]) {
    const teller = tellBadNews({ badNews, log, now: () => clock });
    for (let looks = 0; looks < 2; looks += 1) {
      teller.found?.(key, { name: "dispute", id: "dp_1", deadline, facts: { amount: 100 } });
      teller.found?.(key, { name: "dispute", id: "dp_2" });
      teller.found?.(key, { name: "credential-expires", id: "cert", deadline });
      teller.found?.(key, { name: "amount-differs" });
      teller.found?.(account, { name: "psp-down" });
    }
    await teller.close();
    clock += 1_000;
  }
  const due = { at, deadline: Date.parse(deadline) };
  const { orderId: _order, paymentId: _payment, ...ofAccount } = { ...key, name: "credential-expires", id: "cert" };
  expect(await badNews.due()).toEqual([
    { ...ofAccount, ...due },
    { ...key, name: "dispute", id: "dp_1", facts: { amount: 100 }, ...due },
  ]);
  expect(await badNews.after(at - 1)).toEqual([{ ...key, name: "dispute", id: "dp_2", at }]);
  expect(await badNews.after(at)).toEqual([]);
});

test("what a look finds gone is over, and bad news again where it comes back", async () => {
  const at = Date.now();
  let clock = at;
  const badNews = createBadNews(createMemoryStore(), () => clock);
  const deadline = new Date(at + 24 * 3_600_000).toISOString();
  const [first, other] = [1, 2].map(() => tellBadNews({ badNews, log, now: () => clock }));
  const looked = { key, resolved: ["dispute dp_1", "chargeback"] } as const;
  first?.found?.(key, { name: "dispute", id: "dp_1", deadline });
  await first?.close();
  other?.looked?.({ ...looked, now: at + 1 } as unknown as Looked, { outcome: "unchanged" });
  await other?.close();
  expect(await badNews.due()).toMatchObject([{ name: "dispute", overAt: at + 1 }]);
  expect(await badNews.after(0)).toEqual([]);
  clock += 3_600_000;
  first?.found?.(key, { name: "dispute", id: "dp_1", deadline });
  await first?.close();
  const [again] = await badNews.due();
  expect(again).not.toHaveProperty("overAt");
});

test("what could not be kept is kept when it is met again", async () => {
  const badNews = createBadNews(createMemoryStore());
  let away = true;
  const keep: typeof badNews.keep = async (news) => {
    if (away) throw new Error("away");
    await badNews.keep(news);
  };
  const teller = tellBadNews({ badNews: { ...badNews, keep }, log, now: Date.now });
  teller.found?.(key, { name: "chargeback" });
  await teller.close();
  away = false;
  teller.found?.(key, { name: "chargeback" });
  await teller.close();
  expect(await badNews.after(0)).toMatchObject([{ name: "chargeback", ...key }]);
});
