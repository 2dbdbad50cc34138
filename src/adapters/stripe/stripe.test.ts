import { describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { createHttp, type HttpOptions } from "../../lib/http.ts";
import type {
  DesiredPayment,
  Json,
  LookContext,
  OperationCall,
  OperationName,
  OperationResult,
} from "../../contract/adapter.ts";
import type { SimulatedAnswer, SimulatedPurchase, SimulatedRequest, Simulator } from "../../contract/simulator.ts";
import { createSimulator, type ListOptions } from "../../../sandbox/kernel/kernel.ts";
import { asking } from "../../../test/support/asking.ts";
import { ownOf } from "./amounts.ts";
import { type Config, config } from "./config.ts";
import adapter from "./index.ts";
import { simulate } from "./simulator.ts";
import { wantedEvents } from "./account.ts";

const begin = Date.parse("2026-02-03T10:00:00.000Z");
const dayMs = 24 * 60 * 60_000;

/** The adapter in front of the simulated Stripe, without a network; the clock stands where it is put. */
function open(more: Partial<SimulatedPurchase> = {}, lists: ListOptions = {}) {
  let clock = begin;
  let memory: Readonly<Record<string, Json>> = {};
  let upsell: Json = null;
  let change: (answer: SimulatedAnswer, request: SimulatedRequest) => SimulatedAnswer = (answer) => answer;
  const asked: SimulatedRequest[] = [];
  const psp: Simulator = createSimulator(simulate, { now: () => clock, lists });
  const purchase = {
    orderId: "o_1",
    paymentId: "p_1",
    amount: 10000,
    currency: "SEK",
    callbackUrls: { webhook: "http://localhost/w" },
    ...more,
  };
  const id = psp.open(purchase);
  const settings = config.parse({ adapterId: "a", ...psp.settings("http://stripe.invalid") });
  const context = (): LookContext<Config> => ({
    config: settings,
    ...asking(memory),
    now: clock,
    payment: { paymentId: "p_1", amount: purchase.amount, currency: purchase.currency, reference: id, upsell },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "stripe", ...options, transport: transport() }),
  });
  function transport(): NonNullable<HttpOptions["transport"]> {
    return async ({ method, url, headers, text }) => {
      const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
      const request = { method, path: url.pathname, query: url.searchParams, headers: lower, body: text };
      asked.push(request);
      const answer = change(psp.answer(request), request);
      return { status: answer.status, headers: answer.headers ?? {}, text: JSON.stringify(answer.body ?? null) };
    };
  }
  async function look(): Promise<DesiredPayment> {
    const snapshot = await adapter.fetch(id, context());
    if (snapshot === null) throw new Error("Stripe knows nothing of it");
    const desired = adapter.map(snapshot, { now: clock });
    memory = desired.memory ?? memory;
    return desired;
  }
  let calls = 0;
  async function operate(
    name: OperationName,
    amount: number,
    repeat?: Partial<OperationCall>,
  ): Promise<OperationResult> {
    const snapshot = await adapter.fetch(id, context());
    const whole = repeat?.whole ?? false;
    const call = {
      name,
      id: `0f0e4f0a-9c0e-4f8b-8a1d-${String((calls += 1)).padStart(12, "0")}`,
      amount,
      currency: purchase.currency,
      whole,
      now: clock,
      ...repeat,
    };
    if (snapshot === null) throw new Error("Stripe knows nothing of it");
    return await adapter.operations[name](call, snapshot, context());
  }
  return {
    id,
    psp,
    asked,
    context,
    look,
    operate,
    act: (name: string, amount?: number) => psp.act(id, name, amount),
    later: (ms: number) => void (clock += ms),
    answering: (how: typeof change) => void (change = how),
    upselling: (value: Json) => void (upsell = value),
  };
}

async function kindOf(ask: () => Promise<unknown>): Promise<string> {
  try {
    await ask();
    return "done";
  } catch (error) {
    return error instanceof WorkerError ? error.kind : "another error";
  }
}

const sums = ({ money: { authorized, captured, refunded, released } }: DesiredPayment): readonly number[] => [
  authorized,
  captured,
  refunded,
  released,
];

