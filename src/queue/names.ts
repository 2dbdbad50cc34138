import { hash } from "node:crypto";
import type { PaymentKey } from "../contract/adapter.ts";
import type { StoredEvent } from "./jobs.ts";
import type { PaymentName } from "./store.ts";

/** Where events wait. */
export const inboxName = "inbox";
/** Where payments wait for later. */
export const timersName = "timers";
/** Where operations wait that were asked for. */
export const operationsName = "operations";
/** Where alerts wait that are to be sent. */
export const alertsName = "alerts";

/** Where errands with many letters wait. */
export const errandsName = "errands";

/** One queue per adapter, so that a PSP's limiter, pause and breaker are BullMQ's own and shared by all workers. */
export function laneName(adapter: string): string {
  return `payments-${adapter}`;
}

/** Where an adapter's events wait that take more than a look: one queue each, so that a PSP that hangs holds up its own only. */
export function eventsName(adapter: string): string {
  return `events-${adapter}`;
}

/** One short text per payment, without the colon that a job id may not contain. */
export function laneId(key: PaymentKey): string {
  const { adapter, merchant, channel, orderId, paymentId } = key;
  return hashOf([adapter, merchant, channel, orderId, paymentId]);
}

/** One short text per order: its payments are found by it. */
export function orderName(merchant: string, channel: string, orderId: string): string {
  return hashOf(["order", merchant, channel, orderId]);
}

/** A payment as journals and notes are named by it. */
export function paymentName(key: PaymentKey): PaymentName {
  const { adapter, merchant, channel, orderId, paymentId } = key;
  const payment = JSON.stringify([adapter, paymentId]);
  return { id: laneId(key), order: orderName(merchant, channel, orderId), payment };
}

/** One short text for anything that is named by several. */
export function hashOf(parts: readonly (string | undefined)[]): string {
  return hash("sha256", JSON.stringify(parts), "base64url");
}

/** One short text for an event that is to be kept: two copies of it never run together. */
export function eventId({
  target: { adapter, merchant, channel },
  event,
}: Pick<StoredEvent, "target" | "event">): string {
  return hashOf([adapter, merchant, channel, event.key]);
}
