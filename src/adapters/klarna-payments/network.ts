import { z } from "zod";
import { present, time } from "../_klarna/schema.ts";
import type { Clue, Finding, Json, KeptEvent, LogLine, PspEvent, TransactionEvent } from "../../contract/adapter.ts";

/** A code, an id or a state: what does not look like one is left out, so that no sentence and no name gets further. */
const code = z
  .string()
  .regex(/^[\w.:-]{1,128}$/)
  .optional()
  .catch(undefined);
/** What the merchant gave: whatever can be printed. */
const reference = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/)
  .optional()
  .catch(undefined);
const currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .optional()
  .catch(undefined);
const token = z.string().min(1).max(1000).optional().catch(undefined);

function part<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape).optional().catch(undefined);
}

const tokens = { customer_token: token, klarna_customer: part({ customer_token: token }) };

/**
 * A webhook of Klarna Network. Read is an allow-list: `klarna_network_session_token` and `payment_token` are worth money, and the shopper's
 * profile is nobody's business here.
 * https://docs.klarna.com/klarna-network-distribution/setup-your-integration/connection-configuration/setup-your-webhooks
 */
export const networkSchema = z.object({
  metadata: z.object({
    event_type: z.string().regex(/^[\w.-]{1,128}$/),
    event_id: z.string().regex(/^[\w.:-]{1,128}$/),
    occurred_at: time,
  }),
  payload: z
    .object({
      state: code,
      previous_state: code,
      state_reason: code,
      currency,
      // Of a dispute about an order of Klarna Payments: the id in order management.
      order_id: z
        .string()
        .regex(/^[\w-]{1,64}$/)
        .optional()
        .catch(undefined),
      merchant_reference1: reference,
      merchant_reference2: reference,
      payment_transaction_reference: reference,
      payment_request_reference: reference,
      purchase_reference: reference,
      supplementary_purchase_data: part({ purchase_reference: reference }),
      payment_request_id: code,
      payment_transaction_id: code,
      payment_dispute_id: code,
      capture_id: code,
      dispute_reason: code,
      dispute_outcome: code,
      dispute_outcome_detailed: code,
      dispute_details: part({ dispute_amount: z.int().nonnegative().optional().catch(undefined), currency }),
      representment: part({ expires_at: time }),
      arbitration_expires_at: time,
      updated_fields: part({ evidence_response_deadline_at: time }),
      ...tokens,
      state_context: part({ ...tokens, payment_transaction_id: code }),
    })
    .nullish(),
});

type Network = z.output<typeof networkSchema>;
type Payload = NonNullable<Network["payload"]>;

/**
 * The event, kept where no later question to order management would tell; `undefined` where nothing says whose it is, and for a payment
 * request that goes on: there is no order yet that a look could find.
 */
export function eventFrom({ metadata, payload: given }: Network): PspEvent | undefined {
  const payload = given ?? {};
  const clues = cluesIn(payload);
  const line = lineOf(metadata.event_type, payload);
  const goesOn = line === undefined && metadata.event_type.startsWith("payment.request.");
  if (clues.length === 0 || goesOn) return undefined;
  return {
    key: `network:${metadata.event_id}`,
    type: metadata.event_type,
    at: metadata.occurred_at === undefined ? null : new Date(metadata.occurred_at).toISOString(),
    ...(payload.order_id === undefined ? {} : { reference: payload.order_id }),
    clues,
    ...(line === undefined ? {} : { line }),
  };
}

/** The ids of a kept event by which a later one may name the same payment. */
export function idsIn({ facts = {} }: KeptEvent): readonly string[] {
  const ids = [facts["paymentRequestId"], facts["paymentTransactionId"], facts["paymentDisputeId"]];
  return ids.filter((id) => typeof id === "string");
}

/** What is ours comes first; Klarna's own ids help where we have seen them before. */
function cluesIn(payload: Payload): readonly Clue[] {
  const echoes = [
    payload.merchant_reference1,
    payload.merchant_reference2,
    payload.payment_transaction_reference,
    payload.payment_request_reference,
    payload.purchase_reference,
    payload.supplementary_purchase_data?.purchase_reference,
  ];
  const references = [
    payload.order_id,
    payload.payment_dispute_id,
    transactionIdIn(payload),
    payload.payment_request_id,
  ];
  return [...distinct(echoes).map((echo) => ({ echo })), ...distinct(references).map((id) => ({ reference: id }))];
}

function transactionIdIn({ payment_transaction_id, state_context }: Payload): string | undefined {
  return payment_transaction_id ?? state_context?.payment_transaction_id;
}

function distinct(texts: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(texts.filter((text) => text !== undefined))];
}

