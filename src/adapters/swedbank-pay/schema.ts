import { z } from "zod";
import { isObject } from "../../lib/json.ts";
import { exponentOf } from "../../lib/money.ts";
import { WorkerError } from "../../lib/errors.ts";
import { saidTime } from "../../lib/said-time.ts";
import { orderIdFrom } from "./reference.ts";

/** Swedbank Pay's words for how far a payment order came: complete for 3.x (docs/psp/swedbank-pay.md, d). */
const statuses = ["Initialized", "Paid", "Failed", "Cancelled", "Reversed", "Aborted"] as const;
/** What can happen to its money. */
const kinds = ["Authorization", "Sale", "Capture", "Cancellation", "Reversal"] as const;

/** An amount in minor units. */
const minor = z.int().nonnegative();
/** A field over which no money hangs: whatever else stands there is read past. */
const amount = minor.optional().catch(undefined);
const time = saidTime.optional().catch(undefined);
/** Numbers are for people, and may exceed 32 bits. */
const number = z
  .union([z.int().nonnegative().transform(String), z.string().regex(/^\d{1,24}$/)])
  .optional()
  .catch(undefined);
/** A word of Swedbank Pay's: nothing that could be a person's. */
const word = z
  .string()
  .regex(/^[A-Za-z][A-Za-z_-]{0,59}$/)
  .optional()
  .catch(undefined);
/** The last segment of a problem's type. */
const code = z.string().optional().catch(undefined);

const transaction = z.object({
  /** A relative URL. */
  id: z.string().regex(/^[\w./-]{1,200}$/),
  kind: z.enum(kinds),
  amount: minor,
  vatAmount: amount,
  created: time,
  number,
  payeeReference: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,50}$/)
    .optional()
    .catch(undefined),
});

export type Transaction = Readonly<z.infer<typeof transaction>>;

/** An attempt of the shopper's that failed. */
const attempt = z.object({
  created: time,
  number,
  status: z.enum(["Failed", "Aborted"]).optional().catch(undefined),
  instrument: word,
  problem: code,
});

/** A capture, reversal or cancellation that failed. */
const failure = z.object({ created: time, number, type: word, problem: code });

export type Failure = Readonly<z.infer<typeof failure>>;

/** A token of the shopper's, with what tells people which one it is. */
const token = z.object({
  type: word,
  token: z
    .string()
    .regex(/^[\w-]{1,100}$/)
    .optional()
    .catch(undefined),
  /** A masked number, and nothing else that might stand there. */
  masked: z
    .string()
    .regex(/^\d{4,8}[xX*]{4,10}\d{4}$/)
    .optional()
    .catch(undefined),
  ends: z
    .string()
    .regex(/^\d{2}\/\d{4}$/)
    .optional()
    .catch(undefined),
});

export type Token = Readonly<z.infer<typeof token>>;

/** What was bought with: of `paid`, or of `cancelled` and `reversed`, which say the same once it is over. */
const purchase = z.object({
  transactionType: z.enum(["Authorization", "Sale"]).optional(),
  amount: minor.optional(),
  submittedAmount: amount,
  instrument: word,
  brand: z
    .string()
    .regex(/^[A-Za-z][A-Za-z ]{0,29}$/)
    .optional()
    .catch(undefined),
  tokens: z.array(token),
});

/** A payment order as it is kept: names, addresses and card numbers are dropped while reading. */
export const orderSchema = z.object({
  id: z.string().refine((id) => orderIdFrom(id) === id, "is no payment order's id"),
  status: z.enum(statuses),
  currency: z
    .string()
    .regex(/^[A-Za-z]{3}$/)
    .toUpperCase(),
  amount: minor,
  vatAmount: amount,
  created: time,
  operation: word,
  remainingCaptureAmount: minor.optional(),
  remainingReversalAmount: amount,
  paid: purchase.optional(),
  transactions: z.array(transaction),
  /** The code of the problem for which it failed. */
  failed: code,
  failedAttempts: z.array(attempt),
  postPurchaseFailedAttempts: z.array(failure),
  /** Whether a token was asked for. */
  generatesToken: z.boolean(),
  /** What it gives back of ours. */
  echoes: z.array(z.string()),
});

