import { createHash } from "node:crypto";
import { z } from "zod";
import { isWorkerError, type WorkerError } from "../../lib/errors.ts";
import type {
  Json,
  LookContext,
  Operation,
  OperationCall,
  OperationResult,
  Operations,
} from "../../contract/adapter.ts";
import { readOrder, tell } from "./client.ts";
import type { Config } from "./config.ts";
import { fitting, type Parcel, returnable, shippable, worthOf } from "./items.ts";
import { type Ledger, ledgerOf } from "./ledger.ts";
import type { Order } from "./schema.ts";
import type { Snapshot } from "./snapshot.ts";
import { isObject } from "../../lib/json.ts";
import { fieldOf, idOf, transactionStatuses, wordOf } from "./wire.ts";

/** Reasons of our own, where Qliro is not asked because the amount cannot be said in lines. */
const ours = {
  noLedger: "NO_PAYMENT_TRANSACTION",
  unreadable: "LINES_CANNOT_BE_READ",
  differ: "LINES_DO_NOT_ADD_UP",
  nothingFits: "NO_LINES_FIT_THE_AMOUNT",
} as const;

/** A call to order management: its name there, and what it says besides who asks about which order. */
interface Request {
  readonly call: string;
  readonly body: Readonly<Record<string, Json>>;
}

/**
 * What Qliro can be told. It carries nothing out at once: the answer names new transactions, and what becomes of them is pushed. A repeated
 * `RequestId` is denied and not answered again (docs/psp/qliro.md, g), so that the ledger is looked at before anything is sent twice.
 * https://developers.qliro.com/docs/qliro-checkout/order-management/before-delivery
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "look-first",
  capture: telling((call, order, ledger) =>
    inLines(call, shippable(order, ledger), (parcels) => ({
      call: "MarkItemsAsShipped",
      body: { Currency: call.currency, Shipments: parcels },
    })),
  ),
  cancel: telling(() => ({ call: "cancelOrder", body: {} })),
  refund: telling((call, order) =>
    inLines(call, returnable(order), (parcels) => ({
      call: "ReturnItems",
      body: { Currency: call.currency, Returns: parcels },
    })),
  ),
};

function telling(
  requestOf: (call: OperationCall, order: Order, ledger: Pick<Ledger, "replaced">) => Request | string,
): Operation<Config, Snapshot> {
  return async (call, { order }, context) => {
    // Without a ledger there is nothing that `map` would have called possible.
    if (order === null) return { is: "refused", reason: ours.noLedger };
    const request = requestOf(call, order, ledgerOf(order, await context.kept()));
    if (typeof request === "string") return { is: "refused", reason: request };
    const common = { RequestId: requestIdOf(call), OrderId: Number(order.OrderId) };
    try {
      return resultFrom((await tell(request.call, { ...common, ...request.body }, context)).body);
    } catch (error) {
      if (!isWorkerError(error, "Refused")) throw error;
      return (await isReached(call, order, context)) ? { is: "done" } : { is: "refused", reason: reasonOf(error) };
    }
  };
}

/** The amount as lines: all that is left of them for all that is left of the money, else those that come to it exactly. */
function inLines(
  { amount, currency, whole }: OperationCall,
  left: readonly Parcel[] | undefined,
  requestOf: (parcels: readonly Json[]) => Request,
): Request | string {
  if (left === undefined || left.length === 0) return ours.unreadable;
  const parcels = left.filter(({ lines }) => lines.length > 0);
  if (whole) return worthOf(parcels, currency) === amount ? requestOf(parcels.map(parcelJson)) : ours.differ;
  const chosen = fitting(parcels, amount, currency);
  return chosen === undefined ? ours.nothingFits : requestOf(chosen.map(parcelJson));
}

function parcelJson({ transactionId, lines }: Parcel): Json {
  const OrderItems = lines.map(({ reference, type, quantity, price }) => ({
    MerchantReference: reference,
    Type: type,
    Quantity: quantity,
    PricePerItemIncVat: price,
  }));
  return { PaymentTransactionId: Number(transactionId), OrderItems };
}

/** A GUID of this attempt: Qliro denies one that it has seen within seven days, also where the first attempt came to nothing. */
function requestIdOf({ id, now }: OperationCall): string {
  const digits = createHash("sha256").update(`${id} ${now}`).digest("hex");
  const parts = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20)];
  return [...parts, digits.slice(20, 32)].join("-");
}

const answerSchema = z.object({ id: z.string().regex(/^\d{1,19}$/), status: z.enum(transactionStatuses) });

/**
 * What the new transactions are: usually just `Created`, in a list or a single one. An answer that says nothing of them is an acceptance all
 * the same, and so is one of which only a part failed: the rest is under way.
 */
function resultFrom(body: unknown): OperationResult {
  const listed = isObject(body) ? (fieldOf(body, "PaymentTransactions") ?? [body]) : undefined;
  const made = (Array.isArray(listed) ? listed : []).flatMap((entry: unknown) => {
    if (!isObject(entry)) return [];
    const status = wordOf(transactionStatuses, fieldOf(entry, "Status"));
    return answerSchema.safeParse({ id: idOf(fieldOf(entry, "PaymentTransactionId")), status }).data ?? [];
  });
  const alive = made.filter(({ status }) => status !== "Error" && status !== "Cancelled");
  const [failed] = made;
  if (failed !== undefined && alive.length === 0) return { is: "refused", reason: failed.status };
  const pspId = alive[0] === undefined ? {} : { pspId: alive[0].id };
  return { is: made.length > 0 && made.every(({ status }) => status === "Success") ? "done" : "accepted", ...pspId };
}

/** Qliro refuses what has been done already, as it refuses a repeated `RequestId`: the ledger tells it from what cannot be done. */
async function isReached(call: OperationCall, before: Order, context: LookContext<Config>): Promise<boolean> {
  const order = await readOrder(before.OrderId, context);
  if (order === null) return false;
  const [was, is] = [ledgerOf(before, []), ledgerOf(order, [])];
  switch (call.name) {
    case "capture":
      return soFar(is, "captured", "capture") >= soFar(was, "captured", "capture") + call.amount;
    case "cancel":
      return soFar(is, "released", "cancel") >= soFar(was, "released", "cancel") + call.amount;
    case "refund":
      return soFar(is, "refunded", "refund") >= soFar(was, "refunded", "refund") + call.amount;
  }
}

function soFar({ money, underWay }: Ledger, sum: keyof Ledger["money"], name: keyof Ledger["underWay"]): number {
  return money[sum] + (underWay[name] ?? 0);
}

/** Qliro's own code. */
function reasonOf({ context: { code, status } }: WorkerError): string {
  return typeof code === "string" ? code : `HTTP_${String(status)}`;
}
