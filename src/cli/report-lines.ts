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

/** What is asked first stands first: what needs a person, then what may be the reason. */
export function linesOf(report: Report): string[] {
  const { days, drift, dead, waiting, peers, keys, workers } = report;
  const isOver = ({ resolved, dismissed }: Report["drift"][number]): boolean =>
    resolved !== undefined || dismissed !== undefined;
  const calm = drift.filter((entry) => !entry.attention);
  return [
    `${report.from} to ${report.to}: ${sumsOf(report)}`,
    ...days.map((one) => `  ${one.day}  ${one.merchant}/${one.channel}  ${one.adapter}  ${sumsOf(one)}`),
    workersLine(workers),
    ...section("needs a person now", dead.map(deadLine), countsOf(dead.map(({ reason }) => reason))),
    ...section("look at", drift.filter(({ attention }) => attention).map(driftLine)),
    ...section("peers", peers.map(peerLine)),
    ...section(
      "waits",
      waiting.map(waitingLine),
      "",
      waiting.reduce((sum, { payments }) => sum + payments, 0),
    ),
    ...section("keys", keys.map(keyLine)),
    ...section("repaired, or to be known", calm.filter((entry) => !isOver(entry)).map(driftLine)),
    ...section("over", calm.filter(isOver).map(driftLine)),
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

function driftLine({ at, last, name, from, to, resolved, dismissed, id, ...of }: Report["drift"][number]): string {
  const states = from === undefined ? [] : [`${from} → ${to ?? ""}`];
  const over = [
    ...(resolved === undefined ? [] : [resolved === true ? "resolved" : `resolved ${resolved}`]),
    ...(dismissed === undefined ? [] : [`dismissed ${dismissed}`]),
  ];
  const seen = last === undefined ? [] : [`last seen ${last}`];
  return [at, name, ...whose(of), ...states, ...seen, ...over, ...(of.attention ? [id] : [])].join("  ");
}

function deadLine({ id, at, kind, reason, ...of }: Report["dead"][number]): string {
  return [at, kind, ...whose(of), reason, id].join("  ");
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
  const few = accounts.slice(0, 3).map((one) => `${one.adapter} ${one.merchant}/${one.channel} ${one.payments}`);
  const more = accounts.length > few.length ? [`and ${accounts.length - few.length} more accounts`] : [];
  return [reason, String(payments), `the oldest since ${since}`, `next look ${nextLook}`, ...few, ...more].join("  ");
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
  return [`${merchant}/${channel}`, adapter, ...(orderId === undefined ? [] : [orderId, paymentId ?? ""])];
}