describe("money", () => {
  it("a second attempt after one that failed is the same intent, and not moved back by the first one's error", async () => {
    const { act, look } = open();
    act("be-declined");
    expect((await look()).phase).toBe("paying");
    act("pay");
    const paid = await look();
    expect([paid.phase, ...sums(paid)]).toEqual(["confirmed", 10000, 0, 0, 0]);
  });

  it("what a single capture lets go stands among the refunds, and is none; the next refund is one", async () => {
    const { act, look } = open();
    act("pay-single-capture");
    act("capture", 4000);
    expect(sums(await look())).toEqual([10000, 4000, 0, 6000]);
    act("refund", 1000);
    expect(sums(await look())).toEqual([10000, 4000, 1000, 6000]);
  });

  it("of several captures the rest stays held, until it lapses", async () => {
    const { act, look } = open();
    act("pay");
    act("capture", 4000);
    expect(sums(await look())).toEqual([10000, 4000, 0, 0]);
    act("expire");
    expect(sums(await look())).toEqual([10000, 4000, 0, 6000]);
  });

  it.each(["/v1/refunds", "/v1/disputes"])("what %s says of another intent is not this one's money", async (list) => {
    const { act, look, answering } = open();
    act("pay-at-once");
    act("refund", 1000);
    act("dispute");
    expect(sums(await look())).toEqual([10000, 10000, 1000, 0]);
    answering((answer, { path }) => {
      if (path !== list) return answer;
      const { data } = answer.body as { data: object[] };
      return { ...answer, body: { has_more: false, data: data.map((item) => ({ ...item, payment_intent: "pi_9" })) } };
    });
    expect(await kindOf(look)).toBe("Refused");
  });

  it("refunds on many pages all count, in whichever order they are seen", async () => {
    const { act, look, asked } = open({}, { page: 1 });
    act("pay-at-once");
    for (const amount of [1000, 2000, 3000]) act("refund", amount);
    const desired = await look();
    expect(sums(desired)).toEqual([10000, 10000, 6000, 0]);
    expect(asked.filter(({ path }) => path === "/v1/refunds")).toHaveLength(3);
    expect(desired.transactions.filter(({ event }) => event === "refund").map(({ amount }) => amount)).toHaveLength(3);
  });

  it("a refund that fails weeks later is taken back at once, alerted, and its lines stay", async () => {
    const { act, look, later } = open();
    act("pay-at-once");
    act("refund", 10000);
    const before = await look();
    expect(before.lookAgain).toEqual({ growing: "2026-02-03T10:00:00.000Z" });
    later(20 * dayMs);
    act("refund-fails");
    const after = await look();
    expect(sums(after)).toEqual([10000, 10000, 0, 0]);
    expect(after.reversal).toBe("refund.failed");
    expect(after.findings).toMatchObject([
      { name: "refund-failed", facts: { amount: 10000, currency: "SEK", code: "expired_or_canceled_card" } },
    ]);
    const keys = after.transactions.map(({ key }) => key);
    for (const { key } of before.transactions) expect(keys).toContain(key);
    act("refund", 10000);
    const again = await look();
    expect(sums(again)).toEqual([10000, 10000, 10000, 0]);
    expect(again.reversal).toBeUndefined();
  });

  it("a dispute has its deadline, holds refunds back, and counts once it is lost", async () => {
    const { act, look, operate } = open();
    act("pay-at-once");
    act("dispute");
    const disputed = await look();
    expect(disputed.possible).toEqual([]);
    expect(disputed.findings).toMatchObject([{ name: "dispute", deadline: "2026-02-23T10:00:00.000Z" }]);
    expect(await operate("refund", 10000)).toEqual({ is: "refused", reason: "charge_disputed" });
    act("lose-dispute");
    const lost = await look();
    expect(sums(lost)).toEqual([10000, 10000, 10000, 0]);
    expect(lost.findings).toMatchObject([{ name: "chargeback" }]);
  });

  it.each([
    ["needs_response", 0, [], "dispute", "2026-02-23T10:00:00.000Z"],
    ["under_review", 0, [], "dispute", undefined],
    ["won", 0, ["refund"], undefined, undefined],
    ["prevented", 0, ["refund"], undefined, undefined],
    ["lost", 10000, [], "chargeback", undefined],
    // Nothing is withdrawn yet: the bank only asks, and a refund may end it.
    ["warning_needs_response", 0, ["refund"], "dispute", "2026-02-23T10:00:00.000Z"],
    ["warning_under_review", 0, ["refund"], "dispute", undefined],
    ["warning_closed", 0, ["refund"], undefined, undefined],
  ] as const)("a dispute that is %s gave back %d", async (status, refunded, possible, name, deadline) => {
    const { act, context, id } = open();
    act("pay-at-once");
    act("dispute");
    const snapshot = await adapter.fetch(id, context());
    if (snapshot === null || "setup" in snapshot) throw new Error("no intent");
    const disputes = snapshot.disputes.map((dispute) => ({ ...dispute, status }));
    const desired = adapter.map({ ...snapshot, disputes }, { now: begin });
    expect([desired.money.refunded, desired.possible]).toEqual([refunded, possible]);
    expect(desired.findings).toMatchObject(name === undefined ? [] : [{ name }]);
    expect(desired.findings?.[0]?.deadline).toBe(deadline);
  });

  it("a dispute that is lost over what was refunded before gives back no more than was taken", async () => {
    const { act, look } = open();
    act("pay-at-once");
    act("refund", 4000);
    act("dispute");
    act("answer-dispute");
    expect(sums(await look())).toEqual([10000, 10000, 4000, 0]);
    act("lose-dispute");
    expect(sums(await look())).toEqual([10000, 10000, 10000, 0]);
  });

  it.each([
    ["JPY", 1299, "1299"],
    ["ISK", 1299, "129900"],
    ["UGX", 1299, "129900"],
    ["HUF", 129900, "129900"],
    ["KWD", 12990, "12990"],
    ["MGA", 129900, "1299"],
  ])("%s: %d in Norce is %s at Stripe, there and back", async (currency, amount, own) => {
    const { act, look, operate, asked } = open({ currency, amount });
    act("pay");
    expect([(await look()).total, (await look()).money.authorized]).toEqual([amount, amount]);
    expect((await operate("capture", amount, { whole: true })).is).toBe("done");
    expect(new URLSearchParams(String(asked.at(-1)?.body)).get("amount_to_capture")).toBe(own);
    expect(sums(await look())).toEqual([amount, amount, 0, 0]);
  });

  it("Stripe is not asked for an amount that it cannot count", async () => {
    expect(ownOf(12991, "KWD")).toBeUndefined();
    const { act, operate } = open({ currency: "KWD" });
    act("pay");
    expect(await operate("capture", 4001)).toEqual({ is: "refused", reason: "amount-precision" });
  });
});

