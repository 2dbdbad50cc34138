import type { Recurring, Upsell } from "../../contract/adapter.ts";
import { present } from "./present.ts";
import type { Intent, IntentSnapshot, Method, Setup } from "./schema.ts";

/**
 * The token: the payment method, where the shopper agreed to be charged later and it is attached to a customer, without whom nobody can charge
 * it (docs/psp/stripe.md, f). A method that was detached is none any more; Norce keeps the old one, since a token is never blanked.
 */
export function recurringOf(of: Intent | Setup, agreed: string | null | undefined): Recurring | undefined {
  const { payment_method: method } = of;
  if (agreed !== "off_session" || method === null || method === undefined) return undefined;
  const { holder } = typeof method === "string" ? of : method;
  if (holder === undefined) return undefined;
  const { description, ...card } = typeof method === "string" ? {} : cardOf(method);
  const mandateId = "mandate" in of ? (of.mandate ?? undefined) : undefined;
  return {
    token: typeof method === "string" ? method : method.id,
    ...(description === undefined ? {} : { description }),
    attributes: present({
      customerId: holder === true ? undefined : holder,
      ...card,
      mandateId,
      setupIntentId: "usage" in of ? of.id : undefined,
    }),
  };
}

function cardOf({ type, card }: Method): CardFacts {
  if (card === null || card === undefined) return { type: type ?? undefined };
  const { brand, last4, exp_month, exp_year, fingerprint } = card;
  const facts = {
    type: type ?? undefined,
    brand: brand ?? undefined,
    last4: last4 ?? undefined,
    expMonth: exp_month ?? undefined,
    expYear: exp_year ?? undefined,
    fingerprint: fingerprint ?? undefined,
  };
  if (facts.brand === undefined || facts.last4 === undefined) return facts;
  const until =
    facts.expMonth === undefined || facts.expYear === undefined ? "" : ` ${facts.expMonth}/${facts.expYear}`;
  return {
    ...facts,
    description: `${facts.brand.charAt(0).toUpperCase()}${facts.brand.slice(1)} •••• ${facts.last4}${until}`,
  };
}

interface CardFacts {
  readonly type?: string | undefined;
  readonly brand?: string | undefined;
  readonly last4?: string | undefined;
  readonly expMonth?: number | undefined;
  readonly expYear?: number | undefined;
  readonly fingerprint?: string | undefined;
  readonly description?: string | undefined;
}

/** More is sold by another intent on the stored method; what became of those that Norce shows (docs/psp/stripe.md, f). */
export function upsellOf({ upsells }: IntentSnapshot, recurring: Recurring | undefined): Upsell | undefined {
  if (recurring === undefined && upsells.length === 0) return undefined;
  return {
    eligible: recurring !== undefined,
    transactions: upsells.map(({ id, status }) => ({ id, state: upsellState(status) })),
  };
}

function upsellState(status: Intent["status"]): Upsell["transactions"][number]["state"] {
  switch (status) {
    case "requires_confirmation":
    case "processing":
      return "created";
    case "requires_action":
      return "actionRequired";
    case "requires_capture":
    case "succeeded":
      return "completed";
    // Charged off session it was confirmed at once: back at the beginning means that it was declined.
    case "requires_payment_method":
    case "canceled":
      return "failed";
  }
}
