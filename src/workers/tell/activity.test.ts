import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import type { PaymentKey } from "../../contract/adapter.ts";
import type { StoredEvent } from "../../queue/jobs.ts";
import { createPeers, norcePeer, type PeerRecord, type Peers } from "../../queue/peers.ts";
import type { Store } from "../../queue/store.ts";
import { createMemoryStore } from "../../../test/support/memory-store.ts";
import type { Found } from "../found.ts";
import { type Activity, tellActivity } from "./activity.ts";
import { usuallyBetween } from "./silence.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const key: PaymentKey = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const account = { peer: "any", merchant: "acme", channel: "se" };

let now = 0;
let store: Store;
let found: Found[] = [];
let over: string[] = [];

/** A process of its own: it knows what stands in the store, and what it has met since. */
function opened(): Activity {
  const log = pino({ level: "silent" });
  return tellActivity({
    peers: createPeers(store),
    log,
    now: () => now,
    found: (_, one) => void found.push(one),
    over: (_, name) => void over.push(name),
  });
}

/** Does something in a process that ends then, and so hands over what it has met. */
async function meet(act: (process: Activity) => void): Promise<void> {
  const process = opened();
  act(process);
  await process.close();
}

const webhook = (at = now, by?: string): StoredEvent => ({
  target: key,
  webhook: "push",
  receivedAt: at,
  event: { key: String(at), type: "push", at: null },
  ...(by === undefined ? {} : { by }),
});

const repaired = (process: Activity): void =>
  process.looked?.(
    {
      key,
      by: "sweep",
      announced: false,
      hadLetter: false,
      came: { outcome: { is: "unchanged", state: "reserved" } },
      step: { do: "rest" },
      startedAt: now,
      now,
    },
    { outcome: "written", from: "intent", to: "reserved", wrote: ["state"] },
  );

async function known(peer = account): Promise<PeerRecord | undefined> {
  return (await createPeers(store).list()).find((one) => one.peer === peer.peer);
}

beforeEach(() => {
  now = Date.parse("2026-03-04T12:00:00.000Z");
  [store, found, over] = [createMemoryStore(), [], []];
});

test("what several processes met of an account adds up", async () => {
  const processes = [opened(), opened()];
  for (const [index, process] of processes.entries()) {
    process.received?.([webhook(now + index, "newest"), webhook(now + index + 10, "older")]);
    repaired(process);
  }
  await Promise.all(processes.map((process) => process.close()));
  expect(await known()).toMatchObject({
    lookedAt: now,
    heardAt: now + 11,
    keys: { newest: { webhooks: 2, since: now, last: now + 1 }, older: { webhooks: 2, last: now + 11 } },
  });
  expect((await known(norcePeer))?.lookedAt).toBe(now);
});

test("events of one request are one webhook", async () => {
  await meet((process) => process.received?.([webhook(now, "key"), webhook(now, "key")]));
  expect((await known())?.keys).toMatchObject({ key: { webhooks: 1 } });
});

test("a trouble lasts until any process is answered, also where the one that met it is gone", async () => {
  const since = now - minute;
  await meet((process) => process.peerFails(norcePeer, "refused", since, { status: 401 }));
  now += hour;
  await meet((process) => process.peerFails(norcePeer, "refused", now, { status: 401 }));
  expect((await known(norcePeer))?.refused).toEqual({ since, last: now, facts: { status: 401 } });
  now += hour;
  await meet((process) => process.peerAnswers(norcePeer, false));
  expect(await known(norcePeer)).toMatchObject({ overAt: now });
  expect(await known(norcePeer)).not.toHaveProperty("refused");
  // What is met afterwards is another one; who refuses is not down.
  now += 1;
  await meet((process) => process.peerFails(norcePeer, "down", now, {}));
  now += 1;
  await meet((process) => process.peerFails(norcePeer, "refused", now, {}));
  expect(await known(norcePeer)).toMatchObject({ refused: { since: now } });
  expect(await known(norcePeer)).not.toHaveProperty("down");
});

test("what could not be written down is written with what comes next", async () => {
  const peers = createPeers(store);
  let away = true;
  const change: Peers["change"] = async (peer, changed) => {
    if (away) throw new Error("away");
    return await peers.change(peer, changed);
  };
  const log = pino({ level: "silent" });
  const nobody = { found: () => undefined, over: () => undefined };
  const process = tellActivity({ peers: { change }, log, now: () => now, ...nobody });
  process.received?.([webhook(now, "key")]);
  process.peerFails(account, "down", now, {});
  await expect.poll(async () => await known()).toBeUndefined();
  away = false;
  await process.close();
  expect(await known()).toMatchObject({ down: { since: now }, keys: { key: { webhooks: 1 } } });
});

describe("webhooks are silent", () => {
  /** Ten an hour from 8 to 20, for some days; then none. */
  const shop = async (days: number): Promise<void> => {
    now = Date.parse("2026-03-01T00:00:00.000Z");
    for (let past = 0; past < days; past += 1, now += day)
      await meet((process) => {
        for (let at = now + 8 * hour; at < now + 20 * hour; at += 6 * minute) process.received?.([webhook(at)]);
      });
  };
  const missed = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) await meet(repaired);
  };

  test("where payments moved and many more usually come in that time, and over with the next one", async () => {
    await shop(5);
    const heardAt = now - 4 * hour - 6 * minute;
    // In the night nobody buys: what moves then is captured in the PSP's portal.
    now += 6 * hour;
    await missed(3);
    expect(found).toEqual([]);
    now += 4 * hour;
    await missed(1);
    expect(found).toMatchObject([
      { name: "webhooks-silent", facts: { since: new Date(heardAt).toISOString(), found: 4 } },
    ]);
    expect((await known())?.silent).toMatchObject({ since: heardAt });
    await missed(1);
    expect(found.at(-1)).toMatchObject({ facts: { found: 5 } });
    now += minute;
    await meet((process) => process.received?.([webhook()]));
    expect(over).toEqual(["webhooks-silent"]);
    expect(await known()).toMatchObject({ missed: 0, heardAt: now });
    expect(await known()).not.toHaveProperty("silent");
  });

  test("not as long as nothing moves, nor for one payment, nor right after a webhook", async () => {
    await shop(5);
    now += 20 * hour;
    await meet((process) => process.peerAnswers(account, false));
    await missed(1);
    expect(found).toEqual([]);
    await meet((process) => process.received?.([webhook()]));
    now += 10 * minute;
    await missed(5);
    expect(found).toEqual([]);
  });

  test("also where none ever came", async () => {
    await missed(2);
    now += 2 * hour;
    await missed(1);
    expect(found).toMatchObject([{ name: "webhooks-silent", facts: { found: 3, expected: 0 } }]);
  });

  test("what is usual is learned by the hour, and forgotten again", async () => {
    await shop(5);
    const record = async (): Promise<PeerRecord> => (await known()) as PeerRecord;
    await meet((process) => process.received?.([webhook()]));
    const at = (hours: number): number => now + hours * hour;
    expect(usuallyBetween(await record(), at(0), at(7))).toBe(0);
    expect(usuallyBetween(await record(), at(9), at(11))).toBeCloseTo(20);
    expect(usuallyBetween(await record(), at(0), at(48))).toBeCloseTo(240);
    now += 30 * day;
    await meet((process) => process.received?.([webhook()]));
    expect(usuallyBetween(await record(), at(9), at(11))).toBeLessThan(2);
    expect(JSON.stringify(await record()).length).toBeLessThan(800);
  });
});
