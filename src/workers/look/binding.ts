/** Whose payment an answer of the PSP's is: what its echo, its currency and its amount say. Pure. */
import type { AnyAdapter, CommonConfig, DesiredPayment, Minor, PaymentKey } from "../../contract/adapter.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { NorceOrder } from "../../norce/schema.ts";
import type { WorkerError } from "../../lib/errors.ts";
import { type Facts, refusal } from "../found.ts";

/** Refuses a payment that another adapter owns. @throws WorkerError `Refused` with the reason `other-adapter`, both named. */
export function refuseOthers({ adapterId }: CurrentPayment, settings: CommonConfig): void {
  if (adapterId === settings.adapterId) return;
  const facts = { adapterId: adapterId ?? "", configured: settings.adapterId };
  throw refusal("other-adapter", "the payment belongs to another adapter", facts);
}

/** What an echo of ours names: this payment, its order or cart, nothing, or something of somebody else's. */
export type Echoed = "own" | "order" | "nothing" | "other";

/** What an echo is compared with. */
export interface Names {
  readonly key: PaymentKey;
  /** The setting that says what whoever created the session put there. */
  readonly merchantReference: "paymentId" | "orderId" | "orderReference" | "cartReference";
  /** How many characters of a merchant reference the PSP keeps; absent: all. */
  readonly echoLength?: number | undefined;
  /** Read only where an echo can only be understood with it. */
  readonly order: NorceOrder | null;
}

/** Whether the order has to be read to understand the echoes. */
export function wantsOrder(echoes: readonly string[], { key, merchantReference, echoLength }: Omit<Names, "order">) {
  if (echoes.some((echo) => isOwn(echo, key))) return false;
  if (merchantReference === "orderReference" || merchantReference === "cartReference") return true;
  return echoes.some((echo) => isBeginning(echo, key, echoLength));
}

/** What the echoes name. An echo is compared exactly; only our own id may be cut, where no other payment's begins so. */
export function readEchoes(echoes: readonly string[], names: Names): Echoed {
  const said = echoes.filter((echo) => echo !== "");
  const { key, echoLength, order, merchantReference } = names;
  if (said.length === 0) return "nothing";
  if (said.some((echo) => isOwn(echo, key) || (isBeginning(echo, key, echoLength) && isUnique(echo, names))))
    return "own";
  // Another payment of the same order is somebody else's, whatever else names the order.
  const others = (order?.payments ?? []).map(({ id }) => id).filter((id) => id !== key.paymentId);
  if (said.some((echo) => echo.startsWith(`${key.orderId}:`) || others.includes(echo))) return "other";
  const texts = [
    key.orderId,
    ...(merchantReference === "orderReference" ? [order?.reference ?? ""] : []),
    ...(merchantReference === "cartReference" ? [order?.cart?.reference ?? ""] : []),
  ];
  return said.some((echo) => texts.includes(echo)) ? "order" : "other";
}

function isOwn(echo: string, { orderId, paymentId }: PaymentKey): boolean {
  return echo === paymentId || echo === `${orderId}:${paymentId}`;
}

/** The PSP takes fewer characters than our ids have: whoever created the session had to cut it. */
function isBeginning(echo: string, { paymentId }: PaymentKey, echoLength: number | undefined): boolean {
  return echoLength !== undefined && echo === paymentId.slice(0, echoLength);
}

function isUnique(echo: string, { key, order }: Names): boolean {
  const others = (order?.payments ?? []).filter(({ id }) => id !== key.paymentId);
  return order !== null && !others.some(({ id }) => id.startsWith(echo));
}

/** What one answer is judged by. */
export interface Claimant {
  readonly key: PaymentKey;
  readonly current: CurrentPayment;
  readonly desired: DesiredPayment;
  readonly echoed: Echoed;
  /** Somebody says that it is this payment's: Norce's `reference`, or events that were placed by what the PSP proved. */
  readonly vouched: boolean;
  /** It would take the place of an id that is bound. */
  readonly replaces: boolean;
  /** How far sums may be apart, in minor units. */
  readonly rounding: Minor;
}

/**
 * Why an answer cannot be bound to this payment, with the values that differ; `undefined`: it can. The currency has to agree; where the
 * payment's own id is echoed, the amount decides nothing, else it has to agree as well; where nothing is echoed, somebody has to have said
 * so besides.
 */
export function judgeClaimant({
  key,
  current,
  desired,
  echoed,
  vouched,
  replaces,
  rounding,
}: Claimant): WorkerError | undefined {
  const { reference, currency, total, money, echoes } = desired;
  const facts: Facts = {
    orderId: key.orderId,
    paymentId: key.paymentId,
    reference,
    echoed: echoes.join(" ").slice(0, mostEchoed),
  };
  if (echoed === "other" || (echoed === "nothing" && !vouched)) {
    const said =
      echoed === "other" ? "names another order; see the setting merchantReference" : "does not say whose it is";
    return refusal("other-order", `the PSP's payment ${said}`, facts);
  }
  if (currency !== current.currency) {
    const both = { ...facts, norceCurrency: current.currency, pspCurrency: currency };
    return refusal("currency-differs", "the PSP's payment has another currency", both);
  }
  if (echoed === "own" && !replaces) return undefined;
  // A payment that was taken over says what it covers by now, not what was first asked.
  const covered = money.authorized - money.released;
  const agrees = [total, ...(money.authorized === 0 ? [] : [covered])].some(
    (sum) => Math.abs(sum - current.amount) <= rounding,
  );
  if (agrees) return undefined;
  const both = { ...facts, currency, norceAmount: current.amount, pspAmount: total };
  return refusal("reference-not-bound", "the PSP's payment has another amount than the payment", both);
}

const mostEchoed = 200;

/** Why an adapter's answer is not about what was asked, by its own idea of the same id; `undefined`: it is, or nobody was asked (a fold). */
export function judgeAnswer(
  adapter: Pick<AnyAdapter, "sameId"> & { readonly fold?: unknown },
  asked: string,
  { reference, aliases = [] }: Pick<DesiredPayment, "reference" | "aliases">,
): WorkerError | undefined {
  const { sameId = isEqual } = adapter;
  if ("fold" in adapter || [reference, ...aliases].some((id) => sameId(asked, id))) return undefined;
  return refusal("other-reference", "the PSP answered about another payment than was asked", {
    asked,
    answered: reference,
  });
}

function isEqual(one: string, other: string): boolean {
  return one === other;
}
