import { vi } from "vitest";
import type {
  DesiredPayment,
  Json,
  KeptEvent,
  LookContext,
  PaymentKey,
  PublicFiles,
  Target,
} from "../../src/contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest, SimulatedWebhook, Simulator } from "../../src/contract/simulator.ts";
import type { ListOptions } from "../../sandbox/kernel/kernel.ts";
import { loadSimulator } from "../../sandbox/kernel/load.ts";
import { type Config, createConfig } from "../../src/config.ts";
import { createLog } from "../../src/lib/log.ts";
import { majorFromMinor } from "../../src/lib/money.ts";
import { createMeters, type Meters } from "../../src/lib/meters.ts";
import { createTransport } from "../../src/lib/transport.ts";
import { createNorceClient } from "../../src/norce/client.ts";
import { logFrom, type TransactionLog } from "../../src/norce/log-line.ts";
import type { CurrentPayment } from "../../src/norce/payment.ts";
import { eventsName, inboxName, laneName } from "../../src/queue/names.ts";
import type { DeadLetter, StoredEvent } from "../../src/queue/seam.ts";
import { listenOnLoopback } from "../../sandbox/loopback.ts";
import { createSandboxNorce, type Document, type SandboxNorce } from "../../sandbox/norce.ts";
import { createSandboxPsp } from "../../sandbox/psp.ts";
import { createApp } from "../../src/webhooks/app.ts";
import { storeTogether } from "../../src/webhooks/store-together.ts";
import { createPublicFiles } from "../../src/signatures/public-files.ts";
import { callbackUrl } from "../../src/signatures/urls.ts";
import { createContexts } from "../../src/adapters/contexts.ts";
import { lookContext } from "../../src/workers/look/open.ts";
import type { LookFacts } from "../../src/workers/tell/told.ts";
import { startWorker } from "../../src/worker.ts";
import { createListSeam } from "./list-seam.ts";
import { fixtureSigningKey, signingKeysOf } from "./signing.ts";
import type { Subject } from "./subjects.ts";
import { createWire } from "./wire.ts";

/**
 * Both halves of the service between the sandbox's Norce and one adapter's simulated PSP, but with queues that are lists: nothing runs by
 * itself, and no time passes unless somebody waits for it. It starts the same way every time.
 */
export interface Stage {
  readonly config: Config;
  readonly meters: Meters;
  /** Every log line, as it would have been printed. */
  readonly logged: readonly string[];
  letters(): Promise<readonly DeadLetter[]>;
  /** Every event that was stored since the last `reset`. */
  readonly stored: readonly StoredEvent[];
  /** Norce and the PSP, both empty at first and after `reset`. */
  readonly norce: SandboxNorce;
  readonly simulator: Simulator;
  /** What the adapter asked the PSP since the last `reset`. */
  readonly asked: readonly SimulatedRequest[];
  /** Forgets everything and sets the clock back. */
  reset(): Promise<void>;
  purchase(options?: PurchaseOptions): Purchase;
  /** Sends a webhook to the service, which stores its events; says its answer. */
  deliver(webhook: Omit<SimulatedWebhook, "webhook">): Promise<Response>;
  /** Asks for a look at a payment, and for no more than one. */
  look(key: PaymentKey): Promise<LookFacts>;
  /**
   * Looks as long as anything is stored or waits for less than a minute, letting that time pass. Who is patient also waits for events that
   * try again within a quarter of an hour.
   * @throws Error where a look ends as a dead letter, or the payment does not come to rest.
   */
  rest(key: PaymentKey, patience?: "impatient" | "patient"): Promise<void>;
  /** What the PSP says now, by the adapter's `fetch` alone. */
  snapshot(purchase: Purchase): Promise<unknown>;
  /** What should stand in Norce by that, or by what the PSP said just now. */
  desired(purchase: Purchase, snapshot?: unknown): Promise<DesiredPayment | null>;
  /** Our signed callback URL, as adapters get it. */
  callbackUrl(target: Target, webhook: string): string;
  /** How many writes Norce took, and how many calls other than GET the PSP did. */
  writes(): number;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly states?: "ten" | "twelve";
  readonly version?: "v0" | "v1";
  readonly norceToken?: string;
  /** How the PSP serves its lists. */
  readonly lists?: ListOptions;
  readonly settings?: (apiUrl: string) => Readonly<Record<string, Json>>;
  /** Asks Norce and the PSP over the network, as in production. Otherwise their servers are called in this process. */
  readonly sockets?: boolean;
  /** What lies in public and proofs take. Default: what the PSP's server has. */
  readonly files?: PublicFiles;
  /** What becomes of the PSP's answer on its way. */
  readonly answered?: (answer: SimulatedAnswer, request: SimulatedRequest) => SimulatedAnswer;
}

