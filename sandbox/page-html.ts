/** The page around the cards. Pure, from what is known to HTML. */
import { readFileSync } from "node:fs";
import { hidden, Html, html } from "../src/lib/html.ts";
import { type CardFacts, cardHtml } from "./page-card.ts";
import { pageScript } from "./page-script.ts";
import { kinds, purchaseKinds } from "./purchases.ts";

const pageStyle = readFileSync(`${import.meta.dirname}/page.css`, "utf8");

/** How Norce behaves for a while, at the press of a button. */
export type NorceMood = "well" | "slow" | "down";

export interface PageFacts {
  readonly cards: readonly CardFacts[];
  readonly mood: NorceMood;
  /** What every form has to carry. */
  readonly token: string;
  /** What the content security policy lets through. */
  readonly nonce: string;
  readonly problem?: string;
}

/** The whole page. */
export function pageHtml(facts: PageFacts): string {
  const { nonce, problem } = facts;
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
        <noscript><meta http-equiv="refresh" content="3" /></noscript>
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
          <div class="panel">${purchaseForm(facts)}${moodForm(facts)}</div>
          <p class="notice" id="problem" role="alert" ${new Html(problem === undefined ? " hidden" : "")}>
            ${problem ?? ""}
          </p>
        </header>
        <main id="board">${new Html(boardHtml(facts))}</main>
        <script nonce="${nonce}">
          ${new Html(pageScript)};
        </script>
      </body>
    </html>`.text;
}

/** The cards alone, for the script. */
export function boardHtml({ cards, token }: Pick<PageFacts, "cards" | "token">): string {
  if (cards.length > 0) return cards.map((card) => cardHtml(card, token).text).join("\n");
  return html`<p class="empty" id="empty" data-version="0">Nothing has been bought yet. Start a purchase above.</p>`
    .text;
}

function purchaseForm({ token }: PageFacts): Html {
  const buttons = purchaseKinds.map(
    (kind) => html`<button class="main" id="buy-${kind}" name="kind" value="${kind}">${kinds[kind].title}</button>`,
  );
  return html`<div class="group">
    <span>Buy</span>
    <form method="post" action="/sandbox/purchase">${hidden({ token })}${buttons}</form>
  </div>`;
}

function moodForm({ token, mood }: PageFacts): Html {
  const moods = { well: "Well", slow: "Slow for 30 s", down: "Down for 15 s" };
  const buttons = Object.entries(moods).map(
    ([name, text]) =>
      html`<button id="mood-${name}" name="mood" value="${name}" aria-pressed="${String(name === mood)}">
        ${text}
      </button>`,
  );
  return html`<div class="group">
    <span>Norce is</span>
    <form method="post" action="/sandbox/norce">${hidden({ token })}${buttons}</form>
  </div>`;
}
