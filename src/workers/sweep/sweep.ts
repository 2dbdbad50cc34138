/**
 * Nothing depends on a webhook arriving: the sweep reads Norce's orders, picks the payments that should have moved by now, and sets their
 * timers. It asks no PSP and writes nothing to Norce; what a payment needs is found out by the look that its timer asks for.
 */
import type { AnyAdapter, PaymentKey } from "../../contract/adapter.ts";
import type { AdapterSettings, Config } from "../../config.ts";
import type { Logger } from "../../lib/log.ts";
import { isoOf } from "../../lib/time.ts";
import type { Meters } from "../../lib/meters.ts";
import type { NorceClient } from "../../norce/client.ts";
import { type ListedOrder, type ListedPayment, ordersWithin } from "../../norce/orders.ts";
import type { Engine } from "../../queue/engine.ts";
import type { Lock } from "../../queue/locks.ts";
import { laneId } from "../../queue/names.ts";
import type { Seam, Work } from "../../queue/seam.ts";
import {
  keepSchedule,
  type PassProgress,
  startSweeping,
  type SweepCounts,
  type SweepProgress,
} from "../../queue/sweeps.ts";
import { type Channel, channelsOf, horizonOf } from "./channels.ts";
import { sweepPauses } from "../patience.ts";
import type { Teller } from "../tell.ts";
import { judge, type Judgement, passFor, periodOf, type WindowName, windowNames } from "./due.ts";

/** What the sweep works with. */
export interface SweepParts {
  readonly config: Config;
  readonly norce: Pick<NorceClient, "page">;
  readonly queue: Pick<Seam, "timers" | "letters" | "sweeps" | "locks">;
  readonly teller: Pick<Teller, "found" | "met">;
  readonly log: Logger;
  readonly meters: Meters;
  readonly now: () => number;
}

/** What the sweep is started with. */
type SweepStart = Omit<SweepParts, "config" | "norce"> & {
  readonly asking: () => Pick<SweepParts, "config" | "norce">;
};

type Stoppable = SweepParts & {
  readonly stopping: AbortSignal;
  /** Which payments this process has set a timer for, and when it is due: windows overlap, and the sooner timer stays. */
  readonly pending: Map<string, number>;
};

/** So many timers are remembered; then all are forgotten, which hurries nothing and loses nothing. */
const mostPending = 50_000;

/** Starts the sweep: in one process at a time, once every `SWEEP_INTERVAL_SECONDS`. `close` ends it within a request's timeout. */
export function startSweep(engine: Engine, parts: SweepStart): Work {
  const ending = new AbortController();
  const stopping = ending.signal;
  const { queue, asking, log } = parts;
  const pending = new Map<string, number>();
  // Each sweep ends with the configuration that it began with.
  const sweeping = (lock: Lock): Promise<void> => sweepOnce({ ...parts, ...asking(), stopping, pending }, lock);
  const work = startSweeping(engine, queue.locks, sweeping);
  // An engine that came back empty has forgotten its schedule: it is made again, and that is told.
  const kept = keepSchedule(engine, asking().config.sweepIntervalSeconds * 1_000, () => log.warn("sweep.restored"));
  return {
    async close() {
      ending.abort();
      (await kept)();
      await work.close();
    },
  };
}

/** What goes wrong is told, and made up for next time. */
async function sweepOnce(parts: Stoppable, lock: Lock): Promise<void> {
  try {
    await sweep(parts, lock);
  } catch (error) {
    parts.log.warn({ error }, "sweep.later");
  }
}

/**
 * Sweeps every window that needs it, the recent orders of all channels first. What takes longer than the interval is left for the next
 * time, which reads on where this one stopped.
 */
