import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClientOptions } from "../../src/contract/context.ts";
import type { CommonConfig, LookContext } from "../../src/contract/adapter.ts";
import { type ErrorKind, WorkerError } from "../../src/lib/errors.ts";
import type { Simulator } from "../../src/contract/simulator.ts";
import { createHttp } from "../../src/lib/http.ts";
import { withToken } from "../../src/lib/token.ts";
import { credentialsIn, loadSubjects, type Subject, textsIn } from "../support/subjects.ts";
import { asking } from "../support/asking.ts";

const subjects = await loadSubjects();

/** What a look may make of an answer: an error of one of these kinds, or `done` where the PSP means something by it. */
type Meaning = ErrorKind | "done";

interface Failure {
  readonly name: string;
  answer(response: ServerResponse): void;
  /** Asked what the payment is: `done` is "the PSP does not know it". */
  readonly fetched: readonly Meaning[];
  /** Told that Norce knows: `done` is "nothing is owed". */
  readonly told: readonly Meaning[];
  readonly retryAfterMs?: number;
}

const canary = "canary-in-an-answer";
const refusing =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse): void => {
    const body = { error_messages: [canary], message: canary, email: canary };
    response.writeHead(status, { ...headers, "content-type": "application/json", "x-canary": canary });
    response.end(JSON.stringify(body));
  };
const page =
  (status: number) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { "content-type": "text/html" }).end(`<html><body>${canary}</body></html>`);
  };

const silence = (): void => undefined;
/** Who waits for an answer that never comes need not wait long; who gets one gets it also from a machine that is busy. */
const timeoutFor = (answer: Failure["answer"]): number => (answer === silence ? 300 : 10_000);

/** The table of errors; where a PSP may mean something else by a code, what it may mean. */
const failures: readonly Failure[] = [
  { name: "401", answer: refusing(401), fetched: ["Unauthorized"], told: ["Unauthorized"] },
  {
    name: "403",
    answer: refusing(403),
    fetched: ["Refused", "Unauthorized"],
    told: ["Refused", "Unauthorized", "done"],
  },
  {
    name: "404",
    answer: refusing(404),
    fetched: ["done", "Refused", "Unreachable"],
    told: ["Refused", "Conflict", "Unreachable", "done"],
  },
  { name: "409", answer: refusing(409), fetched: ["Conflict"], told: ["Conflict", "done"] },
  { name: "422", answer: refusing(422), fetched: ["Refused"], told: ["Refused"] },
  {
    name: "429 with Retry-After",
    answer: refusing(429, { "retry-after": "7" }),
    fetched: ["Unreachable"],
    told: ["Unreachable"],
    retryAfterMs: 7_000,
  },
  { name: "500", answer: refusing(500), fetched: ["Unreachable"], told: ["Unreachable"] },
  { name: "503", answer: refusing(503), fetched: ["Unreachable"], told: ["Unreachable"] },
  { name: "no answer in time", answer: silence, fetched: ["Unreachable"], told: ["Unreachable"] },
  {
    name: "a connection cut",
    answer: (response) => response.destroy(),
    fetched: ["Unreachable"],
    told: ["Unreachable"],
  },
  { name: "a web page instead of JSON", answer: page(200), fetched: ["Unreachable"], told: ["Unreachable"] },
  { name: "a proxy's error page", answer: page(502), fetched: ["Unreachable"], told: ["Unreachable"] },
];

const askers = subjects.flatMap((subject) => {
  const { adapter } = subject;
  return "fetch" in adapter ? [{ ...subject, adapter }] : [];
});

