import type { PaymentKey, RawRequest } from "../adapters/adapter.ts";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { Look } from "../queue/queues.ts";
import { equalInConstantTime } from "../signatures/constant-time.ts";
import { operationProven } from "../signatures/signed-url.ts";
import { isId } from "./receive.ts";

/** What has become of an operation: `queued` and `running` change, the others are final for this `operationId`. */
export interface OperationStatus {
  readonly operationId: string;
  readonly status: "queued" | "running" | "done" | "unknown";
  /** What a finished look came to: `written`, `unchanged`, `later`, `dead` and the facts of its log line. */
  readonly outcome?: unknown;
}

/** The lanes, as far as an operation needs them. */
export interface Lanes {
  add(look: Look): Promise<{ readonly id: string }>;
  status(adapter: string, id: string): Promise<OperationStatus>;
}

/** One call of an operation URL. */
export interface OperationCall {
  readonly key: PaymentKey;
  readonly operation: string;
}

/**
 * Performs an operation on a payment, or tells what came of an earlier one (GET with `operationId`). The only operation so far is
 * `refresh`: look at the payment now.
 * @throws WorkerError `UnknownTarget`, `MalformedWebhook`, `UntrustedWebhook`, `QueueUnavailable`.
 */
export async function operate(
  config: Config,
  lanes: Lanes,
  { key, operation }: OperationCall,
  request: RawRequest,
  now: number,
): Promise<OperationStatus> {
  if (!isId(key.orderId) || !isId(key.paymentId))
    throw new WorkerError("MalformedWebhook", "an id in the URL is malformed");
  if (config.find(key) === undefined || operation !== "refresh") {
    throw new WorkerError("UnknownTarget", "no such adapter, merchant, channel or operation");
  }
  if (!byAdmin(config, request) && !operationProven(config.urlSigningKeys, request.query, key, operation, now)) {
    throw new WorkerError("UntrustedWebhook", "the operation could not be proven");
  }
  if (request.method === "GET") return await lanes.status(key.adapter, request.query.get("operationId") ?? "");
  const { id } = await lanes.add({ key });
  return { operationId: id, status: "queued" };
}

function byAdmin({ adminToken }: Config, { headers }: RawRequest): boolean {
  const given = /^Bearer (.+)$/i.exec(headers["authorization"] ?? "")?.[1];
  return adminToken !== undefined && given !== undefined && equalInConstantTime(given, adminToken);
}