export interface PurchaseOptions {
  /** False: the payment in Norce has no reference yet. */
  readonly referenced?: boolean;
  readonly recurring?: boolean;
  /** Minor units. */
  readonly amount?: number;
  readonly currency?: string;
  /** Another attempt of the shopper's at the payment of this purchase: new at the PSP, the same in Norce. */
  readonly againAt?: Purchase;
}

export interface Purchase {
  readonly key: PaymentKey;
  readonly reference: string;
  actions(): readonly string[];
  /** Does it at the PSP, for a part of the amount where it takes one; false where it is not possible so. */
  act(action: Act): boolean;
  /** Webhooks that the PSP wants sent by now, at most two attempts of its schedule. */
  sent(): readonly SimulatedWebhook[];
  payment(): Document;
  state(): unknown;
  /** The payment's log without the times at which it was written. */
  transactions(): readonly Document[];
  /** Our keys of its transactions, in the order of the log. */
  eventKeys(): readonly unknown[];
}

/** Something to do at the PSP: all of the amount, or a part where the action takes an amount. */
export interface Act {
  readonly name: string;
  readonly part: boolean;
}

/** When every stage begins. */
const beginning = Date.parse("2026-02-03T10:00:00.000Z");
const usualAmount = 100_00;
/** How much of a purchase an action is for where it is for a part. */
export const partAmount = 40_00;
/** What somebody waits for; a look that is asked for later than this is somebody else's. */
const soonMs = 59_000;
/** An event whose payment is not known yet is tried again within a quarter of an hour. */
const eventPatienceMs = 16 * 60_000;
const mostLooks = 40;
const second = 1_000;

