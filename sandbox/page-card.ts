/** One purchase on the page: what Norce says, what the PSP says, and what happened. Pure. */
import { createHash } from "node:crypto";
import { minorFromMajor } from "../src/lib/money.ts";
import { type Happening, numberOf, textOf } from "./history.ts";
import { hidden, type Html, html } from "../src/lib/html.ts";
import type { StatedMoney } from "../src/contract/simulator.ts";
import type { Document } from "./norce.ts";
import { isObject } from "./norce-rules.ts";
import type { Purchase } from "./shop.ts";
import { clock, formatMoney } from "./terminal.ts";

/** Everything a card shows. */
export interface CardFacts {
  readonly purchase: Purchase;
  readonly order: Document;
  readonly payment: Document;
  /** The service's own note in the payment's attributes. */
  readonly record: Document;
  /** The PSP's product, `Klarna Checkout`. */
  readonly psp: string;
  /** What the PSP says, in one line. */
  readonly says: string;
  /** What it holds; `null` where it cannot say. */
  readonly money: StatedMoney | null;
  readonly actions: readonly string[];
  readonly history: readonly Happening[];
}

/**
 * The card of one purchase: a line that opens.
 * @param fields what every form has to carry. @param isOpen where no script opens it. @param problem what went wrong when its button was pressed.
 */
export function cardHtml(
  facts: CardFacts,
  fields: Readonly<Record<string, string>>,
  isOpen = false,
  problem?: string,
): Html {
  const { purchase, order, history, payment, psp } = facts;
  const { key, title, amount, currency } = purchase;
  const state = textOf(payment, "state");
  const content = html`<summary class="top" id="${key.paymentId}-summary">
      <h2>${title}</h2>
      ${chip(state, stateTones[state])}
      <span class="psp">${psp}</span>
      <span class="sum">${formatMoney(amount, currency)}</span>
    </summary>
    <p class="facts">
      <code>${key.orderId}</code> · ${key.merchant}/${key.channel} · order ${stateOf(order)} · ${basketOf(order)}
    </p>
    <div class="sides">
      ${norceSide(facts, fields)}${pspSide(facts, fields, problem)}
      <section class="history">
        <h3>What happened, newest first</h3>
        <ol>
          ${history.map((entry) => happeningHtml(entry, currency))}
        </ol>
      </section>
    </div>`;
  const version = createHash("sha256").update(content.text).digest("base64url").slice(0, 12);
  return html`<details
    class="purchase"
    id="${key.paymentId}"
    data-version="${version}"
    ${isOpen ? html`open` : undefined}
  >
    ${content}
  </details>`;
}

function norceSide({ payment, record, purchase }: CardFacts, given: Readonly<Record<string, string>>): Html {
  const { currency } = purchase;
  const { recurring, upsell } = payment;
  const state = textOf(payment, "state");
  const token = isObject(recurring) && textOf(recurring, "token") !== "";
  const amount = formatMoney(minorFromMajor(numberOf(payment, "amount"), currency), currency);
  const rows = [
    row("Amount", amount),
    ...sumRows(record, currency),
    row("Reference", html`<code>${textOf(payment, "reference") || "none yet"}</code>`),
    ...(token ? [row("Recurring", "token stored")] : []),
    ...(isObject(upsell) ? [row("Upsell", upsell["eligible"] === true ? "possible" : "not possible")] : []),
  ];
  return html`<section>
    <h3>Norce says</h3>
    ${chip(state, stateTones[state])}
    <dl>${rows}</dl>
    ${sumBar(record)} ${removableStates.has(state) ? removeForm(purchase.key.paymentId, given) : undefined}
  </section>`;
}

function pspSide(
  { psp, says, money, actions, purchase }: CardFacts,
  given: Readonly<Record<string, string>>,
  problem: string | undefined,
): Html {
  const { paymentId } = purchase.key;
  // Amounts in a PSP's own units are left to the sums, which have theirs.
  const [status = "", ...more] = says.split(", ");
  const rest = money === null ? more : more.filter((part) => !/\d{3,}/.test(part));
  const buttons = ordered(actions).flatMap((action) => {
    const button = (suffix: string, text: string): Html =>
      html`<button
        class="${styleOf(action)}"
        id="${paymentId}-${action}${suffix}"
        name="action"
        value="${action}:${suffix}"
      >
        ${text}
      </button>`;
    return inParts.has(action)
      ? [button("", label(action)), button("half", `${label(action)} half`)]
      : [button("", label(action))];
  });
  const look = html`<button class="quiet" id="${paymentId}-look" name="action" value="look:">Look now</button>`;
  const fields = hidden({ ...given, payment: paymentId });
  return html`<section>
    <h3>${psp} says</h3>
    <p class="says"><b>${status}</b><span>${rest.join(" · ")}</span></p>
    ${money === null ? undefined : html`<dl>${statedRows(money)}</dl>`}
    <form method="post" action="/sandbox/act">${fields}${buttons}${look}</form>
    <p class="problem" role="alert" data-place="psp">${problem ?? ""}</p>
  </section>`;
}

/** Actions that take a part of the amount. */
const inParts: ReadonlySet<string> = new Set(["capture", "refund"]);

/** What moves money comes first, what disturbs the webhooks last; in between as the simulator names them. */
function ordered(actions: readonly string[]): readonly string[] {
  const first = ["pay", "accept", "reject", "capture", "refund", "cancel"];
  const rank = (action: string): number => {
    if (isDisturbance(action)) return first.length + 1;
    return first.includes(action) ? first.indexOf(action) : first.length;
  };
  return actions.toSorted((one, other) => rank(one) - rank(other));
}

