import nock from "nock";
import { describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { createHttp, type Json } from "../../lib/http.ts";
import { withToken } from "../../lib/token.ts";
import type { ClientOptions, DesiredPayment, KeptEvent, LookContext } from "../../contract/adapter.ts";
import { fetchSnapshot, probe, sharedKeyAuthorization } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map as mapAt } from "./map.ts";
import type { Snapshot } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";

const apiUrl = "https://walley.invalid";
const privateId = "7d7a0bfb-3b6a-4a1d-9f38-5d8f3a1c2b44";
const orderId = "0f5d1d22-7a31-4c55-8a4b-b2b1009d1e77";
const checkoutPath = `/checkouts/${privateId}`;
const orderPath = `/manage/orders/${orderId}`;
const client = { clientId: "canary-client", apiSecret: ["canary-new", "canary-old"], scope: "canary-scope" };
const noSuch = { id: "c", data: null, error: { code: 404, message: "canary", errors: [{ reason: "NOT_FOUND" }] } };

const purchase = { result: "Preliminary", amountToPay: 100, paymentName: "Invoice", purchaseIdentifier: "1234567890" };
const completed = { status: "PurchaseCompleted", countryCode: "SE", reference: "p_1", purchase, order: { orderId } };
const reserved = {
  id: orderId,
  reference: "p_1",
  paymentMethod: "Invoice",
  totalAmount: 100,
  currency: "SEK",
  status: "NotActivated",
};

function map(snapshot: Snapshot, kept: readonly KeptEvent[] = []): DesiredPayment {
  return mapAt(snapshot, { kept, now: Date.now() });
}

function contextOf(
  known: Readonly<Record<string, Json>> = {},
  more: object = client,
  upsell: Json = null,
  kept: readonly KeptEvent[] = [],
): LookContext<Config> {
  return {
    config: config.parse({ adapterId: "a", apiUrl, ...more }),
    ...asking(known),
    kept: async () => kept,
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: privateId, upsell },
    signal: new AbortController().signal,
    http: ({ authority, ...options }) => {
      const open = (at: ClientOptions) => createHttp({ peer: "walley-checkout", timeoutMs: 200, ...at });
      const tokens = open(authority?.at ?? options);
      return authority === undefined ? tokens : withToken(open(options), () => authority.authorize(tokens), Date.now);
    },
  };
}

/** Grants a token to these secrets. */
function grants(...secrets: readonly string[]): () => string[] {
  const tried: string[] = [];
  nock(apiUrl)
    .persist()
    .post("/oauth2/v2.0/token")
    .reply(async (request: Request) => {
      const form = new URLSearchParams(await request.text());
      const secret = form.get("client_secret") ?? "";
      tried.push(secret);
      const known = secrets.includes(secret) && form.get("grant_type") === "client_credentials";
      if (!known || form.get("client_id") !== client.clientId || form.get("scope") !== client.scope)
        return [401, { error: "invalid_client", error_description: "canary" }];
      return [200, { token_type: "Bearer", expires_in: 3599, access_token: "canary-token" }];
    });
  return () => tried;
}

/** Answers GETs, the last answer of each path for good, and counts them. */
function walley(answers: Readonly<Record<string, readonly (readonly [number, unknown])[]>>): () => string[] {
  const asked: string[] = [];
  for (const [path, given] of Object.entries(answers)) {
    let next = 0;
    nock(apiUrl, { reqheaders: { authorization: /^(Bearer canary-token|SharedKey .+)$/ } })
      .persist()
      .get(path)
      .reply(() => {
        asked.push(path);
        const [status, body] = given[Math.min(next, given.length - 1)] ?? [500, ""];
        next += 1;
        return [status, body as string];
      });
  }
  return () => asked.toSorted();
}

const shown = (data: unknown): readonly [number, unknown] => [200, { id: "c", data, error: null }];

async function failureOf(promise: Promise<unknown>): Promise<WorkerError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkerError)) throw new Error("no WorkerError");
  const told = [error.message, error.stack, JSON.stringify(error.context), String(error.cause)].join("\n");
  expect(told).not.toContain("canary");
  return error;
}

answerByNock();

