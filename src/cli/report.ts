/**
 * Prints what was compared and repaired, and what needs a person: `npm run report -- [--from 2026-01-31] [--to 2026-02-01]
 * [--merchant acme] [--channel se]`. Asks the running service over HTTP; exits with 1 where a person is needed. `--retry <id>` and
 * `--dismiss <id>` deal with one dead letter instead.
 */
import { Option } from "@commander-js/extra-typings";
import { z } from "zod";
import { commandNamed, day, exits, run } from "./command.ts";
import { openService } from "./service.ts";

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

await run(
  commandNamed("report", "Prints what was compared and repaired, and what needs a person.")
    .option("--from <day>", "the first day, in UTC; default: six days before --to", day)
    .option("--to <day>", "the last day, in UTC; default: today", day)
    .option("--merchant <merchant>")
    .option("--channel <channel>")
    .option("--json", "prints the service's whole answer")
    .addOption(new Option("--retry <id>", "tries a dead letter again instead").conflicts(["dismiss", "from", "to"]))
    .addOption(new Option("--dismiss <id>", "takes a dead letter away instead").conflicts(["from", "to"]))
    .action(async ({ json, retry, dismiss, ...period }) => {
      const service = openService();
      if (retry !== undefined || dismiss !== undefined) {
        await service.ask({ method: "POST", path: "/report", query: { retry, dismiss } });
        console.log(retry === undefined ? `${dismiss} is taken away` : `${retry} is tried again`);
        return;
      }
      const body = await service.ask({ method: "GET", path: "/report", query: period });
      const report = reportSchema.parse(body);
      for (const line of json === true ? [JSON.stringify(body, undefined, 2)] : linesOf(report)) console.log(line);
      if (report.needsAttention) process.exitCode = exits.attention;
    }),
);

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
