import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientOptions } from "../../src/contract/context.ts";
import type {
  CommonConfig,
  DesiredPayment,
  Json,
  LogLine,
  LookContext,
  OperationCall,
  OperationName,
  OperationResult,
  PspEvent,
} from "../../src/contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest, Simulator } from "../../src/contract/simulator.ts";
import { isWorkerError } from "../../src/lib/errors.ts";
import { createHttp } from "../../src/lib/http.ts";
import { withToken } from "../../src/lib/token.ts";
import { createNorceClient } from "../../src/norce/client.ts";
import { createContexts } from "../../src/adapters/contexts.ts";
import { lookContext } from "../../src/workers/look/open.ts";
import { availableFor, sumMovedBy, sumsToBe } from "../../src/workers/operate/possible.ts";
import { type Act, openStage, type Purchase, type Stage } from "../support/stage.ts";
import { credentialsIn, loadSubjects, textsIn } from "../support/subjects.ts";
import { actsOf } from "../support/walk.ts";

const subjects = await loadSubjects();
const names: readonly OperationName[] = ["capture", "cancel", "refund"];

/** How many actions lead to a place where an operation is tried, how many ways are walked, and how many places are enough. */
const deepest = 3;
const mostPaths = 80;
const enoughPlaces = 2;

/** Operations have ids of 36 characters, and no two the same. */
let ids = 0;
const nextId = (): string => `0f0e4f0a-9c0e-4f8b-8a1d-${String((ids += 1)).padStart(12, "0")}`;
const part = 10_00;
const canary = "canary in an answer";

/** Where an operation is possible. */
interface Place {
  /** What has to happen at the PSP before it is. */
  readonly way: readonly Act[];
  /** What is known there. */
  readonly known: string;
  /** Whether a look that comes only at the end of the way finds the same; `undefined`: nobody tried. */
  isSeenLate?: boolean;
}

interface Told {
  readonly purchase: Purchase;
  /** What the operation was validated against. */
  readonly before: DesiredPayment;
  readonly truth: unknown;
}

/** What may differ between two attempts: who asks, when, and a proof that covers the time. */
const passing = /^(authorization|host|connection|content-length|date)$|time|signature/i;