describe("fetch", () => {
  it("reads session and order at first, and the order alone once the session has told all", async () => {
    grants("canary-new");
    const asked = walley({ [checkoutPath]: [shown(completed)], [orderPath]: [shown(reserved)] });
    const first = await fetchSnapshot(privateId, contextOf());
    if (first === null) throw new Error("no snapshot");
    expect(asked()).toEqual([checkoutPath, orderPath]);
    const second = await fetchSnapshot(privateId, contextOf(map(first).memory));
    if (second === null) throw new Error("no snapshot");
    expect(asked()).toEqual([checkoutPath, orderPath, orderPath]);
    const [
      {
        attributes: _a,
        memory: _m,
        transactions: [was],
        ...before
      },
      {
        attributes: _b,
        memory: _n,
        transactions: [is],
        ...after
      },
    ] = [map(first), map(second)];
    expect(after).toEqual(before);
    expect(is?.key).toBe(was?.key);
  });

  it("reads the session again after a review, so that the token of the purchase is not lost", async () => {
    grants("canary-new");
    const order = { orderId, customerToken: "0a96881b-295a-4154-a867-865fc912619c" };
    const onHold = { ...completed, purchase: { ...purchase, result: "OnHold" }, order };
    walley({
      [checkoutPath]: [shown(onHold), shown({ ...completed, order })],
      [orderPath]: [shown({ ...reserved, status: "OnHold" }), shown(reserved)],
    });
    const first = await fetchSnapshot(privateId, contextOf());
    const review = first === null ? null : map(first);
    expect(review).toMatchObject({ phase: "review" });
    expect(review?.recurring).toBeUndefined();
    const second = await fetchSnapshot(privateId, contextOf(review?.memory));
    const accepted = second === null ? null : map(second);
    expect(accepted).toMatchObject({ phase: "confirmed", recurring: { token: order.customerToken } });
  });

  it("asks no order of a session that is open, and none where there is none", async () => {
    grants("canary-new");
    const open = { status: "Initialized", countryCode: "SE", reference: "p_1", cart: { totalAmount: 100 } };
    const asked = walley({
      [checkoutPath]: [
        shown(open),
        shown({ ...completed, purchase: { ...purchase, result: "Rejected" }, order: null }),
      ],
    });
    expect(await fetchSnapshot(privateId, contextOf())).toMatchObject({
      order: null,
      checkout: { status: "Initialized" },
    });
    expect(await fetchSnapshot(privateId, contextOf())).toMatchObject({ order: null });
    expect(asked()).toEqual([checkoutPath, checkoutPath]);
  });

  it.each([404, 403])("goes by the purchase while the order is answered %i", async (status) => {
    grants("canary-new");
    walley({ [checkoutPath]: [shown(completed)], [orderPath]: [[status, noSuch], shown(reserved)] });
    const first = await fetchSnapshot(privateId, contextOf());
    if (first === null) throw new Error("no snapshot");
    expect(map(first)).toMatchObject({
      phase: "confirmed",
      possible: [],
      lookAgain: { growing: expect.any(String) },
    });
    const second = await fetchSnapshot(privateId, contextOf(map(first).memory));
    expect(second).toMatchObject({ order: { id: orderId } });
  });

  it("takes 403 for a refusal once an order is no longer new", async () => {
    grants("canary-new");
    walley({ [checkoutPath]: [shown(completed)], [orderPath]: [[403, noSuch]] });
    const seen = { orderId, orderStatus: "NotActivated", checkout: "read" };
    expect(await failureOf(fetchSnapshot(privateId, contextOf(seen)))).toMatchObject({ kind: "Refused" });
    const awaited = { orderId, awaitedSince: "2020-01-01T00:00:00.000Z" };
    expect(await failureOf(fetchSnapshot(privateId, contextOf(awaited)))).toMatchObject({ kind: "Refused" });
  });

  it("does not fall back to the old result of an order that it has seen", async () => {
    grants("canary-new");
    walley({ [checkoutPath]: [shown(completed)], [orderPath]: [[404, noSuch]] });
    expect(await fetchSnapshot(privateId, contextOf({ orderId, orderStatus: "Cancelled" }))).toBeNull();
    expect(
      await fetchSnapshot(privateId, contextOf({ orderId, orderStatus: "Cancelled", checkout: "read" })),
    ).toBeNull();
  });

  it("leaves a payment alone whose result does not show yet", async () => {
    grants("canary-new");
    walley({ [checkoutPath]: [shown({ ...completed, purchase: null, order: null })] });
    expect(await fetchSnapshot(privateId, contextOf())).toBeNull();
  });

  it("finds an order by its own id, where Norce holds that", async () => {
    grants("canary-new");
    const asked = walley({ [`/checkouts/${orderId}`]: [[404, noSuch]], [orderPath]: [shown(reserved)] });
    const first = await fetchSnapshot(orderId, contextOf());
    expect(first).toMatchObject({ reference: orderId, checkout: null, order: { id: orderId } });
    if (first === null) throw new Error("no snapshot");
    await fetchSnapshot(orderId, contextOf(map(first).memory));
    expect(asked()).toEqual([`/checkouts/${orderId}`, orderPath, orderPath]);
  });

  it("is null where Walley knows neither, whatever was known before: that it has ended is the core's to say", async () => {
    grants("canary-new");
    walley({ [checkoutPath]: [[404, noSuch]], [`/manage/orders/${privateId}`]: [[404, noSuch]] });
    const openedAt = "2020-01-01T00:00:00.000Z";
    for (const known of [{}, { openedAt, bought: 10000, currency: "SEK" }])
      expect(await fetchSnapshot(privateId, contextOf(known))).toBeNull();
  });

  it.each([
    ["of the session", privateId, {}],
    ["that was found before", privateId, { orderId, checkout: "read" }],
    ["that Norce names", orderId, {}],
  ])("refuses an order %s that is another than was asked for, whatever the session echoes", async (_, asked, known) => {
    grants("canary-new");
    const foreign = { ...reserved, id: "853f3f82-ab12-47c3-9d97-af17009852cd", reference: "p_2" };
    walley({
      [checkoutPath]: [shown(completed)],
      [`/checkouts/${orderId}`]: [[404, noSuch]],
      [orderPath]: [shown(foreign)],
    });
    expect(await failureOf(fetchSnapshot(asked, contextOf(known)))).toMatchObject({
      kind: "Refused",
      context: { reason: "other-reference", asked: orderId, answered: foreign.id },
    });
  });

  it("takes Walley's ids for the same in any case", async () => {
    grants("canary-new");
    walley({ [checkoutPath]: [shown(completed)], [orderPath]: [shown({ ...reserved, id: orderId.toUpperCase() })] });
    expect(await fetchSnapshot(privateId, contextOf())).toMatchObject({ order: { totalAmount: 100 } });
  });

  describe("of the charge of a saved token", () => {
    const charge = "c31e9218-6a19-4b2f-8992-affc9dca1c41";
    const line = (type: string, pspStatus: string, facts: Readonly<Record<string, Json>>): KeptEvent => ({
      key: type,
      type,
      at: "2026-03-04T07:31:12.120Z",
      event: "process",
      pspStatus,
      amount: 0,
      success: pspStatus !== "failed",
      facts: { authorizationId: charge, ...facts },
    });
    const failed = line("walley:authorization:failed", "failed", {});
    const nowhere = {
      [`/checkouts/${charge}`]: [[404, noSuch]],
      [`/manage/orders/${charge}`]: [[404, noSuch]],
    } as const;

    it("goes by what webhooks told, where Walley knows neither session nor order", async () => {
      grants("canary-new");
      walley(nowhere);
      expect(await fetchSnapshot(charge, contextOf())).toBeNull();
      const snapshot = await fetchSnapshot(charge, contextOf({}, client, null, [failed]));
      expect(snapshot === null ? null : map(snapshot, [failed])).toMatchObject({
        phase: "declined",
        reference: charge,
      });
    });

    it("finds the order that came of it, whose id takes its place", async () => {
      grants("canary-new");
      const kept = [failed, line("walley:order:created", "order", { orderId })];
      walley({ ...nowhere, [orderPath]: [shown(reserved)] });
      const snapshot = await fetchSnapshot(charge, contextOf({}, client, null, kept));
      expect(snapshot).toMatchObject({ reference: orderId, replaces: charge });
      expect(snapshot === null ? null : map(snapshot, kept)).toMatchObject({
        phase: "confirmed",
        reference: orderId,
        aliases: [charge],
        echoes: ["p_1"],
      });
    });

    it("does not decline what has an order or a session of its own", async () => {
      grants("canary-new");
      walley({ [checkoutPath]: [shown(completed)], [orderPath]: [shown(reserved), [404, noSuch]] });
      const seen = await fetchSnapshot(privateId, contextOf({}, client, null, [failed]));
      if (seen === null) throw new Error("no snapshot");
      expect(map(seen, [failed])).toMatchObject({ phase: "confirmed", reference: privateId });
      const { memory } = map(seen, [failed]);
      expect(await fetchSnapshot(privateId, contextOf(memory, client, null, [failed]))).toBeNull();
    });
  });

  it.each([
    [401, "Unauthorized"],
    [403, "Refused"],
    [409, "Conflict"],
    [422, "Refused"],
    // Somebody else changes the same resource at this moment.
    [423, "Unreachable"],
    [429, "Unreachable"],
    [503, "Unreachable"],
  ])("%i of the session is %s", async (status, kind) => {
    grants("canary-new");
    walley({ [checkoutPath]: [[status, noSuch]] });
    expect(await failureOf(fetchSnapshot(privateId, contextOf()))).toMatchObject({ kind, context: { status } });
  });

  it.each([
    ["a status nobody mapped", shown({ ...completed, status: "canary" })],
    ["no data", [200, { id: "c" }] as const],
    ["a list", [200, []] as const],
    ["an empty body", [200, ""] as const],
  ])("is Unmapped where Walley answers %s", async (_, answer) => {
    grants("canary-new");
    walley({ [checkoutPath]: [answer] });
    expect(await failureOf(fetchSnapshot(privateId, contextOf()))).toMatchObject({ kind: "Unmapped" });
  });
});

