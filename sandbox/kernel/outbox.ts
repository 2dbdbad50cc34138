import type {
  DeliveryFault,
  OutgoingWebhook,
  SimulatedAck,
  SimulatedPurchase,
  SimulatedWebhook,
} from "../../src/contract/simulator.ts";

/** The webhooks of one payment on their way. */
export interface Outbox {
  /** @param url where nothing else is said, the one that the purchase gave. */
  send(outgoing: OutgoingWebhook, url?: string): void;
  disturb(fault: DeliveryFault): void;
  /** Whether nothing waits to be sent. */
  isEmpty(): boolean;
  /** One attempt of each webhook that is due. */
  due(now: number, underWay: ReadonlySet<string>): readonly SimulatedWebhook[];
  /** What came of an attempt. */
  answered(id: string, ack: SimulatedAck): void;
  /** How many nobody has acknowledged, those that were given up included. */
  undelivered(): number;
}

interface Waiting {
  readonly id: string;
  readonly outgoing: OutgoingWebhook;
  readonly url: string;
  readonly since: number;
  attempts: number;
  delayMs: number;
}

export interface OutboxOptions {
  /** Of the purchase, per webhook. */
  readonly callbackUrls: SimulatedPurchase["callbackUrls"];
  /** Norce's id of the payment; none where it is the account that is told about. */
  readonly about?: string;
  /** Ids of webhooks, unique within a simulator. */
  readonly nextId: () => string;
  readonly now: () => number;
  /** What the schedules' pauses are multiplied with. */
  readonly timeScale: number;
}

/** How much later a delayed attempt is made. */
const lateMs = 30 * 60_000;

/** Keeps what a PSP has to tell of a payment, and sends it by the PSP's schedule; what goes wrong on the way goes wrong here. */
export function createOutbox({ callbackUrls, about, nextId, now, timeScale }: OutboxOptions): Outbox {
  let waiting: Waiting[] = [];
  /** Ids of those whose last attempt was made; an answer may still come. */
  const ended = new Map<string, Waiting>();
  const disturbed = new Map<DeliveryFault, number>();

  const struck = (fault: DeliveryFault): boolean => {
    const left = disturbed.get(fault) ?? 0;
    if (left > 0) disturbed.set(fault, left - 1);
    return left > 0;
  };
  const dueAt = ({ outgoing, attempts, since, delayMs }: Waiting): number =>
    since + ((outgoing.schedule ?? [0])[attempts] ?? Infinity) * timeScale + delayMs;

  return {
    send(outgoing, url = callbackUrls[outgoing.webhook]) {
      if (url === undefined) return;
      const filled = withPlaceholders(url, outgoing.placeholders ?? {});
      waiting.push({ id: nextId(), outgoing, url: filled, since: now(), attempts: 0, delayMs: 0 });
    },
    disturb: (fault) => void disturbed.set(fault, (disturbed.get(fault) ?? 0) + 1),
    isEmpty: () => waiting.length === 0,
    due(at, underWay) {
      const isEnded = ({ outgoing, attempts }: Waiting): boolean => attempts >= (outgoing.schedule ?? [0]).length;
      for (const one of waiting.filter(isEnded)) ended.set(one.id, one);
      waiting = waiting.filter((one) => !isEnded(one) && one.outgoing.isOver?.() !== true);
      const ready = waiting.filter((one) => !underWay.has(one.id) && dueAt(one) <= at);
      const sent = ready.flatMap((one) => {
        if (struck("delay")) {
          one.delayMs += lateMs * timeScale;
          if (dueAt(one) > at) return [];
        }
        const attempt = { ...attemptOf(one), ...(about === undefined ? {} : { about }) };
        one.attempts += 1;
        if (struck("lose")) return [];
        return struck("repeat") ? [attempt, attempt] : [attempt];
      });
      return sent.length > 1 && struck("reorder") ? sent.toReversed() : sent;
    },
    answered(id, ack) {
      const one = waiting.find((webhook) => webhook.id === id) ?? ended.get(id);
      if (one === undefined) return;
      const delivered = one.outgoing.delivered?.(ack) ?? (ack.status >= 200 && ack.status < 300);
      if (!delivered) return;
      waiting = waiting.filter((webhook) => webhook !== one);
      ended.delete(id);
    },
    undelivered: () => waiting.length + ended.size,
  };
}

function attemptOf({ id, outgoing, url }: Waiting): SimulatedWebhook {
  const { webhook, method = "POST", body = "" } = outgoing;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = outgoing.headers?.(text) ?? (text === "" ? {} : { "content-type": "application/json" });
  return { webhook, method, url, headers, body: text, id };
}

/** A placeholder stands in our URL as the PSP writes it, or escaped. */
function withPlaceholders(url: string, placeholders: Readonly<Record<string, string>>): string {
  return Object.entries(placeholders).reduce(
    (filled, [placeholder, value]) =>
      filled.replaceAll(placeholder, value).replaceAll(encodeURIComponent(placeholder), value),
    url,
  );
}