describe.each(subjects)("$folder", (subject) => {
  const { adapter, fixtures, say } = subject;
  const { operations } = adapter;
  const offered = names.filter((name) => operations?.[name] !== undefined);
  /** For how long the service sends the same again: until the key dies, else as long as it keeps what was asked of it. */
  const keyLifeMs =
    typeof operations?.repeat === "object"
      ? operations.repeat.idempotencyKeyHours * 3_600_000 - 60_000
      : 30 * 86_400_000;

  test("offers operations that the contract knows, and says how a repeat is made safe", () => {
    const none = { repeat: "look-first", patienceSeconds: undefined, mostTries: undefined } as const;
    const { repeat, patienceSeconds = 1, mostTries = 1, ...rest } = operations ?? none;
    for (const bound of [patienceSeconds, mostTries]) expect(bound, "a bound is above zero").toBeGreaterThan(0);
    if (typeof repeat === "object")
      expect(repeat.idempotencyKeyHours, "operations.repeat.idempotencyKeyHours").toBeGreaterThan(0);
    else expect(["idempotency-key", "look-first", "never"], "operations.repeat").toContain(repeat);
    expect(names, "an operation that is not supported is left out").toEqual(expect.arrayContaining(Object.keys(rest)));
    for (const operation of Object.values(rest))
      expect(operation, "leave out what is not supported").toBeTypeOf("function");
  });

  test.each(fixtures)("$name calls nothing possible that is not offered", async (fixture) => {
    const desired = await say(fixture);
    for (const name of [...(desired?.possible ?? []), ...(desired?.wholeOnly ?? [])])
      expect(offered, `operations has no ${name}`).toContain(name);
  });

  describe.runIf(offered.length > 0)("told", () => {
    let stage: Stage;
    /** What becomes of the answers to what is told, besides tokens. */
    let answered: (answer: SimulatedAnswer) => SimulatedAnswer = (answer) => answer;
    /** By the sums of money that are found there. */
    const places = new Map<OperationName, Map<string, Place>>();

    beforeAll(async () => {
      stage = await openStage(subject, {
        answered: (answer, request) => (isTold(request) ? answered(answer) : answer),
      });
      await explore();
    });
    beforeEach(async () => {
      answered = (answer) => answer;
      await stage.reset();
    });
    afterAll(() => stage.close());

    /** What must not stand in an error: the settings' secrets, and what proved the calls. */
    const secrets = (): readonly string[] => [
      ...stage.config.targets.flatMap(({ settings }) =>
        adapter.secrets.flatMap((secret) => textsIn((settings as Record<string, Json | undefined>)[secret] ?? null)),
      ),
      ...stage.asked.flatMap(({ headers }) => credentialsIn(headers["authorization"])),
    ];

    const isTold = (request: SimulatedRequest): boolean =>
      request.method !== "GET" && stage.simulator.preliminary?.(request) !== true;
    const sent = (): SimulatedRequest[] => stage.asked.filter(isTold);

    /** Everything that the PSP has to say is heard, and looked at. */
    async function hear(purchase: Purchase): Promise<DesiredPayment | null> {
      for (const webhook of purchase.sent()) await stage.deliver(webhook);
      await stage.look(purchase.key);
      await stage.rest(purchase.key);
      return await stage.desired(purchase);
    }

    /** A new purchase on this way, looked at after each step or at its end. */
    async function walk(
      way: readonly Act[],
      followed: "step by step" | "late",
    ): Promise<Omit<Told, "before"> & { readonly before: DesiredPayment | null }> {
      const purchase = stage.purchase();
      let before = followed === "late" ? null : await hear(purchase);
      for (const act of way) {
        if (!purchase.act(act)) throw new Error(`${act.name} is not possible`);
        if (followed === "step by step") before = await hear(purchase);
      }
      if (followed === "late") before = await hear(purchase);
      return { purchase, before, truth: await stage.snapshot(purchase) };
    }

    /** Finds where each operation is possible, by the shortest ways. */
    async function explore(): Promise<void> {
      const seen = new Set<string>();
      let frontier: (readonly Act[])[] = [[]];
      let paths = 0;
      for (let depth = 0; depth <= deepest && paths < mostPaths; depth += 1) {
        const next: (readonly Act[])[] = [];
        for (const way of frontier) {
          if ((paths += 1) > mostPaths || offered.every((name) => (places.get(name)?.size ?? 0) >= enoughPlaces))
            return;
          await stage.reset();
          // A way that ends badly is convergence's to tell.
          const found = await walk(way, "step by step").catch(() => undefined);
          if (found === undefined) continue;
          const { purchase, before } = found;
          const here = JSON.stringify([
            stage.simulator.describe(purchase.reference),
            purchase.actions(),
            before?.money,
          ]);
          if (seen.has(here)) continue;
          seen.add(here);
          for (const name of before?.possible ?? []) {
            // Where the sums are the same it is the same place: what no look shows, an operation cannot know either.
            const sums = JSON.stringify(before?.money);
            const known = places.get(name) ?? new Map<string, Place>();
            if (known.size < enoughPlaces && !known.has(sums))
              places.set(name, known.set(sums, { way, known: knownOf(found) }));
          }
          next.push(...actsOf(stage, purchase).map((act) => [...way, act]));
        }
        frontier = next;
      }
    }

    /** What a look finds and leaves, but for ids and times. */
    function knownOf({ purchase, before }: Pick<Awaited<ReturnType<typeof walk>>, "purchase" | "before">): string {
      const { phase, money, possible, wholeOnly, memory } = before ?? {};
      const here = [phase, money, possible, wholeOnly, Object.keys(memory ?? {}), purchase.state()];
      return JSON.stringify([...here, stage.simulator.describe(purchase.reference), purchase.transactions().length]);
    }

    /** A new purchase on which the operation is possible, looked at late where that finds what was found step by step. */
    async function arrive(place: Place): Promise<Told> {
      const late = place.isSeenLate === false ? undefined : await walk(place.way, "late");
      if (late !== undefined) place.isSeenLate ??= knownOf(late) === place.known;
      const found = place.isSeenLate ? late : undefined;
      const { before, ...told } = found ?? (await walk(place.way, "step by step"));
      if (before === null) throw new Error("nothing is known of the payment");
      return { ...told, before };
    }

    const client = (): ReturnType<typeof createNorceClient> =>
      createNorceClient({ ...stage.config.norce, adapterIdOf: () => `acme_${subject.folder}` });

    async function contextOf({ purchase: { key }, before }: Told): Promise<LookContext<unknown>> {
      const found = stage.config.find(key);
      const current = await client().payment(key);
      if (found === undefined || current === null) throw new Error("not configured, or not in Norce");
      const context = lookContext(
        key,
        current,
        createContexts({ callbackUrl: stage.callbackUrl })(key, found, { signal: AbortSignal.timeout(10_000) }),
        client().log(key),
      );
      return { ...context, memory: before.memory ?? context.memory };
    }

    /** Tells the PSP as the service does, with what was true before; keeps what no look would tell. */
    async function tell(told: Told, call: OperationCall, context?: LookContext<unknown>): Promise<OperationResult> {
      const result = await operations?.[call.name]?.(call, told.truth as never, context ?? (await contextOf(told)));
      if (result === undefined) throw new Error(`${call.name} is not offered`);
      if (result.is !== "refused" && result.event !== undefined) await keep(told, result.event);
      return result;
    }

    async function keep({ purchase: { key } }: Told, event: PspEvent & { readonly line: LogLine }): Promise<void> {
      const { keys } = await client().log(key);
      if (!keys.has(event.key)) await client().appendEvent(key, event);
    }

    function callOf(name: OperationName, { before }: Told, amount = availableFor(name, before)): OperationCall {
      const whole = amount === availableFor(name, before);
      return { name, id: nextId(), amount, currency: before.currency, whole, now: Date.now() };
    }

    /** By how much the operation's sum is another than before, once everything was heard. */
    async function movedBy(name: OperationName, { purchase, before }: Told): Promise<number> {
      const after = await hear(purchase);
      if (after === null) throw new Error("nothing is known of the payment any more");
      return sumMovedBy(name, sumsToBe(after)) - sumMovedBy(name, sumsToBe(before));
    }

    const takesParts = (name: OperationName, { before }: Told, times = 1): boolean =>
      name !== "cancel" && before.wholeOnly?.includes(name) !== true && availableFor(name, before) > times * part;

    describe.each(offered)("%s", (name) => {
      const everywhere = async (
        check: (told: () => Promise<Told>) => Promise<void>,
        most = Infinity,
      ): Promise<void> => {
        const found = [...(places.get(name)?.values() ?? [])].slice(0, most);
        expect(found, `map never calls ${name} possible, wherever the simulator's actions lead`).not.toHaveLength(0);
        for (const place of found) {
          await stage.reset();
          answered = (answer) => answer;
          const way = place.way.map((act) => act.name).join(" → ");
          await check(() => arrive(place)).catch((error: unknown) => {
            const said = error instanceof Error ? error.message : String(error);
            throw new Error(`after ${way || "nothing"}: ${said}`, { cause: error });
          });
        }
      };

      test("is carried out where it is possible, for all that is left and for a part of it", async () => {
        await everywhere(async (arrived) => {
          const first = await arrived();
          const amounts = [availableFor(name, first.before), ...(takesParts(name, first) ? [part] : [])];
          for (const amount of amounts) {
            expect(amount, "what is possible has an amount").toBeGreaterThan(0);
            const told = await arrived();
            const result = await tell(told, callOf(name, told, amount));
            expect(["done", "accepted"], "what map calls possible is not refused").toContain(result.is);
            if ("pspId" in result) expect(result.pspId).toSatisfy((id) => typeof id === "string" && id !== "");
            const moved = await movedBy(name, told);
            // What is only accepted may take another action of the PSP's.
            if (result.is === "done" || moved !== 0) expect(moved, `a look shows ${name} of ${amount}`).toBe(amount);
            else await expectCarriedOut(arrived, amount);
          }
        });
      });

      async function expectCarriedOut(arrived: () => Promise<Told>, amount: number): Promise<void> {
        const sums: number[] = [];
        for (const action of (await arrived()).purchase.actions()) {
          const told = await arrived();
          await tell(told, callOf(name, told, amount));
          if (told.purchase.act({ name: action, part: false })) sums.push(await movedBy(name, told));
        }
        expect(sums, `${name} was accepted; no action of the simulator's lets the PSP carry it out`).toContain(amount);
      }

      test
        .runIf(operations?.repeat === "idempotency-key" || typeof operations?.repeat === "object")
        .each(["arrived", "was lost", "was lost for as long as the key lives"])(
        "sent again twice at once with the same id after the answer %s, it is the same request and moves the money once",
        async (fate) => {
          await everywhere(
            async (arrived) => {
              const told = await arrived();
              const call = callOf(name, told, takesParts(name, told) ? part : undefined);
              const start = sent().length;
              const isLost = fate !== "arrived";
              if (isLost) answered = () => ({ status: 503 });
              const first = await met(() => tell(told, call));
              const asked = sent().slice(start).map(comparable);
              expect(asked, "the PSP was told").not.toHaveLength(0);
              expect(first, "what came of the first attempt").toEqual(
                isLost ? "Unreachable" : expect.stringMatching(/^(done|accepted)$/),
              );
              answered = (answer) => answer;
              vi.setSystemTime(Date.now() + (fate.endsWith("lives") ? keyLifeMs : 65_000));
              // It was looked at meanwhile.
              if (fate.endsWith("lives")) await hear(told.purchase);
              const repeat = { ...call, now: Date.now() };
              const context = await contextOf(told);
              const [again, other] = await Promise.all([
                tell(told, repeat),
                operations?.[name]?.(repeat, told.truth as never, context),
              ]);
              for (const came of [again.is, other?.is])
                expect(["done", "accepted"], "what came of the repeat").toContain(came);
              for (const repeated of sent().slice(start + asked.length))
                expect(asked, "the repeat says the same, its idempotency key too").toContainEqual(comparable(repeated));
              const moved = await movedBy(name, told);
              if (again.is === "done" || moved !== 0) expect(moved, "the money moved once").toBe(call.amount);
            },
            fate === "was lost" ? Infinity : 1,
          );
        },
      );

      test.runIf(operations?.repeat === "look-first")(
        "whose answer was lost is shown by the next look, so that nobody sends it again",
        async () => {
          await everywhere(async (arrived) => {
            const told = await arrived();
            const call = callOf(name, told);
            answered = () => ({ status: 503 });
            expect(await met(() => tell(told, call)), "the outcome is unknown").toBe("Unreachable");
            answered = (answer) => answer;
            expect(await movedBy(name, told), "a look shows what was carried out").toBe(call.amount);
          });
        },
      );

      test.runIf(name !== "cancel")("asked for twice by two people is two operations", async () => {
        await everywhere(async (arrived) => {
          const told = await arrived();
          if (!takesParts(name, told, 2)) return;
          const start = sent().length;
          await tell(told, callOf(name, told, part));
          const first = sent().slice(start);
          const then = await hear(told.purchase);
          if (then?.possible.includes(name) !== true || availableFor(name, then) < part) return;
          const second = { ...told, before: then, truth: await stage.snapshot(told.purchase) };
          expect((await tell(second, callOf(name, second, part))).is).not.toBe("refused");
          const other = sent().slice(start + first.length);
          expect(other.map(comparable), "another operation has another idempotency key").not.toEqual(
            first.map(comparable),
          );
          expect(await movedBy(name, told), "both were carried out").toBe(2 * part);
        });
      });

      test("that is not possible any more is refused, or found done, and moves nothing", async () => {
        await everywhere(async (arrived) => {
          const told = await arrived();
          const call = callOf(name, told);
          await tell(told, call);
          const moved = await movedBy(name, told);
          const late = await met(() => tell(told, { ...call, id: nextId() }));
          expect(["refused", "Refused", "Conflict", "done", "accepted"]).toContain(late);
          expect(await movedBy(name, told), "the second one moved nothing").toBe(moved);
        });
      });

      /** Tells a PSP that answers what is told in this way, and everything else as it should. */
      async function tellFailing(told: Told, answer: Parameters<typeof openFailing>[1]): Promise<OperationResult> {
        const context = await contextOf(told);
        // Who gets an answer gets it also from a machine that is busy.
        const timeoutMs = answer === "silence" ? 300 : 10_000;
        const failing = await openFailing(stage.simulator, answer);
        const { origin } = new URL((context.config as CommonConfig).apiUrl);
        try {
          return await tell(told, callOf(name, told), {
            ...context,
            http: ({ authority, ...options }) => {
              const open = ({ baseUrl, ...at }: ClientOptions) =>
                createHttp({ peer: subject.folder, timeoutMs, ...at, baseUrl: baseUrl.replace(origin, failing.url) });
              const tokens = open(authority?.at ?? options);
              if (authority === undefined) return tokens;
              return withToken(open(options), () => authority.authorize(tokens), Date.now);
            },
          });
        } finally {
          expect(failing.requests(), "the PSP was told").toBeGreaterThan(0);
          await failing.close();
        }
      }

      test("that the PSP refuses is refused by a code, never by the PSP's own sentences", async () => {
        await everywhere(async (arrived) => {
          const body = { code: canary, error_code: canary, message: canary, errors: [{ message: canary }] };
          const told = await arrived();
          let reason = "";
          const result = await met(async () => {
            const refused = await tellFailing(told, { status: 422, body });
            if (refused.is === "refused") ({ reason } = refused);
            return refused;
          }, secrets());
          expect(["refused", "Refused"]).toContain(result);
          expect(reason, "a reason is a code").toMatch(result === "refused" ? /^[\w.:-]{1,64}$/ : /^$/);
          expect(await movedBy(name, told), "nothing was moved").toBe(0);
        });
      });

      test("that fails is judged by how: a refused credential, a PSP that cannot be reached, an outcome that nobody knows", async () => {
        const failing: readonly { what: string; answer: SimulatedAnswer | "silence" | "cut"; kind: string }[] = [
          { what: "401", answer: { status: 401 }, kind: "Unauthorized" },
          { what: "429", answer: { status: 429, headers: { "retry-after": "7" } }, kind: "Unreachable" },
          { what: "500", answer: { status: 500 }, kind: "Unreachable" },
          { what: "503", answer: { status: 503 }, kind: "Unreachable" },
          { what: "a web page", answer: { status: 200, text: `<p>${canary}</p>` }, kind: "Unreachable" },
          { what: "nothing, too late", answer: "silence", kind: "Unreachable" },
          { what: "a cut connection", answer: "cut", kind: "Unreachable" },
        ];
        await everywhere(async (arrived) => {
          // Nothing of it reaches the PSP: the next one finds everything as it was.
          const told = await arrived();
          const kinds: Record<string, string> = {};
          for (const { what, answer } of failing) kinds[what] = await met(() => tellFailing(told, answer), secrets());
          expect(kinds).toEqual(Object.fromEntries(failing.map(({ what, kind }) => [what, kind])));
          // What an answer means does not hang on what was bought.
        }, 1);
      });
    });
  });
});

