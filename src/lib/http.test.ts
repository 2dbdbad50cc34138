import nock from "nock";
import { afterEach, describe, expect, test } from "vitest";
import { isWorkerError, WorkerError } from "./errors.ts";
import { createHttp, type HttpRequest, pathOf, retryAfterMs } from "./http.ts";

const base = "https://psp.example";
const get: HttpRequest = { method: "GET", path: "/orders/1?secret=canary", route: "/orders/{id}" };
const post: HttpRequest = { ...get, method: "POST", body: { card: "canary" } };
const http = createHttp({
  peer: "psp",
  baseUrl: `${base}/`,
  headers: { authorization: "Bearer canary" },
  timeoutMs: 100,
});

afterEach(() => {
  nock.cleanAll();
});

async function errorOf(request: HttpRequest): Promise<WorkerError> {
  try {
    await http(request);
  } catch (error) {
    if (isWorkerError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("an answer", () => {
  test.each([
    [400, "Refused"],
    [401, "Unauthorized"],
    [403, "Refused"],
    [404, "Refused"],
    [408, "Unreachable"],
    [409, "Conflict"],
    [410, "Refused"],
    [422, "Refused"],
    [429, "Unreachable"],
    [302, "Refused"],
    [500, "Unreachable"],
    [503, "Unreachable"],
  ] as const)("%i is %s", async (status, kind) => {
    nock(base).post(/.*/).reply(status, { code: "canary-free", message: "canary" });
    const error = await errorOf(post);
    expect(error.kind).toBe(kind);
    expect(error.context).toMatchObject({
      peer: "psp",
      host: "psp.example",
      method: "POST",
      route: "/orders/{id}",
      status,
    });
  });

  test("that is HTML instead of JSON is unreachable, whatever its status", async () => {
    nock(base).post(/.*/).reply(200, "<html>canary</html>");
    expect((await errorOf(post)).kind).toBe("Unreachable");
    nock(base).post(/.*/).reply(404, "<html>canary</html>");
    expect((await errorOf(post)).kind).toBe("Refused");
  });

  test("that does not come in time is unreachable", async () => {
    nock(base).post(/.*/).delay(500).reply(200, {});
    expect((await errorOf(post)).kind).toBe("Unreachable");
  });

  test("with an empty body is null", async () => {
    nock(base).post(/.*/).reply(204);
    expect(await http(post)).toMatchObject({ status: 204, body: null });
  });

  test("with Retry-After says how long to stay away", async () => {
    nock(base).post(/.*/).reply(429, {}, { "retry-after": "7" });
    expect((await errorOf(post)).retryAfterMs).toBe(7_000);
    expect(retryAfterMs("Thu, 01 Jan 2026 00:00:30 GMT", Date.parse("2026-01-01T00:00:00Z"))).toBe(30_000);
    expect(retryAfterMs("soon")).toBeUndefined();
    expect(retryAfterMs("-5")).toBe(0);
  });
});

describe("a repeat", () => {
  test("is made at most twice, for a GET", async () => {
    const scope = nock(base).get(/.*/).times(2).reply(502).get(/.*/).reply(200, { ok: true });
    expect((await http(get)).body).toEqual({ ok: true });
    expect(scope.isDone()).toBe(true);
    nock(base).get(/.*/).times(3).reply(502);
    expect((await errorOf(get)).kind).toBe("Unreachable");
    expect(nock.isDone()).toBe(true);
  });

  test("is never made for a write", async () => {
    const scope = nock(base).post(/.*/).reply(502).post(/.*/).reply(200, {});
    expect((await errorOf(post)).kind).toBe("Unreachable");
    expect(scope.isDone()).toBe(false);
  });

  test("is not made against the other side's wish, nor where it cannot help", async () => {
    const scope = nock(base).get(/.*/).reply(503, {}, { "retry-after": "60" }).get(/.*/).reply(200, {});
    expect((await errorOf(get)).retryAfterMs).toBe(60_000);
    expect(scope.isDone()).toBe(false);
    nock.cleanAll();
    const refusing = nock(base).get(/.*/).reply(403).get(/.*/).reply(200, {});
    expect((await errorOf(get)).kind).toBe("Refused");
    expect(refusing.isDone()).toBe(false);
  });

  test("is not made once the look was given up, and neither is anything else", async () => {
    const lookEnds = new AbortController();
    const scope = nock(base)
      .get(/.*/)
      .reply(() => {
        lookEnds.abort();
        return [502];
      })
      .get(/.*/)
      .times(2)
      .reply(200, {});
    expect((await errorOf({ ...get, signal: lookEnds.signal })).kind).toBe("Unreachable");
    expect((await errorOf({ ...post, signal: lookEnds.signal })).context["code"]).toBe("given-up");
    expect(scope.isDone()).toBe(false);
  });
});

test("no error says anything of headers, bodies or queries", async () => {
  nock(base).post(/.*/).reply(400, { code: "canary with spaces", message: "canary" });
  nock(base).post(/.*/).replyWithError("canary in the network's own words");
  for (const error of [await errorOf(post), await errorOf(post)]) {
    const { message, stack, context, cause } = error;
    expect(JSON.stringify({ message, stack, context, cause: String(cause) })).not.toContain("canary");
  }
});

test("ids in paths are encoded, and what is no id is refused", () => {
  expect(pathOf`/orders/${"a/b c"}/x`).toBe("/orders/a%2Fb%20c/x");
  for (const id of ["", ".", ".."]) expect(() => pathOf`/orders/${id}`).toThrow(WorkerError);
});
