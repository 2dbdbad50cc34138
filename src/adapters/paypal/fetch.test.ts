import { beforeEach, describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import type { HttpRequest } from "../../lib/http.ts";
import type { Json, KeptEvent, LookContext } from "../../contract/adapter.ts";
import { asking } from "../../../test/support/asking.ts";
import { type Config, config } from "./config.ts";
import { eventsFrom } from "./events.ts";
import { fetchSnapshot } from "./fetch.ts";
import { evidenceOf, provenByPayPal } from "./known-events.ts";
import { map } from "./map.ts";
import { digestOf } from "./memory.ts";
import { resolve } from "./resolve.ts";

const apiUrl = "https://api-m.sandbox.paypal.com";
const order = "8AB12345CD678901E";
const began = "2026-02-03T10:00:00Z";
const hour = 3_600_000;

let known: Readonly<Record<string, Json>> = {};
let asked: string[] = [];
beforeEach(() => paypal({}));

/** PayPal, which knows these things and nothing else. */
function paypal(things: Readonly<Record<string, Json>>): void {
  known = things;
  asked = [];
}

function answer({ path, query = {}, route }: HttpRequest): { status: number; headers: object; body: unknown } {
  const parameters = new URLSearchParams(
    Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
  );
  const url = parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
  asked.push(url);
  const found = known[url];
  if (found === undefined) throw new WorkerError("Refused", "not found", { context: { status: 404, route } });
  return { status: 200, headers: {}, body: found };
}

interface Given {
  readonly memory?: Readonly<Record<string, Json>>;
  readonly kept?: readonly KeptEvent[];
  readonly afterMs?: number;
}

function context({ memory = {}, kept = [], afterMs = 0 }: Given = {}): LookContext<Config> {
  return {
    ...asking(memory),
    config: config.parse({ adapterId: "a", apiUrl, clientId: "c", clientSecret: "s", webhookId: "1W" }),
    signal: new AbortController().signal,
    http: () => async (request) => answer(request) as never,
    now: Date.parse(began) + afterMs,
    kept: async () => kept,
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: order, upsell: null },
  };
}

const sek = (value: string) => ({ currency_code: "SEK", value });
const orderWith = (
  more: { readonly [key: string]: Json },
  payments: Json = null,
): { readonly [key: string]: Json } => ({
  id: order,
  create_time: began,
  purchase_units: [{ amount: sek("100.00"), custom_id: "p_1", payments }],
  ...more,
});
const orderPath = `/v2/checkout/orders/${order}`;
const line = (type: string, key: string, facts: Readonly<Record<string, Json>> = {}): KeptEvent => ({
  key,
  type,
  at: began,
  event: "paymentAction",
  pspStatus: "X",
  amount: 0,
  success: true,
  facts,
});

describe("an order that PayPal does not know", () => {
  /** What the look before remembered of an order in this status. */
  async function memoryOf(seenOrder: Json): Promise<Readonly<Record<string, Json>>> {
    paypal({ [orderPath]: seenOrder });
    const seen = await fetchSnapshot(order, context());
    if (seen === null) throw new Error("it was there");
    // As it comes back from Norce.
    return JSON.parse(JSON.stringify(map(seen, { kept: [], now: Date.parse(began) }).memory)) as Record<string, Json>;
  }
  const look = async (given: Given) => {
    paypal({});
    const seen = await fetchSnapshot(order, context(given));
    return seen === null ? null : map(seen, { kept: [], now: Date.parse(began) + (given.afterMs ?? 0) });
  };

  it("was never there, where no look has seen it", async () => {
    expect(await look({ afterMs: 100 * hour })).toBeNull();
  });

  it.each(["CREATED", "PAYER_ACTION_REQUIRED", "APPROVED"])(
    "has ended where it was %s, and says so again",
    async (status) => {
      const memory = await memoryOf(orderWith({ status }));
      expect(await look({ memory, afterMs: hour }), "it lags").toBeNull();
      const gone = await look({ memory, afterMs: 4 * hour });
      expect(gone).toMatchObject({ phase: "failed", total: 10000, currency: "SEK", reference: order, echoes: ["p_1"] });
      expect(await look({ memory: gone?.memory ?? {}, afterMs: 5 * hour })).toMatchObject({ phase: "failed" });
    },
  );

  it("is a matter for people where it held money", async () => {
    const authorizations = [{ id: "5DD67890EE123456G", status: "CREATED", amount: sek("100.00") }];
    const memory = await memoryOf(orderWith({ status: "COMPLETED" }, { authorizations }));
    await expect(look({ memory, afterMs: 100 * hour })).rejects.toMatchObject({
      kind: "Refused",
      context: { reason: "gone-at-psp" },
    });
  });
});

