/**
 * A Norce Order API with a memory, for development, tests and demos: both versions, strict about everything that docs/norce.md
 * documents, and able to fail in all the ways a remote API fails. Where it leaves something open, it is as unkind
 * as the documents allow: PUT replaces, enums are lower case.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createFaults, type Fault, type FaultOptions, type FaultyRequest, wait } from "./faults.ts";
import { headerOf, readBody } from "./loopback.ts";
import { bodyOf, faultAnswer, pathOf, queryOf, refusalAnswer, send } from "./norce-http.ts";
import { type Answer, orderView, type WriteName } from "./norce-operations.ts";
import { bad, type Dialect, type Document, orderFrom, paymentFrom, Refusal } from "./norce-rules.ts";
import { type Routed, routeOf } from "./norce-routes.ts";
import { type Change, NorceStore, type Owner, type StoredOrder, type StoredPayment } from "./norce-store.ts";
import { Recent } from "./recent.ts";

export type { Change } from "./norce-store.ts";
export type { Document } from "./norce-rules.ts";

export interface SandboxNorceOptions {
  /** The bearer token that is taken. Default `sandbox-token`. */
  readonly token?: string;
  /** The clock behind `created` and `lastModified`, in milliseconds. */
  readonly now?: () => number;
  /** Which payment states v0 takes: ten, as it documents (default), or twelve. v1 always takes twelve. */
  readonly states?: "ten" | "twelve";
  /** How long every answer takes, in milliseconds. Default 0: no timer is made. */
  readonly latencyMs?: number;
  /** Answers payments in a spelling of its own: other date formats, `null` for what nobody sent, enums with a capital. Default: as written. */
  readonly respells?: boolean;
}

/** A request as the log keeps it, and as a fault may judge it. */
interface NorceRequest extends FaultyRequest {
  readonly version: "v0" | "v1";
  readonly merchant: string;
  readonly channel: string;
  /** `x-adapterid`; empty where it was not sent. */
  readonly adapterId: string;
  readonly orderId: string;
  readonly paymentId: string;
}

/** What became of a request. Status 0: the connection was closed without an answer. */
interface NorceLogEntry extends Omit<NorceRequest, "headers"> {
  readonly status: number;
  /** When it was answered, in milliseconds. */
  readonly at: number;
}

export interface SandboxNorce {
  /** For `createServer` or Express: serves `/api/v0/…` and `/api/v1/…`, with or without `/checkout/order` before it. */
  readonly handler: RequestListener;
  readonly token: string;
  /** How long every answer takes from now on, in milliseconds. */
  latencyMs: number;
  /** Whether payments are answered in a spelling of its own from now on. */
  respells: boolean;
  /** Creates an order and says its id; one is made up unless the caller chooses it. @throws Refusal for a malformed order. */
  createOrder(order: Owner & { readonly order: Document; readonly id?: string }): string;
  /** Adds a payment and says its id: `payment.id` where it has one. @throws Refusal for a malformed payment. */
  addPayment(orderId: string, payment: Document): string;
  /** The order with its payments, as v0 shows it; `undefined` where there is none. */
  order(orderId: string): Document | undefined;
  /** All orders, oldest first. */
  orders(): readonly Document[];
  payment(orderId: string, paymentId: string): Document | undefined;
  transactions(orderId: string, paymentId: string): readonly Document[];
  /** Somebody else writes beside the API: a storefront or a hook. `change` gets a copy and returns what is stored. */
  edit(orderId: string, paymentId: string, change: (payment: Document) => Document): void;
  /** The storefront moves the order. */
  setOrderState(orderId: string, state: string): void;
  /** Calls `listener` after every write, by the API or beside it; the function returned ends that. */
  onChange(listener: (change: Change) => void): () => void;
  /** The last thousand requests, oldest first. */
  requests(): readonly NorceLogEntry[];
  /** How many requests came in all. */
  readonly received: number;
  /** How many writes were applied, by operation; an answer that was dropped afterwards counts. */
  readonly writes: Readonly<Record<WriteName, number>>;
  /** Sets `received`, `writes` and the log back. */
  resetCounts(): void;
  /** Makes something go wrong. */
  fault(options: FaultOptions<NorceRequest>): Fault;
  clearFaults(): void;
}

