import type { Json, Minor } from "../../contract/adapter.ts";
import type { SimulatedHeld } from "../../contract/simulator.ts";
import type { Charge, Dispute, Intent, Refund } from "./schema.ts";

/** Obviously fake: there to be seen nowhere but in Stripe's own answers. */
const shopper = {
  name: "Testperson Approved",
  email: "shopper@example.invalid",
  phone: "+46000000000",
  address: { line1: "Exempelgatan 1", postal_code: "00000", city: "Exempelstad", country: "SE" },
};

/** A refund as the simulator keeps it. */
export interface HeldRefund {
  readonly id: string;
  readonly amount: number;
  readonly created: number;
  readonly reason: Refund["reason"];
  readonly metadata: Readonly<Record<string, string>>;
  status: Refund["status"];
  failure: string | null;
}

/** A dispute as the simulator keeps it. */
export interface HeldDispute {
  readonly id: string;
  readonly amount: number;
  readonly created: number;
  readonly dueBy: number;
  status: Dispute["status"];
}

/** An attempt to pay. */
export interface HeldCharge {
  readonly id: string;
  readonly created: number;
  readonly method: "card" | "sepa_debit" | "customer_balance";
  readonly multicapture: boolean;
  readonly captureBefore: number;
  status: Charge["status"];
  captured: number;
}

/** A payment as Stripe holds it, in Stripe's own units of the currency. */
export interface Held extends SimulatedHeld {
  readonly created: number;
  readonly currency: string;
  readonly amount: number;
  readonly methodId: string;
  readonly customer: string;
  status: Intent["status"];
  captureMethod: "automatic_async" | "manual";
  cancellation: Intent["cancellation_reason"];
  error: { readonly code: string; readonly decline_code: string | null } | null;
  action: Json;
  review: { readonly id: string; open: boolean } | null;
  charge: HeldCharge | null;
  readonly refunds: HeldRefund[];
  readonly disputes: HeldDispute[];
  /** What is still held and can be captured. */
  capturable: number;
}

/** Whether the purchase is to be charged again: the method is stored for a customer. */
function isStored({ payment }: Held): boolean {
  return payment.purchase.recurring === true;
}

/** What is refunded of what was captured, as far as it has not failed. */
export function refundedOf({ refunds }: Held, ...statuses: readonly Refund["status"][]): number {
  return refunds
    .filter(
      ({ status, reason, metadata }) =>
        statuses.includes(status) && reason !== "expired_uncaptured_charge" && metadata["released"] === undefined,
    )
    .reduce((total, { amount }) => total + amount, 0);
}

/** What disputes took for good. */
export function lostOf({ disputes }: Held): Minor {
  return disputes.filter(({ status }) => status === "lost").reduce((total, { amount }) => total + amount, 0);
}

const metadataOf = ({ payment: { purchase } }: Held) => ({
  norceOrderId: purchase.orderId,
  norcePaymentId: purchase.paymentId,
});

const cardFacts = {
  brand: "visa",
  last4: "4242",
  exp_month: 12,
  exp_year: 2030,
  fingerprint: "fpSimulated01",
  country: "SE",
};

/** `GET /v1/payment_methods/{id}`, and expanded. */
function methodShown(held: Held): Json {
  return {
    id: held.methodId,
    object: "payment_method",
    type: "card",
    customer: isStored(held) ? held.customer : null,
    billing_details: shopper,
    card: cardFacts,
    livemode: false,
  };
}