describe("a token that the order promises", () => {
  const captures = [{ id: "3CC45678DD901234F", status: "COMPLETED", amount: sek("100.00") }];
  const vault = { status: "APPROVED", customer: { id: "c-1" } };
  const promised = orderWith(
    { status: "COMPLETED", payment_source: { paypal: { attributes: { vault } } } },
    { captures },
  );
  const page = (number: number): string =>
    `/v3/vault/payment-tokens?customer_id=c-1&page_size=5&page=${number}&total_required=true`;
  const token = (id: string, type = "paypal", customer = "c-1"): Json => ({
    id,
    customer: { id: customer },
    payment_source: { [type]: { email_address: "buyer@example.invalid", last_digits: "1111" } },
  });
  const read = async (things: Readonly<Record<string, Json>>, given: Given = {}) => {
    paypal({ [orderPath]: promised, ...things });
    const seen = await fetchSnapshot(order, context(given));
    if (seen === null) throw new Error("it is there");
    return map(seen, { kept: given.kept ?? [], now: Date.parse(began) }).recurring;
  };
  const created = (id: string): KeptEvent => line("VAULT.PAYMENT-TOKEN.CREATED", "WH-1", { tokenDigest: digestOf(id) });

  it("is the buyer's only one of its kind in PayPal's vault, on whichever page", async () => {
    const things = {
      [page(1)]: { total_pages: 2, payment_tokens: [token("card-1", "card")] },
      [page(2)]: { total_pages: 2, payment_tokens: [token("wallet-1")] },
    };
    expect(await read(things)).toEqual({
      token: "wallet-1",
      description: "PayPal 1111",
      attributes: { sourceType: "paypal", customerId: "c-1" },
    });
  });

  it("is the one that a webhook meant, where there are several", async () => {
    const things = { [page(1)]: { total_pages: 1, payment_tokens: [token("wallet-1"), token("wallet-2")] } };
    expect(await read(things)).toBeUndefined();
    expect((await read(things, { kept: [created("wallet-2")] }))?.token).toBe("wallet-2");
  });

  it("is none that only a webhook names, or that is another buyer's", async () => {
    const kept = [created("foreign")];
    expect(await read({ [page(1)]: { total_pages: 0, payment_tokens: [] } }, { kept })).toBeUndefined();
    expect(
      await read({ [page(1)]: { total_pages: 1, payment_tokens: [token("foreign", "paypal", "c-2")] } }, { kept }),
    ).toBeUndefined();
    for (const unread of [[token("wallet-1"), { id: 7 }], "?", null])
      expect(
        await read({ [page(1)]: { total_pages: 1, payment_tokens: unread } }, {}),
        "one is not alone",
      ).toBeUndefined();
  });

  it("is not asked for again once it was found", async () => {
    const memory = { held: true, token: "0123456789abcdef" };
    paypal({ [orderPath]: promised });
    const seen = await fetchSnapshot(order, context({ memory }));
    if (seen === null) throw new Error("it is there");
    // What was remembered stays, or every other look would write.
    expect(map(seen, { kept: [], now: Date.parse(began) })).toMatchObject({ memory, lookAgain: undefined });
    expect(asked).toEqual([orderPath]);
  });
});

