/** The report as lines that people read. Pure. */
import { z } from "zod";

const key = {
  merchant: z.string(),
  channel: z.string(),
  adapter: z.string(),
  orderId: z.string().optional(),
  paymentId: z.string().optional(),
};
const sums = { compared: z.number(), agreed: z.number(), repaired: z.number(), unresolved: z.number() };
const account = { merchant: z.string().optional(), channel: z.string().optional() };
const trouble = z.looseObject({ since: z.string() }).optional();

/** What the service answers, as far as it is printed. */
export const reportSchema = z.object({
  from: z.string(),
  to: z.string(),
  ...sums,
  calls: z.array(
    z.object({
      name: z.string(),
      says: z.string(),
      since: z.string().optional(),
      todo: z.string(),
      command: z.string().optional(),
    }),
  ),
  days: z.array(z.object({ day: z.string(), merchant: z.string(), channel: z.string(), adapter: z.string(), ...sums })),
  drift: z.array(
    z.object({
      ...key,
      id: z.string(),
      name: z.string(),
      at: z.string(),
      last: z.string().optional(),
      from: z.string().optional(),
      to: z.string().optional(),
      facts: z.looseObject({ deadline: z.string().optional() }).optional(),
      resolved: z.union([z.string(), z.literal(true)]).optional(),
      dismissed: z.string().optional(),
      attention: z.boolean(),
    }),
  ),
  dead: z.array(z.object({ ...key, id: z.string(), kind: z.string(), reason: z.string(), at: z.string() })),
  waiting: z.array(
    z.object({
      reason: z.string(),
      payments: z.number(),
      since: z.string(),
      nextLook: z.string(),
      accounts: z.array(
        z.object({ adapter: z.string(), merchant: z.string(), channel: z.string(), payments: z.number() }),
      ),
    }),
  ),
  held: z.array(
    z.object({
      what: z.enum(["events", "operations"]),
      says: z.string(),
      count: z.number(),
      since: z.string(),
      accounts: z.array(
        z.object({ adapter: z.string(), merchant: z.string(), channel: z.string(), count: z.number() }),
      ),
    }),
  ),
  peers: z.array(
    z.object({
      peer: z.string(),
      ...account,
      down: trouble,
      refused: trouble,
      gate: z.object({ why: z.string(), until: z.string() }).optional(),
      lastLook: z.string().optional(),
      lastWebhook: z.string().optional(),
      silent: z.object({ since: z.string(), found: z.number(), expected: z.number() }).optional(),
    }),
  ),
  keys: z.array(
    z.object({
      setting: z.string(),
      adapter: z.string().optional(),
      ...account,
      key: z.string(),
      age: z.enum(["newest", "older", "gone"]),
      webhooks: z.number(),
      since: z.string().optional(),
      last: z.string().optional(),
      safeToRetire: z.boolean(),
    }),
  ),
  workers: z.object({
    there: z.number(),
    noneSince: z.string().nullable().optional(),
    swept: z.string().optional(),
  }),
  truncated: z.boolean(),
  needsAttention: z.boolean(),
});

type Report = z.infer<typeof reportSchema>;

/** How many letters of one reason, and entries of one name, are listed. */
const few = 5;
/** How many accounts are listed of which nothing is known. */
const fewPeers = 3;

