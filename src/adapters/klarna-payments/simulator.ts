import { type Held, type Orders, ordersOf, simulateKlarna } from "../_klarna/simulator.ts";
import { hmacOf } from "../../signatures/hmac-body.ts";
import type { Json } from "../../contract/adapter.ts";
import type { Kernel, SimulatedAction, Simulation } from "../../contract/simulator.ts";
import type { Order } from "../_klarna/schema.ts";

/** The signing key that the simulated merchant made for its Network webhooks. */
const signingKeyId = "krn:partner:global:notification:signing-key:00000000-0000-4000-8000-000000000001";
const signingKey = "composed-signing-key-0001";
const accountId = "krn:partner:global:account:test:SIMULATOR";

interface Dispute {
  readonly id: string;
  state: "INITIATED" | "CLOSED";
}

/** How this Klarna differs from the usual one. */
export interface PaymentsOptions {
  /**
   * Whether the shopper's approval is called back before the order is placed. Default false: the call names no order, so that a payment
   * that is told nothing else would wait for its reference for ever.
   */
  readonly authorizationCallbacks?: boolean;
}

/** Klarna Payments, Order Management and the webhooks of Klarna Network, with a memory. */
export function simulate(
  kernel: Kernel<Held>,
  { authorizationCallbacks = false }: PaymentsOptions = {},
): Simulation<Held> {
  const orders = ordersOf(kernel, "{order.id}");

  /** The shopper agrees, and the shop places the order: Klarna's decision is part of the answer. */
  function pay(held: Held, fraudStatus: Order["fraud_status"]): void {
    const { payment, reference, order } = held;
    if (authorizationCallbacks)
      orders.send(held, "authorization", { authorization_token: payment.uuid(), session_id: payment.uuid() });
    orders.place(held, { ...orders.orderOf(held, fraudStatus), created_at: order?.created_at });
    if (payment.purchase.recurring !== true) return;
    tell(kernel, orders, held, "payment.request.state-change.completed", {
      payment_request_id: `krn:payment:eu1:request:${payment.uuid()}`,
      payment_request_reference: payment.purchase.paymentId,
      // Not in Klarna's samples of this event: without it a payment that is told nothing else would wait for its reference for ever.
      order_id: reference,
      state: "COMPLETED",
      previous_state: "IN_PROGRESS",
      klarna_network_session_token: payment.uuid(),
      klarna_customer: { customer_token: payment.uuid(), customer_profile: { email: "shopper@example.invalid" } },
    });
  }

  const possible = ({ placed, order }: Held): boolean => !placed && order?.status === "AUTHORIZED";
  return simulateKlarna(kernel, orders, {
    settings: { webhookSigningKeys: { [signingKeyId]: signingKey } },
    actions: {
      pay: { possible, act: (held) => pay(held, "ACCEPTED") },
      "pay-with-review": { possible, act: (held) => pay(held, "PENDING") },
      "pay-auto-captured": {
        possible,
        act(held) {
          pay(held, "ACCEPTED");
          orders.capture(held, held.payment.purchase.amount);
        },
      },
      ...disputesOf(kernel, orders),
    },
    // A look has to find something to read: until it is placed for good, an order is one whose decision is outstanding.
    opened(held) {
      held.order = orders.orderOf(held, "PENDING");
      held.books.authorized = held.order.order_amount;
    },
    describe: () => "not placed",
  });
}

/** What a shopper and Klarna do about money that was captured; none of it moves in order management. */
function disputesOf(kernel: Kernel<Held>, orders: Orders): Readonly<Record<string, SimulatedAction<Held>>> {
  const disputes = new Map<string, Dispute>();
  const say = (held: Held, { id, state }: Dispute, more: Readonly<Record<string, Json>>): void =>
    tell(kernel, orders, held, `payment.dispute.state-change.${state.toLowerCase()}`, {
      payment_dispute_id: id,
      order_id: held.reference,
      payment_transaction_reference: held.payment.purchase.paymentId,
      state,
      ...more,
    });
  const isDisputed = ({ reference }: Held): boolean => disputes.get(reference)?.state === "INITIATED";
  const closed =
    (outcome: "WON" | "LOST") =>
    (held: Held): void => {
      const open = disputes.get(held.reference);
      if (open === undefined) throw new Error("there is no dispute");
      open.state = "CLOSED";
      say(held, open, { previous_state: "INITIATED", dispute_outcome: outcome });
    };
  return {
    dispute: {
      possible: ({ order, reference }) => (order?.captured_amount ?? 0) > 0 && !disputes.has(reference),
      act(held) {
        const opened: Dispute = {
          id: `krn:network:eu1:test:payment:dispute:${held.payment.uuid()}`,
          state: "INITIATED",
        };
        disputes.set(held.reference, opened);
        say(held, opened, {
          dispute_reason: "REFUND_NOT_PROCESSED",
          dispute_details: {
            dispute_amount: held.order?.captured_amount ?? 0,
            currency: held.payment.purchase.currency,
            created_by: "CUSTOMER",
          },
        });
      },
    },
    "win-dispute": { possible: isDisputed, act: closed("WON") },
    "lose-dispute": { possible: isDisputed, act: closed("LOST") },
  };
}

/** To the account's one URL, signed over the bytes that are sent. */
function tell(
  kernel: Kernel<Held>,
  orders: Orders,
  held: Held,
  event_type: string,
  payload: Readonly<Record<string, Json>>,
): void {
  const metadata = {
    event_type,
    event_id: held.payment.uuid(),
    event_version: "v2",
    occurred_at: kernel.time(),
    subject_account_id: accountId,
    recipient_account_id: accountId,
    live: false,
  };
  orders.send(held, "webhook", { metadata, payload }, (body) => ({
    "content-type": "application/json",
    "klarna-signing-key-id": signingKeyId,
    "klarna-signature": hmacOf(signingKey, "text", body).toString("hex"),
  }));
}
