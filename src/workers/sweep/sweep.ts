/**
 * Nothing depends on a webhook arriving: the sweep reads Norce's orders, picks the payments that should have moved by now, and sets their
 * timers. It asks no PSP and writes nothing to Norce; what a payment needs is found out by the look that its timer asks for.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { AnyAdapter, PaymentKey } from "../../contract/adapter.ts";
import type { AdapterSettings, Config } from "../../config.ts";
import type { Logger } from "../../lib/log.ts";
import type { Meters } from "../../lib/meters.ts";
import type { NorceClient } from "../../norce/client.ts";
import { type ListedOrder, type ListedPayment, ordersWithin } from "../../norce/orders.ts";
import type { Engine } from "../../queue/engine.ts";
import { laneId, type Queues } from "../../queue/queues.ts";
import {
  type PassProgress,
  startSweeps,
  type SweepCounts,
  type SweepProgress,
  type Sweeps,
} from "../../queue/sweeps.ts";
import type { DriftLog } from "../tell/drift.ts";
import {
  type Horizon,
  judge,
  type Judgement,
  passFor,
  periodOf,
  reachOf,
  type WindowName,
  windowNames,
} from "./due.ts";

/** What the sweep works with. */
export interface SweepParts {
  readonly config: Config;
  readonly norce: Pick<NorceClient, "page">;
  readonly queues: Pick<Queues, "timers" | "dead">;
  readonly sweeps: Sweeps;
  readonly drift: DriftLog;
  readonly log: Logger;
  readonly meters: Meters;
  readonly now: () => number;
}

type Stoppable = SweepParts & { readonly stopping: AbortSignal };

/** One merchant's channel and the adapters that are configured for it. */
interface Channel {
  readonly merchant: string;
  readonly channel: string;
  readonly byAdapterId: ReadonlyMap<string, AdapterSettings>;
  /** How many days old an order may be whose payments are looked at. */
  readonly reachDays: number;
}

const defaultHorizon: Horizon = { unsettled: 30, refund: 180 };
/** A good payment's order should be accepted after this time. */
const acceptedMs = 15 * 60_000;
const longestPauseMs = 30_000;

/** Starts the sweep: in one process at a time, once every `SWEEP_INTERVAL_SECONDS`. `close` ends it within a request's timeout. */
export function startSweep(engine: Engine, parts: SweepParts): { close(): Promise<void> } {
  const ending = new AbortController();
  const stopping = ending.signal;
  const worker = startSweeps(engine, () => sweep({ ...parts, stopping }));
  worker.on("failed", (_, error) => parts.log.warn({ error }, "sweep.later"));
  const scheduled = schedule({ ...parts, stopping });
  return {
    async close() {
      ending.abort();
      await Promise.all([worker.close(), scheduled]);
    },
  };
}

