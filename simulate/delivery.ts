/** The PSPs' webhooks on their way: sent by the PSP's schedule until it sees what it wants; some get lost, late, repeated or forged. */
import type { SimulatedWebhook } from "../src/contract/simulator.ts";
import type { Agenda } from "./agenda.ts";
import { deliveryFaults, type Faults } from "./faults.ts";
import type { Account } from "./norce-and-psps.ts";
import type { Oracles } from "./oracles.ts";
import type { Payment } from "./payments.ts";
import type { Service } from "./service.ts";

/** What delivering needs. */
export interface DeliveryParts {
  readonly agenda: Agenda;
  readonly faults: Faults;
  readonly service: Service;
  readonly oracles: Oracles;
  readonly accounts: readonly Account[];
  readonly payments: readonly Payment[];
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  readonly note: (line: string) => void;
}

const outside = { process: null } as const;
const soonMs = 20;
const longestBatchMs = 20_000;
/** The longer nothing is due, the less often the PSPs' schedules are asked. */
const firstMs = 500;
const longestMs = 600_000;

/** Sends what is due from now on. @returns what is to be called when something happened at a PSP. */
export function startDelivery(parts: DeliveryParts): () => void {
  const { agenda, accounts, faults } = parts;
  const underWay = new Map(accounts.map(({ name }) => [name, new Set<string>()]));
  let pauseMs = firstMs;
  // Some PSPs send what there is now and then, and then much at once.
  const batchMs = faults.number("batches", 0, 1) < 0.25 ? longestBatchMs : 0;
  let next = agenda.after(firstMs, pump, outside);

  function pump(): void {
    pauseMs = Math.min(pauseMs * 1.7, longestMs);
    for (const account of accounts) {
      const busy = underWay.get(account.name) ?? new Set();
      for (const webhook of account.simulator.due(parts.wall(), busy)) {
        pauseMs = firstMs;
        if (webhook.id !== undefined) busy.add(webhook.id);
        attempt(account, webhook, parts, () => {
          busy.delete(webhook.id ?? "");
          wake();
        });
      }
    }
    schedule(pauseMs);
  }
  const schedule = (ms: number): void => {
    next.over = true;
    next = agenda.after(ms, pump, outside);
  };
  const wake = (): void => {
    pauseMs = firstMs;
    const ms = batchMs === 0 ? soonMs : batchMs - (agenda.now % batchMs);
    if (next.over || next.at > agenda.now + ms) schedule(ms);
  };
  return wake;
}

/** One attempt of a webhook. */
function attempt(account: Account, webhook: SimulatedWebhook, parts: DeliveryParts, over: () => void): void {
  const { agenda, faults, note } = parts;
  const payment = paymentOf(webhook, parts);
  const id = `${account.name} ${webhook.id ?? ""}`;
  payment?.webhooks.set(id, payment.webhooks.get(id) ?? false);
  const name = `webhook ${payment?.name ?? ""} ${webhook.webhook}`;
  const count = faults.count(name);
  const fault = faults.strike(deliveryFaults, name, count);
  if (fault !== undefined) note(`fault ${fault}: ${name} #${count}`);
  const ended = (status: number, type: string | undefined, body: string): void => {
    account.simulator.answered(webhook, { status, type, body });
    over();
  };
  if (fault === "lost") {
    agenda.after(10_000, () => ended(0, undefined, ""), outside);
    return;
  }
  const lateMs = fault === "delayed" ? faults.number(`delay ${name} ${count}`, 1_000, 900_000) : 0;
  agenda.after(
    lateMs,
    () => {
      if (fault === "forged" && account.signedUrls.includes(webhook.webhook)) sendForged(webhook, parts, payment);
      send(webhook, `${name} #${count}`, parts, payment, id, ended);
    },
    outside,
  );
  // Many come at the same moment, as where two servers of a PSP's send.
  const isTwin = faults.number(`twin ${name} ${count}`, 0, 1) < 0.5;
  if (fault === "repeated")
    agenda.after(
      lateMs + faults.number(`repeat ${name} ${count}`, 0, isTwin ? 30 : 120_000),
      () => send(webhook, `${name} #${count} again`, parts, payment, id, () => undefined),
      outside,
    );
}

function send(
  { method, url, headers, body }: SimulatedWebhook,
  name: string,
  { service, faults, agenda, note }: DeliveryParts,
  payment: Payment | undefined,
  id: string,
  ended: (status: number, type: string | undefined, body: string) => void,
): void {
  const sentAt = agenda.now;
  service.call(webOf(faults, name), callOf(method, url, headers, body), (reply) => {
    note(`the PSP sees ${reply?.status ?? 0}: ${name}`);
    const status = reply?.status ?? 0;
    if (status >= 200 && status < 300 && payment !== undefined) {
      // What was true when it was sent is what is acknowledged, and nothing that came later.
      payment.ackedAt = Math.max(payment.ackedAt, sentAt);
      payment.webhooks.set(id, true);
    }
    ended(status, reply?.headers["content-type"], reply?.text ?? "");
  });
}

/** Somebody who does not know the key: another signature in the URL. */
function sendForged(webhook: SimulatedWebhook, { service, faults, oracles }: DeliveryParts, payment?: Payment): void {
  const { method, url, headers, body } = webhook;
  const forged = url.replace(/sig=(.)/, (_, first: string) => `sig=${first === "A" ? "B" : "A"}`);
  service.call(webOf(faults, `forged ${url}`), callOf(method, forged, headers, body), (reply) => {
    if (reply !== undefined && reply.status < 300)
      oracles.tell("a forged webhook is refused", `it was answered ${reply.status}`, payment);
  });
}

function callOf(method: string, url: string, headers: Readonly<Record<string, string>>, body: string) {
  const { pathname, search } = new URL(url);
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { method, path: pathname + search, headers: lower, body: method === "GET" ? undefined : body };
}

/** Which web process is called. */
export function webOf(faults: Faults, name: string): string {
  return faults.number(`web ${name}`, 0, 2) < 1 ? "web-1" : "web-2";
}

/** Whose webhook it is: said behind the `#` of its URL, which is never sent. */
function paymentOf({ url }: SimulatedWebhook, { payments }: DeliveryParts): Payment | undefined {
  const [, name] = url.split("#");
  return payments.find((payment) => payment.name === name);
}
