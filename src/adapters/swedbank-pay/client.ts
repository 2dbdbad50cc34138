import { z } from "zod";
import { isObject } from "../../lib/json.ts";
import { type Http, type HttpRequest, pathOf } from "../../lib/http.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, Json, LookContext, PspCode } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { operationPath, orderIdFrom } from "./reference.ts";
import { answerSchema, type Answer, codeIn, type Offer, type Snapshot } from "./schema.ts";

/** A payment order's route, for logs and metrics. */
export const orderRoute = "/psp/paymentorders/{id}";
/** What is sent and asked for: answers in the shape of 3.1, older ones differ (docs/psp/swedbank-pay.md, a). */
export const contentType = "application/json;version=3.1";

/** Everything that a look needs, in one answer. Not the payer: nobody here needs to know who it is. */
const expanded = [
  "paid",
  "cancelled",
  "reversed",
  "failed",
  "financialTransactions",
  "failedAttempts",
  "postPurchaseFailedAttempts",
  "payeeInfo",
  "metadata",
].join(",");

/** Swedbank Pay's API with the payee's token. `apiUrl` is the host alone: `https://api.payex.com`. */
export function ask(context: AskContext<Config>): Http {
  const { config, random } = context;
  const http = context.http({
    baseUrl: config.apiUrl,
    headers: {
      authorization: `Bearer ${config.accessToken}`,
      accept: "application/problem+json; q=1.0, application/json; q=0.9",
      "content-type": contentType,
    },
    codeOf: codeOfProblem,
  });
  // By this id their support finds a conversation; each has its own.
  return async (request: HttpRequest) =>
    await http({ ...request, headers: { ...request.headers, "session-id": sessionId(random) } });
}

/** `type` is an address whose last segment is the code; `sessionId` is what support asks for (docs/psp/swedbank-pay.md, j). */
function codeOfProblem(body: unknown): PspCode {
  if (!isObject(body)) return {};
  const { sessionId: id } = body;
  return { code: codeIn(body["type"]), supportId: typeof id === "string" && /^[\w-]{1,64}$/.test(id) ? id : undefined };
}

function sessionId(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20),
  ].join("-");
}

/** What Swedbank Pay says now, with everything that happened to the payment order in one answer; `null` where it does not know it. */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  // Nothing else is asked for: an id comes from a callback that anybody may have sent.
  const id = orderIdFrom(reference);
  if (id === undefined) return null;
  const question = {
    path: pathBelowOrder(id),
    route: orderRoute,
    query: { $expand: expanded },
    signal: context.signal,
  };
  const answer = await readOrNull(ask(context), question, answerSchema, "a Swedbank Pay payment order");
  return answer === null ? null : snapshotFrom(answer, context);
}

function snapshotFrom({ order, operations }: Answer, { config, memory }: LookContext<Config>): Snapshot {
  return {
    order,
    operations: operations.map(({ rel, href }): Offer => {
      const path = href === undefined ? undefined : operationPath(href, order.id, config.apiUrl);
      return path === undefined ? { rel } : { rel, path };
    }),
    seen: textsIn(memory["seen"]),
  };
}

function textsIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** The path of a payment order. */
function pathBelowOrder(id: string): string {
  return pathOf`/psp/paymentorders/${id.replace(/^.*\//, "")}`;
}

/** A line of an invoice, as it is kept by Swedbank Pay and has to be sent again. */
const itemSchema = z.object({
  reference: z.string().min(1),
  name: z.string().min(1),
  type: z.string().min(1),
  class: z.string().min(1),
  quantity: z.number(),
  quantityUnit: z.string().min(1),
  unitPrice: z.number(),
  vatPercent: z.number(),
  amount: z.int(),
  vatAmount: z.int(),
  description: z.string().optional(),
  itemUrl: z.string().optional(),
  imageUrl: z.string().optional(),
  discountDescription: z.string().optional(),
  discountPrice: z.number().optional(),
});

export type Item = Readonly<z.infer<typeof itemSchema>>;

const itemsSchema = z.object({ orderItems: z.object({ orderItemList: z.array(itemSchema) }) });

/** The lines of a payment order, for instruments that want them sent again; `null` where they are not complete. @throws WorkerError */
export async function readItems(id: string, context: AskContext<Config>): Promise<readonly Item[] | null> {
  const question = {
    path: `${pathBelowOrder(id)}/orderitems`,
    route: `${orderRoute}/orderitems`,
    signal: context.signal,
  };
  const answer = await readOrNull(ask(context), question, z.unknown(), "the lines of a payment order");
  return itemsSchema.safeParse(answer).data?.orderItems.orderItemList ?? null;
}
