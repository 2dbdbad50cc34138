/**
 * Prints what was compared and repaired, and what needs a person: `npm run report -- [--from 2026-01-31] [--to 2026-02-01]
 * [--merchant acme] [--channel se]`. Asks the running service over HTTP; exits with 1 where a person is needed. `--retry <id>` and
 * `--dismiss <id>` deal with one dead letter instead, `--dismiss` with an entry of the ledger as well.
 */
import { Option } from "@commander-js/extra-typings";
import { commandNamed, day, exits, run } from "./command.ts";
import { linesOf, reportSchema } from "./report-lines.ts";
import { openService } from "./service.ts";

await run(
  commandNamed("report", "Prints what was compared and repaired, what waits, who is away, and what needs a person.")
    .option("--from <day>", "the first day, in UTC; default: six days before --to", day)
    .option("--to <day>", "the last day, in UTC; default: today", day)
    .option("--merchant <merchant>")
    .option("--channel <channel>")
    .option("--json", "prints the service's whole answer")
    .addOption(new Option("--retry <id>", "tries a dead letter again instead").conflicts(["dismiss", "from", "to"]))
    .addOption(new Option("--dismiss <id>", "takes a dead letter, or an entry, away instead").conflicts(["from", "to"]))
    .action(async ({ json, retry, dismiss, ...period }) => {
      const service = openService();
      if (retry !== undefined || dismiss !== undefined) {
        await service.ask({ method: "POST", path: "/report", query: { retry, dismiss } });
        console.log(retry === undefined ? `${dismiss} is taken away` : `${retry} is tried again`);
        return;
      }
      const body = await service.ask({ method: "GET", path: "/report", query: period });
      const report = service.read(reportSchema, body);
      for (const line of json === true ? [JSON.stringify(body, undefined, 2)] : linesOf(report)) console.log(line);
      if (report.needsAttention) process.exitCode = exits.attention;
    }),
);