describe("waiting", () => {
  it.each([
    ["nobody tries", undefined, 0, "created"],
    ["nobody tries, a day later", undefined, dayMs, "failed"],
    ["refused", "be-declined", 0, "paying"],
    ["refused, a day later", "be-declined", dayMs, "declined"],
    ["authenticating", "authenticate", 0, "paying"],
    ["authenticating, a day later", "authenticate", dayMs, "failed"],
    ["a transfer", "wait-for-transfer", 0, "awaiting"],
    ["a transfer, two days later", "wait-for-transfer", 2 * dayMs, "awaiting"],
    ["a transfer, a month later", "wait-for-transfer", 30 * dayMs, "failed"],
    ["a debit", "pay-by-debit", 0, "awaiting"],
  ])("%s", async (_, action, ms, phase) => {
    const { act, look, later } = open();
    if (action !== undefined) act(action);
    later(ms);
    expect((await look()).phase).toBe(phase);
  });

  it("a success after the end is followed all the same", async () => {
    const { act, look, later } = open();
    act("be-declined");
    later(2 * dayMs);
    expect((await look()).phase).toBe("declined");
    act("pay");
    expect((await look()).phase).toBe("confirmed");
  });

  it("a debit that fails may be repeated, one that takes weeks is told of", async () => {
    const { act, look, later } = open();
    act("pay-by-debit");
    later(14 * dayMs);
    expect((await look()).findings).toMatchObject([{ name: "authorization-at-risk" }]);
    act("debit-fails");
    expect((await look()).money.authorized).toBe(0);
  });

  it("a hold is told of on its last day, and looked at then and after its end", async () => {
    const { act, look, later } = open();
    act("pay");
    expect((await look()).lookAgain).toEqual({ at: "2026-02-09T10:00:00.000Z" });
    later(6 * dayMs);
    const last = await look();
    expect(last.findings).toMatchObject([{ name: "authorization-at-risk", deadline: "2026-02-10T10:00:00.000Z" }]);
    expect(last.lookAgain).toEqual({ at: "2026-02-10T11:00:00.000Z" });
    later(2 * dayMs);
    expect((await look()).lookAgain).toEqual({ growing: "2026-02-10T10:00:00.000Z" });
  });

  it("a review that is closed is over, although the intent goes on naming it", async () => {
    const { act, look } = open();
    act("pay-with-review");
    expect((await look()).phase).toBe("review");
    act("accept");
    expect((await look()).phase).toBe("confirmed");
  });
});

