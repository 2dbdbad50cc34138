import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { jsonFrom } from "../../lib/json.ts";
import { equalInConstantTime } from "../../signatures/constant-time.ts";
import { proven } from "../../signatures/proven.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { RawRequest, Webhook } from "../../contract/adapter.ts";
import { acceptedAuthorizations, type Config } from "./config.ts";
import { idShape } from "./schema.ts";

const bodySchema = z.looseObject({ purchaseId: z.string().nullish() });

/** Avarda signs nothing; on request it sends a header that never changes, which is then insisted on. */
const signedUrlAndHeader = proven<Config, "hint">(signedUrl, ({ headers }, { config }) => {
  const accepted = acceptedAuthorizations(config);
  const given = headers["authorization"] ?? "";
  // Every value is tried, so that the time taken does not tell which one it was.
  return accepted.length === 0 || accepted.map((value) => equalInConstantTime(given, value)).includes(true);
});

/**
 * "The purchase is complete": sent for that and for nothing else, repeated every 10 minutes until the answer is 2xx, at most 20 times.
 * It never carries a `line`: the lines that decide about money come from our own operations alone.
 * https://docs.avarda.com/checkout-3/more-features/server-side-callbacks/
 */
export const notification: Webhook<Config> = {
  scope: "payment",
  method: "POST",
  verify: signedUrlAndHeader,
  ack: { status: 200 },
  parse: (request, { orderId = "", paymentId = "" }) => {
    const reference = purchaseIdIn(request);
    return [
      {
        // Avarda sends no event id; what it says of a payment it says once.
        key: JSON.stringify([orderId, paymentId, "completed", reference ?? ""]),
        type: "completed",
        at: null,
        ...(reference === undefined ? {} : { reference }),
      },
    ];
  },
};

/** The purchase that the body names. Without one it still says that something happened to this payment, and a look is harmless. */
function purchaseIdIn({ body }: RawRequest): string | undefined {
  const text = body.toString("utf8").trim();
  if (text === "") return undefined;
  const result = bodySchema.safeParse(jsonFrom(text));
  if (!result.success) throw new WorkerError("MalformedWebhook", "the notification is not what Avarda documents");
  const { purchaseId } = result.data;
  if (purchaseId === undefined || purchaseId === null || purchaseId === "") return undefined;
  if (!idShape.test(purchaseId)) throw new WorkerError("MalformedWebhook", "this is no purchase id of Avarda's");
  return purchaseId;
}
