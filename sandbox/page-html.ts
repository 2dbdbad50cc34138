/** The page around the cards. Pure, from what is known to HTML. */
import { readFileSync } from "node:fs";
import { hidden, Html, html } from "../src/lib/html.ts";
import { type CardFacts, cardHtml } from "./page-card.ts";
import { pageScript } from "./page-script.ts";
import { kinds, purchaseKinds } from "./purchases.ts";
import type { NorceMood, Troubles } from "./troubles.ts";

const pageStyle = readFileSync(`${import.meta.dirname}/page.css`, "utf8");

/** What somebody wants to see. */
export interface Chosen {
  /** Adapter folder: this PSP's purchases alone. */
  readonly psp?: string;
  /** Norce's: payments in this state alone. */
  readonly state?: string;
  /** The payment whose card is open, where no script opens it. */
  readonly open?: string;
}

/** What changes while the page is looked at. */
export interface Board {
  readonly cards: readonly CardFacts[];
  readonly chosen: Chosen;
  /** The PSPs' products, by adapter folder. */
  readonly titles: Readonly<Record<string, string>>;
  readonly norce: NorceMood;
  readonly troubles: ReturnType<Troubles["psps"]>;
  /** What every form has to carry. */
  readonly token: string;
  /** Whether there is a page for people on call. */
  readonly onCall: boolean;
}

export interface PageFacts extends Board {
  /** What the content security policy lets through. */
  readonly nonce: string;
  readonly problem?: string;
  /** The payment whose button was pressed. */
  readonly at?: string;
}

