import { minorFromMajor } from "../../lib/money.ts";
import type { Minor } from "../../contract/adapter.ts";
import { givesBackWhole, isAuthorization, isInFlight, type Ledger } from "./ledger.ts";
import type { LineAction, Order, Transaction } from "./schema.ts";
import { actionTypes, itemTypes, wordOf } from "./wire.ts";

/** A line of the order, or so much of it as is meant. Qliro knows a line by its reference and its price. */
export interface Line {
  readonly reference: string;
  readonly type: string;
  /** Major units, as Qliro wrote it. */
  readonly price: number;
  readonly quantity: number;
}

/** Lines that belong to one authorisation (to be shipped) or to one capture (to be returned). */
export interface Parcel {
  readonly transactionId: string;
  readonly lines: readonly Line[];
}

/** How many steps a search for fitting lines may take: far more than any order of 200 lines with sensible quantities does. */
const mostSteps = 500_000;

/**
 * What is reserved and neither shipped nor released, by authorisation; `undefined` where the order's lines cannot be read. What Qliro is
 * about to ship or release counts as gone.
 */
export function shippable(order: Order, { replaced }: Pick<Ledger, "replaced">): readonly Parcel[] | undefined {
  return parcelsOf(order, {
    owns: (transaction) =>
      transaction.Type === "Preauthorization" &&
      !replaced.has(transaction.PaymentTransactionId) &&
      !isReversed(transaction, order),
    brings: (action) => action === "Reserve",
    takes: (action, { named }) => (action === "Ship" || action === "Release") && named !== "elsewhere",
  });
}

/** What was shipped, or taken at once, and not returned, by capture. */
export function returnable(order: Order): readonly Parcel[] | undefined {
  return parcelsOf(order, {
    owns: ({ Type }) => Type === "Capture" || Type === "Debit",
    // What a direct method took was never shipped by us: whichever action its lines stand under, they stand there once.
    brings: (action, { Type }, others) =>
      action === "Ship" || (Type === "Debit" && action === "Reserve" && !others.includes("Ship")),
    takes: (action, { type, named }, owner) => {
      // What was taken at once may be marked as shipped later: from then on it stands under its capture.
      if (action === "Ship") return type === "Capture" && named !== "elsewhere" && owner.Type === "Debit";
      // What was released was reserved and never shipped, unless it was taken at once.
      return action === "Return" || (action === "Release" && named === "here");
    },
  });
}

/** What the lines are worth, in minor units. */
export function worthOf(parcels: readonly Parcel[], currency: string): Minor {
  return parcels.flatMap(({ lines }) => lines).reduce((sum, line) => sum + unitOf(line, currency) * line.quantity, 0);
}

/** How many pieces there are: one cannot be divided. */
export function piecesIn(parcels: readonly Parcel[]): number {
  return parcels.flatMap(({ lines }) => lines).reduce((sum, { quantity }) => sum + quantity, 0);
}

/**
 * Lines that are worth exactly the amount; `undefined` where none are. Where several choices fit, earlier lines of the order go first, so
 * that the same order and amount give the same lines.
 */
export function fitting(parcels: readonly Parcel[], amount: Minor, currency: string): readonly Parcel[] | undefined {
  const lines = parcels.flatMap(({ transactionId, lines: own }) => own.map((line) => ({ transactionId, line })));
  const counts = countsFor(
    lines.map(({ line }) => ({ unit: unitOf(line, currency), most: line.quantity })),
    amount,
  );
  if (counts === undefined) return undefined;
  const chosen = parcels.map(({ transactionId }) => ({
    transactionId,
    lines: lines.flatMap(({ transactionId: owner, line }, index) => {
      const quantity = counts[index] ?? 0;
      return owner === transactionId && quantity > 0 ? [{ ...line, quantity }] : [];
    }),
  }));
  return chosen.filter((parcel) => parcel.lines.length > 0);
}

/** It was given back as a whole, whatever became of its lines. */
function isReversed(authorization: Transaction, { PaymentTransactions }: Order): boolean {
  return PaymentTransactions.some((other) => other.Status === "Success" && givesBackWhole(other, authorization));
}

interface Rule {
  readonly owns: (transaction: Transaction) => boolean;
  readonly brings: (action: string, owner: Transaction, others: readonly string[]) => boolean;
  /** Whether an action takes from the parcel of this owner. */
  readonly takes: (action: string, by: Doer, owner: Transaction) => boolean;
}

/** The transaction that an action was done by. */
interface Doer {
  readonly type: Transaction["Type"];
  /** Whether it changed the transaction of one of these parcels, another one, or does not say. */
  readonly named: "here" | "elsewhere" | "nowhere";
}

