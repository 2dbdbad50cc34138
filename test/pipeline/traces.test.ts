import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { answerJson, listenOnLoopback, readBody } from "../../sandbox/loopback.ts";
import { openPlace, type Place } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** A span as OTLP's JSON has it. */
interface Told {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Told[] }[] }[];
}

/** A collector that takes OTLP over HTTP, and keeps what it was sent. */
async function collect(): Promise<{ readonly url: string; readonly spans: Told[]; readonly texts: string[] }> {
  const [spans, texts]: [Told[], string[]] = [[], []];
  const server = await listenOnLoopback((request, response) => {
    const take = async (): Promise<void> => {
      const text = (await readBody(request)) ?? "";
      texts.push(text);
      if (request.url === "/v1/traces")
        for (const { scopeSpans } of (JSON.parse(text) as Export).resourceSpans)
          spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      answerJson(response, 200, {});
    };
    void take();
  });
  onTestFinished(server.close);
  return { url: server.url, spans, texts };
}

/** Has a process say which modules of OpenTelemetry's it loads. */
function watchModules({ folder }: Place): string {
  const file = join(folder, "watch-modules.mjs");
  writeFileSync(
    file,
    `import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) {
  const [, name] = /node_modules[/\\\\]@opentelemetry[/\\\\]([^/\\\\]+)/.exec(url) ?? [];
  if (name !== undefined) console.log(JSON.stringify({ msg: "module.loaded", name }));
  return next(url, context);
} });`,
  );
  return `--import ${file}`;
}

const facts = ({ attributes = [] }: Told): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test("a webhook, its look and each of its requests are told to a collector, linked and without a secret", async () => {
  const collector = await collect();
  const place = await openPlace(onTestFinished, true);
  const { program, url } = await place.serve("start.ts", {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "100",
    NODE_OPTIONS: watchModules(place),
  });
  const purchase = place.purchase();
  expect(await purchase.push(url)).toBe(200);
  await purchase.reaches("reserved");
  await until(() => program.logged("payment.written").length > 0, "the look to be told of", 30_000);
  expect((await program.end("SIGTERM")).code).toBe(0);

  const { spans } = collector;
  const named = (name: string): readonly Told[] => spans.filter((span) => span.name === name);
  const [webhook] = named("webhook");
  expect(webhook && facts(webhook)).toMatchObject({
    "norce_psp.adapter": "klarna-checkout",
    "norce_psp.webhook": "push",
    "norce_psp.payment.id": purchase.key.paymentId,
  });
  // BullMQ's job of the look is a trace of its own, linked to the webhook that asked for it.
  const job = named("process payments-klarna-checkout").find(({ links = [] }) =>
    links.some(({ spanId }) => spanId === webhook?.spanId),
  );
  expect(job?.parentSpanId ?? "").toBe("");
  expect(job?.traceId).not.toBe(webhook?.traceId);
  const look = named("look").find(({ parentSpanId }) => parentSpanId === job?.spanId);
  expect(look?.traceId).toBe(job?.traceId);
  const below = spans.filter(({ parentSpanId }) => parentSpanId === look?.spanId).map(({ name }) => name);
  expect(below).toEqual(
    expect.arrayContaining([
      "GET /orders/{orderId}/payments/{paymentId}",
      "GET /checkout/v3/orders/{order_id}",
      "PUT /orders/{orderId}/payments/{paymentId}",
      "POST /orders/{orderId}/payments/{paymentId}/transactions",
    ]),
  );
  // The inbox's job is linked, too; and what workers do for themselves is told to nobody.
  expect(named("process inbox").some(({ links = [] }) => links.length === 1)).toBe(true);
  expect(spans.map(({ name }) => name).filter((name) => /getNextJob|Stalled/.test(name))).toEqual([]);
  // The log's lines lead to the trace.
  expect(program.logged("webhook.received")[0]).toMatchObject({ trace_id: webhook?.traceId });
  expect(program.logged("payment.written")[0]).toMatchObject({ trace_id: job?.traceId });
  expect(program.logged("module.loaded").map(({ name }) => name)).toContain("sdk-trace");
  const told = collector.texts.join("\n");
  for (const secret of place.secrets()) expect(told).not.toContain(secret);
  expect(told).not.toContain(purchase.reference);
});

test("a collector that is away disturbs no payment", async () => {
  const place = await openPlace(onTestFinished, true);
  const { program, url } = await place.serve("start.ts", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  const purchase = place.purchase();
  expect(await purchase.push(url)).toBe(200);
  await purchase.reaches("reserved");
  expect((await program.end("SIGTERM")).code).toBe(0);
});

test("without the variable nothing of it is loaded", async () => {
  const place = await openPlace(onTestFinished, true);
  const { program, url } = await place.serve("start.ts", { NODE_OPTIONS: watchModules(place) });
  const purchase = place.purchase();
  expect(await purchase.push(url)).toBe(200);
  await purchase.reaches("reserved");
  await program.end("SIGTERM");
  // prom-client brings the interfaces for exemplars of its own.
  const loaded = new Set(program.logged("module.loaded").map(({ name }) => name));
  loaded.delete("api");
  expect([...loaded]).toEqual([]);
  expect(program.output()).not.toContain("trace_id");
});
