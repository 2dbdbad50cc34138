import type { Minor, Money } from "../../contract/adapter.ts";
import type { Kernel, SimulatedHeld } from "../../contract/simulator.ts";
import { amountOf, minorOf } from "./amounts.ts";
import { type Authorization, type Capture, type Order, parentOf, type Refund } from "./schema.ts";
import { nextId, type Teller } from "./simulator-webhooks.ts";

const day = 24 * 3_600_000;

/** An authorization can be captured for 29 days. */
const authorizationDays = 29;

/** Obviously fake: there to be seen nowhere but in PayPal's own answers. */
export const shopper = {
  payer_id: "SIMULATEDPAYER",
  name: { given_name: "Testperson", surname: "Approved" },
  email_address: "shopper@example.invalid",
  address: { address_line_1: "Exempelgatan 1", postal_code: "00000", admin_area_2: "Exempelstad", country_code: "SE" },
};

type Draft<T> = T extends readonly (infer Item)[]
  ? Draft<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Draft<T[Key]> }
    : T;

/** One order at the simulated PayPal. */
export interface Held extends SimulatedHeld {
  readonly order: Draft<Order>;
  readonly sums: Draft<Money>;
  /** What is held now: the newest authorization. */
  hold: Draft<Authorization> | undefined;
  /** Somebody has read in the order that there will be a token: it is made only later. */
  promised: boolean;
  /** The shopper's stored means of payment. */
  token: string | undefined;
  hiddenReads: number;
}

/** The payments in the order. */
export function paymentsOf({ order }: Held): Draft<NonNullable<Order["purchase_units"][0]["payments"]>> {
  const unit = order.purchase_units[0];
  if (unit === undefined) throw new Error("the order has no purchase unit");
  return (unit.payments ??= { authorizations: [], captures: [], refunds: [] });
}

/** Every purchase is another buyer's. */
export function customerOf({ reference }: SimulatedHeld): string {
  return `customer_${reference}`;
}

/** What has been captured from the hold and not been paid out yet. */
function pendingIn(of: Held): Minor {
  return sumOf(paymentsOf(of).captures.filter(({ status }) => status === "PENDING"));
}

/** What can still be captured or voided. */
export function openOf(of: Held): Minor {
  const { authorized, captured, released } = of.sums;
  const isOpen = ["CREATED", "PARTIALLY_CAPTURED", "PENDING"].includes(of.hold?.status ?? "");
  return isOpen ? authorized - captured - released - pendingIn(of) : 0;
}

/** The oldest capture of which something is left to refund, and how much. */
export function takingOf(of: Held): { readonly capture: Draft<Capture>; readonly left: Minor } | undefined {
  const { captures } = paymentsOf(of);
  return captures.map((capture) => ({ capture, left: leftOf(of, capture) })).find(({ left }) => left > 0);
}

/** What is left to refund of a capture. */
export function leftOf(of: Held, capture: Capture): Minor {
  if (capture.status !== "COMPLETED" && capture.status !== "PARTIALLY_REFUNDED") return 0;
  const refunds = paymentsOf(of).refunds.filter(
    ({ status, links }) => ["COMPLETED", "PENDING"].includes(status) && parentOf("captures", links) === capture.id,
  );
  return minorOf(capture.amount) - sumOf(refunds);
}

function sumOf(pieces: readonly Pick<Capture, "amount">[]): Minor {
  return pieces.reduce((sum, { amount }) => sum + minorOf(amount), 0);
}

/** What moves money, and tells of it. */
export interface Books {
  approve(of: Held): void;
  orderChanged(of: Held, name: string): void;
  authorise(of: Held, status: Authorization["status"]): void;
  authorizationChanged(of: Held, authorization: Authorization, name: string): void;
  renew(of: Held): void;
  /** The whole purchase at once: the order's own capture. */
  pay(of: Held, status: Capture["status"]): void;
  take(of: Held, amount: Minor, status: Capture["status"], final: boolean, from?: Authorization): Draft<Capture>;
  /** From the authorization; what is captured last ends it. */
  captureFrom(of: Held, amount: Minor, status: Capture["status"], final: boolean): Draft<Capture>;
  captureChanged(of: Held, capture: Capture, name: string): void;
  release(of: Held): void;
  giveBack(
    of: Held,
    capture: Draft<Capture>,
    amount: Minor,
    status: Refund["status"],
    customId?: string,
  ): Draft<Refund>;
  /** A refund is done: its capture shows it too. */
  refunded(of: Held, refund: Draft<Refund>): void;
  reverse(of: Held): void;
  storeToken(of: Held): void;
}

