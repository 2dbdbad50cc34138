import { type Operation, operations } from "./norce-operations.ts";
import { bad, Refusal } from "./norce-rules.ts";

/** Where a request goes to. */
export interface Routed {
  readonly operation: Operation;
  readonly version: "v0" | "v1";
  readonly ids: Readonly<Record<string, string>>;
}

interface Candidate {
  readonly operation: Operation;
  readonly parts: readonly string[];
}

/** By number of path segments, so that a request is compared with two or three templates and not with all. */
const candidates = new Map<number, Candidate[]>();
for (const operation of operations) {
  const parts = operation.route.split("/").slice(1);
  candidates.set(parts.length, [...(candidates.get(parts.length) ?? []), { operation, parts }]);
}

const prefix = /^(?:\/checkout\/order)?\/api\/(v0|v1)\/checkout\//;

/**
 * The operation that a request names. The path may start with `/checkout/order`, as the base URLs of the live environments end.
 * @throws Refusal 404 for an unknown path, 405 for a method that it does not take, 400 for ids that cannot be decoded.
 */
export function routeOf(method: string, path: string): Routed {
  const match = prefix.exec(path);
  if (match === null) throw unknownPath();
  const segments = path.slice(match[0].length).split("/");
  // The list's path may end in a slash: docs/norce.md, 2.4 writes it so.
  if (segments.at(-1) === "") segments.pop();
  const fitting = (candidates.get(segments.length) ?? []).filter(({ parts }) => fits(parts, segments));
  if (fitting.length === 0) throw unknownPath();
  const found = fitting.find(({ operation }) => operation.method === method);
  if (found === undefined) throw new Refusal(405, "method-not-allowed", "the path does not take this method");
  return { operation: found.operation, version: match[1] === "v1" ? "v1" : "v0", ids: idsFrom(found.parts, segments) };
}

function fits(parts: readonly string[], segments: readonly string[]): boolean {
  return parts.every((part, index) => part.startsWith("{") || part === segments[index]);
}

function idsFrom(parts: readonly string[], segments: readonly string[]): Record<string, string> {
  const ids: Record<string, string> = {};
  parts.forEach((part, index) => {
    if (part.startsWith("{")) ids[part.slice(1, -1)] = decoded(segments[index] ?? "");
  });
  return ids;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw bad("an id in the path cannot be decoded");
  }
}

function unknownPath(): Refusal {
  return new Refusal(404, "not-found", "there is no such path");
}
