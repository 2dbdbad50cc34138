/** (b) What most people write: Express, an HMAC over the URL's parts, and one `queue.add` a request. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Queue } from "bullmq";
import express from "express";
import { Redis } from "ioredis";

const key = process.env["CALLBACK_KEY"] ?? "";
const queue = new Queue("webhooks", {
  connection: new Redis(process.env["REDIS_URL"] ?? "", { maxRetriesPerRequest: null }),
  prefix: "{plain}",
});
const app = express();

app.post(
  "/:adapter/api/checkout/v1/callback/orders/:orderId/payments/:paymentId/:webhook",
  express.raw({ type: () => true, limit: "1mb" }),
  async (request, response) => {
    const { adapter, orderId, paymentId, webhook } = request.params;
    const { merchant, channel, sig, klarna_order_id: reference } = request.query;
    const expected = createHmac("sha256", key)
      .update([adapter, merchant, channel, orderId, paymentId, webhook].map(String).join("\n"))
      .digest();
    const given = Buffer.from(typeof sig === "string" ? sig : "", "base64url");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      response.sendStatus(401);
      return;
    }
    await queue.add(
      "webhook",
      { adapter, merchant, channel, orderId, paymentId, webhook, reference },
      { removeOnComplete: true },
    );
    response.status(200).end();
  },
);

app.listen(Number(process.env["PORT"]), () => console.log("ready"));
