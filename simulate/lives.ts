/** The lives of payments: a storefront begins them, shoppers, portals and banks act at the PSPs, operators ask the service for operations. */
import type { OperationName } from "../src/contract/adapter.ts";
import { majorFromMinor } from "../src/lib/money.ts";
import { bareOperationUrl, callbackUrl } from "../src/signatures/urls.ts";
import type { Config } from "../src/config.ts";
import type { Agenda } from "./agenda.ts";
import { type Draw, oneOf } from "./draws.ts";
import type { Faults } from "./faults.ts";
import { webOf } from "./delivery.ts";
import { hosts } from "./network.ts";
import type { Peers } from "./norce-and-psps.ts";
import type { AskedFor, Payment } from "./payments.ts";
import type { Service } from "./service.ts";

/** What lives are lived with. */
export interface LifeParts {
  readonly agenda: Agenda;
  readonly draw: Draw;
  readonly faults: Faults;
  readonly config: Config;
  readonly peers: Peers;
  readonly service: Service;
  readonly adminToken: string;
  readonly note: (line: string) => void;
  /** Something happened at a PSP. */
  readonly woke: () => void;
}

const outside = { process: null } as const;
const publicUrl = `https://${hosts.service}`;
/** What shoppers do most. */
const usual = ["pay", "pay-auto-captured", "pay-at-once", "pay-by-card", "pay-with-review", "approve"];
/** Operators try again where nobody answered. */
const mostTries = 4;

/** Begins a payment: the order in Norce, the purchase at the PSP. It is lived only where `lived`. @returns when its last step is */
export function beginLife(payment: Payment, startMs: number, lived: boolean, parts: LifeParts): number {
  const { agenda, draw } = parts;
  const steps = 2 + Math.floor(draw("steps", payment.name) * 6);
  agenda.after(startMs, () => begin(payment, parts), outside);
  let at = startMs;
  for (let step = 1; step <= steps; step += 1) {
    at += gapMs(draw("gap", payment.name, step), draw("gap-size", payment.name, step));
    if (lived) agenda.after(at, () => live(payment, step, parts), outside);
  }
  return at;
}

/** Most things follow at once, some after minutes. */
function gapMs(which: number, size: number): number {
  if (which < 0.45) return 300 + size * 6_000;
  return which < 0.8 ? 5_000 + size * 90_000 : 60_000 + size * 900_000;
}

function begin(payment: Payment, parts: LifeParts): void {
  const { draw, config, peers, agenda, note } = parts;
  const { account, key, amount, currency } = payment;
  const adapter = config.adapters.get(account.adapter);
  if (adapter === undefined) throw new Error(`there is no adapter ${account.adapter}`);
  const { orderId: _order, paymentId: _payment, ...target } = key;
  const maker = { publicUrl, keys: config.signingKeys };
  const callbackUrls = Object.fromEntries(
    // Whose webhook it will be stands behind the URL, where it is not sent: the simulator does not say so otherwise.
    Object.entries(adapter.webhooks).map(([name, { scope }]) => [
      name,
      `${callbackUrl(maker, adapter, scope === "payment" ? key : target, name)}#${payment.name}`,
    ]),
  );
  const recurring = draw("recurring", payment.name) < 0.2;
  payment.reference = account.simulator.open({ ...key, amount, currency, callbackUrls, recurring });
  note(`${payment.name} is opened at ${account.name} as ${payment.reference}`);
  payment.referenced = draw("referenced", payment.name) < 0.75;
  const appear = (): void => {
    peers.norce.createOrder({
      merchant: key.merchant,
      channel: key.channel,
      id: key.orderId,
      order: { currency, country: "SE", culture: "sv-SE", reference: `R-${payment.index}` },
    });
    peers.norce.addPayment(key.orderId, {
      id: key.paymentId,
      adapterId: adapterIdOf(account.adapter),
      name: account.adapter,
      type: "default",
      currency,
      amount: majorFromMinor(amount, currency),
      state: "intent",
      ...(payment.referenced ? { reference: payment.reference } : {}),
    });
  };
  const late = draw("appears-late", payment.name);
  if (late < 0.88) appear();
  else agenda.after(late * 40_000, appear, outside);
  parts.woke();
}

/** The merchant's own name for its payments of an adapter. */
export function adapterIdOf(adapter: string): string {
  return `own_${adapter}`;
}

/** Somebody on call has the payment looked at. @param why tells this time from others */
export function refresh(payment: Payment, why: string, parts: LifeParts): void {
  if (payment.reference !== "") ask(payment, "refresh", undefined, `${why}-${payment.name}`, 1, parts);
}