/** The whole page. */
export function pageHtml(facts: PageFacts): string {
  const { nonce } = facts;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Payments in the sandbox</title>
        <link rel="icon" href="data:," />
        <style nonce="${nonce}">
          ${new Html(pageStyle)}
        </style>
        <noscript><meta http-equiv="refresh" content="10" /></noscript>
      </head>
      <body>
        <header>
          <div class="title">
            <h1>Payments in the sandbox</h1>
            <span class="live">Live</span>
          </div>
          <p class="lead">
            Press a button and the simulated PSP acts, as a shopper or somebody in its portal would. Its webhooks reach
            the service, which reads what is true and writes it to Norce. Its clock runs fast: two minutes are half a
            second.
          </p>
          ${headHtml(facts)} ${filterForm(facts)}
        </header>
        <main id="board">${new Html(boardHtml(facts))}</main>
        <script nonce="${nonce}">
          ${new Html(pageScript)};
        </script>
      </body>
    </html>`.text;
}

/** The buttons above the cards, for the script as well. */
export function headHtml(facts: Board & Pick<PageFacts, "problem" | "at">): Html {
  const problem = facts.at === undefined || facts.at === "" ? facts.problem : undefined;
  return html`<div class="panel" id="panel">
    ${purchaseForm(facts)}${norceForm(facts)}${pspForm(facts)}${onCallForm(facts)}
    ${problem === undefined ? undefined : html`<p class="notice" role="alert">${problem}</p>`}
  </div>`;
}

/** The cards alone, for the script. */
export function boardHtml(facts: Board & Pick<PageFacts, "problem" | "at">): string {
  const { cards, token, chosen, at, problem } = facts;
  const fields = { token, ...shownFields(chosen) };
  if (cards.length > 0)
    return cards
      .map((card) => {
        const { paymentId } = card.purchase.key;
        return cardHtml(card, fields, chosen.open === paymentId, at === paymentId ? problem : undefined).text;
      })
      .join("\n");
  return html`<p class="empty" id="empty" data-version="0">
    ${
      chosen.psp === undefined && chosen.state === undefined
        ? "Nothing has been bought yet. Start a purchase above."
        : "Nothing like that. Start a purchase above, or show all."
    }
  </p>`.text;
}

/** What is shown goes along with every form, so that the same is shown afterwards. */
function shownFields({ psp, state }: Chosen): Readonly<Record<string, string>> {
  return {
    ...(psp === undefined ? {} : { "shown-psp": psp }),
    ...(state === undefined ? {} : { "shown-state": state }),
  };
}

function pspSelect(id: string, { titles, chosen }: Board, all?: string): Html {
  const options = Object.entries(titles).toSorted(([, one], [, other]) => one.localeCompare(other));
  return html`<select id="${id}" name="psp" aria-label="PSP">
    ${all === undefined ? undefined : html`<option value="">${all}</option>`}
    ${options.map(
      ([folder, title]) =>
        html`<option value="${folder}" ${folder === chosen.psp ? html`selected` : undefined}>${title}</option>`,
    )}
  </select>`;
}

function purchaseForm(facts: Board): Html {
  const buttons = purchaseKinds.map(
    (kind) => html`<button class="main" id="buy-${kind}" name="kind" value="${kind}">${kinds[kind].title}</button>`,
  );
  return html`<div class="group">
    <form method="post" action="/sandbox/purchase" aria-label="Buy">
      ${hidden({ token: facts.token, ...shownFields(facts.chosen) })}<span>Buy with</span>${pspSelect("buy-psp", facts)}
      ${buttons}
    </form>
    <p class="problem" role="alert"></p>
  </div>`;
}

function norceForm({ token, norce, chosen }: Board): Html {
  const moods = { well: "Well", slow: "Slow for 30 s", down: "Down for 15 s" };
  const buttons = Object.entries(moods).map(
    ([name, text]) =>
      html`<button id="mood-${name}" name="mood" value="${name}" aria-pressed="${String(name === norce)}">
        ${text}
      </button>`,
  );
  return html`<div class="group">
    <form method="post" action="/sandbox/norce" aria-label="Norce">
      ${hidden({ token, ...shownFields(chosen) })}<span>Norce is</span>${buttons}
    </form>
    <p class="problem" role="alert"></p>
  </div>`;
}

const pspMoodTexts = { well: "Well", down: "Down", refuses: "Refuses credentials", loses: "Loses webhooks" };

function pspForm(facts: Board): Html {
  const { token, troubles, titles, chosen } = facts;
  const buttons = Object.entries(pspMoodTexts).map(
    ([name, text]) => html`<button id="psp-${name}" name="mood" value="${name}">${text}</button>`,
  );
  const told = Object.entries(troubles).map(([folder, mood]) => `${titles[folder] ?? folder}: ${pspMoodTexts[mood]}`);
  return html`<div class="group">
    <form method="post" action="/sandbox/psp" aria-label="Break a PSP">
      ${hidden({ token, ...shownFields(chosen) })}<span>Make</span>${pspSelect("break-psp", facts)}${buttons}
    </form>
    <p class="problem" role="alert"></p>
    <span class="${told.length === 0 ? "" : "bad"}" role="status"
      >${told.length === 0 ? "All PSPs are well" : told.join(", ")}</span
    >
  </div>`;
}

function onCallForm({ token, onCall }: Board): Html | undefined {
  if (!onCall) return undefined;
  return html`<div class="group">
    <form method="post" action="/sandbox/on-call" data-leave>
      ${hidden({ token })}<button id="on-call">Be on call: what the operators' page says</button>
    </form>
    <p class="problem" role="alert"></p>
  </div>`;
}

const states = [
  "intent",
  "processing",
  "pending",
  "confirmed",
  "reserved",
  "captured",
  "credited",
  "removed",
  "declined",
  "failed",
];

function filterForm(facts: Board): Html {
  const { chosen } = facts;
  return html`<form method="get" action="/" class="filter" aria-label="Filter" role="search">
    <span>Show</span>${pspSelect("show-psp", facts, "the last of each PSP")}
    <select id="show-state" name="state" aria-label="State">
      <option value="">any state</option>
      ${states.map(
        (state) =>
          html`<option value="${state}" ${state === chosen.state ? html`selected` : undefined}>${state}</option>`,
      )}
    </select>
    <button id="show">Show</button>
  </form>`;
}