function styleOf(action: string): string {
  if (isDisturbance(action)) return "quiet";
  return action === "pay" ? "main" : "plain";
}

/** True for what happens to webhooks, and not to money. */
export function isDisturbance(action: string): boolean {
  return /push|webhook|notification/.test(action);
}

function happeningHtml(happening: Happening, currency: string): Html {
  const { at } = happening;
  const time = html`<time datetime="${new Date(at).toISOString()}">${clock(at)}</time>`;
  switch (happening.kind) {
    case "action":
      return html`<li>${time}<span class="who">PSP</span><span>${label(happening.name)}</span></li>`;
    case "webhook": {
      const bad = happening.status < 200 || happening.status > 299;
      const answer = happening.lost === true ? "lost" : happening.status === 0 ? "no answer" : String(happening.status);
      return html`<li class="${bad ? "bad" : "good"}">
        ${time}<span class="who">webhook</span>${requestHtml(happening)}<span class="money">${answer}</span>
      </li>`;
    }
    case "look":
      return html`<li>${time}<span class="who">look</span><span>asked for by the shop</span></li>`;
    case "state":
      return html`<li>
        ${time}<span class="who">state</span><span>${chip(happening.to, stateTones[happening.to], "small")}</span>
      </li>`;
    case "transaction": {
      const { event, status, amount, success } = happening;
      const money = formatMoney(minorFromMajor(amount, currency), currency);
      return html`<li class="${success ? "good" : "bad"}">
        ${time}<span class="who">log</span><span>${event} · ${status}</span><span class="money">${money}</span>
      </li>`;
    }
  }
}

/** The webhook itself: what the PSP sent, to the letter. */
function requestHtml({ at, name, request }: Extract<Happening, { kind: "webhook" }>): Html {
  const { method, url, body } = request;
  const shown = body.length > mostShown ? `${body.slice(0, mostShown)} …` : body;
  return html`<details class="request" data-key="${at}-${name}">
    <summary>${name}</summary>
    <pre tabindex="0">${method} ${url}${shown === "" ? "" : `\n\n${pretty(shown)}`}</pre>
  </details>`;
}

const mostShown = 4_000;

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
}

const stateTones: Readonly<Record<string, string>> = {
  intent: "gray",
  processing: "cyan",
  pending: "purple",
  confirmed: "blue",
  reserved: "amber",
  captured: "green",
  credited: "blue",
  refunded: "blue",
  removed: "gray",
  cancelled: "gray",
  declined: "red",
  failed: "red",
};

function chip(text: string, tone = "gray", size = "normal"): Html {
  return html`<span class="chip ${size} ${tone}">${text}</span>`;
}

function row(name: string, value: string | Html): Html {
  return html`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

const sums = ["captured", "refunded", "released"] as const;

function sumRows(record: Document, currency: string): Html[] {
  return sums
    .filter((name) => numberOf(record, name) > 0)
    .map((name) => row(label(name), formatMoney(numberOf(record, name), currency)));
}

/** What the PSP holds, with its unit. */
function statedRows({ currency, ...held }: StatedMoney): Html[] {
  return (["authorized", ...sums] as const)
    .filter((name) => held[name] > 0)
    .map((name) => row(label(name), formatMoney(held[name], currency)));
}

/** What somebody may take away before the shopper has paid. */
const removableStates: ReadonlySet<string> = new Set(["intent", "processing", "pending"]);

function removeForm(paymentId: string, given: Readonly<Record<string, string>>): Html {
  return html`<form method="post" action="/sandbox/act">
      ${hidden({ ...given, payment: paymentId })}
      <button class="quiet" id="${paymentId}-remove" name="action" value="remove-in-norce:">Remove it in Norce</button>
    </form>
    <p class="problem" role="alert" data-place="norce"></p>`;
}

/** Where the money is: still held, taken, given back. Nothing to see before anything is authorised. */
function sumBar(record: Document): Html {
  const [authorized, captured, refunded, released] = ["authorized", ...sums].map((name) => numberOf(record, name));
  if (authorized === undefined || authorized === 0) return html``;
  const held = authorized - (captured ?? 0) - (released ?? 0);
  const parts = { back: refunded ?? 0, taken: (captured ?? 0) - (refunded ?? 0), held };
  // An SVG's width is an attribute: a style attribute would need a hole in the content security policy.
  let left = 0;
  const bars = Object.entries(parts).map(([name, part]) => {
    const width = (100 * part) / authorized;
    const bar = html`<rect class="${name}" x="${left.toFixed(2)}" y="0" width="${width.toFixed(2)}" height="6" />`;
    left += width;
    return bar;
  });
  return html`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>`;
}

function stateOf(order: Document): string {
  const { state } = order;
  return isObject(state) ? textOf(state, "currentStatus") : "";
}

function basketOf(order: Document): string {
  const { cart } = order;
  const items = isObject(cart) && Array.isArray(cart["items"]) ? cart["items"] : [];
  return items
    .map((item: Document[string]) => (isObject(item) ? `${numberOf(item, "quantity")} × ${textOf(item, "name")}` : ""))
    .join(", ");
}

/** `lose-webhook` reads `Lose webhook`. */
function label(name: string): string {
  const words = name.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
