import { z } from "zod";
import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type { Json, LookContext, Minor, OperationCall, OperationResult, Operations } from "../../contract/adapter.ts";
import { amountOf, minorOf } from "./amounts.ts";
import { httpFrom } from "./client.ts";
import type { Config } from "./config.ts";
import { fetchSnapshot } from "./fetch.ts";
import { echoFrom, operationOf, type Order, parsed, type Snapshot } from "./schema.ts";
import { type Hold, isCapturable, type Ledger, ledgerOf, type Taking } from "./sums.ts";

/** Reasons of our own, where PayPal is not asked because it could not be told which piece is meant. */
const ours = {
  nothingHeld: "NO_AUTHORIZATION",
  several: "SEVERAL_AUTHORIZATIONS",
  aboveTaken: "ABOVE_CAPTURED",
} as const;

/** PayPal's own libraries say so with every request, also where there is no body (a void). */
const json = { "content-type": "application/json" } as const;

/** For how long the Payments API knows a request by its id. */
const keyDays = 45;

/** The longest `custom_id` of a refund. */
const longestCustomId = 127;

const pieceSchema = z.object({
  id: z
    .string()
    .regex(/^[A-Z0-9-]{1,36}$/)
    .optional()
    .catch(undefined),
  status: z
    .string()
    .regex(/^[A-Z_]{1,40}$/)
    .optional()
    .catch(undefined),
});

/**
 * What PayPal can be told. A repeated `PayPal-Request-Id` is answered with what the first request came to; voiding takes none,
 * and says instead that it was done before. https://developer.paypal.com/api/rest/reference/idempotency
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: { idempotencyKeyHours: keyDays * 24 },

  async capture(call, { order }, context) {
    const { holds } = ledgerOf(order);
    const open = holds.filter((hold) => isCapturable(hold));
    // Where nothing is open the request may be a repeat, which PayPal knows by its id.
    const [hold, another] = open.length > 0 ? open : holds;
    // An order that is only approved is captured or authorised by the storefront, while the shopper is there.
    if (hold === undefined) return { is: "refused", reason: ours.nothingHeld };
    if (another !== undefined) return { is: "refused", reason: ours.several };
    const { id } = hold.authorization;
    return await tell(context, {
      path: pathOf`/v2/payments/authorizations/${id}/capture`,
      route: "/v2/payments/authorizations/{authorization_id}/capture",
      requestId: call.id,
      // A capture of all that is left ends the authorization; a smaller one leaves the rest open.
      body: { amount: amountOf(call.amount, call.currency), final_capture: call.amount >= hold.open },
      order,
      piece: id,
      reached: (now) => spentOn(id, now) >= hold.captured + hold.capturing + call.amount,
    });
  },

  async cancel(_, { order }, context) {
    const { holds } = ledgerOf(order);
    const voided = holds.some(({ released }) => released > 0);
    const open = holds.filter((hold) => hold.open > 0);
    if (open.length === 0) return voided ? { is: "done" } : { is: "refused", reason: ours.nothingHeld };
    return await inTurn(open, ({ authorization: { id } }) =>
      tell(context, {
        path: pathOf`/v2/payments/authorizations/${id}/void`,
        route: "/v2/payments/authorizations/{authorization_id}/void",
        order,
        piece: id,
        reached: (now) => now.holds.some((hold) => hold.authorization.id === id && isVoided(hold)),
      }),
    );
  },

  async refund(call, { order }, context) {
    const parts = partsOf(call, ledgerOf(order).takings);
    if (parts === undefined) return { is: "refused", reason: ours.aboveTaken };
    const customId = markedWith(call, order.purchase_units[0]?.custom_id ?? context.payment.paymentId);
    return await inTurn(
      parts.filter(({ done }) => !done),
      ({ id, amount }) =>
        tell(context, {
          path: pathOf`/v2/payments/captures/${id}/refund`,
          route: "/v2/payments/captures/{capture_id}/refund",
          requestId: parts.length === 1 ? call.id : `${call.id}-${id}`,
          body: { amount: amountOf(amount, call.currency), custom_id: customId },
          order,
          piece: id,
          reached: (now) => now.takings.some((taking) => taking.capture.id === id && taking.left === 0),
        }),
    );
  },
};

/** What has been captured from the authorization, or is being captured. */
function spentOn(id: string, { holds }: Ledger): Minor {
  const hold = holds.find(({ authorization }) => authorization.id === id);
  return hold === undefined ? 0 : hold.captured + hold.capturing;
}

