/** Between HTTP and the Order API's answers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Json } from "../src/lib/http.ts";
import type { FaultOptions } from "./faults.ts";
import { answerJson, headerOf } from "./loopback.ts";
import type { Answer } from "./norce-operations.ts";
import { bad, Refusal } from "./norce-rules.ts";

/**
 * The parsed body. @param text as it arrived; `null` where it was too large.
 * @throws Refusal 400 where it is not JSON, 413 where it is too large, 415 where it does not say it is JSON.
 */
export function bodyOf(request: IncomingMessage, text: string | null): Json | undefined {
  if (text === null) throw new Refusal(413, "too-large", "the body is too large");
  if (text === "") return undefined;
  const type = headerOf(request, "content-type").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new Refusal(415, "unsupported-media-type", "the body has to be application/json");
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw bad("the body is not JSON");
  }
}

/** What a fault answers instead. */
export function faultAnswer(
  status: number,
  { retryAfterSeconds, html }: Pick<FaultOptions, "retryAfterSeconds" | "html">,
): Answer {
  const headers = {
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
    ...(html === undefined ? {} : { "content-type": "text/html" }),
  };
  return { status, headers, body: html ?? { code: "sandbox-fault", message: "the sandbox was told to answer so" } };
}

/** What a refusal answers; anything else that was thrown is a bug of the sandbox. */
export function refusalAnswer(error: unknown): Answer {
  const { status, code, message } =
    error instanceof Refusal ? error : new Refusal(500, "internal-server-error", "the sandbox failed");
  return { status, body: { code, message } };
}

/** Sends an answer as JSON. */
export function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (response.destroyed) return;
  if (headers["content-type"] === "text/html") response.writeHead(status, headers).end(body);
  else answerJson(response, status, body, headers);
}

/** Without the query. */
export function pathOf(url: string): string {
  const mark = url.indexOf("?");
  return mark === -1 ? url : url.slice(0, mark);
}

/** The query of a request URL, decoded. */
export function queryOf(url: string): URLSearchParams {
  const mark = url.indexOf("?");
  return new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1));
}