/** Opens a stage. Its clock is the process's: one stage at a time, and `close` gives the clock back. */
export async function openStage(subject: Subject, options: StageOptions = {}): Promise<Stage> {
  const { folder, adapter } = subject;
  vi.useFakeTimers({ toFake: ["Date"], now: beginning });
  const { norceToken: token = "norce-token", states = "ten" } = options;
  const newNorce = (): SandboxNorce => createSandboxNorce({ token, states });
  const newSimulator = async (): Promise<Simulator> => {
    const simulator = await loadSimulator(folder, {
      timeScale: 0,
      ...(options.lists === undefined ? {} : { lists: options.lists }),
    });
    if (simulator === undefined) throw new Error(`add ${folder}/simulator.ts, the PSP with a memory`);
    return simulator;
  };
  let norce = newNorce();
  let simulator = await newSimulator();
  let asked: SimulatedRequest[] = [];
  let purchases = 0;

  const answer: Simulator["answer"] = (request) => {
    asked.push(request);
    const answered = simulator.answer(request);
    return options.answered?.(answered, request) ?? answered;
  };
  /** The simulator that there is now. Webhooks are sent by whoever tells the story. */
  const relay = new Proxy(simulator, {
    get: (_, name) => (name === "answer" ? answer : name === "due" ? () => [] : simulator[name as keyof Simulator]),
  });
  const psp = createSandboxPsp({ simulators: new Map([[folder, relay]]) });
  const pspServer = await listenOnLoopback(psp.handler);
  const norceServer = await listenOnLoopback((request, response) => norce.handler(request, response));
  const apiUrl = `${pspServer.url}/${folder}`;
  const adapterId = `acme_${folder}`;
  const config = createConfig(
    { URL_SIGNING_KEYS: fixtureSigningKey, PUBLIC_URL: "http://localhost" },
    {
      norce: {
        orderApi: `${norceServer.url}/checkout/order`,
        token,
        states,
        ...(options.version === undefined ? {} : { version: options.version }),
      },
      merchants: {
        acme: { se: { [folder]: { adapterId, ...(options.settings?.(apiUrl) ?? simulator.settings(apiUrl)) } } },
      },
    },
    new Map([[folder, adapter]]),
  );
  const logged: string[] = [];
  const log = createLog("debug", { write: (line: string) => void logged.push(line) });
  const meters = createMeters();
  const lists = createListSeam();
  const { seam, engine, run } = lists;
  // A law's walk is thousands of requests: most of its time would go into sockets.
  const transport =
    options.sockets === true
      ? createTransport()
      : createWire(
          new Map([
            [pspServer.url, psp.handler],
            [norceServer.url, (request, response) => norce.handler(request, response)],
          ]),
        );
  const worker = startWorker({ config, engine, queue: seam, log, meters, transport });
  const app = createApp({
    config,
    files: options.files ?? createPublicFiles({ transport }),
    log,
    meters,
    store: storeTogether((events) => seam.inbox.add(events)),
    looks: {
      async ask(key) {
        await seam.looks.ask([{ key, by: "operator" }], "prompt");
        return "";
      },
      status: async (_, operationId) => ({ operationId, status: "unknown" }),
    },
    operations: { ask: async () => "", read: async () => undefined },
    ping: async () => undefined,
    now: Date.now,
  });
  const web = await listenOnLoopback(app);
  // What PSPs sign is the address that they call: the fixtures' and the configuration's, wherever it leads.
  const { publicUrl } = config;
  const maker = { publicUrl, keys: signingKeysOf() };
  const addressOf = (url: string): string => web.url + (url.startsWith("/") ? url : url.slice(publicUrl.length));
  const urlOf: Stage["callbackUrl"] = (target, webhook) => callbackUrl(maker, adapter, target, webhook);
  const contexts = createContexts({ callbackUrl: urlOf, transport });

  const look = async (key: PaymentKey): Promise<LookFacts> => {
    const before = logged.length;
    await run(laneName(folder), key);
    // Only its own lines: all that were ever logged would be read again at every look.
    const lines = logged.slice(before).map((line) => JSON.parse(line) as LookFacts);
    const told = lines.findLast(({ outcome }) => outcome !== undefined);
    if (told === undefined) throw new Error("a look tells what it came to");
    return told;
  };

  /**
   * The next look that the payment waits for, where it is due soon, or where it has failed; the time until then passes. Once two looks
   * in a row found nothing it comes late, as on a busy worker: a PSP that lags is asked a few times and not fifteen.
   */
  const dueLook = (key: PaymentKey, inVain: number): PaymentKey | undefined => {
    const at = lists.timerOf(key);
    const { clocks = {}, suspect, notBefore } = lists.noteOf(key).known ?? {};
    const failed = Object.keys(clocks).length > 0 || suspect !== undefined || notBefore !== undefined;
    if (at === undefined || (!failed && at - Date.now() > soonMs)) return undefined;
    const lateMs = inVain < 2 ? 0 : soonMs;
    vi.setSystemTime(Math.max(at, Date.now() + lateMs));
    return key;
  };

  /** The events that wait by themselves and are due; where none is, the time until the next one passes, if it is due soon. */
  const dueEvents = (pass: boolean, withinMs = soonMs) => {
    const next = Math.min(...lists.events.map(({ at }) => at));
    if (pass && next > Date.now() && next - Date.now() <= withinMs) vi.setSystemTime(next);
    const due = lists.events.filter(({ at }) => at <= Date.now());
    for (const job of due) lists.events.splice(lists.events.indexOf(job), 1);
    return due;
  };

  const transactionLog = ({ key }: Purchase): TransactionLog => logFrom(norce.transactions(key.orderId, key.paymentId));
  const keptOf = (purchase: Purchase): readonly KeptEvent[] => transactionLog(purchase).kept;
  const client = createNorceClient({ ...config.norce, adapterIdOf: () => adapterId, transport });
  let read: { readonly document: Document; readonly current: CurrentPayment } | undefined;
  /** Norce's payment: a law asks the adapter thousands of things between two writes, and what Norce says is the same for all of them. */
  const currentOf = async ({ key }: Purchase): Promise<CurrentPayment> => {
    const document = norce.payment(key.orderId, key.paymentId);
    if (document !== undefined && read?.document === document) return read.current;
    const current = await client.payment(key);
    if (document === undefined || current === null) throw new Error("not in Norce");
    read = { document, current };
    return current;
  };
  const contextOf = async (purchase: Purchase): Promise<LookContext<unknown>> => {
    const { key } = purchase;
    const found = config.find(key);
    if (found === undefined) throw new Error("not configured");
    const asking = contexts(key, found, { signal: AbortSignal.timeout(10_000) });
    return lookContext(key, await currentOf(purchase), asking, Promise.resolve(transactionLog(purchase)));
  };

  const stage: Stage = {
    config,
    meters,
    logged,
    callbackUrl: urlOf,
    letters: async () => await seam.letters.list(100),
    stored: lists.stored,
    get norce() {
      return norce;
    },
    get simulator() {
      return simulator;
    },
    get asked() {
      return asked;
    },
    async reset() {
      vi.setSystemTime(beginning);
      norce = newNorce();
      simulator = await newSimulator();
      // It is where it was, and may have to know that.
      simulator.settings(apiUrl);
      asked = [];
      purchases = 0;
      lists.forget();
    },
    purchase({ referenced = true, recurring = false, amount = usualAmount, currency = "SEK", againAt } = {}) {
      purchases += 1;
      const key = againAt?.key ?? {
        adapter: folder,
        merchant: "acme",
        channel: "se",
        orderId: `o_${purchases}`,
        paymentId: `p_${purchases}`,
      };
      const { orderId: _order, paymentId: _payment, ...account } = key;
      const callbackUrls = Object.fromEntries(
        Object.entries(adapter.webhooks).map(([name, { scope }]) => [
          name,
          callbackUrl(maker, adapter, scope === "payment" ? key : account, name),
        ]),
      );
      const reference = simulator.open({ ...key, amount, currency, callbackUrls, recurring });
      if (againAt === undefined) {
        const order = { currency, country: "SE", culture: "sv-SE" };
        norce.createOrder({ merchant: "acme", channel: "se", id: key.orderId, order });
        norce.addPayment(key.orderId, {
          id: key.paymentId,
          adapterId,
          name: "a payment",
          type: "default",
          currency,
          amount: majorFromMinor(amount, currency),
          state: "intent",
          ...(referenced ? { reference } : {}),
        });
      }
      const logOf = (): readonly Document[] => norce.transactions(key.orderId, key.paymentId);
      const current = (): Document => norce.payment(key.orderId, key.paymentId) ?? {};
      return {
        key,
        reference,
        actions: () => simulator.actions(reference),
        act({ name, part: partly }) {
          try {
            simulator.act(reference, name, partly ? partAmount : undefined);
            // No two things happen in one second.
            vi.setSystemTime(Date.now() + second);
            return true;
          } catch {
            return false;
          }
        },
        sent() {
          const sent = [...simulator.due(Date.now()), ...simulator.due(Date.now())];
          for (const webhook of sent)
            simulator.answered(webhook, { status: 200, body: "", ...adapter.webhooks[webhook.webhook]?.ack });
          return sent;
        },
        payment: current,
        state: () => current()["state"],
        transactions: () => logOf().map(({ created: _created, ...transaction }) => transaction),
        eventKeys: () =>
          logOf().map(({ responseJson }) =>
            typeof responseJson === "string"
              ? (JSON.parse(responseJson) as { eventKey?: unknown }).eventKey
              : undefined,
          ),
      };
    },
    deliver: ({ method, url, headers, body }) =>
      fetch(addressOf(url), {
        method,
        headers: { ...headers },
        ...(method === "POST" ? { body } : {}),
      }),
    look,
    async rest(key, patience = "impatient") {
      let inVain = 0;
      for (let looks = 0; looks < mostLooks; looks += 1) {
        for (const job of lists.inbox.splice(0)) await run(inboxName, job);
        for (const { id, event } of dueEvents(false)) await run(eventsName(folder), event, id);
        const next = lists.asked.shift() ?? dueLook(key, inVain);
        if (next === undefined) {
          const events = dueEvents(true, patience === "patient" ? eventPatienceMs : soonMs);
          if (events.length === 0) return;
          for (const { id, event } of events) await run(eventsName(folder), event, id);
          continue;
        }
        const { outcome, kind, reason } = await look(next);
        inVain = outcome === "unchanged" ? inVain + 1 : 0;
        if (outcome === "dead") {
          throw new Error(`the look ended as a dead letter, ${String(kind)}: ${String(reason)}\n${logged.at(-1)}`);
        }
      }
      throw new Error(
        `the payment did not come to rest within ${mostLooks} looks; the last one said\n${logged.at(-1)}`,
      );
    },
    async snapshot(purchase) {
      if ("fold" in adapter) return keptOf(purchase);
      return (await adapter.fetch(purchase.reference, await contextOf(purchase))) as unknown;
    },
    async desired(purchase, said) {
      const snapshot = said === undefined ? await stage.snapshot(purchase) : said;
      if ("fold" in adapter) return adapter.fold(keptOf(purchase), await contextOf(purchase));
      if (snapshot === null) return null;
      return adapter.map(snapshot, { kept: keptOf(purchase), now: Date.now() });
    },
    writes: () =>
      Object.values(norce.writes).reduce((sum, count) => sum + count, 0) +
      asked.filter(({ method }) => method !== "GET").length,
    async close() {
      vi.useRealTimers();
      await Promise.all([worker.close(), psp.close(), web.close(), pspServer.close(), norceServer.close()]);
    },
  };
  return stage;
}