/** The queue may be away when a process starts: it is asked until it answers. */
async function schedule({ sweeps, config, log, stopping }: Stoppable): Promise<void> {
  for (let pauseMs = 1_000; !stopping.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      await sweeps.schedule(config.sweepIntervalSeconds * 1_000);
      return;
    } catch (error) {
      log.warn({ error }, "sweep.unscheduled");
      await pause(pauseMs, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}

/**
 * Sweeps every window that needs it, the recent orders of all channels first. What takes longer than the interval is left for the next
 * time, which reads on where this one stopped.
 */
async function sweep(parts: Stoppable): Promise<void> {
  const { config, sweeps, stopping } = parts;
  const channels = channelsOf(config);
  const progress = new Map<Channel, SweepProgress>();
  for (const channel of channels) progress.set(channel, await sweeps.read(channel.merchant, channel.channel));
  tellGap([...progress.values()], parts);
  const intervalMs = config.sweepIntervalSeconds * 1_000;
  const deadline = performance.now() + intervalMs;
  for (const name of windowNames) {
    for (const channel of channels) {
      if (stopping.aborted) return;
      progress.set(channel, await sweepWindow(name, channel, progress.get(channel) ?? {}, deadline, parts));
    }
  }
}

/** Nobody swept for a while: says so once, whatever the number of channels. */
function tellGap(progress: readonly SweepProgress[], { config, log, now }: SweepParts): void {
  const gaps = progress.flatMap(({ recent }) => (recent?.swept === undefined ? [] : [now() - recent.swept]));
  const gapMs = Math.max(0, ...gaps);
  if (gapMs > muchMs(config)) log.info({ gapMs, since: new Date(now() - gapMs).toISOString() }, "sweep.resumed");
}

function muchMs({ sweepIntervalSeconds }: Config): number {
  return 5 * sweepIntervalSeconds * 1_000;
}

/** Goes on with the window's pass, or begins one where it is time; at least one page. Says how far it has come. */
async function sweepWindow(
  name: WindowName,
  channel: Channel,
  before: SweepProgress,
  deadline: number,
  parts: Stoppable,
): Promise<SweepProgress> {
  const { merchant, channel: channelName } = channel;
  const facts = { merchant, channel: channelName, window: name };
  let pass = passOf(name, before, channel, parts);
  if (pass === undefined) return before;
  let progress = before;
  const list: Parameters<typeof ordersWithin>[0] = (query) =>
    parts.norce.page({ merchant, channel: channelName }, query, parts.stopping);
  try {
    for await (const { orders, unreadable, next } of ordersWithin(list, pass, pass.cursor)) {
      const counts = await sweepOrders(orders, name, pass, channel, parts);
      pass = { ...pass, counts: sumOf(pass.counts, { ...counts, pages: 1, unreadable }), cursor: next ?? pass.cursor };
      progress = { ...progress, [name]: next === null ? { swept: pass.until } : { ...progress[name], pass } };
      await parts.sweeps.save(merchant, channelName, progress);
      if (parts.stopping.aborted || performance.now() > deadline) break;
    }
  } catch (error) {
    // The page is read again next time; other channels need not wait for it.
    parts.log.warn({ ...facts, offset: pass.cursor.offset, error }, "sweep.later");
    return progress;
  }
  if (progress[name]?.pass === undefined) {
    parts.meters.pass(merchant, channelName, name, parts.now());
    parts.log.info({ ...facts, ...pass.counts, seconds: (parts.now() - pass.until) / 1_000 }, "sweep.finished");
  }
  return progress;
}

/** The pass that was begun, or a new one; none where it is too early for one. */
function passOf(
  name: WindowName,
  progress: SweepProgress,
  { reachDays }: Channel,
  { config, now }: SweepParts,
): PassProgress | undefined {
  const { swept, pass: begun } = progress[name] ?? {};
  // A clock that was set back would never come to the begun pass's time; and what is recent has to be read from its beginning.
  const behindMs = begun === undefined ? Infinity : now() - begun.until;
  if (begun !== undefined && behindMs >= 0 && (name !== "recent" || behindMs <= muchMs(config))) return begun;
  const pass = passFor(name, swept, now(), config.sweepIntervalSeconds * 1_000, reachDays);
  return pass === undefined ? undefined : { ...pass, cursor: { offset: 0 }, counts: none };
}

async function sweepOrders(
  orders: readonly ListedOrder[],
  name: WindowName,
  pass: PassProgress,
  { merchant, channel, byAdapterId }: Channel,
  parts: SweepParts,
): Promise<SweepCounts> {
  const ours = orders.flatMap((order) =>
    order.payments.flatMap((payment) => {
      const found = byAdapterId.get(payment.adapterId ?? "");
      if (found === undefined) return [];
      const key: PaymentKey = {
        adapter: found.adapter.id,
        merchant,
        channel,
        orderId: order.id,
        paymentId: payment.id,
      };
      return [{ key, payment, order, found }];
    }),
  );
  const judgements = await Promise.all(ours.map((one) => sweepPayment(one, name, pass, parts)));
  const counts: SweepCounts = { ...none, orders: orders.length };
  for (const judgement of judgements) counts[judgement] += 1;
  return counts;
}

/** A payment of ours in the list. */
interface Listed {
  readonly key: PaymentKey;
  readonly payment: ListedPayment;
  readonly order: ListedOrder;
  readonly found: AdapterSettings;
}

async function sweepPayment(
  { key, payment, order, found: { adapter } }: Listed,
  name: WindowName,
  pass: PassProgress,
  parts: SweepParts,
): Promise<Judgement> {
  const { queues, drift, meters, config, now } = parts;
  const since = payment.since ?? order.created;
  if (isGood(payment) && isUnaccepted(order) && pass.until - since >= acceptedMs)
    drift.found(key, "payment-good-order-not-accepted");
  if (isLive(payment) && order.payments.filter(isLive).length > 1) drift.found(key, "two-live-payments");
  const seen = { ...payment, since, referenced: payment.reference !== null, folds: "fold" in adapter };
  const judged = isSilent(adapter) ? "settled" : judge(seen, horizonOf(adapter), pass);
  // After a pause of many days the windows overlap: only the one that is made for old orders tells of it.
  const judgement = judged === "unresolved" && name !== "rest" ? "waiting" : judged;
  meters.swept(key.adapter, judgement);
  const intervalMs = config.sweepIntervalSeconds * 1_000;
  const wait = { since: now(), tries: 0, why: "sweep", asked: "sweep" } as const;
  // A delay, not a priority: webhooks go first. A timer of the payment's own knows more than we do.
  const delayMs = (ms: number): number => Math.round(shareOf(key) * ms);
  if (judgement === "due") await queues.timers.set(key, wait, delayMs(periodOf(name, intervalMs)), "unless-sooner");
  // Said by the lane, which lets no other look of the payment run meanwhile: one that came to rest would take the letter away.
  if (judgement === "unresolved" && !(await queues.dead.has(key)))
    await queues.timers.set(key, { ...wait, since, last: true }, delayMs(intervalMs));
  return judgement;
}

/** Nobody calls for its payments and nobody can be asked: what becomes of them is not ours to watch. */
function isSilent(adapter: AnyAdapter): boolean {
  return "fold" in adapter && Object.keys(adapter.webhooks).length === 0;
}

/** A number from 0 to 1 that is the payment's own, so that looks are spread evenly whichever payments are due. */
function shareOf(key: PaymentKey): number {
  return Buffer.from(laneId(key), "base64url").readUInt32BE(0) / 2 ** 32;
}

/** A part payment, such as a voucher, stands beside another one by right. */
function isLive({ state, type }: ListedPayment): boolean {
  const live = state === "pending" || state === "confirmed" || state === "reserved" || state === "captured";
  return live && type !== "voucher" && type !== "prepaid";
}

function isGood({ state }: ListedPayment): boolean {
  return state === "reserved" || state === "captured";
}

function isUnaccepted({ status }: ListedOrder): boolean {
  return status !== null && status !== "accepted" && status !== "completed";
}

function horizonOf({ horizonDays }: AnyAdapter): Horizon {
  const { unsettled = defaultHorizon.unsettled, refund = defaultHorizon.refund } = horizonDays ?? {};
  return { unsettled, refund };
}

function channelsOf({ targets }: Config): Channel[] {
  const groups = Map.groupBy(targets, ({ merchant, channel }) => JSON.stringify([merchant, channel]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const reaches = group.map(({ adapter }) => reachOf(horizonOf(adapter)));
    return [
      {
        merchant: first.merchant,
        channel: first.channel,
        byAdapterId: new Map(group.map((target) => [target.settings.adapterId, target])),
        reachDays: Math.max(...reaches),
      },
    ];
  });
}

const none: Readonly<SweepCounts> = {
  pages: 0,
  orders: 0,
  unreadable: 0,
  settled: 0,
  waiting: 0,
  due: 0,
  unresolved: 0,
};

function sumOf(one: SweepCounts, other: SweepCounts): SweepCounts {
  const sum = { ...one };
  for (const name of Object.keys(none) as (keyof SweepCounts)[]) sum[name] = one[name] + other[name];
  return sum;
}
