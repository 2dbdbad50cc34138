import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type { Http, Json, Upsell } from "../../contract/adapter.ts";
import type { Order, Upsold } from "./schema.ts";

/**
 * Walley has no upsell: it is a reauthorisation to a higher total. What may be raised is credit, and only while something is not captured
 * (docs/psp/walley.md, f). https://dev.walleypay.com/docs/manage/orders/reauthorize
 */
const creditMethods: ReadonlySet<string> = new Set([
  "invoice",
  "directinvoice",
  "account",
  "instalment",
  "interestfreeaccount",
]);

/** The shopper may have to agree to a reauthorisation; what shows no end for this long has none. */
const patienceMs = 24 * 60 * 60 * 1000;

/** More reauthorisations than this are under way for no purchase; what is beyond is asked at a later look. */
const mostAsked = 10;

const standingSchema = z.object({
  transactions: z
    .array(
      z.object({
        id: z.string().min(1),
        state: z.string(),
        attributes: z
          .object({
            location: z.string().optional().catch(undefined),
            awaitedSince: z.iso.datetime().optional().catch(undefined),
          })
          .optional()
          .catch(undefined),
      }),
    )
    .catch([]),
});
const answerSchema = z.object({ data: z.object({ status: z.string().max(40) }) });

/**
 * Asks what became of the reauthorisations that Norce still shows as under way. The id is the one of the checkout reference; where the
 * storefront kept the `Location` of the call in the attributes, its last part is.
 * @param standing `payment.upsell` as Norce has it.
 */
export async function readUpsells(orderId: string, standing: Json, http: Http): Promise<readonly Upsold[]> {
  const { data } = standingSchema.safeParse(standing);
  const open = (data?.transactions ?? []).filter(({ state }) => state === "created" || state === "actionRequired");
  return await Promise.all(
    open.slice(0, mostAsked).map(async ({ id, attributes: { location, awaitedSince } = {} }) => ({
      id,
      status: await readStatus(orderId, lastOf(location) ?? id, http),
      ...(awaitedSince === undefined ? {} : { awaitedSince }),
    })),
  );
}

async function readStatus(orderId: string, id: string, http: Http): Promise<string | null> {
  try {
    const path = pathOf`/manage/orders/${orderId}/reauthorize/${id}`;
    const route = "/manage/orders/{orderId}/reauthorize/{id}";
    // What cannot be read is no end, and nothing else of the look hangs on it.
    return answerSchema.safeParse((await http({ method: "GET", path, route })).body).data?.data.status ?? null;
  } catch (error) {
    // Not there yet, or not one of Walley's ids: then the order tells how it ended.
    if (isWorkerError(error, "Refused")) return null;
    throw error;
  }
}

/** The last part of a path; a `Location` may come with a host or without. */
function lastOf(location: string | undefined): string | undefined {
  return /([\w-]{1,64})\/?$/.exec(location ?? "")?.[1];
}

/** True while the order may still be raised. One whose end cannot be read offers nothing. */
function isUpsellable(order: Order, now: number): boolean {
  const credit = creditMethods.has((order.paymentMethod ?? "").toLowerCase());
  const alive = typeof order.expiresAt === "string" && Date.parse(order.expiresAt) > now;
  // An order that is captured at once is Activated from the beginning.
  return credit && alive && (order.status === "NotActivated" || order.status === "PartActivated");
}

/** What `payment.upsell` should say: eligible by our own reckoning, and what is known of what was under way. */
export function upsellOf(order: Order, upsells: readonly Upsold[], now: number): Upsell {
  const eligible = isUpsellable(order, now);
  return {
    eligible,
    ...(eligible && typeof order.expiresAt === "string" ? { expiration: order.expiresAt } : {}),
    transactions: upsells.map((upsold) => {
      const state = stateOf(upsold, order, now);
      return {
        id: upsold.id,
        state,
        ...(state === "created" ? { attributes: { awaitedSince: sinceOf(upsold, now) } } : {}),
      };
    }),
  };
}

/** Since when each reauthorisation is awaited that has no end yet. */
export function awaitedIn(upsells: readonly Upsold[], order: Order, now: number): readonly string[] {
  return upsells.filter((upsold) => stateOf(upsold, order, now) === "created").map((upsold) => sinceOf(upsold, now));
}

function sinceOf({ awaitedSince }: Upsold, now: number): string {
  return awaitedSince ?? new Date(now).toISOString();
}

/** Walley documents two ends; whatever else it says is on its way, until there is no order any more to be raised, or for too long. */
function stateOf(upsold: Upsold, order: Order, now: number): Upsell["transactions"][number]["state"] {
  const status = upsold.status?.toLowerCase();
  if (status === "completed") return "completed";
  const open = order.status === "NotActivated" || order.status === "PartActivated" || order.status === "OnHold";
  const late = now - Date.parse(sinceOf(upsold, now)) >= patienceMs;
  return status === "failed" || !open || late ? "failed" : "created";
}