export type Order = Readonly<z.infer<typeof orderSchema>>;

const operation = z.object({ rel: z.string(), href: z.string().optional() });

/** `GET /psp/paymentorders/{id}` with its parts expanded (docs/psp/swedbank-pay.md, d), in one spelling. */
export const answerSchema = z
  .unknown()
  .transform(inOneSpelling)
  .pipe(z.object({ order: orderSchema, operations: z.array(operation) }));

export type Answer = Readonly<z.infer<typeof answerSchema>>;

/** What can be done now. */
export interface Offer {
  readonly rel: string;
  /** Where, below the configured address. Absent: the link leads elsewhere, and nobody follows it. */
  readonly path?: string | undefined;
}

/** What Swedbank Pay says now. */
export interface Snapshot {
  readonly order: Order;
  readonly operations: readonly Offer[];
  /** Keys of the lines of the log, in the order in which earlier looks saw them. */
  readonly seen: readonly string[];
}

/** Where money hangs; named as the answers name it, where `order` is `paymentOrder`. */
export const decides: readonly string[] = [
  "order.id",
  "order.status",
  "order.currency",
  "order.amount",
  "order.operation",
  // Since when an authorisation lives.
  "order.created",
  "order.remainingCaptureAmount",
  "order.paid.transactionType",
  "order.paid.amount",
  "order.cancelled.transactionType",
  "order.cancelled.amount",
  "order.reversed.transactionType",
  "order.reversed.amount",
  "order.financialTransactions.financialTransactionsList.*.id",
  "order.financialTransactions.financialTransactionsList.*.type",
  "order.financialTransactions.financialTransactionsList.*.amount",
  // They say how far the purchase came: refused, about to be repeated, or under way.
  "order.failed.problem.type",
  "order.failedAttempts.failedAttemptList",
  "operations",
];

/** @throws WorkerError `Unmapped` for what nobody mapped: a word that is none of a status, money that goes out, or units nobody documents */
export function insistOnKnown({ status, operation: what = "", currency }: Order): void {
  if (!statuses.includes(status))
    throw new WorkerError("Unmapped", "swedbank pay says a status that nobody mapped", { context: { status } });
  if (/payout/i.test(what))
    throw new WorkerError("Unmapped", "a payout takes no money from a shopper", { context: { operation: what } });
  // Amounts are integers of hundredths, and no other currency's are documented (docs/psp/swedbank-pay.md, h).
  if (exponentOf(currency) !== 2)
    throw new WorkerError("Unmapped", "swedbank pay documents no units for this currency", { context: { currency } });
}

