import { Gauge, type Registry } from "prom-client";

/** A peer as numbers tell of it: a PSP's account, or `norce`, whose merchant and channel are empty. Times in milliseconds since the epoch. */
export interface PeerNumbers {
  readonly peer: string;
  readonly merchant: string;
  readonly channel: string;
  readonly down: boolean;
  readonly refused: boolean;
  /** It is left alone now. */
  readonly gateClosed: boolean;
  readonly silent: boolean;
  readonly heardAt?: number | undefined;
}

/** How things stand, as numbers: the same from every process. Times in milliseconds since the epoch. */
export interface StandingNumbers {
  readonly now: number;
  readonly waiting: readonly {
    readonly adapter: string;
    readonly reason: string;
    readonly payments: number;
    readonly since: number;
  }[];
  readonly peers: readonly PeerNumbers[];
  readonly letters: readonly { readonly adapter: string; readonly reason: string; readonly letters: number }[];
  readonly sweeps: readonly {
    readonly merchant: string;
    readonly channel: string;
    readonly window: string;
    readonly swept: number;
  }[];
  readonly workers: number;
  readonly workerAt?: number | undefined;
  readonly inboxSince?: number | undefined;
}

/** Gauges of how things stand. What does not stand any more has no series. */
export function createGauges(registers: Registry[]): { set(numbers: StandingNumbers): void } {
  const waiting = new Gauge({
    name: "norce_psp_waiting_payments",
    help: "Payments that wait, by reason",
    labelNames: ["adapter", "reason"],
    registers,
  });
  const oldest = new Gauge({
    name: "norce_psp_oldest_wait_seconds",
    help: "How long the oldest payment has waited, by reason",
    labelNames: ["adapter", "reason"],
    registers,
  });
  const down = new Gauge({
    name: "norce_psp_peer_down",
    help: "1 while a peer does not answer as it should",
    labelNames: ["peer", "merchant", "channel"],
    registers,
  });
  const refused = new Gauge({
    name: "norce_psp_credential_refused",
    help: "1 while a peer refuses our credentials",
    labelNames: ["peer", "merchant", "channel"],
    registers,
  });
  const gate = new Gauge({
    name: "norce_psp_gate_closed",
    help: "1 while a PSP's account is left alone",
    labelNames: ["peer", "merchant", "channel"],
    registers,
  });
  const silent = new Gauge({
    name: "norce_psp_webhooks_silent",
    help: "1 while an account's webhooks have stopped and its payments move",
    labelNames: ["peer", "merchant", "channel"],
    registers,
  });
  const silence = new Gauge({
    name: "norce_psp_webhook_silence_seconds",
    help: "Time since an account's last webhook",
    labelNames: ["peer", "merchant", "channel"],
    registers,
  });
  const letters = new Gauge({
    name: "norce_psp_letters",
    help: "Dead letters, by reason",
    labelNames: ["adapter", "reason"],
    registers,
  });
  const sweeps = new Gauge({
    name: "norce_psp_sweep_age_seconds",
    help: "Time since the last whole pass over a window of a merchant's channel began",
    labelNames: ["merchant", "channel", "window"],
    registers,
  });
  const workers = new Gauge({
    name: "norce_psp_workers",
    help: "Worker processes that were heard of within the last 20 seconds",
    registers,
  });
  const heard = new Gauge({
    name: "norce_psp_worker_heard_timestamp_seconds",
    help: "When any worker process was last heard of",
    registers,
  });
  const inbox = new Gauge({
    name: "norce_psp_inbox_oldest_seconds",
    help: "How long the oldest webhooks have waited in the inbox",
    registers,
  });
  const all = [waiting, oldest, down, refused, gate, silent, silence, letters, sweeps];
  return {
    set({ now, ...numbers }) {
      for (const gauge of all) gauge.reset();
      const ageOf = (since: number): number => Math.max(0, now - since) / 1_000;
      for (const [{ adapter, reason }, payments, since] of byReason(numbers.waiting)) {
        waiting.set({ adapter, reason }, payments);
        oldest.set({ adapter, reason }, ageOf(since));
      }
      for (const { peer, merchant, channel, heardAt, ...is } of numbers.peers) {
        const labels = { peer, merchant, channel };
        down.set(labels, Number(is.down));
        refused.set(labels, Number(is.refused));
        gate.set(labels, Number(is.gateClosed));
        silent.set(labels, Number(is.silent));
        if (heardAt !== undefined) silence.set(labels, ageOf(heardAt));
      }
      for (const { adapter, reason, letters: count } of numbers.letters) letters.set({ adapter, reason }, count);
      for (const { merchant, channel, window, swept } of numbers.sweeps)
        sweeps.set({ merchant, channel, window }, ageOf(swept));
      workers.set(numbers.workers);
      heard.set((numbers.workerAt ?? 0) / 1_000);
      inbox.set(numbers.inboxSince === undefined ? 0 : ageOf(numbers.inboxSince));
    },
  };
}

/** Accounts are counted together: peers are told apart by the other series. */
function byReason(
  waiting: StandingNumbers["waiting"],
): readonly (readonly [{ readonly adapter: string; readonly reason: string }, number, number])[] {
  const groups = Map.groupBy(waiting, ({ adapter, reason }) => JSON.stringify([adapter, reason]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const payments = group.reduce((sum, one) => sum + one.payments, 0);
    return [[first, payments, Math.min(...group.map(({ since }) => since))] as const];
  });
}
