/** The view that says whether a person is needed, for what, and what to do first; below it how things stand. */
import { type Html, html, type HtmlValue } from "../../lib/html.ts";
import type { Call } from "../calls.ts";
import type { ListedEntry } from "../entries.ts";
import type { ListedKey } from "../keys.ts";
import type { Report } from "../report.ts";
import type { ListedHeld, ListedPeer, ListedWaiting } from "../situation.ts";
import { waits } from "../words.ts";
import { chip, field, folded, link, orderLink, section, table, time } from "./parts.ts";
import type { View } from "./shell.ts";

/** What the view of today shows. */
export interface TodayFacts {
  /** The report of the period. */
  readonly report: Report;
  readonly chosen: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** So many entries are shown; the report has the others. */
const most = 200;
/** As many of one name are not folded. */
const few = 5;

/** Whether a person is needed, and why. What is empty is not shown. */
export function todayView({ report, chosen, now }: TodayFacts): View {
  const { calls, drift, waiting, held, peers, keys } = report;
  const attention = drift.filter((entry) => entry.attention);
  const calm = drift.filter((entry) => !entry.attention);
  return {
    title: "Today",
    at: "today",
    againSeconds: 30,
    content: [
      html`<p class="verdict" role="status">
        ${calls.length > 0 ? chip("A person is needed", "bad") : chip("All is well", "good")}
        <span class="soft">read at ${time(now)} UTC; ${workersOf(report)}</span>
      </p>`,
      calls.length === 0
        ? undefined
        : html`<ul class="calls">
            ${calls.map(callOf)}
          </ul>`,
      attention.length === 0 ? undefined : section("Look at", ...lookAt(attention)),
      waiting.length + held.length === 0 ? undefined : section("Waits", waitingTable(waiting, held)),
      section("Peers", ...peersOf(peers)),
      section("What looks came to that no webhook had asked for", tilesOf(report), period(report, chosen)),
      calm.length === 0
        ? undefined
        : folded(`Repaired, over, or to be known: ${calm.length}`, entries("What needs nobody any more", calm)),
      folded(`Keys that prove webhooks: ${keys.length}`, keysTable(keys)),
    ].filter((one) => one !== undefined),
  };
}

function workersOf({ workers: { there, noneSince, swept } }: Report): HtmlValue {
  if (there === 0) return typeof noneSince !== "string" ? "no worker" : html`no worker since ${time(noneSince)}`;
  const count = `${there} ${there === 1 ? "worker" : "workers"}`;
  return swept === undefined ? count : html`${count}, last whole sweep began ${time(swept)}`;
}

function callOf({ name, says, since, todo, see }: Call): Html {
  const views = { letters: "See the letters", doctor: "Ask the doctor", queues: "See the queues" } as const;
  const to = see === "letters" ? link("letters", { reason: name }) : see;
  return html`<li class="card">
    <p>
      ${chip(name, "bad")} ${since === undefined ? undefined : html`<span class="soft">since ${time(since)}</span>`}
    </p>
    <p><b>${says}</b></p>
    <p>${todo}${to === undefined || see === undefined ? undefined : html` – <a href="${to}">${views[see]}</a>`}</p>
  </li>`;
}

function period(report: Report, chosen: TodayFacts["chosen"]): Html {
  const days = html`placeholder="2026-01-31" pattern="\\d{4}-\\d\\d-\\d\\d"`;
  return html`<form method="get" action="today" class="filter" aria-label="Choose a period">
    ${field("from", "From (UTC)", chosen["from"] ?? report.from, days)}
    ${field("to", "To, included", chosen["to"] ?? report.to, days)} ${field("merchant", "Merchant", chosen["merchant"])}
    ${field("channel", "Channel", chosen["channel"])}
    <button>Show</button>
  </form>`;
}

function tilesOf({ compared, agreed, repaired, unresolved }: Report): Html {
  const tile = (name: string, value: number, tone = ""): Html =>
    html`<li class="${tone}"><b>${value.toLocaleString("en")}</b><span>${name}</span></li>`;
  return html`<ul class="tiles">
    ${tile("compared", compared)} ${tile("agreed", agreed)} ${tile("repaired", repaired)}
    ${tile("not settled by that look", unresolved, unresolved > 0 ? "warn" : "")}
  </ul>`;
}

function waitingTable(waiting: readonly ListedWaiting[], held: readonly ListedHeld[]): Html {
  const where = (
    accounts: readonly { readonly adapter: string; readonly merchant: string; readonly channel: string }[],
  ) => accounts.map(({ adapter, merchant, channel }) => `${adapter} ${merchant}/${channel}`).join(", ");
  return table(
    "They are tried again by themselves",
    ["What", "How many", "The oldest since", "Next look", "Where"],
    [
      ...waiting.map(({ reason, payments, since, nextLook, accounts }) => [
        html`<b>payments: ${reason}</b> <span class="soft">${waits[reason]}</span>`,
        payments,
        time(since),
        time(nextLook),
        where(accounts),
      ]),
      ...held.map(({ what, says, count, since, accounts }) => [
        html`<b>${what}</b> <span class="soft">${says}</span>`,
        count,
        time(since),
        "–",
        where(accounts),
      ]),
    ],
  );
}

/** What was found, by its name; what is found a hundred times does not stand in the way of the rest. */
function lookAt(found: readonly ListedEntry[]): Html[] {
  return [...Map.groupBy(found, ({ name }) => name)].map(([name, some]) => {
    const shown = entries(name, some);
    return some.length <= few ? shown : folded(`${name}: ${some.length} times`, shown);
  });
}

/** Who is in trouble first; of whom nothing is known is only counted. */
function peersOf(peers: readonly ListedPeer[]): HtmlValue[] {
  const rank = ({ down, refused, silent, gate }: ListedPeer): number =>
    Number(down !== undefined || refused !== undefined || silent !== undefined) * 2 + Number(gate !== undefined);
  const isMet = (peer: ListedPeer): boolean => rank(peer) > 0 || (peer.lastLook ?? peer.lastWebhook) !== undefined;
  const met = peers.filter(isMet).toSorted((one, other) => rank(other) - rank(one));
  const unmet = peers.filter((peer) => !isMet(peer));
  const names = unmet.map(({ peer, merchant = "", channel = "" }) => `${peer} ${merchant}/${channel}`);
  return [
    met.length === 0
      ? undefined
      : table(
          "Norce and the PSPs' accounts",
          ["Peer", "Where", "How it is", "Last look", "Last webhook"],
          met.map((peer) => [
            peer.peer,
            peer.merchant === undefined ? "everywhere" : `${peer.merchant}/${peer.channel ?? ""}`,
            stateOf(peer),
            time(peer.lastLook),
            time(peer.lastWebhook),
          ]),
        ),
    unmet.length === 0
      ? undefined
      : folded(`Nothing met yet of ${unmet.length} accounts`, html`<p class="soft">${names.join(", ")}</p>`),
  ].filter((one) => one !== undefined);
}

function stateOf({ down, refused, silent, gate }: ListedPeer): HtmlValue {
  const said = [
    refused === undefined ? undefined : html`${chip("refuses us", "bad")} since ${time(refused.since)}`,
    down === undefined ? undefined : html`${chip("down", "bad")} since ${time(down.since)}`,
    silent === undefined ? undefined : html`${chip("no webhooks", "bad")} since ${time(silent.since)}`,
    gate === undefined ? undefined : html`${chip("left alone", "warn")} until ${time(gate.until)}`,
  ].filter((one) => one !== undefined);
  return said.length === 0 ? "well" : html`${said.map((one) => html`<span class="line">${one}</span>`)}`;
}

function keysTable(keys: readonly ListedKey[]): Html {
  return table(
    "By the fingerprint of the secret",
    ["Setting", "Where", "Key", "Age", "Webhooks", "Last"],
    keys.map(({ setting, adapter, merchant, channel, key, age, webhooks, last, safeToRetire }) => [
      setting === "" ? "in no setting any more" : setting,
      adapter === undefined ? "–" : `${adapter} ${merchant ?? ""}/${channel ?? ""}`,
      html`<code>${key}</code>`,
      html`${age} ${safeToRetire ? chip("safe to retire", "good") : undefined}`,
      webhooks,
      time(last),
    ]),
  );
}

function entries(caption: string, found: readonly ListedEntry[]): Html {
  return table(
    found.length > most ? `${caption}: the last ${most} of ${found.length}` : caption,
    ["Found", "What", "Order", "Where", "Last seen", "Over"],
    found
      .slice(-most)
      .toReversed()
      .map((entry) => [
        time(entry.at),
        html`<b>${entry.name}</b> ${entry.from === undefined ? undefined : `${entry.from} → ${entry.to ?? ""}`}
          ${typeof entry.facts?.["deadline"] === "string" ? html`due by ${time(entry.facts["deadline"])}` : undefined}`,
        html`${orderLink(entry)} <span class="soft">${entry.paymentId ?? ""}</span>`,
        html`${entry.adapter}
          <span class="soft">${entry.merchant === "" ? "" : `${entry.merchant}/${entry.channel}`}</span>`,
        time(entry.last),
        overOf(entry),
      ]),
  );
}

/** Why an entry needs nobody any more. */
function overOf({ resolved, dismissed }: ListedEntry): HtmlValue {
  if (dismissed !== undefined) return html`dismissed ${time(dismissed)}`;
  if (resolved === undefined) return "–";
  return resolved === true ? "resolved" : html`resolved ${time(resolved)}`;
}