describe("an approval that was given back", () => {
  const approved = { [orderPath]: orderWith({ status: "APPROVED" }) };
  const type = "CHECKOUT.PAYMENT-APPROVAL.REVERSED";
  const kept = [line(type, "WH-1")];
  const keeping = (of: Json): Readonly<Record<string, Json>> => ({ "/v1/notifications/webhooks-events/WH-1": of });

  it.each<[string, Readonly<Record<string, Json>>, boolean]>([
    ["PayPal tells so itself", keeping({ event_type: type, resource: { order_id: order } }), true],
    ["only a webhook says so", {}, false],
    ["the event is another order's", keeping({ event_type: type, resource: { order_id: "0ZZ12345CD678901E" } }), false],
    [
      "the event is of another kind",
      keeping({ event_type: "CHECKOUT.ORDER.APPROVED", resource: { id: order } }),
      false,
    ],
  ])("is believed where %s", async (_, things, expected) => {
    paypal({ ...approved, ...things });
    expect((await fetchSnapshot(order, context({ kept })))?.approvalReversed ?? false).toBe(expected);
  });
});

describe("whose payment an event is about", () => {
  const up = (kind: string, id: string): Json => [{ rel: "up", href: `${apiUrl}/v2/${kind}/${id}` }];
  const events = (resource: object, type = "PAYMENT.CAPTURE.REFUNDED") => {
    const body = Buffer.from(JSON.stringify({ id: "WH-1", event_type: type, resource }));
    return eventsFrom({ method: "POST", url: "/", query: new URLSearchParams(), headers: {}, body });
  };
  const refund = { id: "1EE78901FF234567H", links: up("payments/captures", "3CC45678DD901234F") };

  it.each<[string, Readonly<Record<string, Json>>, object | null]>([
    [
      "the capture names the order",
      {
        "/v2/payments/captures/3CC45678DD901234F": {
          custom_id: "o_1/p_1",
          supplementary_data: { related_ids: { order_id: order } },
        },
      },
      { reference: order, clues: [{ echo: "o_1:p_1" }, { reference: order }] },
    ],
    [
      "the capture names its authorization, and that the order",
      {
        "/v2/payments/captures/3CC45678DD901234F": { links: up("payments/authorizations", "5DD67890EE123456G") },
        "/v2/payments/authorizations/5DD67890EE123456G": { links: up("checkout/orders", order), invoice_id: "INV-7" },
      },
      { reference: order, clues: [{ echo: "INV-7" }, { reference: order }] },
    ],
    ["PayPal does not know it", {}, null],
  ])("PayPal says: %s", async (_, things, expected) => {
    paypal(things);
    const [event] = events(refund);
    if (event === undefined) throw new Error("no event");
    expect(await resolve(event, context())).toEqual(expected);
  });
});

describe("a webhook whose certificate could not be had", () => {
  const body = Buffer.from(
    JSON.stringify({ id: "WH-1", event_type: "PAYMENT.CAPTURE.COMPLETED", resource: { payer: { name: "Somebody" } } }),
  );
  const keeping = (event_type: string): Readonly<Record<string, Json>> => ({
    "/v1/notifications/webhooks-events/WH-1": { event_type, resource: {} },
  });

  it("leaves nothing behind but which event it says it is", () => {
    expect(evidenceOf(body)).toEqual({ id: "WH-1", type: "PAYMENT.CAPTURE.COMPLETED" });
    expect(() => evidenceOf(Buffer.from("<html>"))).toThrow();
  });

  it.each<[string, Json, Readonly<Record<string, Json>>, boolean]>([
    ["PayPal knows the event", evidenceOf(body), keeping("PAYMENT.CAPTURE.COMPLETED"), true],
    ["PayPal knows another of this id", evidenceOf(body), keeping("CHECKOUT.ORDER.APPROVED"), false],
    ["PayPal does not know it", evidenceOf(body), {}, false],
    ["there is no evidence", null, keeping("PAYMENT.CAPTURE.COMPLETED"), false],
    ["the id would bend the path", { id: "../x", type: "A" }, keeping("A"), false],
  ])("where %s", async (_, evidence, things, expected) => {
    paypal(things);
    expect(await provenByPayPal(evidence, context())).toBe(expected);
  });
});