describe("operations", () => {
  it.each(["capture", "cancel", "refund"] as const)(
    "%s twice at once with a lost answer moves the money once",
    async (name) => {
      const { act, look, operate, answering } = open();
      act(name === "refund" ? "pay-at-once" : "pay");
      const amount = name === "cancel" ? 10000 : 4000;
      const id = "0f0e4f0a-9c0e-4f8b-8a1d-999999999999";
      answering((answer, { method }) => (method === "POST" ? { status: 503 } : answer));
      expect(await kindOf(() => operate(name, amount, { id }))).toBe("Unreachable");
      answering((answer) => answer);
      await Promise.all([operate(name, amount, { id }), operate(name, amount, { id })]);
      const { money } = await look();
      expect({ capture: money.captured, cancel: money.released, refund: money.refunded }[name]).toBe(amount);
    },
  );

  it("a part keeps the rest held only where the card takes several captures", async () => {
    const several = open();
    several.act("pay");
    await several.operate("capture", 4000);
    expect(new URLSearchParams(String(several.asked.at(-1)?.body)).get("final_capture")).toBe("false");
    const single = open();
    single.act("pay-single-capture");
    await single.operate("capture", 4000);
    expect(sums(await single.look())).toEqual([10000, 4000, 0, 6000]);
  });

  it("a refund of a bank debit is accepted, and counts when it has arrived", async () => {
    const { act, look, operate } = open();
    act("pay-by-debit");
    act("debit-succeeds");
    expect((await operate("refund", 4000)).is).toBe("accepted");
    expect(await look()).toMatchObject({ money: { refunded: 0 }, underWay: { refund: 4000 } });
    act("refund-arrives");
    expect((await look()).money.refunded).toBe(4000);
  });

  it.each<readonly [OperationName, number, string, string]>([
    ["capture", 10000, "/capture", "charge_already_captured"],
    ["cancel", 10000, "/cancel", "payment_intent_unexpected_state"],
    ["refund", 10000, "/refunds", "charge_already_refunded"],
  ])("a %s of %i that somebody else has made has reached its goal", async (name, amount, end, code) => {
    const { act, operate, answering } = open();
    act(name === "refund" ? "pay-at-once" : "pay");
    // Stripe carries it out, and answers as if it had been carried out before.
    const refusal = { status: 400, body: { error: { type: "invalid_request_error", code } } };
    answering((answer, { method, path }) => (method === "POST" && path.endsWith(end) ? refusal : answer));
    expect(await operate(name, amount, { whole: true })).toEqual({ is: "done" });
    expect(await operate(name, 1, { whole: true }), "which goes no further").toEqual({ is: "refused", reason: code });
  });

  it("what is done already, and what is another request under the same key, is refused by Stripe's code", async () => {
    const { act, operate } = open();
    act("pay-at-once");
    expect(await operate("capture", 100)).toEqual({ is: "refused", reason: "payment_intent_unexpected_state" });
    const id = "0f0e4f0a-9c0e-4f8b-8a1d-888888888888";
    await operate("refund", 1000, { id });
    expect(await operate("refund", 2000, { id })).toEqual({ is: "refused", reason: "idempotency_error" });
    expect(await operate("refund", 9500)).toEqual({ is: "refused", reason: "amount_too_large" });
  });
});

