import { z } from "zod";
import { pathOf } from "../../lib/http.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, Clue, PspEvent } from "../../contract/adapter.ts";
import { httpFrom } from "./client.ts";
import type { Config } from "./config.ts";
import { echoesIn } from "./echoes.ts";
import { id } from "./schema.ts";

/** What is asked about a piece, by the beginning of its id. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/^(ch|py)_/, "charges"],
  [/^(re|pyr)_/, "refunds"],
  [/^(dp|du)_/, "disputes"],
  [/^prv_/, "reviews"],
];

const intentOf = z.union([id, z.object({ id }).transform((expanded) => expanded.id)]);
const pieceSchema = z.object({
  payment_intent: intentOf.nullish().catch(undefined),
  metadata: z.record(z.string(), z.unknown()).nullish().catch(undefined),
});

/** Whose payment an event is about that names only a charge, a refund, a dispute or a review: thin events do. */
export async function resolve({ clues = [] }: PspEvent, context: AskContext<Config>): Promise<Resolved | null> {
  const ids = clues.flatMap((clue) => ("reference" in clue ? [clue.reference] : []));
  for (const piece of ids) {
    const kind = kinds.find(([shape]) => shape.test(piece))?.[1];
    if (kind === undefined) continue;
    const question = {
      path: `/v1/${kind}/${pathOf`${piece}`}`,
      route: `/v1/${kind}/{id}`,
      signal: context.signal,
    };
    const found = await readOrNull(httpFrom(context), question, pieceSchema, "a piece of a Stripe payment");
    const reference = found?.payment_intent ?? undefined;
    if (reference === undefined) continue;
    const echoes = echoesIn(found?.metadata, context.config).map((echo) => ({ echo }));
    return { reference, clues: [...echoes, { reference }] };
  }
  return null;
}

interface Resolved {
  readonly reference: string;
  readonly clues: readonly Clue[];
}