/** What came of it, or by which kind of error it failed: one that holds no secret, and nothing of the PSP's sentences. */
async function met(ask: () => Promise<OperationResult>, secrets: readonly string[] = []): Promise<string> {
  try {
    return (await ask()).is;
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    const told = `${inspect(error, { depth: Infinity, showHidden: true })}\n${JSON.stringify(error)}`;
    for (const secret of [canary, ...secrets]) expect(told).not.toContain(secret);
    return error.kind;
  }
}

/** A request without what may differ between two attempts. */
function comparable({ method, path, query, headers, body }: SimulatedRequest): object {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !passing.test(name)));
  return { method, path, query: query.toString(), headers: kept, body: lasting(body as Json | undefined) };
}

function lasting(body: Json | undefined): Json {
  if (typeof body !== "object" || body === null) return body ?? null;
  if (Array.isArray(body)) return body.map((item: Json) => lasting(item));
  const fields = Object.entries(body).filter(([name]) => !/time|date/i.test(name));
  return Object.fromEntries(fields.map(([name, inner]: [string, Json]) => [name, lasting(inner)]));
}

/** A PSP that grants tokens, says what is true, and fails when it is told to do something. */
async function openFailing(
  simulator: Simulator,
  answer: SimulatedAnswer | "silence" | "cut",
): Promise<{ readonly url: string; requests(): number; close(): Promise<void> }> {
  let requests = 0;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://psp");
    // The sandbox serves every PSP below its folder's name.
    const path = url.pathname.replace(/^\/[^/]+/, "");
    const method = request.method ?? "";
    if (method === "GET" || simulator.preliminary?.({ method, path }) === true) {
      const text = Buffer.concat(await request.toArray()).toString("utf8");
      const headers = request.headers as Record<string, string>;
      const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
      send(response, simulator.answer({ method, path, query: url.searchParams, headers, body }));
      return;
    }
    requests += 1;
    if (answer === "cut") response.destroy();
    else if (answer !== "silence") send(response, answer);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(response: ServerResponse, { status, headers, body, text }: SimulatedAnswer): void {
  const type = text === undefined ? "application/json" : "text/html";
  response.writeHead(status, { "content-type": type, ...headers });
  response.end(text ?? (body === undefined ? "" : JSON.stringify(body)));
}
