import type { Request } from "express";
import type { RawRequest } from "../adapters/adapter.ts";

/** Express's request as the rest of the service knows it. */
export function rawRequest(request: Request): RawRequest {
  const url = request.originalUrl;
  return {
    method: request.method,
    url,
    query: queryOf(url),
    headers: headersOf(request),
    // `express.raw` leaves the body undefined where none was sent.
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  };
}

/** The query of a request URL, decoded. */
export function queryOf(url: string): URLSearchParams {
  const mark = url.indexOf("?");
  return new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1));
}

function headersOf({ headers }: Request): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return plain;
}
