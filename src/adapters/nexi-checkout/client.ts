import { z } from "zod";
import { isObject } from "../../lib/json.ts";
import { type Http, pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, Json, LookContext } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { idShape, paymentSchema, type Snapshot } from "./schema.ts";

/** A payment's route, for logs and metrics. */
export const paymentRoute = "/v1/payments/{id}";

/**
 * Codes by which Nexi refuses for good, with whichever status (docs/psp/nexi.md, j). Not among them: 1000 (unknown), 1020 and 1022 (the
 * method's own trouble), 1025.
 */
const final: ReadonlySet<string> = new Set(
  [1001, 1002, 1003, 1004, 1005, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1018]
    .concat([1019, 1023, 1024, 1026, 1027, 1029, 1030, 1031])
    .map(String),
);

/** Nexi's API with the merchant's key, which stands in `Authorization` without any scheme's name. */
export function httpFrom({ config, http }: AskContext<Config>): Http {
  return http({
    baseUrl: config.apiUrl,
    headers: { authorization: config.secretKey },
    // A business refusal may come with 500.
    classify: (status, body) => (status >= 500 && final.has(codeIn(body)) ? "Refused" : undefined),
    codeOf: codeAt("code", ["header:x-correlation-id", "header:request-id"]),
  });
}

function codeIn(body: unknown): string {
  const code = isObject(body) ? body["code"] : undefined;
  return typeof code === "string" || typeof code === "number" ? String(code) : "";
}

/** What Nexi says now, in one answer; `null` where it does not know the payment. */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  // Nothing else is asked for: an id comes from a webhook whose body nobody signed.
  if (!idShape.test(reference)) return null;
  const question = {
    path: pathOf`/v1/payments/${reference.toLowerCase()}`,
    route: paymentRoute,
    signal: context.signal,
  };
  const answer = await readOrNull(httpFrom(context), question, z.object({ payment: paymentSchema }), "a Nexi payment");
  return answer === null ? null : { payment: answer.payment, seen: textsIn(context.memory["seen"]) };
}

function textsIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}
