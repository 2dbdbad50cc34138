import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { formOf } from "../../lib/form.ts";
import { codeAt } from "../../lib/judgement.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, Http } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { pageOf } from "./schema.ts";

/** The version whose answers `schema.ts` knows, for calls and for the webhook endpoints that are registered here. */
export const apiVersion = "2026-03-25.dahlia";

/** As many as Stripe lists at once, and more pages than any payment has. */
const pageLength = 100;
const mostPages = 50;

const codeOf = codeAt(["error.decline_code", "error.code", "error.type"], "header:request-id");

/**
 * Stripe's API. The table of errors holds but for these (docs/psp/stripe.md, j): 403 is a restricted key without a permission, which is put
 * right like any other credential; a key whose first request still runs (409), and what Stripe itself asks to send again, has an unknown
 * outcome. `Stripe-Should-Retry: false` needs no rule: what is not in doubt is not sent again anyway.
 */
export function httpFrom({ config, http }: AskContext<Config>): Http {
  const { apiUrl, apiKey, stripeAccount } = config;
  return http({
    baseUrl: apiUrl,
    headers: {
      authorization: `Bearer ${apiKey}`,
      "stripe-version": apiVersion,
      ...(stripeAccount === undefined ? {} : { "stripe-account": stripeAccount }),
    },
    classify(status, body, headers) {
      if (status >= 400 && headers["stripe-should-retry"] === "true") return "Unreachable";
      if (status === 403) return typeof body === "string" ? undefined : "Unauthorized";
      if (status === 424 || codeOf(body, headers).code === "idempotency_key_in_use") return "Unreachable";
      return undefined;
    },
    codeOf,
  });
}

/** Fields as Stripe's form has them: lists and maps with their keys in brackets, `undefined` left out. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Sends a form, by a key under which Stripe carries it out once within a day. @throws WorkerError */
export async function post(
  context: AskContext<Config>,
  asked: { readonly path: string; readonly route: string; readonly fields: Fields; readonly key?: string },
): Promise<unknown> {
  const { body } = await httpFrom(context)({
    method: "POST",
    path: asked.path,
    route: asked.route,
    ...(asked.key === undefined ? {} : { headers: { "idempotency-key": asked.key } }),
    raw: formOf(asked.fields),
    signal: context.signal,
  });
  return body;
}

/** All items of a list, the newest first. @throws WorkerError */
export async function listAll<Item extends z.ZodType<{ readonly id: string }>>(
  context: AskContext<Config>,
  path: string,
  query: Readonly<Record<string, string>>,
  item: Item,
): Promise<readonly z.output<Item>[]> {
  const items: z.output<Item>[] = [];
  for (let pages = 0; pages < mostPages; pages += 1) {
    const last = items.at(-1);
    const page = await readOrNull(
      httpFrom(context),
      {
        path,
        route: path,
        query: { ...query, limit: pageLength, ...(last === undefined ? {} : { starting_after: last.id }) },
        signal: context.signal,
      },
      pageOf(item),
      "a list of Stripe's",
    );
    // Whatever it belongs to was there a moment ago.
    if (page === null) throw new WorkerError("Conflict", "stripe lists nothing of what it has just shown");
    items.push(...page.data);
    if (!page.has_more) return items;
    if (page.data.length === 0) break;
  }
  throw new WorkerError("Unmapped", "a list of Stripe's does not end", { context: { route: path } });
}