describe("access", () => {
  it("tries the older secret where the newer one is not known (yet)", async () => {
    const tried = grants("canary-old");
    walley({ [checkoutPath]: [shown(completed)], [orderPath]: [shown(reserved)] });
    expect(await fetchSnapshot(privateId, contextOf())).toMatchObject({ order: { id: orderId } });
    expect(tried().slice(0, 2)).toEqual(["canary-new", "canary-old"]);
  });

  it("says that our credentials are wrong where none of them is known", async () => {
    const tried = grants();
    expect(await failureOf(fetchSnapshot(privateId, contextOf()))).toMatchObject({ kind: "Unauthorized" });
    expect(tried()).toEqual(["canary-new", "canary-old"]);
  });

  it.each([400, 403])("takes %i of the token endpoint for wrong credentials", async (status) => {
    nock(apiUrl).persist().post("/oauth2/v2.0/token").reply(status, { error: "canary" });
    expect(await failureOf(fetchSnapshot(privateId, contextOf()))).toMatchObject({ kind: "Unauthorized" });
  });

  it("does not try another secret where the token endpoint stumbles", async () => {
    const tried: unknown[] = [];
    nock(apiUrl)
      .persist()
      .post("/oauth2/v2.0/token")
      .reply(() => [503, String(tried.push(1))]);
    expect(await failureOf(fetchSnapshot(privateId, contextOf()))).toMatchObject({ kind: "Unreachable" });
    expect(tried).toHaveLength(1);
  });

  it("asks for tokens where it is told to", async () => {
    const scope = nock("https://login.invalid")
      .post("/tenant/token")
      // Some token endpoints of the same make write numbers as text.
      .reply(200, { access_token: "canary-token", expires_in: "3599" });
    walley({ [checkoutPath]: [shown({ ...completed, order: null, purchase: { ...purchase, result: "Rejected" } })] });
    await fetchSnapshot(
      privateId,
      contextOf({}, { ...client, authenticationUrl: "https://login.invalid/tenant/token" }),
    );
    expect(scope.isDone()).toBe(true);
  });
});

