import { randomBytes } from "node:crypto";
import express, { type Request, type Response, type Router } from "express";
import type { Adapters } from "../src/adapters/registry.ts";
import { recordKey } from "../src/norce/payment.ts";
import { equalInConstantTime } from "../src/signatures/constant-time.ts";
import { type History, numberOf, textOf } from "./history.ts";
import type { Document, SandboxNorce } from "./norce.ts";
import { isObject } from "./norce-rules.ts";
import { type CardFacts, isDisturbance } from "./page-card.ts";
import { type Board, boardHtml, type Chosen, headHtml, pageHtml } from "./page-html.ts";
import type { SandboxPsp } from "./psp.ts";
import { purchaseKinds } from "./purchases.ts";
import type { Purchase, Shop } from "./shop.ts";
import { createTroubles } from "./troubles.ts";

/** What the page shows and acts on. */
export interface PageParts {
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  readonly shop: Shop;
  readonly history: History;
  readonly adapters: Adapters;
  /** The cookie of somebody who is on call, and where the page for that is; absent: there is none. */
  readonly onCall?: () => string | undefined;
}

/** The page and its end: a browser keeps a connection open to hear of changes. */
export interface Page {
  readonly router: Router;
  close(): void;
}

/** How many of a PSP's purchases are shown: of each the last ones, and more where one is chosen. */
const most = { ofEach: 3, ofOne: 40 } as const;

/** A page at `/` that shows the purchases as they change, with buttons for what can happen to them. */
export function createPage(parts: PageParts): Page {
  const { norce, psp, shop } = parts;
  // Another site can neither read the page nor guess this, so that it cannot press the buttons.
  const token = randomBytes(18).toString("base64url");
  const readers = new Set<Response>();
  const troubles = createTroubles(norce, psp, () => announce());

  let announced = false;
  const announce = (): void => {
    if (announced || readers.size === 0) return;
    announced = true;
    // Several changes in one turn are one announcement.
    setImmediate(() => {
      announced = false;
      for (const reader of readers) reader.write("data: changed\n\n");
    });
  };
  const endings = [norce.onChange(announce), psp.onWebhook(announce)];
  const titles = Object.fromEntries(psp.adapters.map((id) => [id, parts.adapters.get(id)?.title ?? id]));
  const board = (query: URLSearchParams): Board => {
    const chosen = chosenIn(query, psp.adapters);
    return {
      token,
      chosen,
      titles,
      norce: troubles.norce(),
      troubles: troubles.psps(),
      cards: shown(shop.purchases(), chosen)
        .map((purchase) => factsOf(parts, purchase))
        .filter(({ payment }) => chosen.state === undefined || textOf(payment, "state") === chosen.state),
      onCall: parts.onCall !== undefined,
    };
  };

  const form =
    (perform: (fields: URLSearchParams) => void | Promise<void>) => async (request: Request, response: Response) => {
      const fields = new URLSearchParams(typeof request.body === "string" ? request.body : "");
      if (!equalInConstantTime(fields.get("token") ?? "", token)) {
        response.status(403).type("text/plain").send("This page is out of date; load it again.");
        return;
      }
      const problem = await problemOf(() => perform(fields));
      announce();
      if (request.get("accept") === "text/plain")
        response
          .status(problem === undefined ? 200 : 409)
          .type("text/plain")
          .send(problem ?? "");
      else response.redirect(303, backTo(fields, problem));
    };

  const router = express.Router();
  const body = express.text({ type: "application/x-www-form-urlencoded", limit: "10kb" });
  router.get("/", (request, response) => {
    const nonce = randomBytes(12).toString("base64url");
    const query = queryIn(request);
    const problem = query.get("problem");
    response.set("content-security-policy", policy(nonce)).set("cache-control", "no-store").type("html");
    response.send(
      pageHtml({
        ...board(query),
        nonce,
        ...(problem === null ? {} : { problem: problem.slice(0, 200), at: query.get("at") ?? "" }),
      }),
    );
  });
  router.get("/sandbox/board", (request, response) => {
    const now = board(queryIn(request));
    response.set("cache-control", "no-store").type("html");
    response.send(`${headHtml(now).text}<div data-board>${boardHtml(now)}</div>`);
  });
  router.get("/sandbox/changes", (request, response) => {
    response
      .writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" })
      .write("retry: 1000\n\n");
    readers.add(response);
    request.once("close", () => readers.delete(response));
  });
  router.post(
    "/sandbox/purchase",
    body,
    form((fields) => {
      const kind = purchaseKinds.find((name) => name === fields.get("kind"));
      if (kind === undefined) throw new Error("There is no such purchase.");
      const adapter = fields.get("psp") ?? "";
      shop.startPurchase(kind, psp.adapters.includes(adapter) ? { adapter } : {});
    }),
  );
  router.post(
    "/sandbox/act",
    body,
    form(async (fields) => {
      const purchase = shop.find(fields.get("payment") ?? "");
      if (purchase === undefined) throw new Error("This payment is not here any more.");
      const [action = "", how] = (fields.get("action") ?? "").split(":");
      await press(parts, purchase, action, how === "half");
    }),
  );
  router.post(
    "/sandbox/norce",
    body,
    form((fields) => troubles.setNorce(fields.get("mood"))),
  );
  router.post(
    "/sandbox/psp",
    body,
    form((fields) => troubles.setPsp(fields.get("psp") ?? "", fields.get("mood"))),
  );
  router.post("/sandbox/on-call", body, (request, response, next) => {
    const fields = new URLSearchParams(typeof request.body === "string" ? request.body : "");
    const cookie = equalInConstantTime(fields.get("token") ?? "", token) ? parts.onCall?.() : undefined;
    if (cookie === undefined) next();
    else response.set("set-cookie", cookie).redirect(303, "/ops/today");
  });
  return {
    router,
    close() {
      troubles.close();
      for (const end of endings) end();
      for (const reader of readers) reader.end();
    },
  };
}