/** The code in a problem's type: `acquirercarddeclined` of `https://api.payex.com/psp/errordetail/creditcard/acquirercarddeclined`. */
export function codeIn(type: unknown): string | undefined {
  const last = typeof type === "string" ? type.replace(/^.*\//, "") : "";
  return /^[A-Za-z0-9_-]{1,64}$/.test(last) ? last.toLowerCase() : undefined;
}

/** Lists and fields are spelled in several ways, in the API as in its documentation (SwedbankPay/developer.swedbankpay.com). */
function at(value: unknown, ...names: readonly string[]): unknown {
  if (!isObject(value)) return undefined;
  const wanted = names.map((name) => name.toLowerCase());
  const key = Object.keys(value).find((name) => wanted.includes(name.toLowerCase()));
  return key === undefined ? undefined : value[key];
}

function inOneSpelling(body: unknown): unknown {
  const order = at(body, "paymentOrder");
  return {
    order: isObject(order) ? orderIn(order) : order,
    operations: listOf(at(body, "operations")).flatMap((item) => {
      const [rel, href] = [at(item, "rel"), at(item, "href")];
      return typeof rel === "string" ? [{ rel, ...(typeof href === "string" ? { href } : {}) }] : [];
    }),
  };
}

function orderIn(order: Readonly<Record<string, unknown>>): unknown {
  const id = order["id"];
  return {
    ...order,
    id: typeof id === "string" ? (orderIdFrom(id) ?? id) : id,
    remainingCaptureAmount: order["remainingCaptureAmount"] ?? undefined,
    paid: purchaseIn(order),
    transactions: transactionsIn(order),
    failed: codeIn(at(at(at(order, "failed"), "problem"), "type")),
    failedAttempts: listOf(at(at(order, "failedAttempts"), "failedAttemptList")).map((item) => withCode(item)),
    postPurchaseFailedAttempts: listOf(
      at(at(order, "postPurchaseFailedAttempts"), "postPurchaseFailedAttemptList"),
    ).map((item) => ({ ...withCode(item), type: at(item, "type") ?? at(item, "transactionType") })),
    generatesToken: order["generateUnscheduledToken"] === true || order["generateRecurrenceToken"] === true,
    echoes: echoesIn(order),
  };
}

/** The first of the three that says something. */
function purchaseIn(order: unknown): unknown {
  const said = [at(order, "paid"), at(order, "cancelled"), at(order, "reversed")].find(
    (part) => at(part, "transactionType") !== undefined || at(part, "amount") !== undefined,
  );
  if (!isObject(said)) return undefined;
  return {
    ...said,
    transactionType: isIdle(said["transactionType"], kinds, said["amount"])
      ? undefined
      : (said["transactionType"] ?? undefined),
    amount: said["amount"] ?? undefined,
    brand: at(said["details"], "cardBrand"),
    tokens: listOf(said["tokens"]).flatMap((item) =>
      isObject(item)
        ? [{ type: item["type"], token: item["token"], masked: item["name"], ends: item["expiryDate"] }]
        : [],
    ),
  };
}

/** A list that is named and not there was not expanded: it is not empty. */
function transactionsIn(order: unknown): unknown {
  const told = at(order, "financialTransactions");
  if (told === undefined || told === null) return [];
  const list = at(told, "financialTransactionsList", "financialTransactionList");
  if (!Array.isArray(list)) return list;
  const items: unknown[] = list.filter((item: unknown) => !isIdle(at(item, "type"), kinds, at(item, "amount")));
  // Each counts once, however often the list names it.
  return [...new Map(items.map((item) => [at(item, "id") ?? item, item])).values()].map((item) =>
    isObject(item) ? { ...item, kind: item["type"] } : item,
  );
}

/** A word that is none of ours over no money (the verification of a card): whatever it means, nothing was moved. */
function isIdle(said: unknown, known: readonly string[], value: unknown): boolean {
  return value === 0 && !known.some((one) => one === said);
}

function withCode(item: unknown): object {
  return { ...(isObject(item) ? item : {}), problem: codeIn(at(at(item, "problem"), "type")) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `orderReference`, and the fields of the metadata that are called like ours. `payeeReference` is nobody's id: it is new at each operation. */
function echoesIn(order: unknown): readonly string[] {
  const metadata = at(order, "metadata");
  const own = isObject(metadata) ? Object.entries(metadata) : [];
  const said = [
    at(at(order, "payeeInfo"), "orderReference"),
    at(at(order, "paid"), "orderReference"),
    ...own.flatMap(([name, value]) => (ours.test(name) ? [value] : [])),
  ];
  return [...new Set(said.filter((text) => typeof text === "string" && /^[\w.:-]{1,120}$/.test(text)))] as string[];
}

/** How merchants call the field with our id; what else they put there is theirs. */
const ours = /^(norce_?)?(payment|order|cart)_?(id|reference)$/i;
