import { type Attributes, type Context, type Span as OtelSpan, SpanKind } from "@opentelemetry/api";

/** What the hook needs of whoever traces. */
interface Hooked {
  active(): Context;
  root(): Context;
  run<T>(context: Context, work: () => T): T;
  start(name: string, kind: SpanKind, context: Context | undefined): OtelSpan;
  textOf(context: Context): string;
  /** A context in which the next span is linked to that one, and not below it. */
  linkedTo(text: string): Context;
  /** The context in which a span's parts are, whatever linked to the span itself. */
  below(context: Context, span: OtelSpan): Context;
  fail(span: OtelSpan, error: unknown): void;
}

/**
 * BullMQ's `Telemetry`: a span for each add and each job. A job is a trace of its own that is linked to what added it, since a payment that waits
 * for a day must not be one trace of a day. What workers do for themselves (asking for the next job, looking for stalled ones) is no span.
 */
export function createHook({ active, root, run, start, textOf, linkedTo, below, fail }: Hooked): object {
  return {
    contextManager: {
      with: (context: Context, work: () => unknown) => run(context, work),
      active,
      root,
      getMetadata: textOf,
      fromMetadata: (_active: Context, text: string) => linkedTo(text),
    },
    tracer: {
      startSpan(name: string, options: { readonly kind?: SpanKind } = {}, context?: Context) {
        const { kind = SpanKind.INTERNAL } = options;
        return kind === SpanKind.INTERNAL ? unseen : seen(start(name, kind, context), { below, fail });
      },
    },
  };
}

/** Names of BullMQ's that say whose a job is; the others hold its data's size, its options, and what failed in whose words. */
const told: ReadonlySet<string> = new Set(["bullmq.queue.name", "bullmq.job.id", "bullmq.queue.operation"]);

function seen(span: OtelSpan, { below, fail }: Pick<Hooked, "below" | "fail">): object {
  const set = (attributes: Attributes): void => {
    span.setAttributes(Object.fromEntries(Object.entries(attributes).filter(([name]) => told.has(name))));
  };
  return {
    setSpanOnContext: (context: Context) => below(context, span),
    setAttribute: (name: string, value: string) => set({ [name]: value }),
    setAttributes: set,
    addEvent: () => undefined,
    recordException: (error: unknown) => fail(span, error),
    end: () => span.end(),
  };
}

const unseen = {
  setSpanOnContext: (context: Context) => context,
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};
