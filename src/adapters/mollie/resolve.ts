import { z } from "zod";
import { pathOf } from "../../lib/http.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, PspEvent } from "../../contract/adapter.ts";
import { httpFrom } from "./client.ts";
import type { Config } from "./config.ts";
import { paymentIn } from "./webhooks.ts";

/** Whose payment an event is about that names a refund, a capture or a chargeback alone: the event itself, read again, says it (docs/psp/mollie.md, b.2). */
export async function resolve(
  { key }: PspEvent,
  context: AskContext<Config>,
): Promise<{ readonly reference: string } | null> {
  const question = {
    path: pathOf`/v2/events/${key}`,
    route: "/v2/events/{id}",
    signal: context.signal,
  };
  const body = await readOrNull(httpFrom(context), question, z.unknown(), "a Mollie event");
  const reference = body === null ? undefined : paymentIn(body);
  return reference === undefined ? null : { reference };
}