/** `GET /v1/payment_intents/{id}`. @param expand the fields that are to be objects */
export function intentShown(held: Held, expand: readonly string[] = []): Json {
  const { reference, charge, status, payment } = held;
  const isBegun = status !== "requires_payment_method" || charge !== null;
  return {
    id: reference,
    object: "payment_intent",
    amount: held.amount,
    amount_capturable: held.capturable,
    amount_received: charge?.captured ?? 0,
    canceled_at: null,
    cancellation_reason: held.cancellation ?? null,
    capture_method: held.captureMethod,
    client_secret: `${reference}_secret_simulated`,
    created: held.created,
    currency: held.currency.toLowerCase(),
    customer: isStored(held) ? held.customer : null,
    last_payment_error:
      held.error === null ? null : { type: "card_error", message: `Declined, ${shopper.name}`, ...held.error },
    latest_charge: charge === null ? null : expand.includes("latest_charge") ? chargeShown(held, charge) : charge.id,
    livemode: false,
    metadata: metadataOf(held),
    next_action: held.action,
    payment_method: isBegun ? (expand.includes("payment_method") ? methodShown(held) : held.methodId) : null,
    receipt_email: shopper.email,
    review: held.review?.id ?? null,
    setup_future_usage: payment.purchase.recurring === true ? "off_session" : null,
    shipping: shopper,
    status,
  };
}

/** `GET /v1/setup_intents/{id}`: a purchase over nothing stores a method. */
export function setupShown(held: Held, expand: readonly string[] = []): Json {
  return {
    id: held.reference,
    object: "setup_intent",
    created: held.created,
    customer: held.customer,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: metadataOf(held),
    payment_method: expand.includes("payment_method") ? methodShown(held) : held.methodId,
    status: held.status,
    usage: "off_session",
  };
}

/** `GET /v1/charges/{id}`. */
export function chargeShown(held: Held, charge: HeldCharge): Json {
  const refunded = held.refunds
    .filter(({ status }) => status === "succeeded" || status === "pending")
    .reduce((total, { amount }) => total + amount, 0);
  return {
    id: charge.id,
    object: "charge",
    amount: held.amount,
    amount_captured: charge.captured,
    amount_refunded: refunded,
    billing_details: shopper,
    captured: charge.captured > 0,
    created: charge.created,
    currency: held.currency.toLowerCase(),
    disputed: held.disputes.length > 0,
    failure_code: charge.status === "failed" ? (held.error?.code ?? null) : null,
    livemode: false,
    metadata: metadataOf(held),
    payment_intent: held.reference,
    payment_method: held.methodId,
    payment_method_details:
      charge.method === "card"
        ? {
            type: "card",
            card: {
              ...cardFacts,
              capture_before: charge.captureBefore,
              multicapture: { status: charge.multicapture ? "available" : "unavailable" },
            },
          }
        : { type: charge.method, [charge.method]: {} },
    // True only where everything went back.
    refunded: refunded === held.amount,
    status: charge.status,
  };
}

/** `GET /v1/refunds/{id}`. */
export function refundShown(held: Held, refund: HeldRefund): Json {
  const { released: _, ...metadata } = refund.metadata;
  return {
    id: refund.id,
    object: "refund",
    amount: refund.amount,
    charge: held.charge?.id ?? null,
    created: refund.created,
    currency: held.currency.toLowerCase(),
    ...(refund.failure === null ? {} : { failure_reason: refund.failure }),
    metadata,
    payment_intent: held.reference,
    reason: refund.reason ?? null,
    status: refund.status,
  };
}

/** `GET /v1/disputes/{id}`. */
export function disputeShown(held: Held, dispute: HeldDispute): Json {
  return {
    id: dispute.id,
    object: "dispute",
    amount: dispute.amount,
    charge: held.charge?.id ?? null,
    created: dispute.created,
    currency: held.currency.toLowerCase(),
    evidence: { customer_name: shopper.name, customer_email_address: shopper.email },
    evidence_details: { due_by: dispute.dueBy, has_evidence: false, past_due: false, submission_count: 0 },
    livemode: false,
    metadata: {},
    payment_intent: held.reference,
    reason: "fraudulent",
    status: dispute.status,
  };
}

/** `GET /v1/reviews/{id}`. */
export function reviewShown(held: Held, { id, open }: { readonly id: string; readonly open: boolean }): Json {
  return {
    id,
    object: "review",
    billing_zip: "00000",
    charge: held.charge?.id ?? null,
    livemode: false,
    open,
    opened_reason: "manual",
    payment_intent: held.reference,
    reason: open ? "manual" : "approved",
  };
}
