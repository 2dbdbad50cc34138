/** (d) The same HTTP calls as a look makes, with the same client and concurrency, and nothing else: no webhook, queue, map or diff. */
import { createHttp, type Json, pathOf } from "../src/lib/http.ts";
import type { Payment, PeersReady } from "./messages.ts";

export interface LoopTask {
  readonly peers: PeersReady;
  readonly payments: readonly Payment[];
  readonly concurrency: number;
}

export interface LoopResult {
  readonly seconds: number;
}

async function run({ peers, payments, concurrency }: LoopTask): Promise<LoopResult> {
  const [username = "", password = ""] = ["username", "password"].map((name) => peers.settings[name] as string);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const norce = createHttp({
    peer: "norce",
    baseUrl: `${peers.norceUrl}/checkout/order`,
    headers: { authorization: `Bearer ${peers.token}` },
  });
  const klarna = createHttp({ peer: "klarna", baseUrl: peers.pspUrl, headers: { authorization } });
  const headers = { "x-merchant": "acme", "x-channel": "se", "x-adapterid": "acme_klarna_adapter" };
  const look = async ({ key, reference }: Payment): Promise<void> => {
    const payment = `/api/v0/checkout/orders${pathOf`/${key.orderId}/payments/${key.paymentId}`}`;
    const read = (path: string) => norce({ method: "GET", path, route: "payment", headers });
    await read(payment);
    await Promise.all([
      klarna({ method: "GET", path: pathOf`/ordermanagement/v1/orders/${reference}`, route: "order" }),
      klarna({ method: "GET", path: pathOf`/checkout/v3/orders/${reference}`, route: "checkout" }),
      read(`${payment}/transactions`),
    ]);
    const { body } = await read(payment);
    await norce({
      method: "PUT",
      path: payment,
      route: "payment",
      headers,
      body: { ...(body as Record<string, Json>), state: "reserved" },
    });
    await klarna({
      method: "POST",
      path: pathOf`/ordermanagement/v1/orders/${reference}/acknowledge`,
      route: "acknowledge",
    });
    const transaction = {
      event: "confirm",
      pspEvent: "ACCEPTED",
      pspStatus: "AUTHORIZED",
      amount: 100,
      isSuccess: true,
      requestJson: "{}",
      responseJson: "{}",
    };
    await norce({ method: "POST", path: `${payment}/transactions`, route: "transactions", headers, body: transaction });
  };
  const waiting = [...payments];
  const started = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let payment = waiting.pop(); payment !== undefined; payment = waiting.pop()) await look(payment);
    }),
  );
  return { seconds: (performance.now() - started) / 1_000 };
}

process.on("message", (task: LoopTask) => {
  void run(task).then((result) => process.send?.(result));
});
console.log("ready");
