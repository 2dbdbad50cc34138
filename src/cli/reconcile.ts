/**
 * Looks again at an order's payments: `npm run reconcile -- <merchant> <channel> <orderId>`. Asks the running service over HTTP, since the
 * embedded engine belongs to one process, and prints what each look came to.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { z } from "zod";
import type { PaymentKey } from "../adapters/adapter.ts";
import { loadAdapters } from "../adapters/registry.ts";
import { type Config, createConfig, processEnvironment, readConfigFile, urlMakerFrom } from "../config.ts";
import { createHttp, type Http } from "../lib/http.ts";
import { createNorceClient } from "../norce/client.ts";
import { exitWith, Usage } from "../exit.ts";
import { operationUrl } from "../signatures/urls.ts";

const usage = "npm run reconcile -- <merchant> <channel> <orderId>";

const answerSchema = z.object({
  operationId: z.string(),
  status: z.string(),
  outcome: z.record(z.string(), z.unknown()).optional(),
});
type Answer = z.infer<typeof answerSchema>;

/** A look takes 30 s at the longest, and another one may have to end first. */
const longestWaitMs = 70_000;

try {
  const [merchant, channel, orderId] = parseArgs({ allowPositionals: true }).positionals;
  if (merchant === undefined || channel === undefined || orderId === undefined) throw new Usage(usage);
  const environment = processEnvironment();
  const config = createConfig(environment, readConfigFile(environment), await loadAdapters());
  const keys = await paymentsOf(config, { merchant, channel, orderId });
  const maker = urlMakerFrom(environment);
  const exp = Math.floor(Date.now() / 1_000) + 300;
  const results = await Promise.all(
    keys.map(async (key) => {
      const answer = await refreshed(
        createHttp({ peer: "norce-psp-worker", baseUrl: operationUrl(maker, key, "refresh", exp) }),
      );
      console.log(lineOf(key, answer));
      return answer.outcome?.["outcome"];
    }),
  );
  process.exitCode = results.every((outcome) => outcome === "written" || outcome === "unchanged") ? 0 : 1;
} catch (error) {
  exitWith(error);
}

async function paymentsOf(
  config: Config,
  order: Pick<PaymentKey, "merchant" | "channel" | "orderId">,
): Promise<PaymentKey[]> {
  const norce = createNorceClient({ ...config.norce, adapterIdOf: (key) => key.adapter });
  const found = await norce.order(order);
  if (found === null) throw new Usage(`Norce has no order ${order.orderId} for ${order.merchant}/${order.channel}`);
  const ours = config.targets.filter(
    (target) => target.merchant === order.merchant && target.channel === order.channel,
  );
  const keys = (found.payments ?? []).flatMap((payment) =>
    ours
      .filter(({ settings }) => settings.adapterId === payment.adapterId)
      .map(({ adapter }) => ({ ...order, adapter: adapter.id, paymentId: payment.id })),
  );
  if (keys.length === 0)
    throw new Usage(
      `order ${order.orderId} has no payment of an adapter that is configured for ${order.merchant}/${order.channel}`,
    );
  return keys;
}

/** Asks for the look and waits for what it comes to. */
async function refreshed(http: Http): Promise<Answer> {
  const asked = answerSchema.parse((await http({ method: "POST", path: "", route: "refresh" })).body);
  const deadline = Date.now() + longestWaitMs;
  for (;;) {
    const { body } = await http({
      method: "GET",
      path: "",
      route: "refresh",
      query: { operationId: asked.operationId },
    });
    const answer = answerSchema.parse(body);
    if (answer.status === "done" || answer.status === "unknown" || Date.now() > deadline) return answer;
    await pause(200);
  }
}

function lineOf({ orderId, paymentId, adapter }: PaymentKey, { status, outcome }: Answer): string {
  // Some engines keep a result's facts in an order of their own.
  const { outcome: came = status, ...facts } = outcome ?? {};
  const told = Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [orderId, paymentId, adapter, String(came), ...told].join("  ");
}
