import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { wellFormed } from "../../src/lib/text.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClosures } from "../../src/queue/closures.ts";
import type { Engine } from "../../src/queue/engine.ts";
import { createHeartbeats } from "../../src/queue/heartbeats.ts";
import { until } from "../support/until.ts";
import type { DeadLetter, InboxJob } from "../../src/queue/jobs.ts";
import { createPeers, type PeerRecord } from "../../src/queue/peers.ts";
import { createLedger, type Drift } from "../../src/queue/ledger.ts";
import { createLetters } from "../../src/queue/letters.ts";
import { createClaims, createReferences } from "../../src/queue/references.ts";
import { createSeam } from "../../src/queue/seam.ts";
import { createSweeps } from "../../src/queue/sweeps.ts";
import { createTurns } from "../../src/queue/turns.ts";
import { engines, type TestEngine } from "../support/engines.ts";
import { newKey } from "../support/payments.ts";
import { twinEngine } from "../support/twin.ts";

describe.each([...engines(), twinEngine()])("records on $name", (testEngine: TestEngine) => {
  let engine: Engine;

  beforeAll(async () => {
    await testEngine.start();
    engine = await testEngine.open(pino({ level: "silent" }));
  }, 300_000);
  afterAll(async () => {
    await engine.close();
    await testEngine.stop();
  });

  test("a payment has one letter, an event its own; pages are newest first; ids that cannot be one lead nowhere", async () => {
    const letters = createLetters(engine.store("patient"));
    const key = newKey();
    const letter = (reason: string, event?: DeadLetter["event"]): DeadLetter => ({
      key,
      kind: "Refused",
      reason,
      since: 1,
      at: 2,
      ...(event === undefined ? {} : { event }),
    });
    await letters.put(letter("once"));
    await letters.put(letter("twice"));
    await letters.put(letter("of an event", { key: "e", type: "capture" }));
    expect(await letters.count()).toBe(2);
    const first = await letters.page(1);
    const second = await letters.page(1, first.next);
    expect([...first.records, ...second.records].map(({ value }) => value.reason).toSorted()).toEqual([
      "of an event",
      "twice",
    ]);
    expect(second.next).toBeUndefined();
    // Given up again for the same reason it is the same trouble; for another one it is another.
    const again = { ...letter("twice"), context: { reason: "unresolved" }, since: 30, at: 40 };
    expect(await letters.put(again)).toEqual(again);
    expect(await letters.put({ ...again, since: 50, at: 60 })).toEqual(again);
    expect(await letters.of(key)).toMatchObject(again);
    expect(await letters.has(key)).toBe(true);
    await letters.clear(key);
    expect(await letters.has(key)).toBe(false);
    const [left] = await letters.list(10);
    expect(await letters.read(left?.id ?? "")).toEqual(letter("of an event", { key: "e", type: "capture" }));
    for (const id of ["meta", "", "../x", "a:b", `${left?.id ?? ""}x`]) {
      expect(await letters.read(id)).toBeUndefined();
      await letters.remove(id);
    }
    await letters.withdraw(letter("of another event", { key: "e", type: "capture" }));
    expect(await letters.count()).toBe(1);
    await letters.withdraw(letter("of an event", { key: "e", type: "capture" }));
    expect(await letters.count()).toBe(0);
    await letters.put(letter("of an event", { key: "e", type: "capture" }));
    await letters.clear({ key, event: { key: "e", type: "capture" } });
    expect(await letters.list(10)).toEqual([]);
  });

  test("what no engine can call a text is stored all the same: events, looks and their hints, letters, journals", async () => {
    const seam = createSeam(engine);
    const key = newKey();
    for (const odd of ["a\u0000b", "a\ud800b", "\udc00", "\\u0000 is a text"]) {
      const event = { key: odd, type: odd, at: null, reference: odd, clues: [{ echo: odd }] };
      const stored = { target: key, webhook: "push", receivedAt: 1, event };
      await seam.inbox.add([stored]);
      await seam.events.add(randomUUID(), stored);
      const journal = [{ at: 1, kind: "received", facts: { odd } }];
      await seam.looks.ask([{ key, by: "webhook", hint: wellFormed(odd), journal }], "patient");
      await seam.letters.put({ key, kind: "Refused", reason: odd, since: 1, at: 2, context: { odd } });
      expect((await seam.letters.list(1))[0]?.reason).toMatch(/^(a.b|.|\\u0000 is a text)$/s);
    }
    const jobs = await engine.queue<InboxJob>("inbox", "patient").getJobs(["waiting"]);
    const texts = jobs.map(({ data: { events } }) => events[0]?.event.reference);
    const known = ["\\u0000 is a text", "a\ufffdb", "a\ufffdb", "\ufffd"];
    expect(texts).toEqual(expect.arrayContaining(known));
    expect(texts).toHaveLength(known.length);
    await seam.letters.clear(key);
  });

  test("a reference leads to its payment, and belongs to whoever claimed it first until they give way", async () => {
    const references = createReferences(engine.store("patient"));
    const claims = createClaims(engine.store("patient"));
    const psp = { account: "shop-1", reference: "psp:1" };
    const one = newKey();
    // Of the same order: it is another payment all the same.
    const other = { ...one, paymentId: newKey().paymentId };
    await references.put(one, "psp:1", 1);
    expect(await references.get("psp:1", one)).toEqual(one);
    expect(await references.get("psp:1", { ...one, channel: "no" })).toBeNull();
    expect(await references.get("psp:2", one)).toBeNull();
    const answers = await Promise.all([one, other, one, other].map((key) => claims.claim(key, psp, 1)));
    const winner = answers[0] === undefined ? one : other;
    const loser = winner === one ? other : one;
    expect(answers.filter((holder) => holder === undefined)).toHaveLength(2);
    const holder = await claims.claim(loser, psp, 1);
    expect(holder?.key).toEqual(winner);
    if (holder === undefined) return;
    expect(await claims.takeOver(loser, psp, 1, { ...holder, version: "another" })).toBe(false);
    expect(await claims.takeOver(loser, psp, 1, holder)).toBe(true);
    expect(await claims.takeOver(winner, psp, 1, holder)).toBe(false);
    expect(await claims.claim(loser, psp, 1)).toBeUndefined();
    expect((await claims.claim(winner, psp, 1))?.key).toEqual(loser);
  });

  test("a closure is told again and ends by itself", async () => {
    const closures = createClosures(engine);
    const closure = { adapter: "any", account: "acme", why: "psp-down", until: 1 } as const;
    await closures.tell(closure, 60_000);
    await closures.tell({ ...closure, why: "psp-busy" }, 60_000);
    await closures.tell({ ...closure, account: "other" }, 1);
    await expect.poll(() => closures.list()).toEqual([{ ...closure, why: "psp-busy" }]);
  });

  test("where a sweep never came it is empty; afterwards it is what was saved", async () => {
    const sweeps = createSweeps(engine);
    expect(await sweeps.read("acme", "se")).toEqual({});
    await sweeps.save("acme", "se", { recent: { swept: 1 } });
    await sweeps.save("acme", "se", { recent: { swept: 2 } });
    expect(await sweeps.read("acme", "se")).toEqual({ recent: { swept: 2 } });
    expect(await sweeps.read("acme", "no")).toEqual({});
    const [se, no] = ["se", "no"].map((channel) => ({ merchant: "acme", channel }));
    if (se !== undefined && no !== undefined)
      expect(await sweeps.all([no, se])).toEqual([
        { ...no, progress: {} },
        { ...se, progress: { recent: { swept: 2 } } },
      ]);
  });

  test("a process that says nothing any more is missed, and when one was last heard of is known", async () => {
    const heartbeats = createHeartbeats(engine.store("patient"));
    expect(await heartbeats.last()).toBeUndefined();
    await heartbeats.beat("killed", { concurrency: 1 }, 200);
    await heartbeats.beat("ends", { concurrency: 1 }, 60_000);
    const heard = await heartbeats.last();
    expect(Math.abs((heard ?? 0) - Date.now())).toBeLessThan(5_000);
    await heartbeats.gone("ends");
    await until(async () => (await heartbeats.list()).length === 0, "both to be missed");
    expect(await heartbeats.last()).toBe(heard);
  });

  test("what is known of a peer is changed by all processes, and none undoes another's", async () => {
    const stores = ["patient", "prompt"] as const;
    const processes = stores.map((temper) => createPeers(engine.store(temper)));
    const peer = { peer: "any", merchant: "acme", channel: "se" };
    const more = (known: PeerRecord | undefined): PeerRecord => ({
      ...peer,
      since: 1,
      keys: {},
      rhythm: { day: 0, today: [] },
      missed: (known?.missed ?? 0) + 1,
    });
    for (let time = 0; time < 10; time += 1)
      await Promise.all(processes.map(async (process) => await process.change(peer, more)));
    expect(await processes[0]?.list()).toMatchObject([{ ...peer, missed: 20 }]);
  });

  test("one operation of a payment has its turn; the same one takes it up again, and its old holder has lost it", async () => {
    const take = createTurns(engine.store("patient"));
    const key = newKey();
    const turns = await Promise.all(["one", "two", "three"].map((id) => take(key, id)));
    const at = turns.findIndex((turn) => turn !== undefined);
    const [first] = turns.filter((turn) => turn !== undefined);
    expect(turns.filter((turn) => turn !== undefined)).toHaveLength(1);
    expect(await first?.keep(60_000)).toBe(true);
    const again = await take(key, ["one", "two", "three"][at] ?? "");
    expect(await first?.isMine()).toBe(false);
    expect(await first?.keep(60_000)).toBe(false);
    await first?.end();
    expect(await again?.isMine()).toBe(true);
    expect(await take(key, "four")).toBeUndefined();
    await again?.end();
    expect(await take(key, "four")).toBeDefined();
    expect(await take(newKey(), "four")).toBeDefined();
  });

  describe("the ledger", () => {
    const day = 24 * 3_600_000;
    const drift = (at: number, name = "missed-event"): Drift => ({
      name,
      at,
      adapter: "any",
      merchant: "acme",
      channel: "se",
    });
    const of = async (merchant: string, from = 0, to = Infinity): Promise<readonly Drift[]> =>
      (await createLedger(engine, "patient").read({ merchant, from, to })).drift.map(({ id: _id, ...entry }) => entry);

    test("an entry is resolved and open again, and what a person has dealt with stays so", async () => {
      const ledger = createLedger(engine, "patient");
      const [id, entry] = [["resolved"], { ...drift(5, "dispute"), merchant: "resolved" }];
      await ledger.resolved(id, 6);
      expect(await of("resolved")).toEqual([]);
      await ledger.once(id, entry);
      await ledger.resolved(id, 7);
      expect(await of("resolved")).toEqual([{ ...entry, resolvedAt: 7 }]);
      await ledger.once(id, { ...entry, at: 8 });
      expect(await of("resolved")).toEqual([{ ...entry, last: 8 }]);
      const [stored] = (await ledger.read({ merchant: "resolved", from: 0, to: Infinity })).drift;
      expect(await ledger.dismiss(stored?.id ?? "", 9)).toBe(true);
      await ledger.standing(id, { ...entry, at: 10 });
      expect(await of("resolved")).toEqual([{ ...entry, last: 10, dismissedAt: 9 }]);
      for (const none of ["x", "../drift", "a".repeat(43)]) expect(await ledger.dismiss(none, 9)).toBe(false);
    });

    test("reads a period, oldest first, of more records than a page", async () => {
      const ledger = createLedger(engine, "patient");
      const times = Array.from({ length: 620 }, (_, at) => at);
      await Promise.all(times.map((at) => ledger.once(["many", String(at)], { ...drift(at), merchant: "many" })));
      await ledger.once(["many", "0"], { ...drift(9_999), merchant: "many" });
      expect((await of("many")).map(({ at }) => at)).toEqual(times);
      expect(await of("many", 600, 610)).toHaveLength(10);
      await ledger.tally(
        ["t"],
        [
          {
            hour: 1,
            adapter: "any",
            merchant: "many",
            channel: "se",
            compared: 1,
            agreed: 1,
            repaired: 0,
            unresolved: 0,
          },
        ],
      );
      await ledger.tally(
        ["t"],
        [
          {
            hour: 1,
            adapter: "any",
            merchant: "many",
            channel: "se",
            compared: 2,
            agreed: 1,
            repaired: 1,
            unresolved: 0,
          },
        ],
      );
      expect((await ledger.read({ from: 0, to: 2, merchant: "many" })).tallies).toMatchObject([{ compared: 2 }]);
    });

    test("a webhook that comes after its repair makes the last one late, once", async () => {
      const ledger = createLedger(engine, "patient");
      const key = newKey();
      await ledger.late(key);
      for (const at of [1, 2]) await ledger.repaired(key, { ...drift(at), merchant: "late" });
      await ledger.late(key);
      await ledger.late(key);
      expect((await of("late")).map(({ name }) => name)).toEqual(["missed-event", "late-event"]);
    });

    test("what goes on being true is one entry, of every period in which it was", async () => {
      const ledger = createLedger(engine, "patient");
      const found = { ...drift(2 * day, "two-live-payments"), merchant: "standing" };
      for (const at of [2 * day, 5 * day, 9 * day]) await ledger.standing(["d", "p"], { ...found, at });
      expect(await of("standing")).toEqual([{ ...found, last: 9 * day }]);
      const periods = [
        [0, 2],
        [0, 3],
        [5, 6],
        [9, 10],
        [10, 11],
      ] as const;
      const counts = await Promise.all(
        periods.map(async ([from, to]) => (await of("standing", from * day, to * day)).length),
      );
      expect(counts).toEqual([0, 1, 1, 1, 0]);
    });
  });
});
