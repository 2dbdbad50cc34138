import type { Routes, SimulatedAnswer, SimulatedRequest } from "../../src/contract/simulator.ts";

/** What answers a request; `undefined` where no route fits it. */
export type Router = (request: SimulatedRequest) => SimulatedAnswer | undefined;

interface Route {
  readonly method: string;
  readonly segments: readonly string[];
  readonly handle: Routes[string];
}

/** Finds the route of a request by its method and path. @throws Error for a template that is none. */
export function createRouter(routes: Routes): Router {
  const known = Object.entries(routes)
    .map(([template, handle]): Route => {
      const [, method = "", path = ""] = /^([A-Z]+) (\/\S*)$/.exec(template) ?? [];
      if (method === "") throw new Error(`"${template}" is no route: write "GET /orders/{id}"`);
      return { method, segments: path.split("/"), handle };
    })
    // Where two fit, the one with more words written out is meant.
    .toSorted((one, other) => named(one) - named(other));
  return (request) => {
    const path = request.path.split("/");
    const route = known.find(({ method, segments }) => method === request.method && fits(segments, path));
    if (route === undefined) return undefined;
    const parts = new Map(route.segments.map((segment, index) => [nameIn(segment), path[index] ?? ""]));
    return route.handle({
      ...request,
      part: (name) => decodeURIComponent(parts.get(name) ?? ""),
      fields: fieldsOf(request.body),
    });
  };
}

function named({ segments }: Route): number {
  return segments.filter((segment) => nameIn(segment) !== undefined).length;
}

function nameIn(segment: string): string | undefined {
  return /^\{(\w+)\}$/.exec(segment)?.[1];
}

function fits(segments: readonly string[], path: readonly string[]): boolean {
  return (
    segments.length === path.length &&
    segments.every((segment, index) =>
      nameIn(segment) === undefined ? segment === path[index] : (path[index] ?? "") !== "",
    )
  );
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === "string") return Object.fromEntries(new URLSearchParams(body));
  return typeof body === "object" && body !== null && !Array.isArray(body) ? { ...body } : {};
}
