import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadAdapters } from "../../src/adapters/registry.ts";
import { createConfig } from "../../src/config.ts";
import { createLog } from "../../src/lib/log.ts";
import { createMeters } from "../../src/lib/meters.ts";
import type { Engine } from "../../src/queue/engine.ts";
import { createSeam } from "../../src/queue/seam.ts";
import { answerUnreadable, startWeb } from "../../src/web.ts";
import { until } from "../support/until.ts";

/** Nothing here comes as far as the queue. */
const engine: Engine = {
  kind: "redis",
  guarantee: () => Promise.reject(new Error("not asked")),
  faults: () => Promise.reject(new Error("not asked")),
  store: () => ({}) as ReturnType<Engine["store"]>,
  notes: () => {
    throw new Error("not asked");
  },
  queue: () => {
    throw new Error("not asked");
  },
  work: () => {
    throw new Error("not asked");
  },
  ping: async () => undefined,
  adding: async (work) => await work,
  close: async () => undefined,
};

let web: Awaited<ReturnType<typeof startWeb>>;

beforeAll(async () => {
  const document = { norce: { orderApi: "https://norce.example", token: "t" }, merchants: {} };
  const config = createConfig({ PORT: "0", URL_SIGNING_KEYS: "signing-key-0001" }, document, await loadAdapters([]));
  web = await startWeb({
    config,
    engine,
    queue: createSeam(engine),
    log: createLog("silent"),
    meters: createMeters(),
  });
});
afterAll(() => web.close());

async function opened(): Promise<{ readonly socket: Socket; answer(): string }> {
  const socket = connect({ port: web.port, host: "127.0.0.1", allowHalfOpen: true });
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
  await once(socket, "connect");
  return { socket, answer: () => answer };
}

test.each([
  ["a URL that is longer than Node takes", `GET /canary${"x".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`],
  ["a URL that never ends", `GET /canary${"x".repeat(2_000_000)}`],
  ["a header that is too large", `GET /health/live HTTP/1.1\r\nhost: a\r\ncanary: ${"x".repeat(20_000)}\r\n\r\n`],
  ["a method that there is not", "CANARY / HTTP/1.1\r\nhost: a\r\n\r\n"],
  ["no HTTP at all", "canary\r\n\r\n"],
  ["two lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\ncanary"],
])("%s is answered 400 in our own words, and the connection is closed", async (_, text) => {
  const { socket, answer } = await opened();
  // Its own end stays open, as one that means ill would leave it.
  const ended = once(socket, "end");
  const closed = new Promise((resolve) => socket.once("close", resolve).once("error", () => undefined));
  socket.write(text);
  await ended;
  const [head = "", body = ""] = answer().split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(head.toLowerCase()).toContain("content-type: application/json");
  expect(head.toLowerCase()).toContain(`content-length: ${Buffer.byteLength(body)}`);
  expect(head.toLowerCase()).toContain("connection: close");
  expect(JSON.parse(body)).toEqual({ code: "malformed", message: expect.any(String) });
  expect(answer()).not.toMatch(/canary/i);
  // The server lets go of it all the same: what is written then comes back as a reset.
  const poke = setInterval(() => socket.write("x"), 50);
  await closed;
  clearInterval(poke);
});

test("a client that goes away in the middle of a request is not answered, and does no harm", async () => {
  const { socket, answer } = await opened();
  socket.write("POST /somewhere HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nx");
  socket.resetAndDestroy();
  await until(async () => (await fetch(`http://127.0.0.1:${web.port}/health/live`)).status === 200, "the next answer");
  expect(answer()).toBe("");
});

test("what was asked before it on the same connection is answered first", async () => {
  const { socket, answer } = await opened();
  const ended = once(socket, "end");
  socket.write("GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n");
  await until(() => answer().includes("live"), "the first answer");
  socket.write("canary\r\n\r\n");
  await ended;
  expect(answer().match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
  socket.destroy();
});

test("a request that does not end in time is answered 408 in our own words", async () => {
  const socket = new PassThrough();
  answerUnreadable(Object.assign(new Error("canary"), { code: "ERR_HTTP_REQUEST_TIMEOUT" }), socket);
  const [head = "", body = ""] = (await textOf(socket)).split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 408 /);
  expect(JSON.parse(body)).toEqual({ code: "too-slow", message: expect.not.stringContaining("canary") });
});
