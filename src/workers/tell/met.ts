import { cut } from "../../lib/text.ts";
import type { Happenings } from "../../queue/happenings.ts";

type Met = Pick<Happenings["waited"], "peer" | "status" | "code" | "support">;

const mostOfText = 64;

/** What Norce or a PSP answered in place of what was asked for, as an error's context tells it. */
export function metIn(error: unknown): Met {
  const { peer, status, code, supportId } = contextOf(error);
  return {
    peer: textOf(peer),
    status: typeof status === "number" ? status : undefined,
    code: textOf(code),
    support: textOf(supportId),
  };
}

/** What an error's context tells besides: the values that differ. */
export function valuesIn(
  context: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string | number | boolean>> {
  const values: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(context)) {
    if (notValues.has(name)) continue;
    if (typeof value === "string") values[name] = cut(value, mostOfText);
    else if (typeof value === "number" || typeof value === "boolean") values[name] = value;
  }
  return values;
}

/** What says where and how, and stands in the log line; the ids of the payment are the journal's own. */
const notValues: ReadonlySet<string> = new Set([
  "reason",
  "peer",
  "status",
  "code",
  "supportId",
  "method",
  "route",
  "host",
  "notItsOwn",
  "maybeCarriedOut",
  "orderId",
  "paymentId",
  "operationId",
]);

function contextOf(error: unknown): Readonly<Record<string, unknown>> {
  const { context } = (error ?? {}) as { readonly context?: unknown };
  return typeof context === "object" && context !== null ? (context as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? cut(value, mostOfText) : undefined;
}
