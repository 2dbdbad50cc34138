import { createHash } from "node:crypto";
import type { Forgery, ProvenRequest } from "../../contract/simulator.ts";
import type { Config } from "./config.ts";
import { authorizationOf } from "./proof.ts";

const prefix = authorizationOf("");

/** Signed are method, path and query, date, host, and the body by its digest (docs/psp/vipps-mobilepay.md, b.3). */
const webhook: Forgery = {
  forged(proof) {
    const { request, context } = proof;
    const otherBody = Buffer.concat([request.body, Buffer.from(" ")]);
    return {
      path: { request: { ...request, url: request.url.replace("/orders/", "/orderz/") }, context },
      query: { request: { ...request, url: `${request.url}&x=1` }, context },
      method: { request: { ...request, method: "PUT" }, context },
      host: { request, context: { ...context, publicUrl: "http://other.example" } },
      port: { request, context: { ...context, publicUrl: "http://localhost:8443" } },
      "path in front": { request, context: { ...context, publicUrl: "http://localhost/inside" } },
      date: withHeader(proof, "x-ms-date", "Thu, 01 Jan 2026 00:00:00 GMT"),
      digest: withHeader(proof, "x-ms-content-sha256", digestOf(otherBody)),
      "body and its digest": withHeader(
        { request: { ...request, body: otherBody }, context },
        "x-ms-content-sha256",
        digestOf(otherBody),
      ),
      "list of what is signed": withHeader(
        proof,
        "authorization",
        (request.headers["authorization"] ?? "").replace("x-ms-date;host;", "x-ms-date;"),
      ),
    };
  },
  signed(proof, change) {
    const given = (proof.request.headers["authorization"] ?? "").slice(prefix.length);
    const signature = change(given);
    return withHeader(proof, "authorization", signature === undefined ? undefined : `${prefix}${signature}`);
  },
  secrets({ request, context }, secrets) {
    const config = context.config as Config;
    const own = typeof config.webhookSecret === "string" ? config.webhookSecret : (config.webhookSecret?.[0] ?? "");
    const changed: Config = { ...config, webhookSecret: [...secrets(own)] };
    return { request, context: { ...context, config: changed } };
  },
};

/** How the webhook could be forged, for the law "proof". */
export const forgeries: Readonly<Record<string, Forgery>> = { webhook };

function digestOf(body: Buffer): string {
  return createHash("sha256").update(body).digest("base64");
}

function withHeader({ request, context }: ProvenRequest, name: string, value: string | undefined): ProvenRequest {
  const { [name]: _replaced, ...others } = request.headers;
  return { request: { ...request, headers: value === undefined ? others : { ...others, [name]: value } }, context };
}
