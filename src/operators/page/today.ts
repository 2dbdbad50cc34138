/** The view that says whether a person is needed: what was compared, what differs, and how things stand. */
import { z } from "zod";
import { type Html, html, type HtmlValue } from "../../lib/html.ts";
import type { LetterCount, Rehearsal } from "../letters.ts";
import { chip, field, link, orderLink, section, table, time } from "./parts.ts";
import type { View } from "./shell.ts";

const count = z.number();
const drift = z.looseObject({
  name: z.string(),
  at: z.string(),
  last: z.string().optional(),
  adapter: z.string(),
  merchant: z.string(),
  channel: z.string(),
  orderId: z.string().optional(),
  paymentId: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  resolved: z.union([z.string(), z.literal(true)]).optional(),
  dismissed: z.string().optional(),
  attention: z.boolean(),
});
/** What is shown of the report, which tells more to those who ask for it as JSON. */
const reportSchema = z.looseObject({
  from: z.string(),
  to: z.string(),
  compared: count,
  agreed: count,
  repaired: count,
  unresolved: count,
  drift: z.array(drift),
  needsAttention: z.boolean(),
});
type Entry = z.infer<typeof drift>;

/** What the view of today shows. */
export interface TodayFacts {
  /** The report of the period. */
  readonly report: object;
  readonly letters: Rehearsal;
  readonly chosen: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** So many entries are shown; the report has the others. */
const most = 200;

/** Whether a person is needed, and why. */
export function todayView({ report: told, letters, chosen, now }: TodayFacts): View {
  const report = reportSchema.parse(told);
  const attention = report.drift.filter((entry) => entry.attention);
  const calm = report.drift.filter((entry) => !entry.attention);
  const needed = report.needsAttention || letters.total > 0;
  return {
    title: "Today",
    at: "today",
    againSeconds: 30,
    content: [
      html`<p class="verdict" role="status">
        ${needed ? chip("A person is needed", "bad") : chip("All is well", "good")}
        <span class="soft">read at ${time(now)} UTC</span>
      </p>`,
      period(report, chosen),
      html`<ul class="tiles">
        ${tile("compared", report.compared)} ${tile("agreed", report.agreed)} ${tile("repaired", report.repaired)}
        ${tile("unresolved", report.unresolved, report.unresolved > 0 ? "warn" : undefined)}
        ${tile("letters", letters.total, letters.total > 0 ? "bad" : undefined, "letters")}
      </ul>`,
      letters.total === 0 ? undefined : section("Letters", lettersOf(letters.counts)),
      ...standing(told as Readonly<Record<string, unknown>>),
      section("Look at", entries("What needs a person, of this period", attention)),
      section("Repaired, or to be known", entries("What needs nobody any more", calm)),
    ].filter((one) => one !== undefined),
  };
}

function period(report: z.infer<typeof reportSchema>, chosen: TodayFacts["chosen"]): Html {
  const days = html`placeholder="2026-01-31" pattern="\\d{4}-\\d\\d-\\d\\d"`;
  return html`<form method="get" action="today" class="filter" aria-label="Choose a period">
    ${field("from", "From (UTC)", chosen["from"] ?? report.from, days)}
    ${field("to", "To, included", chosen["to"] ?? report.to, days)} ${field("merchant", "Merchant", chosen["merchant"])}
    ${field("channel", "Channel", chosen["channel"])}
    <button>Show</button>
  </form>`;
}

function tile(name: string, value: number, tone?: "bad" | "warn", to?: string): Html {
  const content = html`<b>${value.toLocaleString("en")}</b><span>${name}</span>`;
  return html`<li class="${tone ?? ""}">${to === undefined ? content : html`<a href="${to}">${content}</a>`}</li>`;
}

function lettersOf(counts: readonly LetterCount[]): Html {
  return table(
    "By reason, most first",
    ["Letters", "Reason", "About", "PSP"],
    counts
      .slice(0, 20)
      .map(({ letters, reason, about, adapter }) => [
        letters,
        html`<a href="${link("letters", { reason, adapter, about })}">${reason}</a>`,
        about,
        adapter,
      ]),
  );
}

/** Everything else that the report tells, whatever it comes to tell: what waits, the peers, the keys. */
function standing(report: Readonly<Record<string, unknown>>): Html[] {
  const shown: Readonly<Record<string, string>> = {
    waiting: "Waiting",
    peers: "Peers",
    silence: "Silence",
    keys: "Keys",
  };
  return Object.entries(shown).flatMap(([name, title]) => {
    const rows = z.array(z.record(z.string(), z.unknown())).safeParse(report[name]);
    return rows.success ? [section(title, recordsTable(title, rows.data))] : [];
  });
}

/** Records of any shape, a column for each name that one of them has. */
function recordsTable(caption: string, rows: readonly Readonly<Record<string, unknown>>[]): Html {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return table(
    caption,
    columns.map(words),
    rows.slice(0, most).map((row) => columns.map((name) => cell(row[name]))),
  );
}

const isoTime = z.iso.datetime();

function cell(value: unknown): HtmlValue {
  if (value === undefined || value === null || value === "") return "–";
  if (typeof value === "boolean") return value ? chip("yes", "warn") : "no";
  if (typeof value === "number") return value.toLocaleString("en");
  if (typeof value !== "string") return flat(value);
  return isoTime.safeParse(value).success ? time(value) : value;
}

function flat(value: unknown): string {
  if (Array.isArray(value)) return value.map(flat).join(", ");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([name, one]) => `${words(name)} ${flat(one)}`)
      .join(", ");
  return String(value);
}

/** `nextLookAt` reads `next look at`. */
function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function entries(caption: string, found: readonly Entry[]): Html {
  return table(
    found.length > most ? `${caption}: the last ${most} of ${found.length}` : caption,
    ["Found", "What", "Order", "Where", "Moved", "Last seen", "Over"],
    found
      .slice(-most)
      .toReversed()
      .map((entry) => [
        time(entry.at),
        html`<b>${entry.name}</b>`,
        html`${orderLink(entry)} <span class="soft">${entry.paymentId ?? ""}</span>`,
        html`${entry.adapter} <span class="soft">${entry.merchant}/${entry.channel}</span>`,
        entry.from === undefined ? "–" : `${entry.from} → ${entry.to ?? ""}`,
        time(entry.last),
        overOf(entry),
      ]),
  );
}

/** Why an entry needs nobody any more. */
function overOf({ resolved, dismissed }: Entry): HtmlValue {
  if (dismissed !== undefined) return html`dismissed ${time(dismissed)}`;
  if (resolved === undefined) return "–";
  return resolved === true ? "resolved" : html`resolved ${time(resolved)}`;
}
