/** How letters are chosen in a query, or in a form. */
import { z } from "zod";
import { WorkerError } from "../lib/errors.ts";
import type { LetterFilter } from "../queue/letter-filter.ts";
import { queryOf } from "../webhooks/request.ts";

const dayMs = 24 * 3_600_000;
const name = z.string().min(1).max(200).optional();
/** A day, which begins at midnight UTC, or a time. */
const moment = z.union([
  z.iso.date(),
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
]);
/** As many as a URL may hold. */
const mostIds = 200;
/** What may be said of letters. */
export const filterFields = {
  reason: z.string().min(1).max(500).optional(),
  kind: name,
  about: z.enum(["payment", "event", "operation"]).optional(),
  adapter: name,
  merchant: name,
  channel: name,
  from: moment.transform((text) => Date.parse(text)).optional(),
  // Of a day the end: days are meant to be included.
  to: moment.transform((text) => Date.parse(text) + (text.length === "2026-01-31".length ? dayMs : 0)).optional(),
  id: z.array(z.string().regex(/^[\w-]{43}$/)).max(mostIds),
};
/** What was said of the letters that are meant; what was not said is not there. */
export function filterFrom({ id, ...said }: z.infer<z.ZodObject<typeof filterFields>>): LetterFilter {
  const given = Object.entries(said).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...(id.length === 0 ? {} : { ids: id }) };
}

/** @throws WorkerError `MalformedWebhook`, which names what is at fault and repeats nothing of it. */
export function asked<Shape extends z.ZodType>(schema: Shape, url: string): z.output<Shape> {
  const query = queryOf(url);
  const said = schema.safeParse({ ...Object.fromEntries(query), id: query.getAll("id") });
  if (said.success) return said.data;
  const names = said.error.issues.map(({ path: [field] }) => String(field ?? "a name that is not known"));
  throw new WorkerError("MalformedWebhook", `in the query this is not understood: ${[...new Set(names)].join(", ")}`);
}

/** What a form says of letters: what was left empty is not said. `undefined` where something is not understood, such as a time. */
export function filterOfForm(form: URLSearchParams): LetterFilter | undefined {
  const said = [...form].map(([field, value]) => [field, value.trim()] as const);
  const known = said.filter(([field, value]) => field !== "id" && field in filterFields && value !== "");
  const fields = { ...Object.fromEntries(known), id: form.getAll("id") };
  const read = z.object(filterFields).safeParse(fields);
  return read.success ? filterFrom(read.data) : undefined;
}
