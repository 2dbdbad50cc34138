/** What views are made of. Pure. */
import { type Html, html, type HtmlValue } from "../../lib/html.ts";

/** A table that becomes a list of cards on a phone: each cell says what it is. */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly HtmlValue[])[],
  empty = "Nothing.",
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<div class="scroll">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((name) => html`<th scope="col">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            html`<tr>
              ${cells.map((cell, index) => html`<td data-name="${columns[index] ?? ""}"><div>${cell}</div></td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A section with its heading. */
export function section(title: string, ...content: readonly HtmlValue[]): Html {
  return html`<section>
    <h2>${title}</h2>
    ${content.map((one) => html`${one}`)}
  </section>`;
}

/** What few look for, behind one line. */
export function folded(summary: string, content: HtmlValue): Html {
  return html`<details class="folded">
    <summary>${summary}</summary>
    ${content}
  </details>`;
}

/** A time for people: UTC, as everywhere in log and report. */
export function time(at: string | number | undefined): Html {
  if (at === undefined) return html`–`;
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")}</time>`;
}

/** A word with a tone: `good`, `bad`, `warn` or `calm`. */
export function chip(text: string, tone: "good" | "bad" | "warn" | "calm"): Html {
  return html`<span class="chip ${tone}">${text}</span>`;
}

/** An id, which may break anywhere. */
export function code(text: string | undefined): Html {
  return text === undefined || text === "" ? html`–` : html`<code>${text}</code>`;
}

/** The address of another view. */
export function link(view: string, query: Readonly<Record<string, string | undefined>>): string {
  const said = Object.entries(query).filter((one): one is [string, string] => one[1] !== undefined && one[1] !== "");
  return said.length === 0 ? view : `${view}?${new URLSearchParams(said).toString()}`;
}

/** An order, as a link to its timeline. */
export function orderLink(of: {
  readonly merchant: string;
  readonly channel: string;
  readonly orderId?: string | undefined;
}): Html {
  const { merchant, channel, orderId } = of;
  if (orderId === undefined) return html`–`;
  return html`<a href="${link("order", { merchant, channel, order: orderId })}">${orderId}</a>`;
}

/** A labelled field of a form. */
export function field(name: string, label: string, value: string | undefined, more?: HtmlValue): Html {
  return html`<span class="field"
    ><label for="field-${name}">${label}</label
    ><input id="field-${name}" name="${name}" value="${value ?? ""}" autocomplete="off" spellcheck="false" ${more}
  /></span>`;
}

/** A labelled choice; the first is none. */
export function choice(
  name: string,
  label: string,
  values: readonly string[],
  chosen: string | undefined,
  none = "any",
): Html {
  const all = chosen === undefined || chosen === "" || values.includes(chosen) ? values : [chosen, ...values];
  return html`<span class="field"
    ><label for="field-${name}">${label}</label
    ><select id="field-${name}" name="${name}">
      <option value="">${none}</option>
      ${all.map(
        (value) => html`<option value="${value}" ${value === chosen ? html`selected` : undefined}>${value}</option>`,
      )}
    </select></span
  >`;
}

/** Facts of any shape, as people read them. */
export function facts(of: Readonly<Record<string, unknown>>): Html {
  const said = Object.entries(of).filter(([, value]) => value !== undefined && value !== null);
  if (said.length === 0) return html``;
  return html`<dl class="facts">
    ${said.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${typeof value === "string" ? value : JSON.stringify(value)}</dd>
        </div>`,
    )}
  </dl>`;
}
