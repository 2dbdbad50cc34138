import type { z } from "zod";
import { isWorkerError, WorkerError } from "./errors.ts";
import type { Http, HttpRequest } from "./http.ts";

/**
 * What a peer's answer says, in the shape that this version knows.
 * @param what whose answer and what it is, for people: `a Klarna order`
 * @throws WorkerError `Unmapped` with the first field that does not fit; no value of it, which may be personal
 */
export function readAs<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.map(String).join(".") ?? "";
  throw new WorkerError("Unmapped", `${what} cannot be read: ${field || "body"}`, {
    context: { field, problem: issue?.code },
  });
}

/** A GET, without its method. */
export type Question = Omit<HttpRequest, "method" | "body" | "raw">;

/**
 * Asks and reads: the answer in its shape, `null` for what the peer does not know (404: not yet, or no longer). An answer in another shape is
 * asked for once more before anybody is called: half a deploy of the peer's answers one request in two. An empty body is read as `{}`.
 * @throws WorkerError
 */
export async function readOrNull<Schema extends z.ZodType>(
  http: Http,
  question: Question,
  schema: Schema,
  what: string,
): Promise<z.output<Schema> | null> {
  return await orNull(async () => {
    const ask = async () => readAs(schema, (await http({ ...question, method: "GET" })).body ?? {}, what);
    try {
      return await ask();
    } catch (error) {
      if (!isWorkerError(error, "Unmapped")) throw error;
      return await ask();
    }
  });
}

/**
 * What is asked for, or `null` where the peer itself says 404: an id that it does not know, not yet or no longer.
 * @throws WorkerError
 */
export async function orNull<Found>(ask: () => Promise<Found>): Promise<Found | null> {
  try {
    return await ask();
  } catch (error) {
    if (isStatus(error, 404)) return null;
    throw error;
  }
}

/** True for a refusal of the peer's own with this status; a 404 that somebody else answered in its place is none. */
export function isStatus(error: unknown, status: number): boolean {
  return isWorkerError(error, "Refused") && error.context["status"] === status;
}

/**
 * Insists that an answer is about what was asked for: where several answers make one truth, what one of them says of something else is nobody's.
 * @param sameId the PSP's idea of the same id, where there is more to it than the same text
 * @throws WorkerError `Refused` with the reason `other-reference`, naming both
 */
export function insistOnAsked(
  asked: string,
  answered: string,
  { peer, thing }: { readonly peer: string; readonly thing: string },
  sameId: (asked: string, answered: string) => boolean = (one, other) => one === other,
): void {
  if (sameId(asked, answered)) return;
  throw new WorkerError("Refused", `${peer} answered about another ${thing} than was asked for`, {
    context: { reason: "other-reference", asked, answered },
  });
}
