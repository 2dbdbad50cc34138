import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { DeadLetter } from "../../src/queue/jobs.ts";
import { laneName } from "../../src/queue/names.ts";
import { backends, type TestEngine } from "../support/engines.ts";
import type { Purchase, World } from "../support/service.ts";
import { openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

const headers = { authorization: "Bearer an-admin-token-of-ours" };
/** As many looks are under way at once, and as many may wait. */
const concurrency = 4;

type Answer = Readonly<Record<string, unknown>>;

describe.each(backends())("letters on $name", (engine: TestEngine) => {
  let world: World;

  openWorldFor(engine, (opened) => (world = opened), { environment: { WORKER_CONCURRENCY: String(concurrency) } });

  /** A reason that no other test has. */
  const newReason = (): string => `reason-${randomUUID()}`;

  async function bury(key: DeadLetter["key"], reason: string, more: Partial<DeadLetter> = {}): Promise<void> {
    const now = world.now();
    const letter = { key, kind: "Refused", reason: "in a sentence", since: now, at: now, context: { reason }, ...more };
    await world.queue.letters.put(letter);
  }

  /** Payments with a letter each that a look would take away. */
  async function buried(count: number, reason: string): Promise<readonly Purchase[]> {
    const purchases = Array.from({ length: count }, () => world.purchase());
    await Promise.all(purchases.map(({ key }) => bury(key, reason)));
    return purchases;
  }

  async function call(method: "GET" | "POST", path: string, query: Record<string, string>): Promise<Answer> {
    const answer = await fetch(`${world.url}${path}?${new URLSearchParams(query).toString()}`, { method, headers });
    return { http: answer.status, ...((await answer.json()) as object) };
  }

  async function ended(errandId: unknown): Promise<Answer> {
    let answer: Answer = {};
    await until(async () => {
      answer = await call("GET", "/letters/errand", { id: String(errandId) });
      return answer["status"] !== "running";
    }, "the errand's end");
    return answer;
  }

  async function left(reason: string): Promise<number> {
    const { letters } = await call("GET", "/letters", { reason });
    return (letters as unknown[]).length;
  }

  test("letters of one reason are tried again, and only a few looks wait at any time", async () => {
    const [reason, other] = [newReason(), newReason()];
    await buried(40, reason);
    await buried(1, other);
    const { errandId, total } = await call("POST", "/letters", { do: "retry", reason });
    expect(total).toBe(40);
    let [most, answer]: [number, Answer] = [0, {}];
    await until(async () => {
      const counts = await world.counts();
      const waiting = counts.find((one) => one.queue === laneName("klarna-checkout") && one.state === "waiting");
      most = Math.max(most, waiting?.jobs ?? 0);
      answer = await call("GET", "/letters/errand", { id: String(errandId) });
      return answer["status"] !== "running";
    }, "the errand's end");
    expect(answer).toMatchObject({ status: "finished", total: 40, done: 40, left: 0 });
    expect(most).toBeLessThan(2 * concurrency);
    await until(async () => (await left(reason)) === 0, "the letters to be gone");
    expect(await left(other)).toBe(1);
  });

  test("an errand whose worker ends is carried on by the next one", async () => {
    const reason = newReason();
    await buried(30, reason);
    const { errandId } = await call("POST", "/letters", { do: "retry", reason });
    await until(async () => {
      const { done } = await call("GET", "/letters/errand", { id: String(errandId) });
      return Number(done) > 0;
    }, "the first letters to be dealt with");
    await world.restartWorker();
    const { status, done } = await ended(errandId);
    expect([status, Number(done) >= 30]).toEqual(["finished", true]);
    await until(async () => (await left(reason)) === 0, "the letters to be gone");
  });

  test("an errand that a person stops leaves the other letters alone", async () => {
    const reason = newReason();
    await buried(60, reason);
    const { errandId } = await call("POST", "/letters", { do: "retry", reason });
    expect(await call("POST", "/letters/errand", { id: String(errandId) })).toMatchObject({ status: "stopped" });
    await world.idle();
    const { done, stillThere } = await ended(errandId);
    expect(Number(done)).toBeLessThan(60);
    expect(Number(stillThere)).toBeGreaterThan(0);
  });

  test("a rehearsal says what would be tried and written, and does nothing", async () => {
    const reason = newReason();
    const [purchase] = await buried(1, reason);
    if (purchase === undefined) throw new Error("nothing was bought");
    await bury({ adapter: "nobody-here", merchant: "acme", channel: "se", orderId: "o", paymentId: "p" }, reason);
    purchase.act("pay");
    expect(await call("POST", "/letters", { do: "retry", reason, dryRun: "1" })).toMatchObject({
      total: 2,
      notConfigured: 1,
      counts: expect.arrayContaining([
        { about: "payment", adapter: "klarna-checkout", kind: "Refused", reason, letters: 1 },
      ]),
      would: [{ orderId: purchase.key.orderId, outcome: "would-write", facts: { to: "reserved" } }],
    });
    expect([purchase.state(), await left(reason)]).toEqual(["intent", 2]);
    const { errandId } = await call("POST", "/letters", { do: "retry", reason });
    expect(await ended(errandId)).toMatchObject({ done: 1, left: 1 });
    await purchase.reaches("reserved");
  });

  test("an event is placed again as if it came now", async () => {
    const reason = newReason();
    const { key, reference } = world.purchase();
    const target = { adapter: key.adapter, merchant: key.merchant, channel: key.channel };
    const event = { key: `event-${reason}`, type: "push", at: null, clues: [{ reference }] };
    const stored = { target: key, webhook: "push", receivedAt: 1, event };
    await bury(target, reason, { event: { key: event.key, type: "push" }, stored });
    const [before, listed] = [await world.looks(), await call("GET", "/letters", { reason, about: "event" })];
    expect(listed["letters"]).toMatchObject([{ about: "event", event: "push" }]);
    expect(JSON.stringify(listed)).not.toContain(reference);
    const { errandId } = await call("POST", "/letters", { do: "retry", reason });
    expect(await ended(errandId)).toMatchObject({ done: 1, stillThere: 0 });
    await until(async () => (await world.looks()) > before, "the event's look");
  });

  test("an operation's letter stays until a person takes it away", async () => {
    const reason = newReason();
    const { key } = world.purchase();
    const event = { key: "end-of-it", type: "capture" };
    await bury(key, reason, { kind: "Operation", event, context: { reason, operationId: randomUUID() } });
    const { errandId } = await call("POST", "/letters", { do: "retry", reason, about: "operation" });
    expect(await ended(errandId)).toMatchObject({ done: 1, stillThere: 1 });
    const dismissed = await call("POST", "/letters", { do: "dismiss", reason, kind: "Operation" });
    expect(await ended(dismissed["errandId"])).toMatchObject({ done: 1, stillThere: 0 });
  });

  test("letters are chosen by time and by id, too", async () => {
    const reason = newReason();
    const { key } = world.purchase();
    await bury(key, reason, { at: Date.parse("2026-01-31T12:00:00Z") });
    const { letters } = await call("GET", "/letters", { reason, from: "2026-01-31", to: "2026-01-31" });
    const [{ id }] = letters as [{ id: string }];
    expect((await call("GET", "/letters", { reason, from: "2026-01-31T12:01Z" }))["letters"]).toEqual([]);
    expect((await call("GET", "/letters", { reason, to: "2026-01-31T12:00Z" }))["letters"]).toEqual([]);
    const { errandId } = await call("POST", "/letters", { do: "dismiss", id });
    expect(await ended(errandId)).toMatchObject({ total: 1, done: 1, stillThere: 0 });
  });

  test.each([
    ["POST", "/letters", { do: "retry" }],
    ["POST", "/letters", { do: "retry", reasons: "x" }],
    ["POST", "/letters", { do: "everything", all: "1" }],
    ["GET", "/letters", { from: "yesterday" }],
    ["GET", "/letters", { about: "nothing" }],
    ["GET", "/letters/errand", { id: "none" }],
  ] as const)("%s %s with %o is not understood", async (method, path, query) => {
    expect(await call(method, path, query)).toMatchObject({ http: 400, code: "malformed" });
  });

  test("nobody without an admin token sees or does anything", async () => {
    for (const [method, path] of [
      ["GET", "/letters"],
      ["POST", "/letters?do=dismiss&all=1"],
      ["GET", "/letters/errand"],
      ["POST", `/letters/errand?id=${randomUUID()}`],
    ] as const)
      expect((await fetch(`${world.url}${path}`, { method })).status).toBe(401);
  });
});
