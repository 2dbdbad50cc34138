import type { RequestHandler, Response } from "express";
import { z } from "zod";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { Errand } from "../queue/errands.ts";
import { insistOnAdmin } from "../signatures/admin-token.ts";
import { queryOf } from "../webhooks/request.ts";
import { asked, filterFields, filterFrom } from "./letter-query.ts";
import { askForErrand, countMeant, type LetterParts, listLetters, rehearse } from "./letters.ts";
import { isoOf } from "../lib/time.ts";

/** What the routes of letters are made from. */
export type LetterRouteParts = LetterParts & { readonly config: Pick<Config, "adminTokens"> };

/** How letters are chosen in a query. A field that is not known is refused: it would have meant fewer. */
const listSchema = z.strictObject({
  ...filterFields,
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  before: z.string().min(1).max(200).optional(),
});
const deedSchema = z.strictObject({
  ...filterFields,
  do: z.enum(["retry", "dismiss"]),
  all: z.literal("1").optional(),
  dryRun: z.literal("1").optional(),
  previews: z.coerce.number().int().min(0).max(50).default(10),
});
const errandSchema = z.strictObject({ id: z.uuid() });

/** Lists letters, newest first. For operators only. */
export function answerLetters(parts: LetterRouteParts): RequestHandler {
  return async (request, response) => {
    insistOnAdmin(parts.config, request.get("authorization"));
    const { limit, before, ...fields } = asked(listSchema, request.originalUrl);
    answer(response, await listLetters(parts, filterFrom(fields), limit, before));
  };
}

/** Has letters tried again or taken away, or with `dryRun=1` only tells which and what would come of it. For operators only. */
export function answerDeed(parts: LetterRouteParts): RequestHandler {
  return async (request, response) => {
    const who = insistOnAdmin(parts.config, request.get("authorization"));
    const { do: deed, all, dryRun, previews, ...fields } = asked(deedSchema, request.originalUrl);
    const filter = filterFrom(fields);
    if (Object.keys(filter).length === 0 && all === undefined)
      throw new WorkerError("MalformedWebhook", "say which letters, or all=1");
    if (dryRun === "1") answer(response, await rehearse(parts, deed, filter, previews));
    else answer(response, toldErrand(await askForErrand(parts, deed, filter, who)));
  };
}

/** Tells how far an errand has come; without an id which there were within a week. For operators only. */
export function answerErrand(parts: LetterRouteParts): RequestHandler {
  return async (request, response) => {
    insistOnAdmin(parts.config, request.get("authorization"));
    const query = queryOf(request.originalUrl);
    if (query.size === 0) {
      answer(response, { errands: (await parts.errands.list(100)).map(toldErrand) });
      return;
    }
    const errand = await parts.errands.read(errandIn(query));
    if (errand === undefined) throw new WorkerError("UnknownTarget", "there is no such errand");
    const still = errand.ended === undefined ? {} : { stillThere: await countMeant(parts, errand.filter) };
    answer(response, { ...toldErrand(errand), ...still });
  };
}

/** Stops an errand. For operators only. */
export function answerStop(parts: LetterRouteParts): RequestHandler {
  return async (request, response) => {
    insistOnAdmin(parts.config, request.get("authorization"));
    const errand = await parts.errands.stop(errandIn(queryOf(request.originalUrl)));
    if (errand === undefined) throw new WorkerError("UnknownTarget", "there is no such errand");
    answer(response, toldErrand(errand));
  };
}

/** An errand as it is told. */
function toldErrand({ id, deed, askedAt, total, done, left, ended }: Errand): object {
  return {
    errandId: id,
    deed,
    askedAt: isoOf(askedAt),
    total,
    done,
    left,
    status: ended?.why ?? "running",
    ...(ended === undefined ? {} : { endedAt: isoOf(ended.at) }),
  };
}

/** @throws WorkerError `MalformedWebhook` */
function errandIn(query: URLSearchParams): string {
  const said = errandSchema.safeParse(Object.fromEntries(query));
  if (!said.success) throw new WorkerError("MalformedWebhook", "id has to be an errand's");
  return said.data.id;
}

function answer(response: Response, body: object): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}