describe.each(askers)("$folder", (subject) => {
  const { adapter, fixtures, say } = subject;
  let fail: Failure["answer"] = () => undefined;
  let requests = 0;
  let onRequest: () => void = () => undefined;
  const proofs = new Set<string>();
  let simulator: Simulator;
  const server = createServer((request, response) => {
    const { headers, method = "", url = "/" } = request;
    // An access token is granted, so that it is the question that fails.
    if (simulator.preliminary?.({ method, path: new URL(url, "http://psp").pathname }) === true) {
      void granted(simulator, request, response);
      return;
    }
    requests += 1;
    for (const proof of credentialsIn(headers.authorization)) proofs.add(proof);
    onRequest();
    fail(response);
  });
  let apiUrl = "";
  let secrets: readonly string[] = [];
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const settings = await subject.settings("http://psp.invalid");
    simulator = await subject.simulator();
    secrets = adapter.secrets.flatMap((name) => textsIn(settings[name] ?? null));
    apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test.each(failures)("$name is classified when the PSP is asked", async ({ answer, fetched, retryAfterMs }) => {
    fail = answer;
    requests = 0;
    const context = await contextOf(subject, apiUrl, fail);
    const met = await meet(
      async () => adapter.fetch(await referenceOf(subject), context) as Promise<unknown>,
      () => [...secrets, ...proofs],
    );
    expect(requests, "the PSP has been asked").toBeGreaterThan(0);
    expect(fetched).toContain(met.meaning);
    if (met.meaning === "done") expect(met.result, "what the PSP does not know is null").toBeNull();
    expect(met.retryAfterMs).toBe(retryAfterMs);
  });

  // Where nothing has to be told there is nothing to classify.
  test.runIf(adapter.afterWrite !== undefined).each(failures)(
    "$name is classified when the PSP is told that Norce knows",
    async ({ answer, told, retryAfterMs }) => {
      fail = answer;
      requests = 0;
      const markers = await Promise.all(fixtures.map(async (fixture) => (await say(fixture))?.marker));
      const owed = fixtures.filter((_, index) => markers[index] !== undefined);
      expect(owed, "a marker says that something is owed").not.toHaveLength(0);
      const met = await Promise.all(
        owed.map(async ({ snapshot }) => {
          const context = await contextOf(subject, apiUrl, fail);
          return await meet(
            async () => adapter.afterWrite?.(snapshot, context),
            () => [...secrets, ...proofs],
          );
        }),
      );
      expect(requests, "the PSP has been told").toBeGreaterThan(0);
      for (const { meaning, ...more } of met) {
        expect(told).toContain(meaning);
        if (meaning !== "done") expect(more.retryAfterMs).toBe(retryAfterMs);
      }
    },
  );

  test.each(["before anything was asked", "while the PSP is silent", "between two attempts"])(
    "a look that is given up %s ends as Unreachable",
    async (when) => {
      const giveUp = new AbortController();
      fail = when === "between two attempts" ? refusing(500) : silence;
      onRequest = () => void setTimeout(() => giveUp.abort(), 20);
      if (when === "before anything was asked") giveUp.abort();
      const context = { ...(await contextOf(subject, apiUrl, fail)), signal: giveUp.signal };
      const met = await meet(
        async () => adapter.fetch(await referenceOf(subject), context) as Promise<unknown>,
        () => [...secrets, ...proofs],
      );
      expect(met.meaning).toBe("Unreachable");
    },
  );
});

async function referenceOf({ fixtures, say }: Subject): Promise<string> {
  const [first] = fixtures;
  return first === undefined ? "" : ((await say(first))?.reference ?? "");
}

async function granted(simulator: Simulator, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://psp");
  const text = Buffer.concat(await request.toArray()).toString("utf8");
  const headers = request.headers as Record<string, string>;
  const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
  const asked = { method: request.method ?? "", path: url.pathname, query: url.searchParams, headers, body };
  const answer = simulator.answer(asked);
  response.writeHead(answer.status, { "content-type": "application/json" });
  response.end(answer.text ?? JSON.stringify(answer.body ?? null));
}

async function contextOf(
  { folder, adapter, settings }: Subject,
  apiUrl: string,
  answer: Failure["answer"],
): Promise<LookContext<unknown>> {
  return {
    config: adapter.config.parse(await settings(apiUrl)) as CommonConfig,
    ...asking(),
    payment: { paymentId: "p_1", amount: 100_00, currency: "SEK", reference: null, upsell: null },
    signal: new AbortController().signal,
    http: ({ authority, ...options }) => {
      const open = (at: ClientOptions) => createHttp({ peer: folder, timeoutMs: timeoutFor(answer), ...at });
      const tokens = open(authority?.at ?? options);
      return authority === undefined ? tokens : withToken(open(options), () => authority.authorize(tokens), Date.now);
    },
  };
}

interface Met {
  readonly meaning: Meaning;
  readonly result?: unknown;
  readonly retryAfterMs?: number | undefined;
}

/** What came of it. Whatever is thrown is a `WorkerError` that holds nothing of what was sent or answered, however deep one looks. */
async function meet(ask: () => Promise<unknown>, secrets: () => readonly string[]): Promise<Met> {
  try {
    return { meaning: "done", result: await ask() };
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    const told = `${inspect(error, { depth: Infinity, showHidden: true })}\n${JSON.stringify(error)}`;
    for (const secret of [canary, ...secrets()]) expect(told).not.toContain(secret);
    return { meaning: error.kind, retryAfterMs: error.retryAfterMs };
  }
}
