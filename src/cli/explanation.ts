/** How an explanation is printed: local times, oldest first, with how long ago it was beside. Pure. */

/** What is printed of the service's answer. Times in ISO 8601. */
export interface Explained {
  readonly at: string;
  readonly known: boolean;
  readonly rememberedSince: string;
  readonly troubles: readonly {
    readonly says: string;
    readonly since?: string | undefined;
    readonly todo: string;
    readonly command?: string | undefined;
  }[];
  readonly payments: readonly {
    readonly adapter: string;
    readonly paymentId: string;
    readonly says: string;
    readonly reference?: string | undefined;
    readonly letter?: { readonly id: string } | undefined;
    readonly operations: readonly { readonly id: string; readonly says: string }[];
  }[];
  readonly letters: readonly {
    readonly id: string;
    readonly says: string;
    readonly since: string;
    readonly of?: string | undefined;
  }[];
  readonly events: readonly {
    readonly adapter: string;
    readonly webhook: string;
    readonly type: string;
    readonly receivedAt: string;
    readonly says: string;
  }[];
  readonly timeline: readonly Happened[];
  readonly next: readonly { readonly says: string; readonly command?: string | undefined }[];
  readonly truncated: boolean;
}

interface Happened {
  readonly at: string;
  readonly last?: string | undefined;
  readonly count?: number | undefined;
  readonly paymentId: string;
  readonly kind: string;
  readonly says: string;
  readonly until?: string | undefined;
}

/** @param zone an IANA time zone; default: this machine's. */
export function linesOf(title: string, explained: Explained, zone?: string): string[] {
  const { at, known, rememberedSince, troubles, payments, letters, events, timeline, next, truncated } = explained;
  const clock = clockIn(zone);
  const now = Date.parse(at);
  const head = `${title}  at ${clock.day(at)} ${clock.time(at)} ${clock.zone(at)}`;
  const begins = `${clock.day(rememberedSince)} ${clock.time(rememberedSince)}`;
  const nothing = `nothing is known of it: no webhook, no look and no operation since ${begins}, where what is remembered begins`;
  return [
    head,
    ...(known ? payments.flatMap(paymentLines) : [nothing]),
    ...section(
      "it is not this payment alone",
      troubles.flatMap(({ says, since, todo, command }) => [
        `${since === undefined ? "" : `since ${clock.day(since)} ${clock.time(since)}  `}${says}`,
        `  ${todo}`,
        ...(command === undefined ? [] : [`  ${command}`]),
      ]),
    ),
    ...timelineLines(timeline, now, clock, payments.length > 1),
    ...section(
      "events that wait",
      events.map(
        ({ receivedAt, adapter, webhook, type, says }) =>
          `${clock.day(receivedAt)} ${clock.time(receivedAt)}  ${adapter} ${webhook} ${type}: ${says}`,
      ),
    ),
    ...section(
      "letters of events and operations",
      letters.map(({ since, of, says, id }) => `${clock.day(since)} ${clock.time(since)}  ${of ?? ""}: ${says}  ${id}`),
    ),
    ...nextLines(next),
    ...(truncated ? ["", "there are more letters, or events that wait, than were searched"] : []),
  ];
}

function paymentLines({ adapter, paymentId, reference, says, letter, operations }: Explained["payments"][number]) {
  const named = [adapter, paymentId, ...(reference === undefined ? [] : [`reference ${reference}`])];
  return [
    "",
    named.join("  "),
    `  ${says}`,
    ...(letter === undefined ? [] : [`  letter ${letter.id}`]),
    ...operations.map((operation) => `  ${operation.says}  ${operation.id}`),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
}

function nextLines(next: Explained["next"]): string[] {
  const width = Math.max(0, ...next.map(({ command }) => command?.length ?? 0));
  return section(
    "next",
    next.map(({ says, command }) => (command === undefined ? says : `${command.padEnd(width)}  ${says}`)),
  );
}

/** A day once, then times; what happened in the same second is told of once. */
function timelineLines(timeline: readonly Happened[], now: number, clock: Clock, several: boolean): string[] {
  const lines: string[] = [];
  const names = several ? Math.max(0, ...timeline.map(({ paymentId }) => paymentId.length)) + 2 : 0;
  const kinds = Math.max(0, ...timeline.map(({ kind }) => kind.length));
  let day = "";
  let time = "";
  for (const entry of timeline) {
    const [today, at] = [clock.day(entry.at), clock.time(entry.at)];
    if (today !== day) lines.push("", today);
    const when = today === day && at === time ? "" : `${at}  ${agoOf(now - Date.parse(entry.at))}`;
    [day, time] = [today, at];
    const name = several ? entry.paymentId.padEnd(names) : "";
    lines.push(`${when.padEnd(20)}${name}${entry.kind.padEnd(kinds)}  ${entry.says}${besides(entry, now, clock)}`);
  }
  return lines;
}

/** Until when it waits, how often it was, and until when that went on. */
function besides({ at, last, count, until }: Happened, now: number, clock: Clock): string {
  const time = (of: string): string =>
    clock.day(of) === clock.day(at) ? clock.time(of) : `${clock.day(of)} ${clock.time(of)}`;
  const left = until === undefined ? 0 : Date.parse(until) - now;
  const wait = until === undefined ? "" : `; until ${time(until)}${left > 0 ? ` (in ${span(left)})` : ""}`;
  const often = count === undefined ? "" : `  ×${count}`;
  return `${wait}${often}${last === undefined || time(last) === time(at) ? "" : `, the last ${time(last)}`}`;
}

function agoOf(ms: number): string {
  return ms < 1_000 ? "now" : `${span(ms)} ago`;
}

/** In its largest unit. */
function span(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h` : `${Math.floor(hours / 24)}d`;
}

interface Clock {
  /** `2026-01-31` */
  day(iso: string): string;
  /** `23:59:59` */
  time(iso: string): string;
  /** `GMT+1` */
  zone(iso: string): string;
}

function clockIn(timeZone: string | undefined): Clock {
  const at = timeZone === undefined ? {} : { timeZone };
  const day = new Intl.DateTimeFormat("sv-SE", { ...at, dateStyle: "short" });
  const time = new Intl.DateTimeFormat("sv-SE", { ...at, timeStyle: "medium" });
  const name = new Intl.DateTimeFormat("en-GB", { ...at, timeZoneName: "shortOffset" });
  return {
    day: (iso) => day.format(new Date(iso)),
    time: (iso) => time.format(new Date(iso)),
    zone(iso) {
      const { value = "" } = name.formatToParts(new Date(iso)).find(({ type }) => type === "timeZoneName") ?? {};
      return value === "GMT" || value === "GMT+0" ? "UTC" : value;
    },
  };
}
