import { WorkerError } from "./errors.ts";

const formType = "application/x-www-form-urlencoded";

/** A form as a request's `raw` body; fields that are `undefined` are left out. */
export function formOf(fields: Readonly<Record<string, string | number | boolean | undefined>>): {
  readonly type: string;
  readonly text: string;
} {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.append(name, String(value));
  return { type: formType, text: form.toString() };
}

/** More fields than any PSP's form has. */
const mostFields = 1_000;

/**
 * The fields of a webhook whose body is a form; of a field that stands twice the first one.
 * @throws WorkerError `MalformedWebhook` for what is no form
 */
export function formFrom(body: Buffer | string): Readonly<Record<string, string>> {
  const text = typeof body === "string" ? body : body.toString("utf8");
  if (!/^[\w.%+*[\]-]+=\S*$/.test(text) || text.split("&", mostFields + 1).length > mostFields)
    throw new WorkerError("MalformedWebhook", "the webhook is not a form");
  return Object.fromEntries([...new URLSearchParams(text)].toReversed());
}
