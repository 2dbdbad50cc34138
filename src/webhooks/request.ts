import type { Request } from "express";
import type { RawRequest } from "../contract/adapter.ts";

/** All of a request but its body, which may still be on its way. */
export type Head = Omit<RawRequest, "body">;

/** Express's request as the rest of the service knows it; `query` is what `queryOf` made of its URL. */
export function headOf(request: Request, query: URLSearchParams): Head {
  return { method: request.method, url: request.originalUrl, query, headers: headersOf(request) };
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
