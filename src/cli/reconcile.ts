/**
 * Looks again at an order's payments, or at those of all orders of some days: `npm run reconcile -- <merchant> <channel> <orderId>`, or
 * `<merchant> <channel> --from 2026-01-31 --to 2026-02-01`. With `--dry-run` it prints what would be written, and nothing is. Asks the
 * running service over HTTP, since the embedded engine belongs to one process, and prints what each look came to.
 */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { PaymentKey } from "../contract/adapter.ts";
import { type Config, processEnvironment, readConfig } from "../config.ts";
import { createTransport } from "../lib/transport.ts";
import { createNorceClient, type NorceClient } from "../norce/client.ts";
import { ordersWithin } from "../norce/orders.ts";
import { bareOperationUrl } from "../signatures/urls.ts";
import { commandNamed, day, exits, run, Usage } from "./command.ts";
import { openService, type Service } from "./service.ts";

const answerSchema = z.object({
  operationId: z.string(),
  status: z.string(),
  outcome: z.record(z.string(), z.unknown()).optional(),
});
const wouldSchema = z.looseObject({ outcome: z.string() });

/** A look takes 30 s at the longest, and another one may have to end first. */
const longestWaitMs = 70_000;
/** How many payments are looked at at once. */
const atOnce = 8;
/** How often a long run says how far it has come. */
const progressMs = 5_000;
const dayMs = 24 * 3_600 * 1_000;

/** What a look may come to that needs nobody. */
const good: ReadonlySet<string> = new Set(["written", "unchanged", "would-write"]);

type Owner = Pick<PaymentKey, "merchant" | "channel">;

/** What a look came to, or would come to. */
interface Found {
  readonly outcome: string;
  readonly [fact: string]: unknown;
}

await run(
  commandNamed("reconcile", "Looks again at an order's payments, or at those of all orders of some days.")
    .argument("<merchant>")
    .argument("<channel>")
    .argument("[orderId]", "one order; without it, --from")
    .option("--from <day>", "the first day, in UTC", day)
    .option("--to <day>", "the last day, in UTC; default: today", day)
    .option("--dry-run", "prints what would be written, and writes nothing", false)
    .option("--json", "prints what each look came to as JSON, once all are done")
    .action(async (merchant, channel, orderId, { from, to, dryRun, json }) => {
      const window = windowFrom(from, to);
      if ((orderId === undefined) === (window === undefined)) throw new Usage("either an orderId, or --from");
      const environment = processEnvironment();
      const config = await readConfig(environment);
      if (!config.targets.some((target) => target.merchant === merchant && target.channel === channel))
        throw new Usage(`no adapter is configured for ${merchant}/${channel}`);
      const transport = createTransport({ proxies: config.proxies });
      const norce = createNorceClient({ ...config.norce, adapterIdOf: (key) => key.adapter, transport });
      const service = openService();
      const owner = { merchant, channel };
      const look = async (key: PaymentKey): Promise<Found> =>
        dryRun ? await previewed(service, key) : await refreshed(service, key);
      const payments: object[] = [];
      const say: Say = (key, came) =>
        json === true ? payments.push({ ...key, ...came }) : console.log(lineOf(key, came));
      const all =
        window === undefined
          ? await lookAtOrder(norce, config, { ...owner, orderId: orderId ?? "" }, look, say)
          : await lookAtWindow(norce, config, owner, window, look, say);
      if (json === true) console.log(JSON.stringify({ payments, counts: Object.fromEntries(all) }, undefined, 2));
      else if (window !== undefined) console.log(summaryOf(all));
      if (![...all.keys()].every((outcome) => good.has(outcome))) process.exitCode = exits.attention;
    }),
);

/** Says what a look came to. */
type Say = (key: PaymentKey, came: Found) => void;

/** Both days are included. `undefined` where no window was asked for. @throws Usage */
function windowFrom(from: string | undefined, to: string | undefined): { from: number; to: number } | undefined {
  if (from === undefined && to === undefined) return undefined;
  if (from === undefined) throw new Usage("--to needs a --from before it");
  const [start, end] = [startOf(from), (to === undefined ? Date.now() : startOf(to)) + dayMs];
  if (start >= end)
    throw new Usage(to === undefined ? "--from is later than today" : "--from has to be no later than --to");
  return { from: start, to: end };
}

function startOf(date: string): number {
  return Date.parse(`${date}T00:00:00.000Z`);
}

