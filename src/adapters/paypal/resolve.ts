import { z } from "zod";
import type { AskContext, Clue, PspEvent } from "../../contract/adapter.ts";
import { getOrNull, httpFrom } from "./client.ts";
import type { Config } from "./config.ts";
import { echoFrom, id, links, ours, parentOf, parsed } from "./schema.ts";

const relatedSchema = z.object({
  custom_id: ours,
  invoice_id: ours,
  links,
  supplementary_data: z
    .object({
      related_ids: z
        .object({ order_id: id.nullish().catch(undefined) })
        .nullish()
        .catch(undefined),
    })
    .nullish()
    .catch(undefined),
});

/** How many ids of one event are asked for. */
const mostAsked = 2;

/**
 * Whose payment an event is about that names a capture, an authorization or a refund nobody has seen yet: PayPal knows the order it belongs to.
 * `null` where it knows none of them.
 */
export async function resolve({ clues = [] }: PspEvent, context: AskContext<Config>): Promise<Resolved | null> {
  const ids = clues.flatMap((clue) => ("reference" in clue ? [clue.reference] : []));
  for (const piece of ids.slice(0, mostAsked)) {
    const found = (await ownerOf("captures", piece, context)) ?? (await ownerOf("authorizations", piece, context));
    if (found !== null) return found;
  }
  return null;
}

interface Resolved {
  readonly reference?: string | undefined;
  readonly clues: readonly Clue[];
}

async function ownerOf(
  kind: "captures" | "authorizations",
  piece: string,
  context: AskContext<Config>,
): Promise<Resolved | null> {
  const route = `/v2/payments/${kind}/{id}`;
  const path = `/v2/payments/${kind}/${encodeURIComponent(piece)}`;
  const body = await getOrNull(httpFrom(context), { path, route, signal: context.signal });
  if (body === null) return null;
  const { custom_id, invoice_id, links: of, supplementary_data } = parsed(relatedSchema, body);
  const order = supplementary_data?.related_ids?.order_id ?? parentOf("orders", of);
  const authorization = parentOf("authorizations", of);
  // A capture may name its authorization and not the order.
  if (order === undefined && authorization !== undefined && kind === "captures")
    return await ownerOf("authorizations", authorization, context);
  const echoes = [echoFrom(custom_id), invoice_id ?? ""].filter((echo) => echo !== "");
  return {
    reference: order,
    clues: [...echoes.map((echo) => ({ echo })), ...(order === undefined ? [] : [{ reference: order }])],
  };
}
