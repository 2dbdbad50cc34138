import { connect, createServer } from "node:net";
import { Redis } from "ioredis";
import { expect, onTestFinished, test } from "vitest";
import { loadSimulator } from "../sandbox/kernel/load.ts";
import { listenOnLoopback } from "../sandbox/loopback.ts";
import { createSandboxNorce, type Document } from "../sandbox/norce.ts";
import { createSandboxPsp } from "../sandbox/psp.ts";
import { judge } from "../prove/judge.ts";
import type { Life } from "../prove/lives.ts";
import { openPower } from "../prove/power.ts";
import { redisParameters } from "../prove/redis.ts";
import { folderOf, serverOf } from "../prove/servers.ts";
import { type Counted, sumTableOf } from "../prove/sum.ts";
import { createWire } from "../prove/wire.ts";
import { recordKey } from "../src/norce/payment.ts";
import { findBinary } from "./support/binaries.ts";
import { freePort } from "./support/ports.ts";

/** One payment of 100.00 that was paid at Klarna, and what Norce says of it. */
async function lived(
  says: Document,
  operations: Life["operations"] = [],
  adapter = "klarna-checkout",
  more: Partial<Life> = {},
) {
  const simulator = await loadSimulator(adapter, { timeScale: 0 });
  if (simulator === undefined) throw new Error("no simulator");
  const psp = createSandboxPsp({ simulators: new Map([[adapter, { ...simulator, due: () => [] }]]) });
  const norce = createSandboxNorce();
  const key = { adapter, merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
  const reference = psp.open(adapter, { ...key, amount: 100_00, currency: "SEK", callbackUrls: {} });
  psp.act(adapter, reference, "pay");
  norce.createOrder({ ...key, id: "o_1", order: { currency: "SEK", country: "SE", culture: "sv-SE" } });
  norce.addPayment("o_1", { id: "p_1", adapterId: "any", name: "Klarna", currency: "SEK", amount: 100, ...says });
  const purchase = { key, reference, kind: "home", title: "a life", amount: 100_00, currency: "SEK" } as const;
  const life: Life = {
    purchase,
    operations,
    story: [],
    announcedAt: [1_000],
    mostAuthorized: 100_00,
    changedAt: 900,
    isOver: true,
    ...more,
  };
  return { norce, psp, lives: new Map([["p_1", life]]), moved: new Map() };
}

const right: Document = { state: "reserved", attributes: { [recordKey]: { authorized: 100_00 } } };
const wrong: Document = { state: "intent" };
const nobody: ReadonlyMap<string, string> = new Map();

test("a payment of which Norce says what the PSP says is right, in its sums and in its state", async () => {
  expect(judge(await lived(right), nobody, [])).toMatchObject({ payments: 1, right: 1, lost: [] });
  expect(judge(await lived({ ...right, state: "captured" }), nobody, [])).toMatchObject({
    right: 0,
    lost: [expect.stringContaining("captured does not follow from the sums")],
  });
});

test("what is less than was asked is not reserved as long as it never was the whole", async () => {
  const lowered = (mostAuthorized: number) => lived(right, [], "klarna-checkout", { mostAuthorized });
  expect(judge(await lowered(100_00), nobody, [])).toMatchObject({ right: 1 });
  expect(judge(await lowered(60_00), nobody, [])).toMatchObject({ right: 0 });
});

test("a payment that differs is lost, unless the report names it, or the engine had promised less at that time", async () => {
  const lost = [expect.stringContaining("authorized 0, the PSP says 10000")];
  expect(judge(await lived(wrong), nobody, [])).toMatchObject({ right: 0, lost, named: [], promisedAway: [] });
  expect(judge(await lived(wrong), new Map([["p_1", "Unmapped"]]), [])).toMatchObject({
    lost: [],
    named: [expect.stringContaining("Unmapped: klarna-checkout o_1 p_1")],
  });
  // News that nobody took excuse those alone whom nobody can ask.
  const told = async (adapter: string) => {
    const parts = await lived(wrong, [], adapter);
    const { reference } = [...parts.lives.values()][0]?.purchase ?? { reference: "" };
    const simulator = { ...parts.psp.simulator(adapter), undelivered: (of: string) => (of === reference ? 1 : 0) };
    return judge({ ...parts, psp: { ...parts.psp, simulator: () => simulator } }, nobody, []);
  };
  expect(await told("klarna-checkout")).toMatchObject({ lost, untold: [] });
  expect(await told("qliro-checkout")).toMatchObject({ lost: [], untold: lost });
  const excuse = { from: 900, to: 1_100, why: "failover" };
  expect(judge(await lived(wrong), nobody, [excuse])).toMatchObject({ lost: [], promisedAway: lost });
  expect(judge(await lived(wrong), nobody, [{ ...excuse, from: 1_001 }])).toMatchObject({ lost, promisedAway: [] });
  // Whatever else came later: who tells once tells that no more, and everybody else says it at the next look.
  const later = { announcedAt: [1_000, 2_000] };
  const unsaid = await lived(wrong, [], "qliro-checkout", later);
  expect(judge(unsaid, nobody, [excuse])).toMatchObject({ lost: [], promisedAway: lost });
  expect(judge(unsaid, nobody, [{ ...excuse, to: 999 }])).toMatchObject({ lost, promisedAway: [] });
  expect(judge(await lived(wrong, [], "klarna-checkout", later), nobody, [excuse])).toMatchObject({ lost });
});

test("an event that stands twice in the log is told, and money that operations moved beyond what was asked", async () => {
  const asked = { sum: "captured", amount: 40_00, status: "done" } as const;
  const parts = await lived(right, [{ ...asked }]);
  const line = {
    event: "confirm",
    amount: 100,
    isSuccess: true,
    responseJson: JSON.stringify({ eventKey: "confirm" }),
  };
  const url = "/api/v0/checkout/orders/o_1/payments/p_1/transactions";
  const server = await listenOnLoopback(parts.norce.handler);
  onTestFinished(async () => await server.close());
  const headers = {
    authorization: `Bearer ${parts.norce.token}`,
    "x-merchant": "acme",
    "x-channel": "se",
    "content-type": "application/json",
  };
  const append = async (): Promise<number> =>
    (await fetch(server.url + url, { method: "POST", headers, body: JSON.stringify(line) })).status;
  expect(await append()).toBeLessThan(300);
  const moved = (captured: number) => new Map([["p_1", { captured, refunded: 0, released: 0 }]]);
  const calm = { doubledLines: [], doubledMoney: [], operations: { asked: 1, carriedOut: 1, refused: 0 } };
  expect(judge({ ...parts, moved: moved(40_00) }, nobody, [])).toMatchObject(calm);
  expect(await append()).toBeLessThan(300);
  expect(judge({ ...parts, moved: moved(80_00) }, nobody, [])).toMatchObject({
    doubledLines: [expect.stringContaining("confirm stands twice")],
    doubledMoney: [expect.stringContaining("8000 captured by operations, 4000 asked")],
  });
});

test("a moment is the piece with which something begins, and so many pieces more; it is struck before the piece arrives", async () => {
  const got: string[] = [];
  const server = createServer((socket) =>
    socket.on("data", (piece) => {
      got.push(piece.toString());
      socket.write(`re: ${piece.toString()}`);
    }),
  );
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  const wire = createWire();
  onTestFinished(async () => {
    await wire.close();
    server.close();
  });
  const port = await wire.lead("engine", typeof address === "object" ? (address?.port ?? 0) : 0);
  const client = connect(port, "127.0.0.1");
  onTestFinished(() => void client.destroy());
  const struck: number[] = [];
  const begins = { whom: "engine", way: "up", begins: /second/ } as const;
  const moments = [0, 1].map((after) =>
    wire.at(
      { ...begins, after },
      () => void struck.push(after, got.filter((piece) => piece.includes("second")).length),
      60_000,
    ),
  );
  const never = wire.at({ ...begins, begins: /third/, after: 0 }, () => void struck.push(-1), 1);
  client.write("first");
  client.once("data", () => client.write("second"));
  expect(await Promise.all([...moments, never])).toEqual([true, true, false]);
  // As it leaves nobody has it; the next piece is the answer to it.
  expect(struck).toEqual([0, 0, 1, 1]);
});

test.runIf(findBinary("redis-server") !== undefined && findBinary("cc") !== undefined)(
  "power that is lost takes what was not synced, and nothing else",
  async () => {
    const power = openPower();
    for (const fsync of ["always", "no"] as const) {
      const [port, folder] = [await freePort(), folderOf("power")];
      const server = serverOf("redis-server", redisParameters(port, folder, fsync), port, { env: power?.environment });
      await server.start();
      onTestFinished(() => server.end("SIGKILL"));
      const redis = new Redis(port);
      redis.on("error", () => undefined);
      onTestFinished(() => redis.disconnect());
      await redis.set("told", "OK");
      await server.end("SIGKILL");
      const gone = power?.cut(folder) ?? 0;
      await server.start();
      expect([fsync, gone > 0, await redis.get("told")]).toEqual(
        fsync === "always" ? ["always", false, "OK"] : ["no", true, null],
      );
    }
  },
);

test("runs add up, by engine and together", () => {
  const run = { engine: "redis", minutes: 2, payments: 3, hard: 5, soft: 7, lost: 0 } as Counted;
  const table = sumTableOf([run, { ...run, seed: 2, lost: 1 }, { ...run, engine: "cluster" }]).split("\n");
  const of = (name: string): string[] => (table.find((row) => row.includes(name)) ?? "").split(" | ");
  const at = (title: string): number => of("| engine |").findIndex((cell) => cell.startsWith(title));
  for (const [title, redis, all] of [
    ["payments", "6", "9"],
    ["faults to", "10", "15"],
    ["**lost**", "1", "1"],
  ] as const)
    expect([title, of("**redis**")[at(title)], of("**all**")[at(title)]]).toEqual([title, redis, all]);
});