/** What is asked first stands first: what needs a person and what to do, then what may be the reason. */
export function linesOf(report: Report): string[] {
  const { calls, days, drift, dead, waiting, held, peers, keys, workers } = report;
  const isOver = ({ resolved, dismissed }: Report["drift"][number]): boolean =>
    resolved !== undefined || dismissed !== undefined;
  const attention = drift.filter((entry) => entry.attention);
  const calm = drift.filter((entry) => !entry.attention);
  return [
    `${report.from} to ${report.to}: ${sumsOf(report)}`,
    workersLine(workers),
    ...(calls.length === 0
      ? ["", "nobody is needed"]
      : section("a person is needed", calls.flatMap(callLines), "", calls.length)),
    ...section("letters", letterLines(dead), countsOf(dead.map(({ reason }) => reason)), dead.length),
    ...section("look at", attentionLines(attention), countsOf(attention.map(({ name }) => name)), attention.length),
    ...section("peers", peerLines(peers), "", peers.length),
    ...section(
      "waits",
      [...waiting.map(waitingLine), ...held.map(heldLine)],
      "",
      [...waiting.map(({ payments }) => payments), ...held.map(({ count }) => count)].reduce(
        (sum, one) => sum + one,
        0,
      ),
    ),
    ...section("keys", keys.map(keyLine)),
    ...section("repaired, or to be known", calm.filter((entry) => !isOver(entry)).map(driftLine)),
    ...section("over", calm.filter(isOver).map(driftLine)),
    ...section(
      "by day",
      days.map((one) => `${one.day}  ${one.merchant}/${one.channel}  ${one.adapter}  ${sumsOf(one)}`),
    ),
    ...(report.truncated ? ["there is more than is listed: ask for a shorter period"] : []),
  ];
}

function section(title: string, lines: readonly string[], more = "", count = lines.length): string[] {
  const heading = `${title} (${count})${more === "" ? "" : `: ${more}`}`;
  return lines.length === 0 ? [] : ["", heading, ...lines.map((line) => `  ${line}`)];
}

/** How many of each, most first; nothing where there is only one. */
function countsOf(names: readonly string[]): string {
  const counts = [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length] as const);
  const sorted = counts.toSorted(([, one], [, other]) => other - one);
  return names.length < 2 ? "" : sorted.map(([name, count]) => `${count} ${name}`).join(", ");
}

function sumsOf({ compared, agreed, repaired, unresolved }: Pick<Report, keyof typeof sums>): string {
  return `compared ${compared}, agreed ${agreed}, repaired ${repaired}, unresolved ${unresolved}`;
}

function workersLine({ there, noneSince, swept }: Report["workers"]): string {
  const since = noneSince === null ? ", and there never was one" : ` since ${noneSince}`;
  const workers = there > 0 ? `${there} ${there === 1 ? "worker" : "workers"}` : `no worker${since}`;
  return swept === undefined ? workers : `${workers}, last whole sweep ${swept}`;
}

function driftLine({ at, last, name, from, to, facts, resolved, dismissed, id, ...of }: Report["drift"][number]) {
  const due = facts?.deadline === undefined ? [] : [`due by ${facts.deadline}`];
  const states = from === undefined ? [] : [`${from} → ${to ?? ""}`];
  const over = [
    ...(resolved === undefined ? [] : [resolved === true ? "resolved" : `resolved ${resolved}`]),
    ...(dismissed === undefined ? [] : [`dismissed ${dismissed}`]),
  ];
  const seen = last === undefined ? [] : [`last seen ${last}`];
  return [at, name, ...whose(of), ...states, ...due, ...seen, ...over, ...(of.attention ? [id] : [])].join("  ");
}

function callLines({ name, says, since, todo, command }: Report["calls"][number]): string[] {
  return [
    `${name}  ${since === undefined ? "" : `since ${since}  `}${says}`,
    `    ${todo}`,
    ...(command === undefined ? [] : [`    ${command}`]),
  ];
}

/** A few of each: what stands above them must not scroll away. @param rest where the others are, by their name. */
function fewOfEach<One>(
  all: readonly One[],
  nameOf: (one: One) => string,
  lineOf: (one: One) => string,
  rest: (name: string) => string,
): string[] {
  return [...Map.groupBy(all, nameOf)].flatMap(([name, some]) => {
    const more = some.length - few;
    return [...some.slice(0, few).map(lineOf), ...(more > 0 ? [`… ${more} more: ${rest(name)}`] : [])];
  });
}

function letterLines(dead: Report["dead"]): string[] {
  const quoted = (reason: string): string => (/^[\w-]+$/.test(reason) ? reason : JSON.stringify(reason));
  const rest = (reason: string): string => `npm run letters -- list --reason ${quoted(reason)}`;
  return fewOfEach(dead, ({ reason }) => reason, deadLine, rest);
}

