import { PassThrough } from "node:stream";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { NotTaken } from "./answers.ts";
import { readBody } from "./body.ts";
import { createRoom, createRooms, type Room } from "./rooms.ts";

/** A request of which the test sends the body. */
function requestOf(headers: Record<string, string> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "read",
    (error: unknown) => (error instanceof NotTaken ? error.refusal.code : String(error)),
  );
}

const read = (request: IncomingMessage, room: Room, patienceMs?: number) =>
  readBody(request, { limitBytes: 100, room, patienceMs });

test("a thousand bodies that never come take no room from one that does", async () => {
  const room = createRoom({ bytes: 200, requests: 2_000 });
  const silent = Array.from({ length: 1_000 }, () => codeOf(read(requestOf({ "content-length": "100" }), room, 1)));
  const genuine = requestOf();
  genuine.end("x".repeat(100));
  const { bytes, leave } = await read(genuine, room);
  expect(bytes).toHaveLength(100);
  leave();
  expect(new Set(await Promise.all(silent))).toEqual(new Set(["too-slow"]));
});

test("bodies that stop half-way give way, the oldest first, to one that arrives", async () => {
  const room = createRoom({ bytes: 200, requests: 2_000 });
  const slow = Array.from({ length: 5 }, () => requestOf());
  const outcomes = slow.map((request) => codeOf(read(request, room)));
  for (const request of slow) request.write("x".repeat(50));
  const genuine = requestOf();
  genuine.end("x".repeat(100));
  expect((await read(genuine, room)).bytes).toHaveLength(100);
  for (const request of slow.slice(3)) request.end();
  expect(await Promise.all(outcomes)).toEqual([...Array<string>(3).fill("too-many-requests"), "read", "read"]);
});

test("bodies that never come give their places, the oldest first, to one that arrives", async () => {
  const room = createRoom({ bytes: 200, requests: 3 });
  const silent = Array.from({ length: 3 }, () => codeOf(read(requestOf(), room, 50)));
  const genuine = requestOf();
  genuine.end("x".repeat(100));
  expect((await read(genuine, room)).bytes).toHaveLength(100);
  expect(await Promise.all(silent)).toEqual(["too-many-requests", "too-slow", "too-slow"]);
});

test("who fills the rooms of others with bodies that stop half-way takes nothing from one that arrives", async () => {
  const roomFor = createRooms();
  const megabyte = 1024 * 1024;
  const thrownOut: string[] = [];
  for (let index = 0; index < 24; index += 1) {
    const merchant = `m${Math.floor(index / 2)}`;
    roomFor({ adapter: "any", merchant }, false)
      .enter(() => thrownOut.push(merchant))
      .grow(megabyte);
  }
  const genuine = roomFor({ adapter: "any", merchant: "acme" }, false).enter(() => undefined);
  genuine.grow(megabyte);
  genuine.settle();
  expect(thrownOut).toEqual(["m0"]);
});

test("what is being judged keeps its place, and gives it back", async () => {
  const room = createRoom({ bytes: 150, requests: 2 });
  const [first, second, third] = [requestOf(), requestOf(), requestOf()];
  first.end("x".repeat(100));
  const judged = await read(first, room);
  second.end("x".repeat(100));
  expect(await codeOf(read(second, room))).toBe("too-many-requests");
  judged.leave();
  judged.leave();
  third.end("x".repeat(100));
  expect(await codeOf(read(third, room))).toBe("read");
});

test("more than the limit is too large, whether it was announced or not", async () => {
  const room = createRoom({ bytes: 1_000, requests: 10 });
  expect(await codeOf(read(requestOf({ "content-length": "101" }), room))).toBe("too-large");
  const unannounced = requestOf();
  unannounced.end("x".repeat(101));
  expect(await codeOf(read(unannounced, room))).toBe("too-large");
});

test("strangers share rooms by adapter and merchant, within one bound; what its URL proves has another", () => {
  const roomFor = createRooms();
  const stranger = (merchant: string) => roomFor({ adapter: "any", merchant }, false);
  expect(stranger("acme")).toBe(stranger("acme"));
  expect(stranger("acme")).not.toBe(stranger("other"));
  const fill = (room: Room): number => {
    for (let megabytes = 0; ; megabytes += 1)
      try {
        const place = room.enter(() => undefined);
        place.grow(1024 * 1024);
        place.settle();
      } catch {
        return megabytes;
      }
  };
  expect(fill(stranger("acme"))).toBe(2);
  const all = Array.from({ length: 50 }, (_, index) => fill(stranger(`m${index}`)));
  expect(all.reduce((sum, megabytes) => sum + megabytes, 2)).toBe(24);
  expect(fill(roomFor({ adapter: "any", merchant: "acme" }, true))).toBe(64);
});
