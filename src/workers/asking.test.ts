import { pino } from "pino";
import { expect, test } from "vitest";
import { loadAdapters } from "../adapters/registry.ts";
import { type Config, createConfig } from "../config.ts";
import { createMeters } from "../lib/meters.ts";
import type { Outgoing } from "../lib/transport.ts";
import { type Asking, createAsking, type Following, partsNow, perAdapter } from "./asking.ts";

const adapters = await loadAdapters(["klarna-checkout", "walley-checkout"]);
const key = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };

const configWith = (token: string, apiSecret: string, folders: readonly string[] = ["klarna-checkout"]): Config => {
  const all: Record<string, object> = {
    "klarna-checkout": { adapterId: "k", apiUrl: "https://k.example", username: "u", password: "p" },
    "walley-checkout": {
      adapterId: "w",
      apiUrl: "https://w.example",
      authenticationUrl: "https://w.example",
      scope: "s",
      clientId: "c",
      storeId: "1",
      apiSecret,
    },
  };
  return createConfig(
    { URL_SIGNING_KEYS: "signing-key-of-at-least-32-characters" },
    {
      norce: { orderApi: "https://n.example", token },
      merchants: { acme: { se: Object.fromEntries(folders.map((folder) => [folder, all[folder]])) } },
    },
    adapters,
  );
};

/** What counts can be changed; what was sent is kept, and how often chance was asked. @param status what everybody answers. */
function follow(first: Config, status = 404) {
  let counts = first;
  let drawn = 0;
  const sent: Outgoing[] = [];
  const listeners: (() => void)[] = [];
  const asking = createAsking({
    current: () => counts,
    log: pino({ level: "silent" }),
    meters: createMeters(),
    transport: async (outgoing) => {
      sent.push(outgoing);
      return { status, headers: {}, text: "" };
    },
    now: Date.now,
    random: () => {
      drawn += 1;
      return 0;
    },
  });
  const parts: Following<Asking> = { asking, changed: (listener) => void listeners.push(listener) };
  return {
    parts,
    sent,
    drawn: () => drawn,
    change(next: Config) {
      counts = next;
      for (const listener of listeners) listener();
    },
  };
}

test("a job ends with what it began with, and the next one takes what counts then", async () => {
  const { parts, sent, change } = follow(configWith("one", "s"));
  const job = partsNow(parts);
  change(configWith("two", "s"));
  await job.norce.payment(key);
  await partsNow(parts).norce.payment(key);
  expect(sent.map(({ headers }) => headers["authorization"])).toEqual(["Bearer one", "Bearer two"]);
});

test("Norce, too, is asked by the process's own chance", async () => {
  const { parts, drawn } = follow(configWith("t", "s"), 503);
  await expect(partsNow(parts).norce.payment(key)).rejects.toMatchObject({ kind: "Unreachable" });
  expect(drawn()).toBeGreaterThan(0);
});

test("what has not changed is asked with the same clients", () => {
  const { parts, change } = follow(configWith("one", "s"));
  const before = partsNow(parts);
  change(configWith("one", "s"));
  const after = partsNow(parts);
  expect(after.config).not.toBe(before.config);
  expect(after.norce).toBe(before.norce);
});

test("credentials that changed fetch a token of their own; those that did not, none", async () => {
  const { parts, change } = follow(configWith("t", "one", ["walley-checkout"]));
  const account = { adapter: "walley-checkout", merchant: "acme", channel: "se" };
  let fetched = 0;
  const ask = async (): Promise<void> => {
    const { config, contexts } = partsNow(parts);
    const found = config.find(account);
    if (found === undefined) throw new Error("not configured");
    const context = contexts(account, found, { signal: new AbortController().signal });
    const authority = {
      account: "w",
      authorize: async () => ({ authorization: `Bearer ${(fetched += 1)}`, expiresInSeconds: 3_600 }),
    };
    const http = context.http({ baseUrl: "https://w.example", authority });
    await http({ method: "POST", path: "/", route: "/" }).catch(() => undefined);
  };
  await ask();
  await ask();
  change(configWith("t", "one", ["walley-checkout"]));
  await ask();
  expect(fetched).toBe(1);
  change(configWith("t", "two", ["walley-checkout"]));
  await ask();
  await ask();
  expect(fetched).toBe(2);
});

test("an adapter that is configured later gets its worker, once, until all are closed", async () => {
  const { parts, change } = follow(configWith("t", "s"));
  const [started, closed]: [string[], string[]] = [[], []];
  const work = perAdapter(parts, (adapter) => {
    started.push(adapter);
    return { close: async () => void closed.push(adapter) };
  });
  change(configWith("t", "s", ["klarna-checkout", "walley-checkout"]));
  change(configWith("t", "s", ["walley-checkout"]));
  expect(started).toEqual(["klarna-checkout", "walley-checkout"]);
  await work.close();
  expect(closed).toEqual(started);
  change(configWith("t", "s", ["klarna-checkout"]));
  expect(started).toHaveLength(2);
});