/** Looks at the order's payments and says how many looks came to what. */
async function lookAtOrder(
  norce: NorceClient,
  config: Config,
  order: Owner & Pick<PaymentKey, "orderId">,
  look: (key: PaymentKey) => Promise<Found>,
  say: Say,
): Promise<ReadonlyMap<string, number>> {
  const found = await norce.order(order);
  if (found === null) throw new Usage(`Norce has no order ${order.orderId} for ${order.merchant}/${order.channel}`);
  const keys = keysOf({ id: order.orderId, payments: found.payments ?? [] }, order, config);
  if (keys.length === 0)
    throw new Usage(
      `order ${order.orderId} has no payment of an adapter that is configured for ${order.merchant}/${order.channel}`,
    );
  const counts = new Map<string, number>();
  await lookAtAll(keys, look, (key, came) => {
    count(counts, came.outcome);
    say(key, came);
  });
  return counts;
}

/** Looks at the payments of every order of the window, a page of Norce's list at a time; says those that something was found about. */
async function lookAtWindow(
  norce: NorceClient,
  config: Config,
  owner: Owner,
  window: { readonly from: number; readonly to: number },
  look: (key: PaymentKey) => Promise<Found>,
  say: Say,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  let saidAt = Date.now();
  for await (const { orders } of ordersWithin((query) => norce.page(owner, query), window)) {
    const keys = orders.flatMap((order) => keysOf(order, owner, config));
    await lookAtAll(keys, look, (key, came) => {
      count(counts, came.outcome);
      if (came.outcome !== "unchanged") say(key, came);
      if (Date.now() - saidAt < progressMs) return;
      saidAt = Date.now();
      console.error(`… ${summaryOf(counts)}`);
    });
  }
  return counts;
}

function keysOf(
  order: {
    readonly id: string;
    readonly payments: readonly { readonly id: string; readonly adapterId?: string | null | undefined }[];
  },
  { merchant, channel }: Owner,
  { targets }: Config,
): PaymentKey[] {
  return order.payments.flatMap((payment) =>
    targets
      .filter((target) => target.merchant === merchant && target.channel === channel)
      .filter(({ settings }) => settings.adapterId === payment.adapterId)
      .map(({ adapter }) => ({ adapter: adapter.id, merchant, channel, orderId: order.id, paymentId: payment.id })),
  );
}

/** Looks at payments, a few at a time. */
async function lookAtAll(
  keys: readonly PaymentKey[],
  look: (key: PaymentKey) => Promise<Found>,
  tell: (key: PaymentKey, came: Found) => void,
): Promise<void> {
  const waiting = [...keys];
  await Promise.all(
    Array.from({ length: Math.min(atOnce, keys.length) }, async () => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) tell(key, await look(key));
    }),
  );
}

/** Asks for the look and waits for what it comes to. */
async function refreshed(service: Service, key: PaymentKey): Promise<Found> {
  const { status, outcome } = await answered(service, key, {});
  return { ...outcome, outcome: typeof outcome?.["outcome"] === "string" ? outcome["outcome"] : status };
}

/** Asks what a look would write; nothing is written. */
async function previewed(service: Service, key: PaymentKey): Promise<Found> {
  const { status, outcome } = await answered(service, key, { dryRun: 1 });
  const would = wouldSchema.safeParse(outcome?.["would"]);
  return would.success ? would.data : { outcome: status };
}

async function answered(
  { ask, read }: Service,
  key: PaymentKey,
  query: Readonly<Record<string, number>>,
): Promise<z.infer<typeof answerSchema>> {
  const path = bareOperationUrl("", key, "refresh");
  const asked = read(answerSchema, await ask({ method: "POST", path, query }));
  const deadline = Date.now() + longestWaitMs;
  for (let answer = asked; ;) {
    if (answer.status === "done" || answer.status === "unknown" || Date.now() > deadline) return answer;
    await pause(200);
    const known = { ...query, operationId: asked.operationId };
    answer = read(answerSchema, await ask({ method: "GET", path, query: known }));
  }
}

function count(counts: Map<string, number>, outcome: string): void {
  counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
}

function summaryOf(counts: ReadonlyMap<string, number>): string {
  const payments = [...counts.values()].reduce((sum, some) => sum + some, 0);
  return [`${payments} payments`, ...[...counts].map(([outcome, some]) => `${some} ${outcome}`)].join(", ");
}

function lineOf({ orderId, paymentId, adapter }: PaymentKey, { outcome, ...facts }: Found): string {
  // Some engines keep a result's facts in an order of their own.
  const told = Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [orderId, paymentId, adapter, outcome, ...told].join("  ");
}
