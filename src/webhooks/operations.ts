import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import type { OperationName, PaymentKey, RawRequest } from "../contract/adapter.ts";
import type { AdapterSettings, Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import { notJson, parseJson } from "../lib/json.ts";
import type { AskedOperation, OperationOutcome } from "../queue/operations.ts";
import { byAdmin } from "../signatures/admin-token.ts";
import { operationProven, type SignedOperation } from "../signatures/signed-url.ts";
import { NotPossible } from "./answers.ts";
import type { Head } from "./request.ts";
import { isId, type OperationCall } from "./routes.ts";

/** What has become of an operation: `queued` and `running` change, the others are final for this `operationId`. */
export interface OperationStatus {
  readonly operationId: string;
  readonly status: "queued" | "running" | "done" | "accepted" | "refused" | "unknown";
  /** Of a look what it came to: `written`, `unchanged`, `later`, `dead` and the facts of its log line; of others amount, reason, PSP's id. */
  readonly outcome?: unknown;
}

/** The looks, as far as an operator needs them. */
export interface OperatorLooks {
  /** Asks for a look that begins no sooner than now; says by which id what it came to can be asked. @throws WorkerError `QueueUnavailable` */
  ask(key: PaymentKey): Promise<string>;
  /** What became of a look; `unknown` also where it is another payment's. */
  status(key: PaymentKey, id: string): Promise<OperationStatus>;
}

/** An operation as whoever asked for it may see it. */
export interface OperationRecord {
  readonly id: string;
  readonly asked: AskedOperation;
  readonly status: "queued" | "running" | OperationOutcome["status"];
  readonly outcome?: OperationOutcome;
}

/** The operations that were asked for: each is stored before it is answered. @throws WorkerError `QueueUnavailable` within a second. */
export interface Operations {
  /**
   * Stores an operation, or finds the one that is meant: by its idempotency key; without a key, the same operation of the same amount while it
   * is under way.
   */
  ask(asked: AskedOperation, idempotencyKey: string | undefined): Promise<string>;
  read(id: string): Promise<OperationRecord | undefined>;
}

/** A call that leads somewhere and has been proven. Nothing of its body was needed for that. */
export interface Admitted {
  readonly key: PaymentKey;
  readonly operation: SignedOperation;
  /** Whether the caller has an admin token. A signed URL does the whole of what is left, and nothing else. */
  readonly byAdmin: boolean;
}

/** Where operations go. */
export interface OperationParts {
  readonly config: Config;
  readonly looks: OperatorLooks;
  readonly operations: Operations;
  readonly now: () => number;
}

/** How long an answer waits for the truth to be read; an operation that is not judged by then is answered as queued. */
const judgedMs = 8_000;
/** Nothing beside the amount: a name that is misspelt, or one that we do not know, must not mean all that is left. */
const amountSchema = z.strictObject({ amount: z.number().positive().max(1e12) });
const nothingSchema = z.strictObject({});
/** The ids that we give out, for looks as for operations; BullMQ keeps other things of a queue under names that are none. */
const operationIdShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Finds what an operation's URL names, and proves the call: by an admin token, or by the URL's own signature where the merchant publishes
 * signed URLs.
 * @throws WorkerError `UnknownTarget`, `MalformedWebhook`, `UntrustedWebhook`
 */
export function admit(config: Config, call: OperationCall, request: Head, now: number): Admitted {
  const { key } = call;
  if (!isId(key.orderId) || !isId(key.paymentId))
    throw new WorkerError("MalformedWebhook", "an id in the URL is malformed");
  const found = config.find(key);
  const operation = insistOnKnown(found, call.operation);
  if (byAdmin(config, request.headers["authorization"])) return { key, operation, byAdmin: true };
  const keys = config.signingKeys.of("operation", key);
  const signed = operationProven(keys, request.query, key, operation, now);
  if (signed && found?.settings.publishActions === "signed") return { key, operation, byAdmin: false };
  const why = signed ? "not-published" : request.query.has("sig") ? "wrong" : "missing";
  throw new WorkerError("UntrustedWebhook", "the operation could not be proven", { context: { sig: why } });
}

/**
 * Performs an operation on a payment, or tells what came of an earlier one (GET with `operationId`). `refresh` looks at the payment now.
 * @throws WorkerError `MalformedWebhook`, `UntrustedWebhook`, `QueueUnavailable`. @throws NotPossible
 */
export async function operate(
  parts: OperationParts,
  { key, operation, byAdmin: isAdmin }: Admitted,
  request: RawRequest,
): Promise<OperationStatus> {
  const { looks, operations } = parts;
  const id = request.query.get("operationId") ?? "";
  if (request.method === "GET" && !operationIdShape.test(id)) return statusOf(id, undefined);
  const preview = operation === "refresh" && request.query.get("dryRun") === "1";
  if (operation === "refresh" && !preview) {
    if (request.method === "GET") return await looks.status(key, id);
    return { operationId: await looks.ask(key), status: "queued" };
  }
  if (request.method === "GET") return statusOf(id, ofPayment(await operations.read(id), key));
  const name = operation === "refresh" ? "preview" : operation;
  const amount = preview ? {} : amountFrom(request, key);
  if (amount.amount !== undefined && !isAdmin)
    throw new WorkerError("UntrustedWebhook", "a part of the amount needs the admin token", {
      context: { sig: "amount" },
    });
  const stored = await operations.ask({ key, name, ...amount }, preview ? undefined : idempotencyKeyFrom(request));
  return await awaitJudgement(stored, amount.amount, parts);
}

/** @throws WorkerError `UnknownTarget` where the adapter is not configured or does not know the operation. */
function insistOnKnown(found: AdapterSettings | undefined, operation: string): SignedOperation {
  if (found !== undefined) {
    if (operation === "refresh") return operation;
    const name = (["capture", "cancel", "refund"] as const).find((one) => one === operation);
    if (name !== undefined && found.adapter.operations?.[name] !== undefined) return name satisfies OperationName;
  }
  throw new WorkerError("UnknownTarget", "no such adapter, merchant, channel or operation");
}

/** The operation once it has been found possible. @throws NotPossible */
async function awaitJudgement(
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

/** The amount of a partial operation; none where all that is left is meant, which only who says nothing else does. @throws WorkerError `MalformedWebhook` */
function amountFrom({ query, body }: RawRequest, key: PaymentKey): { readonly amount?: number } {
  if ([...query.keys()].some((name) => name.toLowerCase() === "amount"))
    throw new WorkerError("MalformedWebhook", `an amount is not taken from the query; ${amountHint}`);
  if (body.length === 0) return {};
  const json = parseJson(body.toString("utf8"));
  const given = json === notJson ? undefined : json;
  if (nothingSchema.safeParse(given).success || isOrder(given, key)) return {};
  const result = amountSchema.safeParse(given);
  if (!result.success) throw new WorkerError("MalformedWebhook", `the body is not understood; ${amountHint}`);
  return result.data;
}

const amountHint =
  'for a part of the amount send the body {"amount": 40.5}, a positive number in major units and nothing else; for all that is left send no body';

/**
 * What Norce sends when it executes an action is not documented: no body, `{}`, or the order (docs/norce.md, 5.1). An order is
 * known by what every order has (2.1), and has to be the one that the URL names, with the payment in it. It never has an amount itself.
 */
function isOrder(given: unknown, { orderId, paymentId }: PaymentKey): boolean {
  const order = orderSchema.safeParse(given).data;
  return order?.id === orderId && order.payments.some(({ id }) => id === paymentId);
}

const orderSchema = z.looseObject({
  id: z.string(),
  state: z.looseObject({ currentStatus: z.string() }),
  cart: z.looseObject({}),
  payments: z.array(z.looseObject({ id: z.string() })),
  amount: z.never().optional(),
});

/** @throws WorkerError `MalformedWebhook` */
function idempotencyKeyFrom({ headers }: RawRequest): string | undefined {
  const key = headers["idempotency-key"];
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw new WorkerError("MalformedWebhook", "Idempotency-Key has to be 1 to 255 printable characters");
  return key;
}
