/** The view of one order: how each payment stands, what happened, and what can be done next. */
import { hidden, type Html, html } from "../../lib/html.ts";
import type { Explanation } from "../explain.ts";
import { chip, code, facts, link, section, table, time } from "./parts.ts";
import type { View } from "./shell.ts";

type Payment = Explanation["payments"][number];
type Entry = Explanation["timeline"][number];

/** What is known of an order. @param note said above it: that a look was asked for. */
export function orderView(told: Explanation, formToken: string, note?: string): View {
  const { asked, troubles, payments, letters, events, timeline, next, truncated, needsAttention } = told;
  const name = asked.order ?? asked.reference ?? "";
  return {
    title: `Order ${payments[0]?.orderId ?? name}`,
    at: "search",
    ...(told.known ? {} : { status: 404 }),
    content: [
      note === undefined ? undefined : html`<p class="notice calm" role="status">${note}</p>`,
      html`<p>
        ${needsAttention ? chip("A person is needed", "bad") : chip("Nobody is needed", "good")}
        <span class="soft">${asked.merchant}/${asked.channel}, read at ${time(told.at)} UTC</span>
      </p>`,
      told.known
        ? undefined
        : html`<p class="empty">
            Nothing is remembered of it here: no journal, no letter, nothing that waits. What is remembered begins at
            ${time(told.rememberedSince)} UTC.
          </p>`,
      ...troubles.map(
        ({ says, since, todo }) =>
          html`<p class="notice">
            <b>${says}</b>${since === undefined ? undefined : html`, since ${time(since)}`}: ${todo}.
            <a href="today">See today</a>
          </p>`,
      ),
      ...payments.map((payment) => paymentOf(payment, told, formToken)),
      letters.length === 0
        ? undefined
        : section("Letters of its events and operations", ...letters.map((letter) => letterOf(letter, formToken))),
      events.length === 0
        ? undefined
        : section(
            "Events that wait",
            table(
              "Tried again by themselves",
              ["Received", "Webhook", "Type", "PSP", "What"],
              events.map((one) => [time(one.receivedAt), one.webhook, one.type, one.adapter, one.says]),
            ),
          ),
      section(
        "What can be done",
        html`<ul class="todo">
          ${next.map(
            ({ says, command }) =>
              html`<li>${says}${command === undefined ? undefined : html`<br /><code>${command}</code>`}</li>`,
          )}
        </ul>`,
      ),
      section(
        "What happened",
        timeline.length === 0
          ? html`<p class="empty">The journal has nothing.</p>`
          : html`<ol class="timeline">
              ${timeline.map((entry) => entryOf(entry, payments.length > 1))}
            </ol>`,
      ),
      truncated
        ? html`<p class="notice">
            Not everything was searched: there are more letters or waiting events than are read at once.
          </p>`
        : undefined,
    ].filter((one) => one !== undefined),
  };
}

function paymentOf(payment: Payment, { asked }: Explanation, formToken: string): Html {
  const { adapter, orderId, paymentId, says, state, reference, referenceOf, waits, nextLookAt, notBefore } = payment;
  const { merchant, channel } = asked;
  const target = { adapter, merchant, channel, order: orderId, payment: paymentId };
  return html`<section class="card">
    <h2>${adapter} <span class="soft">${paymentId}</span></h2>
    <p>${state === undefined ? undefined : html`${chip(state, "calm")} `}${says}</p>
    ${facts({
      reference,
      "reference of": referenceOf,
      "next look": nextLookAt,
      "nothing written before": notBefore,
      "asked by": payment.asked?.by,
    })}
    ${
      waits.length === 0
        ? undefined
        : table(
            "Why it waits",
            ["Why", "Since", "Tries", "Next"],
            waits.map((one) => [one.says, time(one.since), one.tries ?? "–", time(one.next)]),
          )
    }
    ${payment.letter === undefined ? undefined : letterOf({ ...payment.letter, says: "" }, formToken)}
    ${payment.operations.map(
      (one) =>
        html`<p>
          ${chip(one.status, "warn")} ${one.name}: ${one.says}
          <a href="${link("operations", { id: one.id })}">${one.id}</a>
        </p>`,
    )}
    <form method="post" action="order" class="bar">
      ${hidden({ token: formToken, ...target })}
      <button name="do" value="look" class="main">Look now</button>
      <button name="do" value="preview">What would a look write?</button>
    </form>
  </section>`;
}

function letterOf(letter: NonNullable<Payment["letter"]>, formToken: string): Html {
  const { id, kind, reason, says, since, at, of } = letter;
  return html`<form method="post" action="letters" class="letter">
    ${hidden({ token: formToken })}
    <p>
      ${chip(reason, "bad")} ${says} <span class="soft">${kind}${of === undefined ? undefined : html`, ${of}`}</span>
    </p>
    <p class="soft">since ${time(since)}, given up at ${time(at)}</p>
    <p class="buttons">
      <button name="one" value="retry:${id}">Try again</button>
      <button name="one" value="dismiss:${id}" class="quiet">Dismiss</button>
    </p>
  </form>`;
}

function entryOf(entry: Entry, several: boolean): Html {
  const { at, last, count, kind, says, until, paymentId } = entry;
  const operation = kind === "operated" ? entry.facts["id"] : undefined;
  const tone = kind === "buried" || kind === "hole" ? "bad" : kind === "written" ? "good" : "calm";
  return html`<li class="${kind}">
    ${time(at)} ${chip(kind, tone)}
    <div>
      <p>${says}${count === undefined ? undefined : html` <span class="soft">${count} times</span>`}</p>
      ${last === undefined ? undefined : html`<p class="soft">last at ${time(last)}</p>`}
      ${until === undefined ? undefined : html`<p class="soft">until ${time(until)}</p>`}
      ${
        typeof operation === "string"
          ? html`<p><a href="${link("operations", { id: operation })}">the operation</a></p>`
          : undefined
      }
      ${several ? html`<p>${code(paymentId)}</p>` : undefined}
      ${
        Object.keys(entry.facts).length === 0
          ? undefined
          : html`<details>
              <summary>Facts</summary>
              ${facts(entry.facts)}
            </details>`
      }
    </div>
  </li>`;
}
