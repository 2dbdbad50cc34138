/** A reference belongs to one payment: who binds it first, has it. */
import type { PaymentKey } from "../../contract/adapter.ts";
import type { AdapterSettings } from "../../config.ts";
import type { NorceClient, Via } from "../../norce/client.ts";
import { canonical, type PaymentState } from "../../norce/states.ts";
import { pspAccountOf, type Claims } from "../../queue/references.ts";
import { type Facts, type Found, refusal } from "../found.ts";
import { readRecord } from "./record.ts";

/** What claiming needs. */
export interface ClaimParts {
  readonly claims: Pick<Claims, "claim" | "takeOver">;
  readonly norce: Pick<NorceClient, "payment">;
  readonly via?: Via | undefined;
}

/**
 * Claims the PSP's id for a payment, to be done once echo, currency and amount agree. Where another payment has it, Norce is asked whether
 * that one still is what it was.
 * @throws WorkerError `Refused` with the reason `reference-taken`, both named, and whatever Norce throws.
 */
export async function claimReference(
  key: PaymentKey,
  reference: string,
  found: AdapterSettings,
  { claims, norce, via }: ClaimParts,
): Promise<void> {
  const what = { account: pspAccountOf(found), reference };
  const days = daysOf(found);
  // Once more where the claim changed hands while its holder was asked about.
  for (let tries = 0; tries < mostTries; tries += 1) {
    const holder = await claims.claim(key, what, days);
    if (holder === undefined) return;
    const payment = await norce.payment(holder.key, via);
    if (!givesWay(payment, reference)) throw taken(key, holder.key, reference);
    if (await claims.takeOver(key, what, days, holder)) return;
  }
  throw refusal("reference-taken", "several payments claim the PSP's payment at once", { reference, ...named(key) });
}

/**
 * Claims again what is bound already. That the payment is bound stands in Norce and outranks a store that came back empty and has let somebody
 * else claim meanwhile, unless that one is bound to it as well: then money may have been told twice, and a person has to see both.
 * @returns that, where it is so. @throws whatever Norce throws.
 */
export async function renewClaim(
  key: PaymentKey,
  reference: string,
  found: AdapterSettings,
  { claims, norce, via }: ClaimParts,
): Promise<Found | undefined> {
  const what = { account: pspAccountOf(found), reference };
  const holder = await claims.claim(key, what, daysOf(found));
  if (holder === undefined) return undefined;
  const payment = await norce.payment(holder.key, via);
  const isBoundToo = payment !== null && readRecord(payment.record).bound === reference;
  if (isBoundToo && !givesWay(payment, reference))
    return { name: "reference-taken", id: reference, facts: factsOf(key, holder.key, reference) };
  // Where it has changed hands by now, the next one tells.
  await claims.takeOver(key, what, daysOf(found), holder);
  return undefined;
}

const mostTries = 3;

/** Ends without money: whose claim came to nothing. */
const endStates: ReadonlySet<PaymentState> = new Set(["removed", "failed", "declined"]);

type Holder = Awaited<ReturnType<NorceClient["payment"]>>;

/** True where the holder is gone, came to nothing, or is another PSP payment's by now. */
function givesWay(holder: Holder, reference: string): boolean {
  if (holder === null || endStates.has(canonical(holder.state))) return true;
  const carried = readRecord(holder.record).bound ?? holder.reference;
  return carried !== null && carried !== reference;
}

function taken(key: PaymentKey, holder: PaymentKey, reference: string): Error {
  const facts = factsOf(key, holder, reference);
  return refusal("reference-taken", "the PSP's payment belongs to another payment", facts);
}

function factsOf(key: PaymentKey, holder: PaymentKey, reference: string): Facts {
  return {
    reference,
    ...named(key),
    holderOrderId: holder.orderId,
    holderPaymentId: holder.paymentId,
    holderMerchant: holder.merchant,
    holderChannel: holder.channel,
  };
}

function named({ orderId, paymentId }: PaymentKey): { orderId: string; paymentId: string } {
  return { orderId, paymentId };
}

/** As long as a payment can be paid and refunded. */
function daysOf({ adapter: { horizonDays } }: AdapterSettings): number {
  return (horizonDays?.unsettled ?? 30) + (horizonDays?.refund ?? 180);
}
