import { existsSync } from "node:fs";
import { z } from "zod";
import type { Json } from "../../src/contract/adapter.ts";
import type { Subject } from "./subjects.ts";

/** A place in a document where a PSP's word stands, and all the words that the adapter's schema knows for it. */
export interface Word {
  readonly path: readonly string[];
  readonly options: readonly string[];
}

/** The zod schemas that an adapter's `schema.ts` exports. */
export async function schemasOf({ path }: Subject): Promise<readonly z.ZodType[]> {
  if (!existsSync(`${path}/schema.ts`)) return [];
  const module = (await import(`${path}/schema.ts`)) as Record<string, unknown>;
  return Object.values(module).filter((value) => value instanceof z.ZodType);
}

/** Every place in the document that one of the schemas, which fits there, says to be an enum. */
export function wordsIn(schemas: readonly z.ZodType[], document: Json, path: readonly string[] = []): Word[] {
  if (typeof document !== "object" || document === null) return [];
  const here = schemas
    .filter((schema) => schema.safeParse(document).success)
    .flatMap((schema) => wordsOf(schema, document, path));
  return [...here, ...Object.entries(document).flatMap(([name, inner]) => wordsIn(schemas, inner, [...path, name]))];
}

/** Where a field could stand that one of the schemas, which fits there, reads. */
export function placesFor(
  schemas: readonly z.ZodType[],
  document: Json,
  path: readonly string[] = [],
): (readonly string[])[] {
  if (typeof document !== "object" || document === null) return [];
  const here = schemas
    .filter((schema) => schema.safeParse(document).success)
    .flatMap((schema) => placesOf(schema, document, path));
  return [...here, ...Object.entries(document).flatMap(([name, inner]) => placesFor(schemas, inner, [...path, name]))];
}

function placesOf(schema: z.ZodType, document: Json | undefined, path: readonly string[]): (readonly string[])[] {
  const inner = unwrapped(schema);
  if (typeof document !== "object" || document === null) return [];
  if (inner instanceof z.ZodArray && Array.isArray(document))
    return document.flatMap((item: Json, index) =>
      placesOf(inner.element as z.ZodType, item, [...path, String(index)]),
    );
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) => [
    [...path, name],
    ...placesOf(field, (document as Record<string, Json>)[name], [...path, name]),
  ]);
}

/** The names of all fields that a schema says to be an enum. */
export function namesOfWords(schema: z.ZodType, name = ""): string[] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodEnum) return [name];
  if (inner instanceof z.ZodArray) return namesOfWords(inner.element as z.ZodType, name);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([field, of]) => namesOfWords(of, field));
}

/** Every value of a document that is neither an object nor a list, and where it stands. */
export function leavesOf(
  document: Json,
  at: readonly string[] = [],
): { readonly at: readonly string[]; readonly value: Json }[] {
  if (typeof document !== "object" || document === null) return at.length === 0 ? [] : [{ at, value: document }];
  return Object.entries(document).flatMap(([name, inner]: [string, Json]) => leavesOf(inner, [...at, name]));
}

/** A copy of the document in which something else stands at the path. */
export function replaced(document: Json, [name, ...path]: readonly string[], value: Json): Json {
  if (name === undefined) return value;
  if (Array.isArray(document))
    return document.map((item: Json, index) => (String(index) === name ? replaced(item, path, value) : item));
  const fields = document as { readonly [key: string]: Json };
  return { ...fields, [name]: replaced(fields[name] ?? null, path, value) };
}

function wordsOf(schema: z.ZodType, document: Json | undefined, path: readonly string[]): Word[] {
  const inner = unwrapped(schema);
  if (document === undefined || document === null) return [];
  if (inner instanceof z.ZodEnum) return [{ path, options: inner.options.map(String) }];
  if (inner instanceof z.ZodArray && Array.isArray(document))
    return document.flatMap((item: Json, index) => wordsOf(inner.element as z.ZodType, item, [...path, String(index)]));
  if (!(inner instanceof z.ZodObject) || typeof document !== "object") return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, field]) =>
    wordsOf(field, (document as Record<string, Json>)[name], [...path, name]),
  );
}

/** Without `optional`, `nullish`, `default`, `catch` and the like around it. */
function unwrapped(schema: z.ZodType): z.ZodType {
  const { innerType, in: input } = schema.def as { innerType?: z.ZodType; in?: z.ZodType };
  const inside = innerType ?? input;
  return inside === undefined ? schema : unwrapped(inside);
}