/** One step of a life. */
function live(payment: Payment, step: number, parts: LifeParts): void {
  const { draw, agenda, peers } = parts;
  if (payment.reference === "") return;
  const choice = draw("step", payment.name, step);
  const hasMoney = payment.stated.authorized > 0;
  if (hasMoney && choice < 0.45 && operation(payment, step, parts)) return;
  if (choice > 0.95 && peers.norce.payment(payment.key.orderId, payment.key.paymentId) !== undefined) {
    peers.norce.edit(payment.key.orderId, payment.key.paymentId, (document) => ({
      ...document,
      attributes: { ...(document["attributes"] as object | undefined), storefront: step },
    }));
    return;
  }
  if (choice > 0.92) {
    return refresh(payment, `refresh-${step}`, parts);
  }
  const { simulator } = payment.account;
  const actions = simulator.actions(payment.reference);
  const known = actions.filter((action) => usual.includes(action));
  const name = oneOf(
    known.length > 0 && draw("usual", payment.name, step) < 0.8 ? known : actions,
    draw("action", payment.name, step),
  );
  if (name === undefined) return;
  const isPart = simulator.takesAmount(name) && draw("part", payment.name, step) < 0.4;
  try {
    simulator.act(payment.reference, name, isPart ? Math.ceil(payment.amount / 4) : undefined);
  } catch {
    // Not every amount is one that the PSP takes.
    return;
  }
  parts.note(`${payment.name}: ${name}${isPart ? " a part" : ""} at the PSP`);
  payment.notice(agenda.now, false);
  parts.woke();
}

/** Asks the service for an operation, where the PSP has one. */
function operation(payment: Payment, step: number, parts: LifeParts): boolean {
  const { draw } = parts;
  const { stated, account } = payment;
  const open = stated.authorized - stated.captured - stated.released;
  const possible = (["capture", "cancel", "refund"] as const).filter(
    (name) => account.operations.includes(name) && (name === "refund" ? stated.captured > stated.refunded : open > 0),
  );
  const name = oneOf(possible, draw("operation", payment.name, step));
  if (name === undefined) return false;
  const isPart = name !== "cancel" && draw("operation-part", payment.name, step) < 0.35;
  const amount = isPart ? Math.ceil(payment.amount / 5) : undefined;
  const idempotencyKey = `${name}-${payment.name}-${step}`;
  const asked: AskedFor = { name, idempotencyKey, ...(amount === undefined ? {} : { amount }) };
  payment.asked.push(asked);
  ask(payment, name, asked, idempotencyKey, 1, parts);
  return true;
}

function ask(
  payment: Payment,
  name: OperationName | "refresh",
  asked: AskedFor | undefined,
  idempotencyKey: string,
  attempt: number,
  parts: LifeParts,
): void {
  const { agenda, faults, service, adminToken, note } = parts;
  const { pathname, search } = new URL(bareOperationUrl(publicUrl, payment.key, name));
  const headers = {
    authorization: `Bearer ${adminToken}`,
    "content-type": "application/json",
    ...(asked === undefined ? {} : { "idempotency-key": idempotencyKey }),
  };
  const body =
    asked?.amount === undefined ? "" : JSON.stringify({ amount: majorFromMinor(asked.amount, payment.currency) });
  const askedAt = agenda.now;
  const call = { method: "POST", path: pathname + search, headers, body };
  service.call(webOf(faults, `${idempotencyKey} ${attempt}`), call, (reply) => {
    note(`${payment.name}: ${name} is answered ${reply?.status ?? 0} ${reply?.text.slice(0, 120) ?? ""}`);
    const status = reply?.status ?? 0;
    if (status >= 200 && status < 300) {
      // Where nothing names the PSP's payment there is nothing to ask for.
      if (payment.referenced || [...payment.webhooks.values()].includes(true))
        payment.ackedAt = Math.max(payment.ackedAt, askedAt);
      const { operationId } = JSON.parse(reply?.text ?? "{}") as { operationId?: string };
      if (asked !== undefined && operationId !== undefined) asked.id = operationId;
      return;
    }
    const isFinal = status >= 400 && status < 500 && status !== 429;
    if (isFinal || attempt >= mostTries) return;
    const again = (): void => ask(payment, name, asked, idempotencyKey, attempt + 1, parts);
    agenda.after(5_000 * attempt, again, outside);
  });
}
