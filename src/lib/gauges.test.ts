import { expect, test } from "vitest";
import type { StandingNumbers } from "./gauges.ts";
import { createMeters } from "./meters.ts";

const account = { peer: "any", merchant: "acme", channel: "se" };
const quiet: StandingNumbers = {
  now: 100_000,
  waiting: [],
  peers: [{ ...account, down: false, refused: false, gateClosed: false, silent: false }],
  letters: [],
  sweeps: [],
  workers: 2,
};

async function textOf(...standings: readonly StandingNumbers[]): Promise<string> {
  const meters = createMeters();
  let text = "";
  for (const standing of standings) {
    meters.standing(async () => standing);
    text = await meters.text();
  }
  return text;
}

const busy: StandingNumbers = {
  ...quiet,
  waiting: [
    { adapter: "any", reason: "unreachable", payments: 3, since: 40_000 },
    { adapter: "any", reason: "unreachable", payments: 2, since: 20_000 },
  ],
  peers: [{ ...account, down: true, refused: true, gateClosed: true, silent: true, heardAt: 70_000 }],
  letters: [{ adapter: "any", reason: "underpaid", letters: 7 }],
  sweeps: [{ merchant: "acme", channel: "se", window: "recent", swept: 90_000 }],
  workers: 0,
  workerAt: 60_000,
  inboxSince: 95_000,
};

test("how things stand is told as numbers", async () => {
  const text = await textOf(busy);
  const labels = 'peer="any",merchant="acme",channel="se"';
  for (const line of [
    'norce_psp_waiting_payments{adapter="any",reason="unreachable"} 5',
    'norce_psp_oldest_wait_seconds{adapter="any",reason="unreachable"} 80',
    `norce_psp_peer_down{${labels}} 1`,
    `norce_psp_credential_refused{${labels}} 1`,
    `norce_psp_gate_closed{${labels}} 1`,
    `norce_psp_webhooks_silent{${labels}} 1`,
    `norce_psp_webhook_silence_seconds{${labels}} 30`,
    'norce_psp_letters{adapter="any",reason="underpaid"} 7',
    'norce_psp_sweep_age_seconds{merchant="acme",channel="se",window="recent"} 10',
    "norce_psp_workers 0",
    "norce_psp_worker_heard_timestamp_seconds 60",
    "norce_psp_inbox_oldest_seconds 5",
  ])
    expect(text.split("\n")).toContain(line);
});

test("what stands no longer has no series, and a peer that is well has its own", async () => {
  const text = await textOf(busy, quiet);
  expect(text).not.toMatch(/^norce_psp_(?:waiting|oldest|letters|sweep_age)\w*\{/m);
  expect(text).toContain('norce_psp_peer_down{peer="any",merchant="acme",channel="se"} 0');
  expect(text).toContain("norce_psp_inbox_oldest_seconds 0");
});

test("where it cannot be read, everything else is told", async () => {
  const meters = createMeters();
  meters.standing(async () => {
    throw new Error("the queue is away");
  });
  meters.dropped(3);
  expect(await meters.text()).toContain("norce_psp_log_lines_dropped_total 3");
});
