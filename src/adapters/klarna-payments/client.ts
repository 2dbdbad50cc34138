import { pathOf } from "../../lib/http.ts";
import { readOrNull } from "../../lib/read.ts";
import { acknowledge as acknowledgeOrder, httpFrom, readOrder } from "../_klarna/client.ts";
import type { LookContext } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { sessionSchema, type Snapshot } from "./schema.ts";

const sessionRoute = "/payments/v1/sessions/{session_id}";

/**
 * What Klarna says now; `null` where it knows neither order nor session. The session is read only where there is no order: whoever opened it
 * may have written its id into Norce.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const order = await readOrder(reference, context);
  if (order !== null) return { order };
  const path = pathOf`/payments/v1/sessions/${reference}`;
  const question = { path, route: sessionRoute, signal: context.signal };
  const session = await readOrNull(httpFrom(context), question, sessionSchema, "Klarna's session");
  return session === null ? null : { order: null, session: { ...session, session_id: reference } };
}

/** Tells Klarna that the order has arrived: where a push URL was given, it pushes until then. */
export async function acknowledge({ order }: Snapshot, context: LookContext<Config>): Promise<void> {
  if (order !== null) await acknowledgeOrder(order, context);
}