describe("answers", () => {
  const error = (code: string, type = "invalid_request_error") => ({ error: { type, code, message: "for people" } });
  it.each<readonly [string, SimulatedAnswer, string]>([
    ["a key that may not", { status: 403, body: error("more_permissions_required") }, "Unauthorized"],
    ["a decline", { status: 402, body: error("card_declined", "card_error") }, "Refused"],
    ["another system's fault", { status: 424, body: error("external") }, "Unreachable"],
    ["a lock", { status: 429, body: error("lock_timeout") }, "Unreachable"],
    [
      "a first request that still runs",
      { status: 409, body: error("idempotency_key_in_use", "idempotency_error") },
      "Unreachable",
    ],
    ["a conflict", { status: 409, body: error("conflict") }, "Conflict"],
    [
      "what Stripe asks to send again",
      { status: 400, body: error("x"), headers: { "stripe-should-retry": "true" } },
      "Unreachable",
    ],
    ["nonsense", { status: 400, body: error("parameter_invalid") }, "Refused"],
  ])("%s", async (_, answer, kind) => {
    const { look, answering } = open();
    answering(() => answer);
    expect(await kindOf(look)).toBe(kind);
  });

  it("say their code and the id that Stripe's support asks for", async () => {
    const { look, answering } = open();
    answering(() => ({ status: 400, body: error("parameter_invalid"), headers: { "request-id": "req_123" } }));
    await expect(look()).rejects.toMatchObject({ context: { code: "parameter_invalid", supportId: "req_123" } });
  });

  it("of the other mode are refused, whatever they say", async () => {
    const { act, look, answering } = open();
    act("pay");
    answering((answer) => ({ ...answer, body: { ...(answer.body as Record<string, Json>), livemode: true } }));
    await expect(look()).rejects.toMatchObject({ kind: "Refused", context: { reason: "live-mode-differs" } });
  });

  it("that leave out what no money hangs on leave the money as it is", async () => {
    const { act, look, answering } = open();
    act("pay");
    const plain = await look();
    answering((answer) => {
      const {
        created: _created,
        customer: _customer,
        payment_method: _method,
        metadata: _metadata,
        livemode: _live,
        ...rest
      } = answer.body as Record<string, Json>;
      return {
        ...answer,
        body: { ...rest, next_action: 7, review: 7, last_payment_error: "x", setup_future_usage: [] },
      };
    });
    expect((await look()).money).toEqual(plain.money);
  });
});

describe("tokens", () => {
  it("are the method of a customer, for whoever agreed to be charged again", async () => {
    const plain = open();
    plain.act("pay");
    expect((await plain.look()).recurring).toBeUndefined();
    const { act, look } = open({ recurring: true });
    act("pay");
    expect(await look()).toMatchObject({
      recurring: {
        token: expect.stringMatching(/^pm_/),
        description: "Visa •••• 4242 12/2030",
        attributes: { customerId: expect.stringMatching(/^cus_/) },
      },
      upsell: { eligible: true, transactions: [] },
    });
  });

  it("come of a setup intent, too, in the currency of Norce's payment", async () => {
    const { look, id } = open({ amount: 0, recurring: true });
    expect(id).toMatch(/^seti_/);
    expect(await look()).toMatchObject({
      phase: "confirmed",
      total: 0,
      currency: "SEK",
      recurring: { attributes: { setupIntentId: id } },
      echoes: ["o_1:p_1"],
    });
  });

  it("are upsold with, by an intent of its own", async () => {
    const { act, look, upselling, psp } = open({ recurring: true });
    act("pay");
    const more = psp.open({ orderId: "o_1", paymentId: "p_2", amount: 500, currency: "SEK", callbackUrls: {} });
    upselling({
      eligible: true,
      transactions: [
        { id: more, state: "created" },
        { id: "pi_gone", state: "created" },
        { id: "x", state: "created" },
      ],
    });
    psp.act(more, "pay-at-once");
    expect((await look()).upsell?.transactions).toEqual([{ id: more, state: "completed" }]);
  });
});