function parcelsOf({ PaymentTransactions, OrderItemActions }: Order, rule: Rule): readonly Parcel[] | undefined {
  const actions = OrderItemActions?.map((action) => ({
    ...action,
    does: wordOf(actionTypes, numbered(action.ActionType)),
  }));
  if (actions === undefined || actions.some(({ does }) => !actionTypes.some((word) => word === does))) return undefined;
  const byId = new Map(PaymentTransactions.map((transaction) => [transaction.PaymentTransactionId, transaction]));
  const owners = PaymentTransactions.filter(
    (transaction) => transaction.Status === "Success" && rule.owns(transaction),
  );
  const left = owners.map((owner) => {
    const own = actions.filter((action) => ownerOf(action, byId) === owner.PaymentTransactionId);
    const words = own.map(({ does }) => String(does));
    return {
      owner,
      transactionId: owner.PaymentTransactionId,
      lines: own.filter(({ does }) => rule.brings(String(does), owner, words)).map(lineOf),
    };
  });
  for (const action of actions) {
    const by = byId.get(action.PaymentTransactionId ?? "");
    if (by === undefined || (by.Status !== "Success" && !isInFlight(by))) continue;
    const original = by.OriginalPaymentTransactionId ?? "";
    const here = left.some(({ transactionId }) => transactionId === original);
    const named = here ? "here" : byId.has(original) ? "elsewhere" : "nowhere";
    const doer = { type: by.Type, named } as const;
    const parcels = left.filter(({ owner }) => rule.takes(String(action.does), doer, owner));
    take(parcels, original, lineOf(action));
  }
  return left.map(({ transactionId, lines }) => ({
    transactionId,
    lines: lines.filter(({ quantity }) => quantity > 0),
  }));
}

/** The authorisation or capture under which a line stands: that of its transaction, or the one that the transaction changed. */
function ownerOf({ PaymentTransactionId }: LineAction, byId: ReadonlyMap<string, Transaction>): string | undefined {
  const by = byId.get(PaymentTransactionId ?? "");
  if (by === undefined || by.Status !== "Success") return undefined;
  const stands = isAuthorization(by) || by.Type === "Capture";
  return stands ? by.PaymentTransactionId : (by.OriginalPaymentTransactionId ?? undefined);
}

/** Takes a line away where it belongs, and from the oldest that has it where nobody says where. */
function take(parcels: readonly { transactionId: string; lines: Line[] }[], from: string, line: Line): void {
  let wanted = line.quantity;
  const named = parcels.filter(({ transactionId }) => transactionId === from);
  for (const { lines } of [...named, ...parcels.filter((parcel) => !named.includes(parcel))]) {
    for (const [index, own] of lines.entries()) {
      if (own.reference !== line.reference || own.price !== line.price) continue;
      const taken = Math.min(own.quantity, wanted);
      wanted -= taken;
      lines[index] = { ...own, quantity: own.quantity - taken };
    }
  }
}

function lineOf({ MerchantReference, ItemType, PricePerItemIncVat, Quantity }: LineAction): Line {
  return {
    reference: MerchantReference,
    type: String(wordOf(itemTypes, numbered(ItemType))),
    price: PricePerItemIncVat,
    quantity: Quantity,
  };
}

function numbered(word: string): string | number {
  return /^\d+$/.test(word) ? Number(word) : word;
}

function unitOf({ price }: Line, currency: string): Minor {
  return minorFromMajor(price, currency);
}

/** How many pieces of each line come to the amount: sums are built up line by line, and only those from which it can be reached are kept. */
function countsFor(
  lines: readonly { readonly unit: Minor; readonly most: number }[],
  amount: Minor,
): readonly number[] | undefined {
  const reach = (of: readonly { readonly unit: Minor; readonly most: number }[], sign: 1 | -1): Minor =>
    of.reduce((sum, { unit, most }) => sum + (Math.sign(unit) === sign ? unit * most : 0), 0);
  let sums = new Map<Minor, readonly number[]>([[0, []]]);
  let steps = 0;
  for (const [index, { unit, most }] of lines.entries()) {
    const rest = lines.slice(index + 1);
    const [lowest, highest] = [reach(rest, -1), reach(rest, 1)];
    const next = new Map<Minor, readonly number[]>();
    for (const [sum, counts] of sums) {
      for (let count = most; count >= 0; count -= 1) {
        if ((steps += 1) > mostSteps) return undefined;
        const reached = sum + unit * count;
        if (reached + lowest > amount || reached + highest < amount || next.has(reached)) continue;
        next.set(reached, [...counts, count]);
      }
    }
    sums = next;
  }
  return sums.get(amount);
}
