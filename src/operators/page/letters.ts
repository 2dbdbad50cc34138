/** The view of dead letters: found by what they say, tried again or taken away, one, the selected or all. */
import { hidden, type Html, html, type HtmlValue } from "../../lib/html.ts";
import type { Errand } from "../../queue/errands.ts";
import { firstMinutes } from "../advice.ts";
import type { LetterList, ListedLetter, Rehearsal } from "../letters.ts";
import { needs } from "../words.ts";
import { choice, chip, facts, field, link, orderLink, section, table, time } from "./parts.ts";
import type { View } from "./shell.ts";
import { isoOf } from "../../lib/time.ts";

/** What the view of letters shows. */
export interface LetterFacts {
  /** What was chosen, as it was written. */
  readonly chosen: Readonly<Record<string, string>>;
  /** Of all letters that are meant: how many of which reason. */
  readonly all: Rehearsal;
  readonly list: LetterList;
  /** What can be chosen from. */
  readonly adapters: readonly string[];
  readonly merchants: readonly string[];
  readonly channels: readonly string[];
  readonly reasons: readonly string[];
  readonly kinds: readonly string[];
  readonly problem?: string;
  readonly formToken: string;
}

const names = ["reason", "kind", "about", "adapter", "merchant", "channel", "from", "to"] as const;

/** The letters that are meant, with a form to choose others. */
export function lettersView(given: LetterFacts): View {
  const { all, list, chosen, problem, formToken } = given;
  return {
    title: "Letters",
    at: "letters",
    ...(problem === undefined ? {} : { status: 400 }),
    content: [
      html`<p class="lead">What needs a person. A payment's letter goes by itself when a look ends well.</p>`,
      problem === undefined ? undefined : html`<p class="notice" role="alert">${problem}</p>`,
      firstOf(chosen),
      filterForm(given),
      html`<p role="status">
        ${chip(String(all.total), all.total === 0 ? "good" : "bad")} ${all.total === 1 ? "letter" : "letters"}
        ${Object.keys(chosen).length === 0 ? "in all" : "like these"}
        ${all.counts.length > 1 ? countsOf(all, chosen) : undefined}
      </p>`,
      list.letters.length === 0
        ? html`<p class="empty">Nothing needs a person here.</p>`
        : html`<form method="post" action="letters" class="list">
            ${hidden({ token: formToken, ...chosen })}
            <div class="bar">
              <button name="do" value="ask-retry-selected" class="main">Try selected again…</button>
              <button name="do" value="ask-dismiss-selected">Dismiss selected…</button>
              <button name="do" value="ask-retry-all">Try all ${all.total} again…</button>
              <button name="do" value="ask-dismiss-all">Dismiss all ${all.total}…</button>
            </div>
            ${table(
              `${list.letters.length} of ${all.total}, last tried first`,
              ["Select", "Order", "Why", "Since", "Do"],
              list.letters.map(rowOf),
            )}
          </form>`,
      list.next === undefined
        ? undefined
        : html`<p><a href="${link("letters", { ...chosen, before: list.next })}" rel="next">Older letters</a></p>`,
    ].filter((one) => one !== undefined),
  };
}

/** What is done first about the reason that was chosen. */
function firstOf({ reason = "" }: LetterFacts["chosen"]): Html | undefined {
  const todo = firstMinutes[reason];
  return todo === undefined ? undefined : html`<p><b>${needs[reason] ?? reason}</b>: ${todo}</p>`;
}

function filterForm({ chosen, adapters, merchants, channels, reasons, kinds }: LetterFacts): Html {
  const hint = html`placeholder="2026-01-31" pattern="\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d)?Z)?"`;
  return html`<form method="get" action="letters" class="filter" role="search" aria-label="Choose letters">
    ${choice("reason", "Reason", reasons, chosen["reason"])} ${choice("kind", "Kind", kinds, chosen["kind"])}
    ${choice("about", "About", ["payment", "event", "operation"], chosen["about"])}
    ${choice("adapter", "PSP", adapters, chosen["adapter"])}
    ${choice("merchant", "Merchant", merchants, chosen["merchant"])}
    ${choice("channel", "Channel", channels, chosen["channel"])} ${field("from", "From (UTC)", chosen["from"], hint)}
    ${field("to", "To, included", chosen["to"], hint)}
    <button class="main">Show</button>
    <a href="letters">All</a>
  </form>`;
}

function countsOf({ counts }: Rehearsal, chosen: LetterFacts["chosen"]): Html {
  return html`<span class="counts"
    >${counts
      .slice(0, 8)
      .map(
        ({ letters, reason, adapter }) =>
          html` <a href="${link("letters", { ...chosen, reason, adapter })}">${letters} × ${reason} (${adapter})</a>`,
      )}</span
  >`;
}