describe("a legacy account", () => {
  const account = { username: "demo_store", sharedKey: "k3y-for-demo", storeId: 42 };
  const path = `/merchants/42${checkoutPath}`;

  // Worked examples of docs/psp/walley.md, (a).
  it.each([
    [
      "/checkout",
      '{"storeId":42,"countryCode":"SE"}',
      "ZGVtb19zdG9yZTpkNzgzMzIyODJlZWU3MWVlODc3OWU3MjU5ZTU3NTdiODNlMjYzZDY4MDFkYWM0ZDBiZTM4NDM4ZWFkNGU3MTA0",
    ],
    [path, "", "ZGVtb19zdG9yZTplNWM1ZGNkMjljNGNjYmRkNDRiNDEyOGYxZTRjZmI1MzVkZDc5MTNjMGM2YzEzNzI1ZDgzYmRiYmM4OTVmZWYy"],
  ])("signs %s by itself", (of, body, proof) => {
    expect(sharedKeyAuthorization(account, of, body)).toBe(`SharedKey ${proof}`);
  });

  it("is asked about the session and nothing else", async () => {
    const asked = walley({ [path]: [shown(completed)] });
    const snapshot = await fetchSnapshot(privateId, contextOf({}, account));
    expect(asked()).toEqual([path]);
    expect(snapshot === null ? null : map(snapshot)).toMatchObject({ phase: "confirmed", possible: [] });
    expect(snapshot === null ? null : map(snapshot).lookAgain).toBeUndefined();
  });
});

