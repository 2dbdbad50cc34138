import { expect, test } from "vitest";
import type { CommonConfig, LookContext } from "../../src/contract/adapter.ts";
import { createContexts } from "../../src/adapters/contexts.ts";
import type { Transport } from "../../src/lib/transport.ts";
import { loadSimulator } from "../../sandbox/kernel/load.ts";
import { asking } from "../support/asking.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();
const apiUrl = "https://psp.test";
const day = 24 * 3_600_000;

/**
 * A process once fetched an access token by the client of the first job that needed one: when that token ended, so had the job and its lock, and
 * the process never asked the PSP anything again.
 */
test.each(subjects)(
  "$folder: a token that ends is fetched anew, whatever became of the job that needed the first one",
  async (subject) => {
    const { folder, adapter } = subject;
    if ("fold" in adapter) return;
    let now = Date.parse("2026-02-03T10:00:00.000Z");
    const simulator = await loadSimulator(folder, { now: () => now });
    if (simulator === undefined) throw new Error("it has no simulator");
    const settings = adapter.config.parse({ adapterId: "own", ...simulator.settings(apiUrl) }) as CommonConfig;
    const [currency = "SEK"] = simulator.currencies ?? [];
    const purchase = { orderId: "o_1", paymentId: "p_1", amount: 100_00, currency, callbackUrls: {} };
    const reference = simulator.open(purchase);
    let granted = 0;
    const transport: Transport = async ({ method, url, headers, text, signal, prove }) => {
      await prove?.();
      if (signal?.aborted === true) return { code: "given-up", sent: false };
      if (simulator.preliminary?.({ method, path: url.pathname }) === true) granted += 1;
      const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      const answer = simulator.answer({
        method,
        path: url.pathname,
        query: url.searchParams,
        headers: Object.fromEntries(lower) as Record<string, string>,
        body: text !== undefined && /^[[{"]/.test(text) ? JSON.parse(text) : text,
      });
      return {
        status: answer.status,
        headers: answer.headers ?? {},
        text: answer.text ?? JSON.stringify(answer.body ?? ""),
      };
    };
    const contexts = createContexts({ now: () => now, transport });
    /** A job that asks, and is over. */
    const look = async (): Promise<void> => {
      const ended = new AbortController();
      let over = false;
      const via = {
        signal: ended.signal,
        async prove() {
          if (over) throw new Error("its lock was lost");
        },
      };
      const key = { adapter: folder, merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
      const asked = contexts(key, { settings }, via);
      const payment = { ...purchase, reference, upsell: null };
      const context: LookContext<unknown> = { ...asking(), ...asked, payment, kept: async () => [] };
      await adapter.fetch(reference, context);
      over = true;
      ended.abort();
    };
    await look();
    const first = granted;
    now += day;
    await look();
    if (first > 0) expect(granted).toBeGreaterThan(first);
  },
);
