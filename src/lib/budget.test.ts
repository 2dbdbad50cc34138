import { expect, test, vi } from "vitest";
import { createBudget } from "./budget.ts";
import { isWorkerError } from "./errors.ts";
import type { Http, HttpRequest } from "./http.ts";

const request: HttpRequest = { method: "GET", path: "/", route: "/" };

/** A peer whose answers are given one by one. */
function peer() {
  const open: (() => void)[] = [];
  let most = 0;
  const http: Http = async () => {
    await new Promise<void>((resolve) => {
      open.push(resolve);
      most = Math.max(most, open.length);
    });
    return { status: 200, headers: {}, body: null };
  };
  return { http, open, most: () => most };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test("no more requests are under way than the budget allows, and all are served in turn", async () => {
  const { http, open, most } = peer();
  const budgeted = createBudget({ concurrency: 2 })(http);
  const answers = Array.from({ length: 5 }, () => budgeted(request));
  for (let served = 0; served < 5; served += 1) {
    await turns();
    open.shift()?.();
  }
  expect(await Promise.all(answers)).toHaveLength(5);
  expect(most()).toBe(2);
});

test("what a request has to prove is asked once its turn has come, not while it waits for it", async () => {
  const { http, open } = peer();
  const asked: string[] = [];
  const provenFirst: Http = async (one) => {
    await one.prove?.();
    return await http(one);
  };
  const budgeted = createBudget({ concurrency: 1 })(provenFirst);
  const answers = ["first", "second"].map((name) => budgeted({ ...request, prove: async () => void asked.push(name) }));
  await turns();
  expect(asked).toEqual(["first"]);
  open.shift()?.();
  await turns();
  expect(asked).toEqual(["first", "second"]);
  open.shift()?.();
  await Promise.all(answers);
});

test("requests start evenly spread over a second, and a pause is not made up for", async () => {
  vi.useFakeTimers();
  try {
    const started: number[] = [];
    const http: Http = async () => {
      started.push(Date.now());
      return { status: 200, headers: {}, body: null };
    };
    const from = Date.now();
    const budgeted = createBudget({ requestsPerSecond: 10 })(http);
    const first = Promise.all(Array.from({ length: 3 }, () => budgeted(request)));
    await vi.advanceTimersByTimeAsync(5_000);
    await first;
    const second = Promise.all(Array.from({ length: 3 }, () => budgeted(request)));
    await vi.advanceTimersByTimeAsync(5_000);
    await second;
    const pauses = started.map((at) => at - from);
    expect(pauses.slice(0, 3)).toEqual([0, 100, 200]);
    expect((pauses[5] ?? 0) - (pauses[3] ?? 0)).toBeGreaterThanOrEqual(100);
  } finally {
    vi.useRealTimers();
  }
});

test("what is given up while it waits is not sent, and holds nobody back", async () => {
  const { http, open } = peer();
  const budgeted = createBudget({ concurrency: 1 })(http);
  const giveUp = new AbortController();
  const first = budgeted(request);
  const second = budgeted({ ...request, signal: giveUp.signal });
  const third = budgeted(request);
  giveUp.abort();
  await turns();
  open.shift()?.();
  const error: unknown = await second.catch((thrown: unknown) => thrown);
  expect(isWorkerError(error, "Unreachable")).toBe(true);
  await turns();
  open.shift()?.();
  await expect(Promise.all([first, third])).resolves.toHaveLength(2);
});

test("what is given up takes nobody's turn, and what is under way is not cut off", async () => {
  vi.useFakeTimers();
  try {
    const started: number[] = [];
    const from = Date.now();
    const slow: Http = async () => {
      started.push(Date.now() - from);
      await new Promise((answered) => setTimeout(answered, 500));
      return { status: 200, headers: {}, body: null };
    };
    const budgeted = createBudget({ requestsPerSecond: 1 })(slow);
    const [underWay, waiting] = [new AbortController(), new AbortController()];
    const first = budgeted({ ...request, signal: underWay.signal });
    const abandoned = Array.from({ length: 5 }, () =>
      budgeted({ ...request, signal: waiting.signal }).catch((error: unknown) => error),
    );
    const last = budgeted(request);
    await vi.advanceTimersByTimeAsync(100);
    for (const end of [underWay, waiting]) end.abort();
    await vi.advanceTimersByTimeAsync(5_000);
    await expect(Promise.all([first, last])).resolves.toHaveLength(2);
    for (const error of await Promise.all(abandoned)) expect(isWorkerError(error, "Unreachable")).toBe(true);
    expect(started).toEqual([0, 1_000]);
  } finally {
    vi.useRealTimers();
  }
});

test("a request that fails gives its place back", async () => {
  const budgeted = createBudget({ concurrency: 1 })(() => Promise.reject(new Error("no")));
  for (let tries = 0; tries < 3; tries += 1) await expect(budgeted(request)).rejects.toThrow("no");
});

test("clients of one account share its budget", async () => {
  const { http, open, most } = peer();
  const budget = createBudget({ concurrency: 1 });
  const answers = [budget(http)(request), budget(http)(request)];
  for (let served = 0; served < 2; served += 1) {
    await turns();
    open.shift()?.();
  }
  await Promise.all(answers);
  expect(most()).toBe(1);
});