/** The books of the simulated PayPal. */
export function booksOn(kernel: Kernel<Held>, { notify }: Teller): Books {
  const time = (after = 0): string => `${kernel.time(after).slice(0, -5)}Z`;
  const linksOf = (kind: string, id: string, parent: string, parentId: string) => [
    { href: `${kernel.apiUrl()}/v2/payments/${kind}/${id}`, rel: "self", method: "GET" },
    { href: `${kernel.apiUrl()}${parent}/${parentId}`, rel: "up", method: "GET" },
  ];
  const ours = ({ order: { purchase_units } }: Held) => ({
    custom_id: purchase_units[0]?.custom_id ?? null,
    invoice_id: purchase_units[0]?.invoice_id ?? null,
  });
  const related = (of: Held, more: object = {}) => ({ related_ids: { order_id: of.order.id, ...more } });
  const money = (of: Held, amount: Minor) => amountOf(amount, of.payment.purchase.currency);

  /** A means of payment that was to be stored: the order promises the token, a webhook brings it. */
  function store(of: Held): void {
    if (of.payment.purchase.recurring !== true) return;
    const vault = { status: "APPROVED", customer: { id: customerOf(of) } };
    of.order.payment_source = { paypal: { attributes: { vault } } };
  }

  const books: Books = {
    approve(of) {
      if (of.order.status === "APPROVED" || of.order.status === "SAVED") return;
      of.order.status = "APPROVED";
      of.order.update_time = time();
      books.orderChanged(of, "APPROVED");
    },
    orderChanged: (of, name) => notify(of, `CHECKOUT.ORDER.${name}`, "checkout-order", { ...of.order, payer: shopper }),
    authorise(of, status) {
      books.approve(of);
      Object.assign(of.order, { intent: "AUTHORIZE", status: "COMPLETED", update_time: time() });
      const authorization: Draft<Authorization> = {
        id: nextId(of.payment, "A"),
        status,
        ...(status === "PENDING" ? { status_details: { reason: "PENDING_REVIEW" } } : {}),
        amount: money(of, of.payment.purchase.amount),
        create_time: time(),
        update_time: time(),
        expiration_time: time(authorizationDays * day),
      };
      paymentsOf(of).authorizations.push(authorization);
      if (status === "DENIED") return books.orderChanged(of, "COMPLETED");
      of.hold = authorization;
      of.sums.authorized = of.payment.purchase.amount;
      books.authorizationChanged(of, authorization, "CREATED");
      return status === "CREATED" ? store(of) : undefined;
    },
    authorizationChanged(of, authorization, name) {
      const links = linksOf("authorizations", authorization.id, "/v2/checkout/orders", of.order.id);
      const resource = { ...authorization, ...ours(of), supplementary_data: related(of), links };
      notify(of, `PAYMENT.AUTHORIZATION.${name}`, "authorization", resource);
    },
    renew(of) {
      if (of.hold === undefined) throw new Error("nothing is held");
      const renewed = { ...of.hold, id: nextId(of.payment, "A"), create_time: time(), update_time: time() };
      of.hold = { ...renewed, expiration_time: time(authorizationDays * day) };
      paymentsOf(of).authorizations.push(of.hold);
      books.authorizationChanged(of, of.hold, "CREATED");
    },
    pay(of, status) {
      books.approve(of);
      Object.assign(of.order, { intent: "CAPTURE", status: "COMPLETED", update_time: time() });
      books.take(of, of.payment.purchase.amount, status, true);
      books.orderChanged(of, "COMPLETED");
      if (status === "COMPLETED") store(of);
    },
    take(of, amount, status, final, from) {
      const id = nextId(of.payment, "C");
      const parent = from === undefined ? "/v2/checkout/orders" : "/v2/payments/authorizations";
      const capture: Draft<Capture> = {
        id,
        status,
        ...(status === "PENDING" ? { status_details: { reason: "TRANSACTION_APPROVED_AWAITING_FUNDING" } } : {}),
        amount: money(of, amount),
        final_capture: final,
        create_time: time(),
        links: linksOf("captures", id, parent, from?.id ?? of.order.id),
        supplementary_data: { related_ids: from === undefined ? {} : { authorization_id: from.id } },
      };
      paymentsOf(of).captures.push(capture);
      if (from === undefined && (status === "COMPLETED" || status === "PENDING")) of.sums.authorized = amount;
      if (status === "COMPLETED") of.sums.captured += amount;
      books.captureChanged(of, capture, status === "FAILED" ? "DECLINED" : status);
      return capture;
    },
    captureFrom(of, amount, status, final) {
      const { hold } = of;
      if (hold === undefined) throw new Error("nothing is held");
      const rest = openOf(of) - amount;
      const capture = books.take(of, amount, status, final, hold);
      hold.update_time = time();
      if (status !== "COMPLETED" && status !== "PENDING") return capture;
      if (final) of.sums.released += rest;
      hold.status = rest === 0 || final ? "CAPTURED" : "PARTIALLY_CAPTURED";
      return capture;
    },
    captureChanged(of, capture, name) {
      const supplementary_data = related(of, capture.supplementary_data?.related_ids ?? {});
      notify(of, `PAYMENT.CAPTURE.${name}`, "capture", { ...capture, ...ours(of), supplementary_data });
    },
    release(of) {
      if (of.hold === undefined) throw new Error("nothing is held");
      of.sums.released += openOf(of);
      Object.assign(of.hold, { status: "VOIDED", update_time: time() });
      books.authorizationChanged(of, of.hold, "VOIDED");
    },
    giveBack(of, capture, amount, status, customId) {
      const id = nextId(of.payment, "R");
      const refund: Draft<Refund> = {
        id,
        status,
        amount: money(of, amount),
        custom_id: customId ?? ours(of).custom_id,
        create_time: time(),
        links: linksOf("refunds", id, "/v2/payments/captures", capture.id),
      };
      paymentsOf(of).refunds.push(refund);
      if (status === "COMPLETED") books.refunded(of, refund);
      return refund;
    },
    refunded(of, refund) {
      of.sums.refunded += minorOf(refund.amount);
      const { captures, refunds } = paymentsOf(of);
      const capture = captures.find(({ id }) => id === parentOf("captures", refund.links));
      if (capture === undefined) return;
      const done = refunds.filter(
        ({ status, links }) => status === "COMPLETED" && parentOf("captures", links) === capture.id,
      );
      if (capture.status !== "REFUNDED")
        capture.status = sumOf(done) >= minorOf(capture.amount) ? "REFUNDED" : "PARTIALLY_REFUNDED";
      const supplementary_data = related(of, { capture_id: capture.id });
      notify(of, "PAYMENT.CAPTURE.REFUNDED", "refund", { ...refund, supplementary_data });
    },
    reverse(of) {
      const { capture, left } = takingOf(of) ?? {};
      if (capture === undefined || left === undefined) throw new Error("nothing is captured");
      capture.status = "REFUNDED";
      capture.status_details = { reason: "CHARGEBACK" };
      of.sums.refunded += left;
      const id = nextId(of.payment, "R");
      const links = linksOf("refunds", id, "/v2/payments/captures", capture.id);
      const supplementary_data = related(of, { capture_id: capture.id });
      const resource = { id, status: "COMPLETED", amount: money(of, left), ...ours(of), supplementary_data, links };
      notify(of, "PAYMENT.CAPTURE.REVERSED", "refund", resource);
    },
    storeToken(of) {
      of.token = nextId(of.payment, "vault").toLowerCase();
      const { email_address, payer_id } = shopper;
      notify(of, "VAULT.PAYMENT-TOKEN.CREATED", "payment_token", {
        id: of.token,
        customer: { id: customerOf(of) },
        metadata: { order_id: of.order.id },
        payment_source: { paypal: { usage_type: "MERCHANT", email_address, payer_id } },
      });
    },
  };
  return books;
}
