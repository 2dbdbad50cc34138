/**
 * Asks everybody whether things are as they should be, one line each: `npm run doctor -- [--merchant acme] [--channel se] [--adapter stripe]`. With
 * `--fix` it registers webhooks at the PSPs that are missing there, and repairs those that are wrong; with `--test` it has the PSPs send
 * their test, and waits until that has come here and was proven. Exits with 1 where a person is needed, with 3 where somebody did not answer.
 */
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { type Config, processEnvironment, readConfig } from "../config.ts";
import { examine } from "../doctor/examine.ts";
import type { ServiceView, Wishes } from "../doctor/parts.ts";
import { linesOf } from "../doctor/report.ts";
import { createTransport } from "../lib/transport.ts";
import { commandNamed, exits, run, Usage } from "./command.ts";
import { openService } from "./service.ts";

const selfSchema = z.object({
  engine: z.object({ kind: z.string(), level: z.string(), says: z.string(), faults: z.array(z.string()) }),
  workers: z.number(),
  masters: z.array(z.string()),
});
const arrivalsSchema = z.object({
  arrivals: z.array(z.object({ webhook: z.string(), by: z.string().optional(), at: z.number() })),
});

await run(
  commandNamed("doctor", "Asks Norce, the PSPs and the running service whether things are as they should be.")
    .option("--merchant <merchant>")
    .option("--channel <channel>")
    .option("--adapter <adapter>", "its folder's name; with one of the three, nothing is asked about the rest")
    .option("--fix", "registers webhooks that are missing at PSPs, and repairs those that are wrong")
    .option("--test", "has PSPs send their test webhook, and waits until it has come")
    .option("--wait <seconds>", "how long a test webhook is waited for", seconds, 30)
    .option("--json", "prints the whole report")
    .action(async ({ json = false, wait, ...wishes }) => {
      const config = await readConfig(processEnvironment());
      insistOnTargets(config, wishes);
      const transport = createTransport({ proxies: config.proxies });
      const report = await examine({ config, transport, service: serviceAsAsked(), testMs: wait * 1_000 }, wishes);
      for (const line of json ? [JSON.stringify(report, undefined, 2)] : linesOf(report)) console.log(line);
      process.exitCode = { fine: exits.fine, attention: exits.attention, unreachable: exits.unreachable }[report.is];
    }),
);

/** @throws InvalidArgumentError */
function seconds(text: string): number {
  const read = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (read === 0) throw new InvalidArgumentError("It has to be a number of seconds, from 1 to 999.");
  return read;
}

/** @throws Usage where nothing is configured that fits. */
function insistOnTargets({ targets }: Config, { merchant, channel, adapter }: Wishes): void {
  const fits = targets.some(
    (target) =>
      (merchant ?? target.merchant) === target.merchant &&
      (channel ?? target.channel) === target.channel &&
      (adapter ?? target.adapter.id) === target.adapter.id,
  );
  if (!fits) throw new Usage("nothing that is configured fits --merchant, --channel and --adapter");
}

/** The service is asked only when a check has a question; one that cannot be asked fails that check alone. */
function serviceAsAsked(): ServiceView {
  return {
    async self() {
      const service = openService();
      return service.read(selfSchema, await service.ask({ method: "GET", path: "/doctor" }));
    },
    async arrivals(account) {
      const service = openService();
      const answer = await service.ask({ method: "GET", path: "/doctor", query: { ...account } });
      return service.read(arrivalsSchema, answer).arrivals;
    },
  };
}
