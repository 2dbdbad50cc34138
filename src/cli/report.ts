/**
 * Prints what was compared and repaired, and what needs a person: `npm run report -- [--from 2026-01-31] [--to 2026-02-01]
 * [--merchant acme] [--channel se]`. Asks the running service over HTTP; exits with 1 where a person is needed. `--retry <id>` and
 * `--dismiss <id>` deal with one dead letter instead.
 */
import { parseArgs } from "node:util";
import { z } from "zod";
import { processEnvironment, serviceFrom } from "../config.ts";
import { exitWith, Usage } from "../exit.ts";
import { createHttp } from "../lib/http.ts";
import { createTransport } from "../lib/transport.ts";

const usage =
  "npm run report -- [--from YYYY-MM-DD] [--to YYYY-MM-DD] [--merchant <merchant>] [--channel <channel>], or --retry <id>, or --dismiss <id>";

const key = {
  merchant: z.string(),
  channel: z.string(),
  adapter: z.string(),
  orderId: z.string().optional(),
  paymentId: z.string().optional(),
};
const sums = { compared: z.number(), agreed: z.number(), repaired: z.number(), unresolved: z.number() };
const reportSchema = z.object({
  from: z.string(),
  to: z.string(),
  ...sums,
  days: z.array(z.object({ day: z.string(), merchant: z.string(), channel: z.string(), adapter: z.string(), ...sums })),
  drift: z.array(
    z.object({
      ...key,
      name: z.string(),
      at: z.string(),
      last: z.string().optional(),
      from: z.string().optional(),
      to: z.string().optional(),
      attention: z.boolean(),
    }),
  ),
  dead: z.array(z.object({ ...key, id: z.string(), kind: z.string(), reason: z.string(), at: z.string() })),
  truncated: z.boolean(),
  needsAttention: z.boolean(),
});
type Report = z.infer<typeof reportSchema>;

/** A ledger of 90 days takes its time. */
const timeoutMs = 60_000;

try {
  const { values } = parseArgs({
    options: {
      from: { type: "string" },
      to: { type: "string" },
      merchant: { type: "string" },
      channel: { type: "string" },
      retry: { type: "string" },
      dismiss: { type: "string" },
    },
  });
  for (const day of [values.from, values.to])
    if (day !== undefined && !z.iso.date().safeParse(day).success) throw new Usage(usage);
  const environment = processEnvironment();
  const { publicUrl, adminToken: token } = serviceFrom(environment);
  if (token === undefined) throw new Usage("ADMIN_TOKEN is not set: the service tells its report to operators only");
  const headers = { authorization: `Bearer ${token}` };
  const transport = createTransport({ proxies: environment });
  const http = createHttp({ peer: "norce-psp-worker", baseUrl: publicUrl, headers, timeoutMs, transport });
  const { retry, dismiss, ...period } = values;
  if (retry !== undefined || dismiss !== undefined) {
    if (Object.keys(values).length > 1) throw new Usage(usage);
    await http({ method: "POST", path: "/report", route: "/report", query: { ...values } });
    console.log(retry === undefined ? `${dismiss} is taken away` : `${retry} is tried again`);
  } else {
    const { body } = await http({ method: "GET", path: "/report", route: "/report", query: { ...period } });
    const report = reportSchema.parse(body);
    for (const line of linesOf(report)) console.log(line);
    process.exitCode = report.needsAttention ? 1 : 0;
  }
} catch (error) {
  exitWith(error);
}

function linesOf(report: Report): string[] {
  const { days, drift, dead } = report;
  return [
    `${report.from} to ${report.to}: ${sumsOf(report)}`,
    ...days.map((one) => `  ${one.day}  ${one.merchant}/${one.channel}  ${one.adapter}  ${sumsOf(one)}`),
    ...section("needs a person now", dead.map(deadLine)),
    ...section("look at", drift.filter(({ attention }) => attention).map(driftLine)),
    ...section("repaired, or to be known", drift.filter(({ attention }) => !attention).map(driftLine)),
    ...(report.truncated ? ["there is more than is listed: ask for a shorter period"] : []),
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title} (${lines.length})`, ...lines.map((line) => `  ${line}`)];
}

function sumsOf({ compared, agreed, repaired, unresolved }: Pick<Report, keyof typeof sums>): string {
  return `compared ${compared}, agreed ${agreed}, repaired ${repaired}, unresolved ${unresolved}`;
}

function driftLine({ at, last, name, from, to, ...of }: Report["drift"][number]): string {
  const states = from === undefined ? [] : [`${from} → ${to ?? ""}`];
  return [at, name, ...whose(of), ...states, ...(last === undefined ? [] : [`last seen ${last}`])].join("  ");
}

function deadLine({ id, at, kind, reason, ...of }: Report["dead"][number]): string {
  return [at, kind, ...whose(of), reason, id].join("  ");
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
