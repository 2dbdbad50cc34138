import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { OperationName, PaymentKey, RawRequest } from "../adapters/adapter.ts";
import type { AdapterSettings, Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { OperationRecord, Operations } from "../queue/operations.ts";
import type { Look } from "../queue/queues.ts";
import { operationProven, type SignedOperation } from "../signatures/signed-url.ts";
import { byAdmin } from "./admin.ts";
import { isId } from "./receive.ts";

/** What has become of an operation: `queued` and `running` change, the others are final for this `operationId`. */
export interface OperationStatus {
  readonly operationId: string;
  readonly status: "queued" | "running" | "done" | "accepted" | "refused" | "unknown";
  /** Of a look what it came to: `written`, `unchanged`, `later`, `dead` and the facts of its log line; of others amount, reason, PSP's id. */
  readonly outcome?: unknown;
}

/** The lanes, as far as an operation needs them. */
export interface Lanes {
  add(look: Look): Promise<{ readonly id: string }>;
  /** What became of a look; `unknown` also where it is another payment's. */
  status(key: PaymentKey, id: string): Promise<OperationStatus>;
}

/** One call of an operation URL. */
export interface OperationCall {
  readonly key: PaymentKey;
  readonly operation: string;
}

/** Where operations go. */
export interface OperationParts {
  readonly config: Config;
  readonly lanes: Lanes;
  readonly operations: Operations;
  readonly now: () => number;
}

/** The PSP's truth says no: nothing was sent. */
export class NotPossible extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`the operation is not possible: ${reason}`);
    this.name = "NotPossible";
    this.reason = reason;
  }
}

/** How long an answer waits for the truth to be read; an operation that is not judged by then is answered as queued. */
const judgedMs = 8_000;
const amountSchema = z.object({ amount: z.number().positive().max(1e12) });

/**
 * Performs an operation on a payment, or tells what came of an earlier one (GET with `operationId`). `refresh` looks at the payment now.
 * @throws WorkerError `UnknownTarget`, `MalformedWebhook`, `UntrustedWebhook`, `QueueUnavailable`. @throws NotPossible
 */
export async function operate(
  parts: OperationParts,
  call: OperationCall,
  request: RawRequest,
): Promise<OperationStatus> {
  const { config, lanes, operations, now } = parts;
  const { key } = call;
  if (!isId(key.orderId) || !isId(key.paymentId))
    throw new WorkerError("MalformedWebhook", "an id in the URL is malformed");
  const operation = known(config.find(key), call.operation);
  if (
    !byAdmin(config, request.headers["authorization"]) &&
    !operationProven(config.urlSigningKeys, request.query, key, operation, now())
  ) {
    throw new WorkerError("UntrustedWebhook", "the operation could not be proven");
  }
  const id = request.query.get("operationId") ?? "";
  const preview = operation === "refresh" && request.query.get("dryRun") === "1";
  if (operation === "refresh" && !preview) {
    if (request.method === "GET") return await lanes.status(key, id);
    return { operationId: (await lanes.add({ key, asked: "operator" })).id, status: "queued" };
  }
  if (request.method === "GET") return statusOf(id, ofPayment(await operations.read(id), key));
  const name = operation === "refresh" ? "preview" : operation;
  const amount = preview ? {} : amountFrom(request.body);
  const stored = await operations.ask({ key, name, ...amount }, preview ? undefined : idempotencyKeyFrom(request));
  return await judged(stored, amount.amount, parts);
}

/** @throws WorkerError `UnknownTarget` where the adapter is not configured or does not know the operation. */
function known(found: AdapterSettings | undefined, operation: string): SignedOperation {
  if (found !== undefined) {
    if (operation === "refresh") return operation;
    const name = (["capture", "cancel", "refund"] as const).find((one) => one === operation);
    if (name !== undefined && found.adapter.operations?.[name] !== undefined) return name satisfies OperationName;
  }
  throw new WorkerError("UnknownTarget", "no such adapter, merchant, channel or operation");
}

/** The operation once it has been found possible. @throws NotPossible */
async function judged(
  id: string,
  amount: number | undefined,
  { operations, now }: OperationParts,
): Promise<OperationStatus> {
  const deadline = now() + judgedMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 250)) {
    const record = await operations.read(id);
    if (record !== undefined && record.asked.amount !== amount) throw new NotPossible("idempotency-key-reused");
    if (record?.outcome?.refusedBeforehand === true) throw new NotPossible(record.outcome.reason ?? "not-possible");
    if (record === undefined || record.status !== "queued" || now() > deadline) return statusOf(id, record);
    await pause(pauseMs);
  }
}

function statusOf(operationId: string, record: OperationRecord | undefined): OperationStatus {
  if (record === undefined) return { operationId, status: "unknown" };
  const { status, outcome } = record;
  const { status: _status, refusedBeforehand: _beforehand, ...facts } = outcome ?? { status };
  return { operationId, status, ...(Object.keys(facts).length === 0 ? {} : { outcome: facts }) };
}

/** An operation can be asked about by those who could ask for it. */
function ofPayment(
  record: OperationRecord | undefined,
  { adapter, merchant, channel, orderId, paymentId }: PaymentKey,
) {
  const key = record?.asked.key;
  const same =
    key?.adapter === adapter &&
    key.merchant === merchant &&
    key.channel === channel &&
    key.orderId === orderId &&
    key.paymentId === paymentId;
  return same ? record : undefined;
}

/** The amount of a partial operation; Norce's own calls have no body, or the order. @throws WorkerError `MalformedWebhook` */
function amountFrom(body: Buffer): { readonly amount?: number } {
  if (body.length === 0) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new WorkerError("MalformedWebhook", "the body is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null || !("amount" in parsed)) return {};
  const result = amountSchema.safeParse(parsed);
  if (!result.success) throw new WorkerError("MalformedWebhook", "amount has to be a positive number in major units");
  return result.data;
}

/** @throws WorkerError `MalformedWebhook` */
function idempotencyKeyFrom({ headers }: RawRequest): string | undefined {
  const key = headers["idempotency-key"];
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw new WorkerError("MalformedWebhook", "Idempotency-Key has to be 1 to 255 printable characters");
  return key;
}
