import { WorkerError } from "./errors.ts";

/** A JSON value, as it travels in bodies and queues. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A JSON value some of whose fields may be left out: what `JSON.stringify` makes of `undefined`. */
export type LooseJson =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly LooseJson[]
  | { readonly [key: string]: LooseJson };

/** How deep lists and objects may stand in one another: what nests deeper is meant to cost time. */
const deepest = 100;
/** Below this many characters even the deepest text costs nothing worth counting. */
const harmless = 2_000;

/** Stands for a text that is no JSON. */
export const notJson = Symbol("not JSON");

/** The value that the text holds; `notJson` where it holds none, or one that nests too deep. */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) return notJson;
  try {
    return JSON.parse(text);
  } catch {
    return notJson;
  }
}

/**
 * The JSON of a webhook's body.
 * @throws WorkerError `MalformedWebhook`
 */
export function jsonFrom(body: Buffer | string): unknown {
  const json = parseJson(typeof body === "string" ? body : body.toString("utf8"));
  if (json === notJson) throw new WorkerError("MalformedWebhook", "the webhook is not JSON");
  return json;
}

/** True for an object that is no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value without the fields that are `undefined`, at any depth. */
export function withoutUndefined(value: LooseJson): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json);
}

function isTooDeep(text: string): boolean {
  if (text.length < harmless) return false;
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === backslash) at += 1;
      else if (code === quote) inText = false;
    } else if (code === quote) inText = true;
    else if (code === openList || code === openObject) {
      depth += 1;
      if (depth > deepest) return true;
    } else if (code === closeList || code === closeObject) depth -= 1;
  }
  return false;
}

const quote = 0x22;
const backslash = 0x5c;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
