import { createKlarna, type Held, type SimulatorOptions } from "../_klarna/simulator.ts";
import { hmacOf } from "../../signatures/hmac-body.ts";
import type { Json } from "../../contract/adapter.ts";
import type { Simulator } from "../../contract/simulator.ts";
import type { Order } from "../_klarna/schema.ts";

/** The signing key that the simulated merchant made for its Network webhooks. */
const signingKeyId = "krn:partner:global:notification:signing-key:00000000-0000-4000-8000-000000000001";
const signingKey = "composed-signing-key-0001";
const accountId = "krn:partner:global:account:test:SIMULATOR";

interface Dispute {
  readonly id: string;
  state: "INITIATED" | "CLOSED";
}

/** Options besides those of every Klarna product. */
export interface PaymentsSimulatorOptions extends SimulatorOptions {
  /**
   * Whether the shopper's approval is called back before the order is placed. Default false: the call names no order, so that a payment
   * that is told nothing else would wait for its reference for ever.
   */
  readonly authorizationCallbacks?: boolean;
}

/** Klarna Payments, Order Management and the webhooks of Klarna Network, with a memory. */
export function createSimulator(options: PaymentsSimulatorOptions = {}): Simulator {
  return createKlarna(options, (orders) => {
    const disputes = new Map<string, Dispute>();

    /** The shopper agrees, and the shop places the order: Klarna's decision is part of the answer. */
    function pay(held: Held, fraudStatus: Order["fraud_status"]): Order {
      if (options.authorizationCallbacks === true) {
        const body = { authorization_token: orders.nextId(), session_id: orders.nextId() };
        orders.send(held, orders.webhookOf(held, "authorization", body));
      }
      const order = { ...orders.orderOf(held, fraudStatus), created_at: held.order?.created_at };
      orders.place(held, order);
      if (held.purchase.recurring === true) {
        const customer = { customer_token: orders.nextId(), customer_profile: { email: "shopper@example.invalid" } };
        send(held, "payment.request.state-change.completed", {
          payment_request_id: `krn:payment:eu1:request:${orders.nextId()}`,
          payment_request_reference: held.purchase.paymentId,
          // Not in Klarna's samples of this event: without it a payment that is told nothing else would wait for its reference for ever.
          order_id: held.orderId,
          state: "COMPLETED",
          previous_state: "IN_PROGRESS",
          klarna_network_session_token: orders.nextId(),
          klarna_customer: customer,
        });
      }
      return order;
    }

    function dispute(held: Held, { id, state }: Dispute, more: Readonly<Record<string, Json>>): void {
      send(held, `payment.dispute.state-change.${state.toLowerCase()}`, {
        payment_dispute_id: id,
        order_id: held.orderId,
        payment_transaction_reference: held.purchase.paymentId,
        state,
        ...more,
      });
    }

    function close(held: Held, outcome: "WON" | "LOST"): void {
      const open = disputes.get(held.orderId);
      if (open === undefined) throw new Error("there is no dispute");
      open.state = "CLOSED";
      dispute(held, open, { previous_state: "INITIATED", dispute_outcome: outcome });
    }

    /** To the account's one URL, signed over the bytes that are sent. */
    function send(held: Held, event_type: string, payload: Readonly<Record<string, Json>>): void {
      const metadata = {
        event_type,
        event_id: orders.nextId(),
        event_version: "v2",
        occurred_at: orders.time(),
        subject_account_id: accountId,
        recipient_account_id: accountId,
        live: false,
      };
      const body = JSON.stringify({ metadata, payload });
      const headers = {
        "content-type": "application/json",
        "klarna-signing-key-id": signingKeyId,
        "klarna-signature": hmacOf(signingKey, "text", body).toString("hex"),
      };
      orders.send(held, orders.webhookOf(held, "webhook", body, headers));
    }

    const unplaced = ({ placed, order }: Held): boolean => !placed && order?.status === "AUTHORIZED";
    const isDisputed = ({ orderId }: Held): boolean => disputes.get(orderId)?.state === "INITIATED";
    return {
      placeholder: "{order.id}",
      settings: { webhookSigningKeys: { [signingKeyId]: signingKey } },
      actions: {
        pay: { possible: unplaced, act: (held) => void pay(held, "ACCEPTED") },
        "pay-with-review": { possible: unplaced, act: (held) => void pay(held, "PENDING") },
        "pay-auto-captured": {
          possible: unplaced,
          act: (held) => {
            const order = pay(held, "ACCEPTED");
            orders.capture(order, order.order_amount);
          },
        },
        dispute: {
          possible: ({ order, orderId }) => (order?.captured_amount ?? 0) > 0 && !disputes.has(orderId),
          act: (held) => {
            const id = `krn:network:eu1:test:payment:dispute:${orders.nextId()}`;
            const opened: Dispute = { id, state: "INITIATED" };
            disputes.set(held.orderId, opened);
            dispute(held, opened, {
              dispute_reason: "REFUND_NOT_PROCESSED",
              dispute_details: {
                dispute_amount: held.order?.captured_amount ?? 0,
                currency: held.purchase.currency,
                created_by: "CUSTOMER",
              },
            });
          },
        },
        "win-dispute": { possible: isDisputed, act: (held) => close(held, "WON") },
        "lose-dispute": { possible: isDisputed, act: (held) => close(held, "LOST") },
      },
      // A look has to find something to read: until it is placed for good, an order is one whose decision is outstanding.
      opened: (held) => void (held.order = orders.orderOf(held, "PENDING")),
      describe: () => "not placed",
    };
  });
}