/** A new, empty Order API. */
export function createSandboxNorce(options: SandboxNorceOptions = {}): SandboxNorce {
  const { token = "sandbox-token", now = Date.now, states = "ten" } = options;
  const store = new NorceStore(now);
  const faults = createFaults<NorceRequest>();
  const log = new Recent<NorceLogEntry>(1_000);
  const writes = noWrites();
  let received = 0;

  const perform = async (
    request: IncomingMessage,
    text: string | null,
    routed: Routed,
    seen: NorceRequest,
    stale: boolean,
  ): Promise<Answer> => {
    const { operation, version, ids } = routed;
    if (headerOf(request, "authorization") !== `Bearer ${token}`)
      throw new Refusal(401, "unauthorized", "the token is not valid");
    const owner = { merchant: seen.merchant, channel: seen.channel };
    if (owner.merchant === "" || owner.channel === "") throw bad("x-merchant and x-channel are required");
    const body = operation.method === "GET" ? undefined : bodyOf(request, text);
    const query = queryOf(request.url ?? "");
    const dialect = { version, states, respells: sandbox.respells };
    const answer = await operation.perform({ store, owner, dialect, ids, query, body, stale });
    if (operation.writes !== undefined) writes[operation.writes] += 1;
    return answer;
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    received += 1;
    let seen = seenFrom(request, undefined);
    let answer: Answer | "dropped";
    try {
      const routed = routeOf(seen.method, seen.path);
      const asked = (seen = seenFrom(request, routed));
      const fault = faults.strike(asked);
      // First of all: who does not wait for the answer has asked all the same, and it is carried out.
      const text = seen.method === "GET" ? "" : await readBody(request);
      await wait(sandbox.latencyMs + (fault?.slowMs ?? 0));
      answer = await withFault(fault, asked, () => perform(request, text, routed, asked, fault?.stale === true));
    } catch (error) {
      answer = refusalAnswer(error);
    }
    const { headers: _, ...facts } = seen;
    log.add({ ...facts, status: answer === "dropped" ? 0 : answer.status, at: now() });
    if (answer === "dropped") request.socket.destroy();
    else send(response, answer);
  };

  const sandbox: SandboxNorce = {
    token,
    latencyMs: options.latencyMs ?? 0,
    respells: options.respells ?? false,
    handler: (request, response) => {
      // Only a client that went away gets here.
      serve(request, response).catch(() => response.destroy());
    },
    createOrder: ({ merchant, channel, order, id }) =>
      store.createOrder({ merchant, channel }, orderFrom(order), id).id,
    addPayment: (orderId, payment) => {
      const id = typeof payment["id"] === "string" ? payment["id"] : undefined;
      return store.createPayment(storedOrder(store, orderId), paymentFrom(payment, inside), id).id;
    },
    order: (orderId) => {
      const found = store.orders.get(orderId);
      return found === undefined ? undefined : orderView(found, inside);
    },
    orders: () => [...store.orders.values()].map((order) => orderView(order, inside)),
    payment: (orderId, paymentId) => store.orders.get(orderId)?.payments.get(paymentId)?.document,
    transactions: (orderId, paymentId) => [...(store.orders.get(orderId)?.payments.get(paymentId)?.transactions ?? [])],
    edit: (orderId, paymentId, change) => {
      const order = storedOrder(store, orderId);
      const payment = storedPayment(order, paymentId);
      store.replacePayment(order, payment, paymentFrom(change(structuredClone(payment.document)), inside));
    },
    setOrderState: (orderId, state) => store.setOrderState(storedOrder(store, orderId), state),
    onChange: (listener) => store.onChange(listener),
    requests: () => log.list(),
    get received() {
      return received;
    },
    writes,
    resetCounts: () => {
      received = 0;
      log.clear();
      Object.assign(writes, noWrites());
    },
    fault: (fault) => faults.set(fault),
    clearFaults: () => faults.clear(),
  };
  return sandbox;
}

/** Who writes beside the API may write all that there is. */
const inside: Dialect = { version: "v0", states: "twelve" };

async function withFault(
  fault: FaultOptions<NorceRequest> | undefined,
  asked: NorceRequest,
  perform: () => Promise<Answer>,
): Promise<Answer | "dropped"> {
  if (fault === undefined) return await perform();
  if (fault.drop === "before") return "dropped";
  if (fault.status !== undefined) return faultAnswer(fault.status, fault);
  const answer = await perform();
  if (fault.drop === "after") return "dropped";
  if (fault.answer === undefined) return answer;
  const body = fault.answer(answer.body, asked);
  const { body: _, ...rest } = answer;
  return body === undefined ? rest : { ...rest, body };
}

function seenFrom(request: IncomingMessage, routed: Routed | undefined): NorceRequest {
  return {
    method: request.method ?? "",
    route: routed?.operation.route ?? "unknown",
    path: pathOf(request.url ?? ""),
    headers: request.headers,
    version: routed?.version ?? "v0",
    merchant: headerOf(request, "x-merchant"),
    channel: headerOf(request, "x-channel"),
    adapterId: headerOf(request, "x-adapterid"),
    orderId: routed?.ids["orderId"] ?? "",
    paymentId: routed?.ids["paymentId"] ?? "",
  };
}

function storedOrder(store: NorceStore, orderId: string): StoredOrder {
  const order = store.orders.get(orderId);
  if (order === undefined) throw new Refusal(404, "order-not-found", "the order was not found");
  return order;
}

function storedPayment(order: StoredOrder, paymentId: string): StoredPayment {
  const payment = order.payments.get(paymentId);
  if (payment === undefined) throw new Refusal(404, "payment-not-found", "the payment was not found");
  return payment;
}

function noWrites(): Record<WriteName, number> {
  return {
    createOrder: 0,
    setOrderState: 0,
    setAttributes: 0,
    createPayment: 0,
    replacePayment: 0,
    setActions: 0,
    executeAction: 0,
    appendTransaction: 0,
  };
}
