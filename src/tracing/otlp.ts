/** Traces with OpenTelemetry's own packages. Loaded only where somebody said where to send them. */
import {
  type Context,
  context as contexts,
  createContextKey,
  type Link,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace as traces,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Environment } from "../lib/document.ts";
import { isWorkerError } from "../lib/errors.ts";
import { errorFacts, type SpanFacts, type Tracing } from "../lib/tracing.ts";
import { createHook } from "./bull-hook.ts";

const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/** What a context of another process is linked by. */
const linkKey = createContextKey("norce-psp-worker link");

/**
 * Opens an exporter to where OpenTelemetry's own variables say (`OTEL_EXPORTER_OTLP_ENDPOINT` and its family). It is sent in the background: a
 * collector that is away costs the spans that do not fit the queue, and nothing else.
 * @param role which process this is. @param environment for what of the family the exporter does not read by itself: the sampler.
 */
export function openTraces(role: string, environment: Environment): Tracing {
  const manager = new AsyncLocalStorageContextManager().enable();
  contexts.setGlobalContextManager(manager);
  const named = resourceFromAttributes({ "service.name": "norce-psp-worker", "norce_psp.process": role });
  const resource = defaultResource()
    .merge(named)
    .merge(detectResources({ detectors: [envDetector] }));
  const processor = new BatchSpanProcessor({ exporter: new OTLPTraceExporter() });
  const provider = new TracerProvider({ resource, spanProcessors: [processor], sampler: samplerOf(environment) });
  const tracer = provider.getTracer("norce-psp-worker");

  return {
    span: async (name, { kind = "internal", facts = {}, link }, work) => {
      const led = contextOf(link ?? "");
      const links = led === undefined ? [] : [{ context: led }];
      const span = tracer.startSpan(name, { kind: kinds[kind], links, attributes: withoutHoles(facts) });
      try {
        return await contexts.with(below(contexts.active(), span), () =>
          work({ set: (more) => void span.setAttributes(withoutHoles(more)) }),
        );
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
    here: () => textOf(traces.getSpanContext(contexts.active())),
    ids() {
      const { traceId, spanId } = traces.getSpanContext(contexts.active()) ?? {};
      return traceId === undefined || spanId === undefined ? {} : { trace_id: traceId, span_id: spanId };
    },
    telemetry: createHook({
      active: () => contexts.active(),
      root: () => ROOT_CONTEXT,
      run: (context, work) => contexts.with(context, work),
      start: (name, kind, context) => start(tracer, name, kind, context ?? contexts.active()),
      textOf: (context) => textOf(traces.getSpanContext(context)) ?? "",
      linkedTo,
      below,
      fail,
    }),
    async close() {
      await provider.shutdown().catch(() => undefined);
      contexts.disable();
    },
  };
}

/** `OTEL_TRACES_SAMPLER`: a share of all traces (`…traceidratio`, `OTEL_TRACES_SAMPLER_ARG` from 0 to 1), none, or all of them. */
function samplerOf({ OTEL_TRACES_SAMPLER: name = "", OTEL_TRACES_SAMPLER_ARG: share = "1" }: Environment): Sampler {
  if (name.endsWith("always_off")) return new AlwaysOffSampler();
  const root = name.endsWith("traceidratio") ? new TraceIdRatioBasedSampler(Number(share)) : new AlwaysOnSampler();
  return new ParentBasedSampler({ root });
}

/** A span below what the context has under way; or a trace of its own that is linked to what led to it. */
function start(tracer: Tracer, name: string, kind: SpanKind, context: Context): OtelSpan {
  const link = context.getValue(linkKey) as Link | undefined;
  if (link === undefined) return tracer.startSpan(name, { kind }, context);
  return tracer.startSpan(name, { kind, root: true, links: [link] }, ROOT_CONTEXT);
}

/** A context in which the next span begins a trace of its own, linked to that one; what is no `traceparent` links to nothing. */
function linkedTo(text: string): Context {
  const context = contextOf(text);
  return context === undefined ? ROOT_CONTEXT : ROOT_CONTEXT.setValue(linkKey, { context } satisfies Link);
}

/** The context in which a span's parts are: that the span itself was linked to something is no matter of theirs. */
function below(context: Context, span: OtelSpan): Context {
  return traces.setSpan(context.deleteValue(linkKey), span);
}

function textOf(context: SpanContext | undefined): string | undefined {
  if (context === undefined) return undefined;
  return `00-${context.traceId}-${context.spanId}-0${context.traceFlags & TraceFlags.SAMPLED}`;
}

function contextOf(text: string): SpanContext | undefined {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])$/.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number(flags), isRemote: true };
}

/** That it failed, in what of the error may be told: its kind and codes, never a message that somebody else wrote. */
function fail(span: OtelSpan, error: unknown): void {
  const kind = isWorkerError(error) ? error.kind : "Bug";
  span.setAttributes(withoutHoles({ "error.type": kind, ...(isWorkerError(error) ? errorFacts(error.context) : {}) }));
  span.setStatus({ code: SpanStatusCode.ERROR, message: kind });
}

function withoutHoles(facts: SpanFacts): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(facts).filter((fact): fact is [string, string | number | boolean] => fact[1] !== undefined),
  );
}