describe("upsell", () => {
  const upsell = (...transactions: Json[]): Json => ({ eligible: true, transactions });
  const asks = async (standing: Json, answers: Parameters<typeof walley>[0]) => {
    grants("canary-new");
    const asked = walley({ [checkoutPath]: [shown(completed)], [orderPath]: [shown(reserved)], ...answers });
    const snapshot = await fetchSnapshot(privateId, contextOf({}, { ...client, useUpsell: true }, standing));
    return { snapshot, asked: asked().filter((path) => path.includes("reauthorize")) };
  };

  it("asks what became of what is not over, by its id or by Walley's Location", async () => {
    const standing = upsell(
      { id: "u-1", state: "created" },
      {
        id: "checkout-ref",
        state: "created",
        attributes: { location: `https://elsewhere.invalid${orderPath}/reauthorize/u-2` },
      },
      { id: "u-3", state: "completed" },
      { id: "u-4", state: "failed" },
    );
    const { snapshot, asked } = await asks(standing, {
      [`${orderPath}/reauthorize/u-1`]: [[200, { data: { status: "Completed" } }]],
      [`${orderPath}/reauthorize/u-2`]: [[404, noSuch]],
    });
    expect(asked).toHaveLength(2);
    expect(snapshot?.upsells).toEqual([
      { id: "u-1", status: "Completed" },
      { id: "checkout-ref", status: null },
    ]);
  });

  it.each([
    ["no body", ""],
    ["no status", { data: {} }],
    ["a status that is no word", { data: { status: 7 } }],
  ])("goes by the order where Walley answers %s", async (_, body) => {
    const { snapshot } = await asks(upsell({ id: "u-1", state: "created" }), {
      [`${orderPath}/reauthorize/u-1`]: [[200, body]],
    });
    expect(snapshot?.upsells).toEqual([{ id: "u-1", status: null }]);
  });

  it("knows since when it waits for an end, by what it wrote at an earlier look", async () => {
    const awaitedSince = "2026-03-04T08:31:00.000Z";
    const standing = upsell({ id: "u-1", state: "created", attributes: { awaitedSince, canary: "canary" } });
    const { snapshot } = await asks(standing, { [`${orderPath}/reauthorize/u-1`]: [[404, noSuch]] });
    expect(snapshot?.upsells).toEqual([{ id: "u-1", status: null, awaitedSince }]);
  });

  it.each([null, "text", { transactions: "none" }, { transactions: [{ state: "created" }] }])(
    "makes nothing of %j",
    async (standing) => {
      const { snapshot, asked } = await asks(standing, {});
      expect(snapshot?.upsells).toEqual([]);
      expect(asked).toEqual([]);
    },
  );
});

describe("probe", () => {
  it("tries each secret by itself", async () => {
    grants("canary-old");
    const results = await probe(contextOf());
    expect(results.map(({ is }) => is)).toEqual(["refused", "works"]);
    expect(JSON.stringify(results)).not.toContain("canary");
  });

  it.each([
    [404, "works"],
    [401, "refused"],
    [503, "unreachable"],
  ])("asks with a legacy account for a session that nobody has; %i says that it %s", async (status, is) => {
    nock(apiUrl).get("/merchants/42/checkouts/00000000-0000-0000-0000-000000000000").reply(status, noSuch);
    const account = { username: "demo_store", sharedKey: "canary-key", storeId: 42 };
    expect(await probe(contextOf({}, account))).toMatchObject([{ is }]);
  });
});
