import { createHmac } from "node:crypto";
import type { Json, Minor } from "../../contract/adapter.ts";
import type { Kernel, SimulatedHeld } from "../../contract/simulator.ts";
import { adyenFromMinor } from "./amounts.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** What the simulator's merchant has. */
export const account = {
  apiKey: "simulated-api-key",
  managementApiKey: "simulated-management-key",
  /** 64 hexadecimal characters. */
  hmacKey: "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20",
  merchantAccount: "NorceTestECOM",
} as const;

/** How long Adyen waits before each further attempt. https://docs.adyen.com/development-resources/webhooks/troubleshoot */
const pauses = [...[2, 5, 10, 15, 30].map((minutes) => minutes * minute), ...[1, 2, 4].map((hours) => hours * hour)];

/** When a webhook is attempted that is not taken, in milliseconds from the first attempt: from a day on every eight hours, for thirty days. */
const retrySchedule: readonly number[] = [
  0,
  ...pauses.map((_, index) => pauses.slice(0, index + 1).reduce((sum, pause) => sum + pause, 0)),
  ...Array.from({ length: 89 }, (_, index) => 8 * hour * (index + 2)).filter((at) => at <= 30 * day),
];

/** Obviously fake: there to be kept nowhere. */
const shopper = {
  cardHolderName: "Testperson-se Approved",
  shopperEmail: "shopper@example.invalid",
  "billingAddress.street": "Exempelgatan",
  "deliveryAddress.city": "Exempelstad",
  shopperIP: "192.0.2.1",
};

/** What of an item differs from what all items of a payment say. */
export interface ItemOf {
  readonly eventCode: string;
  readonly success?: boolean;
  readonly amount?: Minor;
  readonly pspReference?: string;
  readonly originalReference?: string;
  readonly merchantReference?: string;
  readonly reason?: string;
  readonly additionalData?: Readonly<Record<string, string>>;
}

/** How Adyen tells of a payment. */
export interface Teller {
  /** One standard webhook with all of these items. */
  tell(held: SimulatedHeld, ...items: readonly ItemOf[]): void;
  /** A modification's event: it names the payment it is about. */
  tellOf(held: SimulatedHeld, item: ItemOf): void;
  tellToken(held: SimulatedHeld, token: string, operation: "created" | "disabled"): void;
}

/** A reference of this payment's that is nobody else's. */
export function newReference({ number, count }: SimulatedHeld["payment"]): string {
  return `SIM${String(number).padStart(5, "0")}${String(count("reference")).padStart(8, "0")}`;
}

/** By what the shop knows the shopper. */
export function shopperReferenceOf({ payment }: SimulatedHeld): string {
  return `shopper-${payment.purchase.paymentId}`;
}

/** Webhooks as Adyen signs them. */
export function tellerOn(kernel: Pick<Kernel<SimulatedHeld>, "now">): Teller {
  let latest = 0;

  /** Adyen's clock: whole seconds, and no two events in one. */
  function eventDate(): string {
    latest = Math.max(Math.floor(kernel.now() / second) * second, latest + second);
    return new Date(latest).toISOString().replace(".000Z", "+00:00");
  }

  function send({ payment }: SimulatedHeld, body: Json, headers: Readonly<Record<string, string>> = {}): void {
    const sent = { "content-type": "application/json", ...headers };
    payment.send({ webhook: "webhook", body, headers: () => sent, schedule: retrySchedule });
  }

  const tell: Teller["tell"] = (held, ...items) =>
    send(held, { live: "false", notificationItems: items.map((item) => signedItem(held, item, eventDate())) });

  return {
    tell,
    tellOf: (held, item) =>
      tell(held, { originalReference: held.reference, pspReference: newReference(held.payment), ...item }),
    tellToken(held, token, operation) {
      const body = JSON.stringify({
        createdAt: eventDate(),
        environment: "test",
        eventId: held.reference,
        type: `recurring.token.${operation}`,
        data: {
          merchantAccount: account.merchantAccount,
          storedPaymentMethodId: token,
          type: "visastandarddebit",
          ...(operation === "created" ? { operation } : {}),
          shopperReference: shopperReferenceOf(held),
        },
      });
      send(held, body, { hmacsignature: signature(body), protocol: "HmacSHA256" });
    },
  };
}

function signature(text: string, hmacKey: string = account.hmacKey): string {
  return createHmac("sha256", Buffer.from(hmacKey, "hex")).update(text, "utf8").digest("base64");
}

/** What a webhook is tried with: an item of a payment that nobody has, signed with the key of this webhook. */
export function sampleOf(number: number, hmacKey: string, eventDate: string): Json {
  const [pspReference, merchantReference, value] = [`test_AUTHORISATION_${number}`, `TestPayment-${number}`, 1_000];
  const { merchantAccount } = account;
  const signed = [pspReference, "", merchantAccount, merchantReference, value, "EUR", "AUTHORISATION", true].join(":");
  const item = {
    additionalData: { hmacSignature: signature(signed, hmacKey) },
    amount: { currency: "EUR", value },
    eventCode: "AUTHORISATION",
    eventDate,
    merchantAccountCode: merchantAccount,
    merchantReference,
    paymentMethod: "visa",
    pspReference,
    success: "true",
  };
  return { live: "false", notificationItems: [{ NotificationRequestItem: item }] };
}

function signedItem({ payment: { purchase }, reference }: SimulatedHeld, item: ItemOf, eventDate: string): Json {
  const {
    eventCode,
    success = true,
    amount = purchase.amount,
    pspReference = reference,
    originalReference = "",
  } = item;
  const { merchantReference = purchase.paymentId, reason, additionalData } = item;
  const { merchantAccount } = account;
  const value = adyenFromMinor(amount, purchase.currency) ?? 0;
  const said = [value, purchase.currency, eventCode, success];
  const signed = [pspReference, originalReference, merchantAccount, merchantReference, ...said].join(":");
  return {
    NotificationRequestItem: {
      additionalData: { ...shopper, ...additionalData, hmacSignature: signature(signed) },
      amount: { currency: purchase.currency, value },
      eventCode,
      eventDate,
      merchantAccountCode: merchantAccount,
      merchantReference,
      ...(originalReference === "" ? {} : { originalReference }),
      ...(eventCode === "AUTHORISATION" && success ? { operations: ["CANCEL", "CAPTURE", "REFUND"] } : {}),
      paymentMethod: "visa",
      pspReference,
      ...(reason === undefined ? {} : { reason }),
      success: String(success),
    },
  };
}