function rowOf(letter: ListedLetter): HtmlValue[] {
  const { id, since, about, adapter, merchant, channel, kind, reason, says, event, operationId } = letter;
  const name = letter.orderId ?? id.slice(0, 8);
  return [
    html`<input type="checkbox" name="id" value="${id}" aria-label="Letter of ${name}" />`,
    html`${orderLink(letter)} <span class="soft">${letter.paymentId ?? ""}</span>
      <span class="line">${adapter} ${merchant}/${channel}</span>`,
    html`<b>${reason}</b> <span class="soft">${reason === says ? kind : `${kind}: ${says}`}</span>${
        about === "payment"
          ? undefined
          : html`<span class="line"
              >${chip(event === undefined ? about : `${about} ${event}`, "calm")}
              ${operationId === undefined ? undefined : html`<a href="${link("operations", { id: operationId })}">see it</a>`}</span
            >`
      }`,
    time(since),
    html`<span class="buttons"
      ><button name="one" value="retry:${id}" aria-label="Try again: letter of ${name}">Try again</button
      ><button name="one" value="dismiss:${id}" class="quiet" aria-label="Dismiss: letter of ${name}">
        Dismiss
      </button></span
    >`,
  ];
}

/** What would be done, before it is: how many of which reason, and what looks would write. */
export function rehearsalView(
  rehearsal: Rehearsal,
  chosen: Readonly<Record<string, string>>,
  ids: readonly string[],
  formToken: string,
): View {
  const { deed, total, counts, notConfigured, would } = rehearsal;
  const verb = deed === "retry" ? "Try again" : "Dismiss";
  const letters = `${total} ${total === 1 ? "letter" : "letters"}`;
  return {
    title: deed === "retry" ? `Try ${letters} again?` : `Dismiss ${letters}?`,
    at: "letters",
    content: [
      html`<p class="lead">
        ${
          deed === "retry"
            ? "Nothing has been done yet. Payments are looked at, a few at a time, so that fresh webhooks do not wait; events are placed as if they came now."
            : "Nothing has been done yet. What is dismissed comes back only if its trouble does."
        }
      </p>`,
      table(
        "What is meant",
        ["Letters", "About", "PSP", "Kind", "Reason"],
        counts.map(({ letters: many, about, adapter, kind, reason }) => [many, about, adapter, kind, reason]),
      ),
      deed === "dismiss" || notConfigured === 0
        ? undefined
        : html`<p class="notice">${notConfigured} of them are left alone: nobody is configured for them.</p>`,
      deed === "dismiss"
        ? undefined
        : section(
            "What looks would write",
            table(
              `The newest ${would.length} payments, asked just now`,
              ["Order", "Payment", "Comes to", "Facts"],
              would.map((one) => [one.orderId, one.paymentId, one.outcome, facts(one.facts)]),
              "None of them is a payment that can be asked about.",
            ),
          ),
      total === 0
        ? html`<p><a href="${link("letters", chosen)}">Back</a></p>`
        : html`<form method="post" action="letters" class="bar">
            ${hidden({ token: formToken, ...chosen })}${ids.map((id) => html`${hidden({ id })}`)}
            <button name="do" value="${deed}-${ids.length > 0 ? "selected" : "all"}" class="main">
              ${verb}: ${letters}
            </button>
            <a href="${link("letters", chosen)}">Not now</a>
          </form>`,
    ].filter((one) => one !== undefined),
  };
}

/** How far an errand has come. */
export function errandView(errand: Errand, stillThere: number | undefined, formToken: string): View {
  const { id, deed, total, done, left, ended, askedAt } = errand;
  const gone = Math.min(done + left, total);
  const state = ended === undefined ? "running" : ended.why;
  return {
    title: deed === "retry" ? "Letters are tried again" : "Letters are dismissed",
    at: "letters",
    ...(ended === undefined ? { againSeconds: 2 } : {}),
    content: [
      html`<p role="status">
        ${chip(state, ended === undefined ? "warn" : "good")} ${gone} of
        ${total}${left === 0 ? undefined : html`, ${left} of them left alone: nobody is configured for them`}
      </p>`,
      html`<progress max="${Math.max(total, 1)}" value="${total === 0 ? 1 : gone}" aria-label="Letters dealt with">
        ${gone} of ${total}
      </progress>`,
      facts({
        asked: isoOf(askedAt),
        ...(ended === undefined ? {} : { ended: isoOf(ended.at) }),
        ...(stillThere === undefined ? {} : { "such letters now": String(stillThere) }),
        errand: id,
      }),
      ended === undefined
        ? html`<p>The service does the work: this page may be closed. Its address leads back here.</p>
            <form method="post" action="errand">${hidden({ token: formToken, id })}<button>Stop</button></form>`
        : undefined,
      html`<p><a href="letters">Letters</a></p>`,
    ].filter((one) => one !== undefined),
  };
}

/** What a form or an address says of letters, as it was written. */
export function chosenIn(form: URLSearchParams): Record<string, string> {
  const said = names.map((name) => [name, form.get(name)?.trim() ?? ""] as const);
  return Object.fromEntries(said.filter(([, value]) => value !== ""));
}