describe("the account", () => {
  it("a key is probed for everything that a look asks, and told of what it may not", async () => {
    const { context, answering } = open();
    const works = await adapter.probe(context());
    const kinds = ["payment_intents", "setup_intents", "charges", "refunds", "disputes", "payment_methods", "reviews"];
    expect(works).toEqual([{ is: "works", says: `Stripe shows ${kinds.join(", ")} to apiKey`, live: false }]);
    answering((answer, { path }) => (path === "/v1/disputes" ? { status: 403, body: {} } : answer));
    expect((await adapter.probe(context())).filter((result) => result.is === "refused")).toMatchObject([
      { says: expect.stringContaining("disputes") },
    ]);
    answering(() => ({ status: 503 }));
    expect((await adapter.probe(context())).map((result) => result.is)).toEqual(works.map(() => "unreachable"));
  });

  it("is the connected one where there is one, and always the version that is known", async () => {
    const { context, asked } = open();
    const { config: own, ...rest } = context();
    await adapter.probe({ ...rest, config: own });
    expect(asked.at(-1)?.headers).not.toHaveProperty("stripe-account");
    await adapter.probe({ ...rest, config: { ...own, stripeAccount: "acct_1" } });
    expect(asked.at(-1)?.headers).toMatchObject({ "stripe-account": "acct_1", "stripe-version": "2026-03-25.dahlia" });
  });

  it("an endpoint is registered with its events, listed, and repaired", async () => {
    const { context, psp, answering } = open();
    const { list, register, repair, faultOf } = adapter.registrations;
    const wanted = { webhook: "webhook", url: "https://worker.example/w" };
    const registered = await register(wanted, context());
    expect(registered.secret).toEqual({ setting: "webhookSecret", value: psp.settings("http://x")["webhookSecret"] });
    const [found] = await list(context());
    expect(found).toEqual({ id: registered.id, url: wanted.url, events: wantedEvents, active: true });
    if (found === undefined) return;
    expect(faultOf(found)).toBeUndefined();
    expect(faultOf({ ...found, events: ["*"] })).toBeUndefined();
    expect(faultOf({ ...found, events: wantedEvents.slice(1) })).toContain(wantedEvents[0]);
    expect(await repair(found, { ...wanted, url: "https://worker.example/new" }, context())).toEqual({ id: found.id });
    expect((await list(context()))[0]?.url).toBe("https://worker.example/new");
    answering(() => ({ status: 403, body: {} }));
    expect(await kindOf(() => list(context()))).toBe("Unauthorized");
  });

  it("a piece is traced to its intent", async () => {
    const { act, id, look, context } = open();
    act("pay-at-once");
    act("refund", 1000);
    const { aliases = [] } = await look();
    for (const alias of aliases) {
      const event = { key: "evt_1", type: "v1.refund.failed", at: null, clues: [{ reference: alias }] };
      expect(await adapter.resolve(event, context())).toMatchObject({ reference: id });
    }
    const unknown = { key: "evt_1", type: "x", at: null, clues: [{ reference: "ch_unknown" }, { reference: "pm_1" }] };
    expect(await adapter.resolve(unknown, context())).toBeNull();
  });
});

describe("settings", () => {
  const good = {
    adapterId: "a",
    apiUrl: "https://api.stripe.com",
    apiKey: "rk_live_1",
    webhookSecret: ["whsec_1", "whsec_2"],
  };
  it.each([
    ["good", {}, true],
    ["a test key", { apiKey: "sk_test_1" }, true],
    ["a connected account", { stripeAccount: "acct_1" }, true],
    ["plain HTTP", { apiUrl: "http://api.stripe.com" }, false],
    ["a live key elsewhere", { apiUrl: "http://localhost:1" }, false],
    ["a test key at a simulator", { apiUrl: "http://localhost:1", apiKey: "sk_test_1" }, true],
    ["a publishable key", { apiKey: "pk_live_1" }, false],
    ["the endpoint's id for its secret", { webhookSecret: "we_1" }, false],
    ["the key for the secret", { webhookSecret: "sk_live_1" }, false],
    ["no secret", { webhookSecret: [] }, false],
    ["a line break behind the secret", { webhookSecret: "whsec_1\n" }, false],
    ["another id for the account", { stripeAccount: "cus_1" }, false],
  ])("%s", (_, more, taken) => {
    expect(config.safeParse({ ...good, ...more }).success).toBe(taken);
  });
});
