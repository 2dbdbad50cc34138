import { z } from "zod";
import { WorkerError } from "norce-psp-worker/lib/errors";
import { signedUrl } from "norce-psp-worker/signatures/signed-url";
import type { Webhook } from "norce-psp-worker/adapter";
import { idShape } from "./schema.ts";

const bodySchema = z.object({ payment_id: z.string().regex(idShape), event: z.string().regex(/^[\w-]{1,40}$/) });

/** Something happened to a payment: sent once for each thing. https://pebble-pay.example/docs/webhooks */
export const push: Webhook<unknown> = {
  scope: "payment",
  method: "POST",
  verify: signedUrl,
  // The exact bytes that Pebble Pay wants.
  ack: { status: 200, type: "text/plain", body: "OK" },
  parse: ({ body }, { paymentId = "" }) => {
    const { data } = bodySchema.safeParse(jsonFrom(body));
    if (data === undefined) throw new WorkerError("MalformedWebhook", "this is not what Pebble Pay documents");
    const { payment_id: reference, event: type } = data;
    return [{ key: JSON.stringify([paymentId, reference, type]), type, at: null, reference }];
  },
};

function jsonFrom(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