function isVoided({ authorization: { status } }: Hold): boolean {
  return status === "VOIDED" || status === "EXPIRED";
}

/** One capture's share of a refund. */
interface Part {
  readonly id: string;
  readonly amount: Minor;
  readonly done: boolean;
}

/**
 * PayPal refunds one capture at a time: the amount is shared over them, the oldest first; `undefined` where it is more than they hold. What
 * an earlier attempt of the same operation has refunded counts as not refunded yet, so that every attempt comes to the same shares, and none
 * of them is paid out twice.
 */
function partsOf(call: OperationCall, takings: readonly Taking[]): readonly Part[] | undefined {
  let rest = call.amount;
  const parts = takings.flatMap(({ capture: { id }, left, refunds }): Part[] => {
    const mine = refunds
      .filter((refund) => operationOf(refund) === call.id)
      .reduce((sum, refund) => sum + minorOf(refund.amount), 0);
    const amount = Math.min(rest, left + mine);
    rest -= amount;
    return amount === 0 ? [] : [{ id, amount, done: mine > 0 }];
  });
  return rest === 0 ? parts : undefined;
}

/** The order's own `custom_id`, by which the refund's webhook finds its payment, and behind it the operation that made the refund. */
function markedWith({ id }: OperationCall, customId: string): string {
  return `${echoFrom(customId).slice(0, longestCustomId - id.length - 1)}#${id}`;
}

/** One after the other; the first that is refused ends it, and the look that follows sees what was done before. */
async function inTurn<Item>(
  items: readonly Item[],
  told: (item: Item) => Promise<OperationResult>,
): Promise<OperationResult> {
  let result: OperationResult = { is: "done" };
  for (const item of items) {
    const isFirst = item === items[0];
    const next = await told(item).catch((cause: unknown) => {
      if (isFirst) throw cause;
      // Whatever it was, something has been carried out already: nobody may take this for "nothing was sent".
      throw new WorkerError("Unreachable", "paypal has carried out a part of the operation", { cause });
    });
    if (next.is === "refused") return isFirst ? next : { is: "refused", reason: `PARTLY_${next.reason}` };
    if (result.is !== "accepted") result = next;
  }
  return result;
}

interface Telling {
  readonly path: string;
  readonly route: string;
  readonly requestId?: string;
  readonly body?: Json;
  readonly order: Order;
  /** The id of what is told to change. */
  readonly piece: string;
  /** Whether the order shows by now what was wanted. */
  reached(now: Ledger): boolean;
}

/** @throws WorkerError `Unreachable` where the outcome is unknown, and whatever says nothing of the operation: credentials, a token. */
async function tell(context: LookContext<Config>, told: Telling): Promise<OperationResult> {
  const { path, route, requestId, body } = told;
  const http = httpFrom(context);
  try {
    const answer = await http({
      method: "POST",
      path,
      route,
      headers: { ...json, ...(requestId === undefined ? {} : { "paypal-request-id": requestId }) },
      ...(body === undefined ? {} : { body }),
      signal: context.signal,
    });
    return resultFrom(answer.body);
  } catch (error) {
    if (!isWorkerError(error) || error.context["route"] !== route) throw error;
    if (error.kind === "Refused") return { is: "refused", reason: reasonFrom(error) };
    // 422 and a conflict: it is there already (client.ts). Whether that is what was wanted, the order says.
    if (error.kind !== "Conflict" || error.context["status"] !== 422) throw error;
    const now = await fetchSnapshot(told.order.id, context);
    if (now === null) throw error;
    const ledger = ledgerOf(now.order);
    if (told.reached(ledger)) return { is: "done" };
    const piece = [...ledger.authorizations, ...ledger.captures].find(({ id }) => id === told.piece);
    return { is: "refused", reason: piece?.status ?? reasonFrom(error) };
  }
}

/** The answer is the new piece; it is empty for a void. Its status may be that of a later day, where the request was a repeat. */
function resultFrom(body: unknown): OperationResult {
  const { id, status } = parsed(pieceSchema, body ?? {});
  const made = id === undefined ? {} : { pspId: id };
  if (status === "PENDING") return { is: "accepted", ...made };
  const refused = ["DECLINED", "DENIED", "FAILED", "CANCELLED"].find((word) => word === status);
  return refused === undefined ? { is: "done", ...made } : { is: "refused", reason: refused };
}

/** PayPal's own code where the client kept one, else the status of its answer. */
function reasonFrom({ context }: WorkerError): string {
  return String(context["code"] ?? context["status"] ?? "refused");
}
