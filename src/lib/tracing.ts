import type { ErrorContext } from "./errors.ts";

/** What may be said of a span: ids, names, numbers. Never a secret, a body, a URL with ids in it, or anything personal. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Something that is under way. */
export interface Span {
  set(facts: SpanFacts): void;
}

/** How a span is begun. */
export interface SpanStart {
  readonly kind?: "server" | "client" | "internal";
  readonly facts?: SpanFacts;
  /** What led to it, as `here` said it: a trace of its own, since a payment outlives every request about it. */
  readonly link?: string | undefined;
}

/** Traces, or none: who is not told where to send them loads nothing of them. */
export interface Tracing {
  /** Runs work as a span below what is under way, or linked to what led to it. What it throws is noted, and thrown. */
  span<T>(name: string, start: SpanStart, work: (span: Span) => Promise<T>): Promise<T>;
  /** Where we are, in a text that travels with what is stored (`traceparent`); `undefined` where nothing is traced. */
  here(): string | undefined;
  /** The ids of what is under way, for log lines. */
  ids(): Readonly<Record<string, string>>;
  /** For BullMQ's hook: its `Telemetry`. */
  readonly telemetry: object | undefined;
  /** Hands over what is still held. Never rejects. */
  close(): Promise<void>;
}

const nothing: Span = { set: () => undefined };

/** Nothing is traced. */
export const untraced: Tracing = {
  span: (_name, _start, work) => work(nothing),
  here: () => undefined,
  ids: () => ({}),
  telemetry: undefined,
  close: async () => undefined,
};

/** What of an error's context may stand in a span. */
export function errorFacts(context: ErrorContext): SpanFacts {
  const { code, status, reason } = context;
  const facts = { "psp.error.code": code, "http.response.status_code": status, "psp.error.reason": reason };
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined && value !== null),
  ) as SpanFacts;
}

/** Whose something is. @param more further facts. */
export function paymentFacts(
  of: Readonly<Partial<Record<"adapter" | "merchant" | "channel" | "orderId" | "paymentId", string | undefined>>>,
  more: SpanFacts = {},
): SpanFacts {
  const { adapter, merchant, channel, orderId, paymentId } = of;
  return {
    "norce_psp.adapter": adapter,
    "norce_psp.merchant": merchant,
    "norce_psp.channel": channel,
    "norce_psp.order.id": orderId,
    "norce_psp.payment.id": paymentId,
    ...more,
  };
}
