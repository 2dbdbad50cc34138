import nock from "nock";
import { describe, expect, test } from "vitest";
import { answerByNock } from "../../test/support/nock.ts";
import { isWorkerError, WorkerError } from "./errors.ts";
import { createHttp, type HttpOptions, type HttpRequest, pathOf, retryAfterMs } from "./http.ts";
import { codeAt } from "./judgement.ts";
import type { Answered, Outgoing, Unanswered } from "./transport.ts";

const base = "https://psp.example";
const get: HttpRequest = { method: "GET", path: "/orders/1?secret=canary", route: "/orders/{id}" };
const post: HttpRequest = { ...get, method: "POST", body: { card: "canary" } };
const http = createHttp({
  peer: "psp",
  baseUrl: `${base}/`,
  headers: { authorization: "Bearer canary" },
  timeoutMs: 100,
});

answerByNock();

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

  test.each([302, 307, 400, 403, 404, 405, 410, 422])(
    "%i in words that are not the peer's is somebody else's: unreachable",
    async (status) => {
      nock(base).post(/.*/).reply(status, "<html>canary</html>");
      expect(await errorOf(post)).toMatchObject({ kind: "Unreachable", context: { status, notItsOwn: true } });
    },
  );

  test.each([
    [302, { error_code: "MOVED" }, "Unreachable", true],
    [302, "", "Unreachable", true],
    [404, "", "Refused", undefined],
    [403, "  \n", "Refused", undefined],
    [404, "null", "Refused", undefined],
    [401, "<html>", "Unauthorized", undefined],
    [409, "<html>", "Conflict", undefined],
    [503, "<html>", "Unreachable", undefined],
    [429, "<html>", "Unreachable", undefined],
  ] as const)("%i with %j is %s", async (status, body, kind, notItsOwn) => {
    nock(base).post(/.*/).reply(status, body);
    const error = await errorOf(post);
    expect(error.kind).toBe(kind);
    expect(error.context["notItsOwn"]).toBe(notItsOwn);
  });

  test("is what the peer's adapter says it is, which sees what was answered", async () => {
    const seen: unknown[] = [];
    const classify: HttpOptions["classify"] = (status, body) => {
      seen.push(body);
      return status === 403 ? "Refused" : undefined;
    };
    const asking = createHttp({ peer: "psp", baseUrl: base, classify });
    for (const [status, body] of [
      [403, "Not allowed"],
      [404, "Not allowed"],
      [404, ""],
      [404, { code: 1 }],
    ] as const) {
      nock(base).post(/.*/).reply(status, body);
      const kind = status === 404 && body === "Not allowed" ? "Unreachable" : "Refused";
      await expect(asking(post)).rejects.toMatchObject({ kind });
    }
    expect(seen).toEqual(["Not allowed", "Not allowed", null, { code: 1 }]);
  });

  test("that is good but no JSON is asked for once more, and is no verdict of the peer's", async () => {
    nock(base).get(/.*/).reply(200, "<html>canary</html>").get(/.*/).reply(200, { ok: true });
    expect((await http(get)).body).toEqual({ ok: true });
    nock(base).post(/.*/).reply(200, '{"cut');
    const { kind, context } = await errorOf(post);
    expect({ kind, ...context }).toMatchObject({ kind: "Unreachable", code: "not-json", notItsOwn: true });
  });

  test("in a text is a text where texts are asked for", async () => {
    const texts = createHttp({ peer: "certificates", baseUrl: base, answers: "text" });
    nock(base).post(/.*/).reply(200, "-----BEGIN").post(/.*/).reply(404, "none here");
    expect((await texts(post)).body).toBe("-----BEGIN");
    await expect(texts(post)).rejects.toMatchObject({ kind: "Refused" });
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

describe("the peer's own words for it", () => {
  const codeOf = codeAt(["details.0.issue", "error_code", "Code"], ["debug_id", "header:x-correlation-id"]);
  const asking = createHttp({ peer: "psp", baseUrl: base, codeOf });

  test.each([
    [{ error_code: "NO_SUCH_ORDER", debug_id: "f00-1" }, "NO_SUCH_ORDER", "f00-1"],
    [{ name: "X", details: [{ issue: "ORDER_NOT_APPROVED" }], error_code: "Y" }, "ORDER_NOT_APPROVED", "of-the-header"],
    [{ ERROR_CODE: "A", Debug_Id: "b" }, "A", "b"],
    [{ Code: 30001 }, "30001", "of-the-header"],
    [{ error_code: "a sentence about canary" }, undefined, "of-the-header"],
    [{ details: "none", error_code: { toString: "canary" } }, undefined, "of-the-header"],
    ["", undefined, "of-the-header"],
  ])("%j", async (body, code, supportId) => {
    nock(base).post(/.*/).reply(422, body, { "x-correlation-id": "of-the-header" });
    await expect(asking(post)).rejects.toMatchObject({ context: { status: 422, code, supportId } });
  });

  test("are nowhere but where the peer's adapter says", async () => {
    nock(base).post(/.*/).reply(422, { error_code: "NO_SUCH_ORDER", code: "X", name: "Y" });
    expect((await errorOf(post)).context).not.toHaveProperty("code");
  });
});

describe("through another transport", () => {
  async function through(outcome: Answered | Unanswered, request: HttpRequest = post) {
    const sent: Outgoing[] = [];
    const transport = async (outgoing: Outgoing) => {
      sent.push(outgoing);
      return outcome;
    };
    const asking = createHttp({
      peer: "psp",
      baseUrl: `${base}/api/`,
      headers: { "x-key": "k" },
      transport,
      now: () => 0,
    });
    const result: unknown = await asking(request).catch((error: unknown) => error);
    return { sent, result };
  }
  const answer: Answered = { status: 200, headers: {}, text: "{}" };

  test("goes what was asked", async () => {
    const { signal } = new AbortController();
    const prove = async (): Promise<void> => {};
    const asked: HttpRequest = {
      method: "PUT",
      path: "/orders/a%2Fb",
      route: "/orders/{id}",
      query: { limit: 5, after: "å:b" },
      headers: { "x-merchant": "acme" },
      body: { amount: 1, left: undefined },
      signal,
      prove,
    };
    const { sent } = await through(answer, asked);
    expect(sent).toMatchObject([{ method: "PUT", text: '{"amount":1}', timeoutMs: 5_000, signal, prove }]);
    expect(sent[0]?.url.href).toBe(`${base}/api/orders/a%2Fb?limit=5&after=%C3%A5%3Ab`);
    expect(lowerCased(sent[0]?.headers)).toEqual({
      accept: "application/json",
      "content-type": "application/json",
      "x-key": "k",
      "x-merchant": "acme",
    });
  });

  test("a write without a body has no content type, and a raw text is sent to the byte", async () => {
    const bare = await through(answer, { method: "POST", path: "/a", route: "/a" });
    expect(lowerCased(bare.sent[0]?.headers)).toEqual({ accept: "application/json", "x-key": "k" });
    const text = ' {"b": 1.0}\n';
    const raw = await through(answer, {
      method: "POST",
      path: "/a",
      route: "/a",
      raw: { type: "application/json", text },
    });
    expect(raw.sent[0]?.text).toBe(text);
  });

  test.each([
    ["POST", { code: "timeout", sent: true }, "Unreachable", true],
    ["PUT", { code: "ECONNRESET", sent: true }, "Unreachable", true],
    ["POST", { code: "timeout", sent: false }, "Unreachable", undefined],
    ["POST", { code: "ECONNREFUSED", sent: false }, "Unreachable", undefined],
    ["GET", { code: "timeout", sent: true }, "Unreachable", undefined],
    ["POST", { code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", sent: true }, "Unauthorized", undefined],
    ["POST", { code: "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", sent: false }, "Unauthorized", undefined],
  ] as const)("a %s that ends in %j is %s", async (method, outcome, kind, maybeCarriedOut) => {
    const { result } = await through(outcome, { method, path: "/a", route: "/a" });
    expect(result).toMatchObject({ kind, context: { code: outcome.code } });
    expect((result as WorkerError).context["maybeCarriedOut"]).toBe(maybeCarriedOut);
  });

  test("Retry-After counts from the clock that was handed in", async () => {
    const headers = { "retry-after": "Thu, 01 Jan 1970 00:00:30 GMT" };
    expect((await through({ status: 503, headers, text: "" })).result).toMatchObject({ retryAfterMs: 30_000 });
  });

  test("what nests deep is not read", async () => {
    const deep = { ...answer, text: "[".repeat(500_000) + "]".repeat(500_000) };
    expect((await through(deep)).result).toMatchObject({ kind: "Unreachable", context: { code: "not-json" } });
  });
});

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

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