function lineOf(type: string, payload: Payload): LogLine | undefined {
  if (type.startsWith("payment.dispute.")) return disputeLine(payload);
  const change = /^payment\.request\.state-change\.([\w-]+)$/.exec(type)?.[1];
  const event = change === undefined ? undefined : requestEventOf(change);
  return change === undefined || event === undefined ? undefined : requestLine(change, event, payload);
}

/**
 * What the end of a payment request means for the log (docs/psp/klarna.md, e rows 22 and 23). `authorized` and `confirmed` are the words of earlier
 * versions of the API, where a transaction exists by then.
 * https://docs.klarna.com/klarna-network-distribution/process-payments/web-payments/one-time-payments/monitor-payment-state-and-retrieve-payment-confirmation-token
 */
function requestEventOf(change: string): { event: TransactionEvent; success: boolean } | undefined {
  switch (change) {
    case "completed":
    case "authorized":
    case "confirmed":
      return { event: "confirm", success: true };
    case "declined":
      return { event: "confirm", success: false };
    case "canceled":
    case "expired":
      return { event: "cancel", success: false };
    default:
      return undefined;
  }
}

/** The shopper agreed, or did not: no money is reserved by it. */
function requestLine(
  change: string,
  { event, success }: { event: TransactionEvent; success: boolean },
  payload: Payload,
): LogLine {
  const customerToken = tokenIn(payload) ?? tokenIn(payload.state_context);
  return {
    event,
    pspStatus: payload.state ?? "unknown",
    amount: 0,
    currency: payload.currency,
    success,
    ...(success ? {} : { errorDetail: payload.state_reason ?? change }),
    facts: factsOf({
      paymentRequestId: payload.payment_request_id,
      paymentTransactionId: transactionIdIn(payload),
      previousState: payload.previous_state,
      stateReason: payload.state_reason,
    }),
    ...(customerToken === undefined ? {} : { recurring: { token: customerToken } }),
  };
}

function tokenIn(holder: z.output<z.ZodObject<typeof tokens>> | undefined): string | undefined {
  return holder?.customer_token ?? holder?.klarna_customer?.customer_token;
}

/** A dispute does not exist in order management. What it costs, if anything, shows there as money: the line moves none. */
function disputeLine(payload: Payload): LogLine {
  const { dispute_details: details, dispute_outcome: outcome } = payload;
  const lost = isLost(outcome);
  return {
    event: "paymentAction",
    pspStatus: payload.state ?? "unknown",
    amount: 0,
    currency: details?.currency,
    success: !lost,
    ...(lost ? { errorDetail: payload.dispute_outcome_detailed ?? outcome } : {}),
    facts: factsOf({
      paymentDisputeId: payload.payment_dispute_id,
      paymentTransactionId: transactionIdIn(payload),
      captureId: payload.capture_id,
      previousState: payload.previous_state,
      disputeReason: payload.dispute_reason,
      disputeAmount: details?.dispute_amount,
      disputeOutcome: outcome,
      answerBefore:
        payload.updated_fields?.evidence_response_deadline_at ??
        payload.representment?.expires_at ??
        payload.arbitration_expires_at,
    }),
  };
}

function factsOf(facts: Readonly<Record<string, string | number | undefined>>): Readonly<Record<string, Json>> {
  return present(facts);
}

function isLost(outcome: Json | undefined): boolean {
  return typeof outcome === "string" && outcome.toUpperCase() === "LOST";
}

/**
 * The disputes that are open, and those that were lost, by their newest word in whatever order it came. One that names no id is known by its
 * event.
 */
export function disputesIn(kept: readonly KeptEvent[]): readonly Finding[] {
  const newest = new Map<string, KeptEvent>();
  for (const event of kept) {
    if (!event.type.startsWith("payment.dispute.")) continue;
    const named = event.facts?.["paymentDisputeId"];
    const id = typeof named === "string" ? named : event.key;
    const known = newest.get(id);
    if (known === undefined || placeOf(event) > placeOf(known)) newest.set(id, event);
  }
  return [...newest]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([id, event]): Finding[] => {
      const { disputeOutcome: outcome, disputeReason: reason, disputeAmount, answerBefore } = event.facts ?? {};
      if (!isLost(outcome) && event.pspStatus === "CLOSED") return [];
      const amount = typeof disputeAmount === "number" ? { amount: disputeAmount } : {};
      const facts = { ...amount, ...textsOf({ currency: event.currency, state: event.pspStatus, reason, outcome }) };
      if (isLost(outcome)) return [{ name: "chargeback", id, facts }];
      return [{ name: "dispute", id, deadline: timeIn(answerBefore), facts }];
    });
}

/** By Klarna's clock, then by key. */
function placeOf({ at, key }: KeptEvent): string {
  return `${at ?? ""} ${key}`;
}

function timeIn(value: Json | undefined): string | undefined {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

function textsOf(facts: Readonly<Record<string, Json | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(facts).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
