/** Norce and Klarna for the benchmark, in a process of their own: the sandbox and the simulator, told what to do by messages. */
import { randomUUID } from "node:crypto";
import type { PaymentKey } from "../src/contract/adapter.ts";
import { loadSimulator } from "../sandbox/kernel/load.ts";
import { listenOnLoopback } from "../sandbox/loopback.ts";
import { createSandboxNorce } from "../sandbox/norce.ts";
import { createSandboxPsp } from "../sandbox/psp.ts";
import {
  adapter,
  adapterId,
  type Applied,
  type Counts,
  type Paid,
  type PeersMessage,
  type PeersReady,
} from "./messages.ts";

const simulator = await loadSimulator(adapter, { timeScale: 1 });
if (simulator === undefined) throw new Error("klarna-checkout has no simulator");
let norce = createSandboxNorce();
const psp = createSandboxPsp({ simulators: new Map([[adapter, { ...simulator, due: () => [] }]]) });
let latencyMs = 0;
let writtenAt = new Map<string, number>();

const norceServer = await listenOnLoopback((request, response) => norce.handler(request, response));
const pspServer = await listenOnLoopback((request, response) => {
  if (latencyMs === 0) psp.handler(request, response);
  else setTimeout(() => psp.handler(request, response), latencyMs);
});

function follow(): void {
  norce.onChange(({ paymentId, after }) => {
    if (paymentId !== undefined && after?.["state"] === "reserved" && !writtenAt.has(paymentId))
      writtenAt.set(paymentId, Date.now());
  });
}
follow();

/** Payments that are authorised at Klarna and still `intent` in Norce. */
function pay(count: number): Paid {
  return {
    payments: Array.from({ length: count }, () => {
      const key: PaymentKey = {
        adapter,
        merchant: "acme",
        channel: "se",
        orderId: `o_${randomUUID()}`,
        paymentId: `p_${randomUUID()}`,
      };
      const reference = psp.open(adapter, { ...key, amount: 100_00, currency: "SEK", callbackUrls: {} });
      psp.act(adapter, reference, "pay");
      norce.createOrder({
        merchant: key.merchant,
        channel: key.channel,
        id: key.orderId,
        order: { currency: "SEK", country: "SE", culture: "sv-SE" },
      });
      norce.addPayment(key.orderId, {
        id: key.paymentId,
        adapterId,
        name: "Klarna",
        type: "default",
        currency: "SEK",
        amount: 100,
        state: "intent",
        reference,
      });
      return { key, reference };
    }),
  };
}

function applied(keys: readonly PaymentKey[]): Applied {
  const missing = keys.filter(
    ({ orderId, paymentId }) =>
      norce.payment(orderId, paymentId)?.["state"] !== "reserved" ||
      norce.transactions(orderId, paymentId).length !== 1,
  );
  return { missing: missing.length, writtenAt: keys.map(({ paymentId }) => writtenAt.get(paymentId) ?? 0) };
}

process.on("message", (message: PeersMessage) => {
  const answer = (value: Paid | Applied | Counts | PeersReady): void => void process.send?.(value);
  switch (message.ask) {
    case "where":
      return answer({
        norceUrl: norceServer.url,
        pspUrl: `${pspServer.url}/${adapter}`,
        token: norce.token,
        settings: simulator.settings(`${pspServer.url}/${adapter}`),
      });
    case "reset":
      norce = createSandboxNorce({ latencyMs: message.latencyMs });
      latencyMs = message.latencyMs;
      writtenAt = new Map();
      follow();
      return answer({ norce: 0, psp: 0 });
    case "pay":
      return answer(pay(message.count));
    case "applied":
      return answer(applied(message.keys));
    case "counts":
      return answer({ norce: norce.received, psp: psp.received });
  }
});
console.log("ready");
