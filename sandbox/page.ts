import { randomBytes } from "node:crypto";
import express, { type Request, type Response, type Router } from "express";
import type { Adapters } from "../src/adapters/registry.ts";
import { recordKey } from "../src/norce/payment.ts";
import { equalInConstantTime } from "../src/signatures/constant-time.ts";
import type { Fault } from "./faults.ts";
import { type History, numberOf, textOf } from "./history.ts";
import type { Document, SandboxNorce } from "./norce.ts";
import { isObject } from "./norce-rules.ts";
import { type CardFacts, isDisturbance } from "./page-card.ts";
import { boardHtml, type NorceMood, pageHtml } from "./page-html.ts";
import type { SandboxPsp } from "./psp.ts";
import { purchaseKinds } from "./purchases.ts";
import type { Purchase, Shop } from "./shop.ts";

/** What the page shows and acts on. */
export interface PageParts {
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  readonly shop: Shop;
  readonly history: History;
  readonly adapters: Adapters;
}

/** The page and its end: a browser keeps a connection open to hear of changes. */
export interface Page {
  readonly router: Router;
  close(): void;
}

const maxCards = 40;
const moods: Readonly<
  Record<Exclude<NorceMood, "well">, { readonly lastsMs: number; readonly slowMs?: number; readonly status?: number }>
> = {
  slow: { lastsMs: 30_000, slowMs: 1_500 },
  down: { lastsMs: 15_000, status: 503 },
};

/** A page at `/` that shows the purchases as they change, with buttons for what can happen to them. */
export function createPage(parts: PageParts): Page {
  const { norce, psp, shop } = parts;
  // Another site can neither read the page nor guess this, so that it cannot press the buttons.
  const token = randomBytes(18).toString("base64url");
  const readers = new Set<Response>();
  const mood = createMood(norce, () => announce());

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
  const cards = (): CardFacts[] =>
    shop
      .purchases()
      .slice(0, maxCards)
      .map((purchase) => factsOf(parts, purchase));

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
      else response.redirect(303, problem === undefined ? "/" : `/?problem=${encodeURIComponent(problem)}`);
    };

  const router = express.Router();
  const body = express.text({ type: "application/x-www-form-urlencoded", limit: "10kb" });
  router.get("/", (request, response) => {
    const nonce = randomBytes(12).toString("base64url");
    const problem = new URL(request.originalUrl, "http://localhost").searchParams.get("problem");
    response.set("content-security-policy", policy(nonce)).set("cache-control", "no-store").type("html");
    response.send(
      pageHtml({
        cards: cards(),
        mood: mood.now(),
        token,
        nonce,
        ...(problem === null ? {} : { problem: problem.slice(0, 200) }),
      }),
    );
  });
  router.get("/sandbox/board", (_, response) => {
    response
      .set("cache-control", "no-store")
      .set("x-norce-mood", mood.now())
      .type("html")
      .send(boardHtml({ cards: cards(), token }));
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
      shop.startPurchase(kind);
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
    form((fields) => mood.set(fields.get("mood"))),
  );
  return {
    router,
    close() {
      mood.set("well");
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
    actions: psp.actions(purchase.key.adapter, purchase.reference),
    history: history.of(paymentId),
  };
}

function recordOf(payment: Document): Document {
  const { attributes } = payment;
  const record = isObject(attributes) ? attributes[recordKey] : undefined;
  return isObject(record) ? record : {};
}

/** Makes Norce slow or unreachable for a while. */
function createMood(norce: SandboxNorce, changed: () => void): { now(): NorceMood; set(wanted: string | null): void } {
  let current: NorceMood = "well";
  let fault: Fault | undefined;
  let timer: NodeJS.Timeout | undefined;
  const set = (wanted: string | null): void => {
    clearTimeout(timer);
    fault?.clear();
    current = wanted === "slow" || wanted === "down" ? wanted : "well";
    if (current === "well") {
      changed();
      return;
    }
    const { lastsMs, ...effect } = moods[current];
    fault = norce.fault(effect);
    timer = setTimeout(() => set("well"), lastsMs).unref();
  };
  return { now: () => current, set };
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
