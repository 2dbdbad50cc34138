import { isWorkerError, WorkerError } from "norce-psp-worker/lib/errors";
import { pathOf } from "norce-psp-worker/lib/http";
import type { LookContext } from "norce-psp-worker/adapter";
import type { Config } from "./config.ts";
import { paymentSchema, type Snapshot } from "./schema.ts";

/** What Pebble Pay says now; `null` where it does not know the payment (yet). */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const { apiUrl, apiKey, shopId } = context.config;
  const http = context.http({
    baseUrl: apiUrl,
    headers: { authorization: `Bearer ${apiKey}`, "pebble-shop": shopId },
  });
  try {
    const { body } = await http({ method: "GET", path: pathOf`/payments/${reference}`, route: "/payments/{id}" });
    const { data, error } = paymentSchema.safeParse(body);
    if (data !== undefined) return { payment: data };
    const field = error.issues[0]?.path.join(".") ?? "";
    throw new WorkerError("Unmapped", "pebble-pay sent something we cannot read", { context: { field } });
  } catch (error) {
    if (isWorkerError(error, "Refused") && error.context["status"] === 404) return null;
    throw error;
  }
}