async function sweep(parts: Stoppable, lock: Lock): Promise<void> {
  const { config, stopping } = parts;
  const { sweeps } = parts.queue;
  const channels = channelsOf(config);
  const progress = new Map<Channel, SweepProgress>();
  for (const channel of channels) progress.set(channel, await sweeps.read(channel.merchant, channel.channel));
  tellGap([...progress.values()], parts);
  const intervalMs = config.sweepIntervalSeconds * 1_000;
  const deadline = performance.now() + intervalMs;
  for (const name of windowNames) {
    for (const channel of channels) {
      if (stopping.aborted || !(await lock.isMine())) return;
      progress.set(channel, await sweepWindow(name, channel, progress.get(channel) ?? {}, deadline, parts));
    }
  }
}

/** Nobody swept for a while: says so once, whatever the number of channels. */
function tellGap(progress: readonly SweepProgress[], { config, log, now }: SweepParts): void {
  const gaps = progress.flatMap(({ recent }) => (recent?.swept === undefined ? [] : [now() - recent.swept]));
  const gapMs = Math.max(0, ...gaps);
  if (gapMs > muchMs(config)) log.info({ gapMs, since: isoOf(now() - gapMs) }, "sweep.resumed");
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
    parts.norce.page({ merchant, channel: channelName }, query, { signal: parts.stopping });
  try {
    for await (const { orders, unreadable, next } of ordersWithin(list, pass, pass.cursor)) {
      const counts = await sweepOrders(orders, name, pass, channel, parts);
      pass = { ...pass, counts: sumOf(pass.counts, { ...counts, pages: 1, unreadable }), cursor: next ?? pass.cursor };
      progress = { ...progress, [name]: next === null ? { swept: pass.until } : { ...progress[name], pass } };
      await parts.queue.sweeps.save(merchant, channelName, progress);
      if (parts.stopping.aborted || performance.now() > deadline) break;
    }
  } catch (error) {
    // The page is read again next time; other channels need not wait for it.
    if (!parts.stopping.aborted) parts.teller.met({ adapter: "norce", merchant, channel: channelName }, error);
    parts.log.warn({ ...facts, offset: pass.cursor.offset, error }, "sweep.later");
    return progress;
  }
  if (progress[name]?.pass === undefined) {
    parts.teller.met({ adapter: "norce", merchant, channel: channelName }, undefined);
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
  parts: Stoppable,
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
  parts: Stoppable,
): Promise<Judgement> {
  const { queue, teller, meters, config, now } = parts;
  const since = payment.since ?? order.created;
  if (isGood(payment) && isUnaccepted(order) && pass.until - since >= sweepPauses.acceptedMs)
    teller.found(key, { name: "payment-good-order-not-accepted" });
  if (isLive(payment) && order.payments.filter(isLive).length > 1) teller.found(key, { name: "two-live-payments" });
  const seen = { ...payment, since, referenced: payment.reference !== null, folds: "fold" in adapter };
  const judged = isSilent(adapter) ? "settled" : judge(seen, horizonOf(adapter), pass);
  // After a pause of many days the windows overlap: only the one that is made for old orders tells of it.
  const judgement = judged === "unresolved" && name !== "rest" ? "waiting" : judged;
  meters.swept(key.adapter, judgement);
  const intervalMs = config.sweepIntervalSeconds * 1_000;
  // A delay, not a priority: webhooks go first.
  const at = (ms: number): number => now() + Math.round(shareOf(key) * ms);
  if (judgement === "due") await setUnlessSooner(key, at(periodOf(name, intervalMs)), parts);
  // Said by the lane, which lets no other look of the payment run meanwhile: one that came to rest would take the letter away.
  if (judgement === "unresolved" && !(await queue.letters.has(key)))
    await queue.timers.setSweep(key, at(intervalMs), true);
  return judgement;
}

async function setUnlessSooner(key: PaymentKey, at: number, { queue, pending, now }: Stoppable): Promise<void> {
  const id = laneId(key);
  const standing = pending.get(id) ?? 0;
  if (standing > now() && standing <= at) return;
  if (pending.size >= mostPending) pending.clear();
  pending.set(id, at);
  await queue.timers.setSweep(key, at);
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