async function press({ norce, shop }: PageParts, purchase: Purchase, action: string, half: boolean): Promise<void> {
  const { orderId, paymentId } = purchase.key;
  if (action === "look") {
    await shop.look(purchase);
    return;
  }
  if (action === "remove-in-norce") {
    // What the PSP takes afterwards needs a person: the service never writes over it.
    norce.edit(orderId, paymentId, (payment) => ({ ...payment, state: "removed" }));
    return;
  }
  const payment = norce.payment(orderId, paymentId) ?? {};
  shop.act(purchase, action, half ? halfFor(action, purchase, recordOf(payment)) : undefined);
  // What is done in a PSP's portal after the purchase is often announced by nobody: a back office that knows asks for a look.
  const bought = ["confirmed", "reserved", "captured"].includes(textOf(payment, "state"));
  if (bought && !isDisturbance(action) && action !== "stop") await shop.look(purchase);
}

/** Half of what is left to capture, or to give back. */
function halfFor(action: string, { amount }: Purchase, record: Document): number {
  const captured = numberOf(record, "captured");
  const left =
    action === "refund"
      ? captured - numberOf(record, "refunded")
      : (numberOf(record, "authorized") || amount) - captured;
  return Math.max(1, Math.floor(left / 2));
}

function factsOf({ norce, psp, history, adapters }: PageParts, purchase: Purchase): CardFacts {
  const { adapter, orderId, paymentId } = purchase.key;
  const simulator = psp.simulator(adapter);
  const payment = norce.payment(orderId, paymentId) ?? {};
  return {
    purchase,
    order: norce.order(orderId) ?? {},
    payment,
    record: recordOf(payment),
    psp: adapters.get(adapter)?.title ?? adapter,
    says: simulator.describe(purchase.reference),
    money: simulator.money(purchase.reference),
    actions: psp.actions(purchase.key.adapter, purchase.reference),
    history: history.of(paymentId),
  };
}

function recordOf(payment: Document): Document {
  const { attributes } = payment;
  const record = isObject(attributes) ? attributes[recordKey] : undefined;
  return isObject(record) ? record : {};
}

/** What somebody wants to see. */
function chosenIn(query: URLSearchParams, adapters: readonly string[]): Chosen {
  const psp = adapters.find((one) => one === query.get("psp"));
  const [state, open] = ["state", "open"].map((name) => query.get(name)?.slice(0, 100) || undefined);
  return { ...(psp && { psp }), ...(state && { state }), ...(open && { open }) };
}

/** The last purchases of each PSP, or more of the one that is chosen; newest first. */
function shown(purchases: readonly Purchase[], { psp, state }: Chosen): readonly Purchase[] {
  if (psp !== undefined) return purchases.filter(({ key }) => key.adapter === psp).slice(0, most.ofOne);
  if (state !== undefined) return purchases.slice(0, most.ofOne * 5);
  const counts = new Map<string, number>();
  return purchases.filter(({ key: { adapter } }) => {
    counts.set(adapter, (counts.get(adapter) ?? 0) + 1);
    return (counts.get(adapter) ?? 0) <= most.ofEach;
  });
}

function queryIn({ originalUrl }: Request): URLSearchParams {
  return new URL(originalUrl, "http://localhost").searchParams;
}

/** The page as it was, with what went wrong beside the button that was pressed. */
function backTo(fields: URLSearchParams, problem: string | undefined): string {
  const query = new URLSearchParams();
  for (const name of ["psp", "state"])
    if (fields.get(`shown-${name}`)) query.set(name, fields.get(`shown-${name}`) ?? "");
  const at = fields.get("payment") ?? "";
  if (problem !== undefined) query.set("problem", problem);
  if (at !== "") query.set("open", at);
  if (problem !== undefined && at !== "") query.set("at", at);
  const said = query.toString();
  return `/${said === "" ? "" : `?${said}`}${at === "" ? "" : `#${encodeURIComponent(at)}`}`;
}

async function problemOf(perform: () => void | Promise<void>): Promise<string | undefined> {
  try {
    await perform();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "That did not work.";
  }
}

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "img-src data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