function attentionLines(entries: Report["drift"]): string[] {
  return fewOfEach(
    entries,
    ({ name }) => name,
    driftLine,
    () => "--json has them",
  );
}

function deadLine({ id, at, kind, reason, ...of }: Report["dead"][number]): string {
  return [at, kind, ...whose(of), reason, id].join("  ");
}

/** Of many accounts that nobody has met yet their number is enough. */
function peerLines(peers: Report["peers"]): string[] {
  const isMet = ({ peer: _peer, merchant: _merchant, channel: _channel, ...facts }: Report["peers"][number]): boolean =>
    Object.values(facts).some((fact) => fact !== undefined);
  const [met, unmet] = [peers.filter(isMet), peers.filter((peer) => !isMet(peer))];
  if (unmet.length <= fewPeers) return peers.map(peerLine);
  return [...met.map(peerLine), `nothing met yet of ${unmet.length}${met.length === 0 ? "" : " others"}`];
}

function peerLine({ down, refused, gate, silent, lastLook, lastWebhook, ...of }: Report["peers"][number]): string {
  const facts = [
    ...(down === undefined ? [] : [`down since ${down.since}${factsOf(down)}`]),
    ...(refused === undefined ? [] : [`refuses us since ${refused.since}${factsOf(refused)}`]),
    ...(gate === undefined ? [] : [`left alone until ${gate.until} (${gate.why})`]),
    ...(silent === undefined
      ? []
      : [
          `no webhook since ${silent.since}, about ${silent.expected} would be usual, and ${silent.found} payments moved`,
        ]),
    ...(lastLook === undefined ? [] : [`last look ${lastLook}`]),
    ...(lastWebhook === undefined ? [] : [`last webhook ${lastWebhook}`]),
  ];
  return [of.peer, ...accountOf(of), ...(facts.length === 0 ? ["nothing met yet"] : facts)].join("  ");
}

function factsOf({ since: _since, ...facts }: { readonly since: string; readonly [fact: string]: unknown }): string {
  const told = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  return told.length === 0 ? "" : ` (${told.join(", ")})`;
}

function waitingLine({ reason, payments, since, nextLook, accounts }: Report["waiting"][number]): string {
  const counted = accounts.map((one) => ({ ...one, count: one.payments }));
  return [reason, String(payments), `the oldest since ${since}`, `next look ${nextLook}`, ...fewOf(counted)].join("  ");
}

function heldLine({ what, says, count, since, accounts }: Report["held"][number]): string {
  return [`${what}, ${says}`, String(count), `the oldest since ${since}`, ...fewOf(accounts)].join("  ");
}

function fewOf(accounts: Report["held"][number]["accounts"]): string[] {
  const first = accounts.slice(0, 3).map((one) => `${one.adapter} ${one.merchant}/${one.channel} ${one.count}`);
  return [...first, ...(accounts.length > first.length ? [`and ${accounts.length - first.length} more accounts`] : [])];
}

function keyLine({ setting, key: print, age, webhooks, since, last, safeToRetire, ...of }: Report["keys"][number]) {
  const uses =
    since === undefined
      ? "no webhook"
      : `${webhooks} ${webhooks === 1 ? "webhook" : "webhooks"} since ${since}, last ${last}`;
  const name = setting === "" ? "in no setting any more" : setting;
  const retire = safeToRetire ? ["safe to retire"] : [];
  return [name, ...(of.adapter === undefined ? [] : [of.adapter]), ...accountOf(of), print, age, uses, ...retire].join(
    "  ",
  );
}

function accountOf({
  merchant,
  channel,
}: {
  readonly merchant?: string | undefined;
  readonly channel?: string | undefined;
}) {
  return merchant === undefined ? [] : [`${merchant}/${channel}`];
}

function whose({
  merchant,
  channel,
  adapter,
  orderId,
  paymentId,
}: Omit<Report["dead"][number], "id" | "at" | "kind" | "reason">) {
  // Norce's own is no merchant's.
  return [
    ...(merchant === "" ? [] : [`${merchant}/${channel}`]),
    adapter,
    ...(orderId === undefined ? [] : [orderId, paymentId ?? ""]),
  ];
}
