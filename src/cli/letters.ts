/**
 * Finds dead letters, and has them tried again or taken away, one or all that are meant: `npm run letters -- list|retry|dismiss [ids…]
 * --reason … --adapter … --merchant … --channel … --kind … --about … --from … --to … --dry-run`. The running service does the work a page at a
 * time, so that whoever ends this command ends nothing else: `follow <errand>` watches again, `stop <errand>` stops it.
 */
import { setTimeout as pause } from "node:timers/promises";
import { Argument, Option } from "@commander-js/extra-typings";
import { z } from "zod";
import { commandNamed, exits, moment, run, Usage } from "./command.ts";
import { openService, type Service } from "./service.ts";

const letterSchema = z.object({
  id: z.string(),
  about: z.string(),
  adapter: z.string(),
  merchant: z.string(),
  channel: z.string(),
  orderId: z.string().optional(),
  paymentId: z.string().optional(),
  kind: z.string(),
  reason: z.string(),
  at: z.string(),
  event: z.string().optional(),
});
const listSchema = z.object({ letters: z.array(letterSchema), next: z.string().optional() });
const rehearsalSchema = z.object({
  total: z.number(),
  notConfigured: z.number(),
  counts: z.array(
    z.object({ about: z.string(), adapter: z.string(), kind: z.string(), reason: z.string(), letters: z.number() }),
  ),
  would: z.array(
    z.object({
      orderId: z.string(),
      paymentId: z.string(),
      outcome: z.string(),
      facts: z.record(z.string(), z.unknown()),
    }),
  ),
});
const errandSchema = z.object({
  errandId: z.string(),
  deed: z.enum(["retry", "dismiss"]),
  total: z.number(),
  done: z.number(),
  left: z.number(),
  status: z.enum(["running", "finished", "stopped"]),
  stillThere: z.number().optional(),
});
type Errand = z.infer<typeof errandSchema>;

/** What a letter's id looks like. */
const letterId = /^[\w-]{43}$/;
/** How often the service is asked how far it has come, and how often that is said. */
const askedMs = 500;
const saidMs = 3_000;
/** A day's letters, and more, are listed by asking again. */
const pageSize = 1_000;

await run(
  commandNamed("letters", "Lists dead letters, has them tried again, or takes them away.")
    .addArgument(new Argument("<deed>").choices(["list", "retry", "dismiss", "follow", "stop"] as const))
    .argument("[ids...]", "these letters alone; of follow and stop the errand's id")
    .option("--reason <reason>", "paid-on-removed, unresolved, …")
    .option("--kind <kind>", "Refused, Unreachable, Unauthorized, Operation, …")
    .addOption(new Option("--about <what>", "what they are about").choices(["payment", "event", "operation"] as const))
    .option("--adapter <adapter>")
    .option("--merchant <merchant>")
    .option("--channel <channel>")
    .option("--from <time>", "given up since then: a day in UTC, or a time such as 2026-01-31T09:00Z", moment)
    .option("--to <time>", "given up until then; a day is included", moment)
    .option("--all", "all letters there are, where nothing else says which")
    .option("--dry-run", "says what would be tried or taken away, and what looks would write; nothing is done")
    .option("--no-wait", "does not wait for the end")
    .option("--json", "prints the service's whole answers")
    .action(async (deed, ids, { all, dryRun, wait, json, ...filter }) => {
      const service = openService();
      const print = (body: unknown, lines: readonly string[]): void => {
        for (const line of json === true ? [JSON.stringify(body, undefined, 2)] : lines) console.log(line);
      };
      if (deed === "follow" || deed === "stop") {
        const [id] = ids;
        if (id === undefined || ids.length > 1) throw new Usage(`${deed} needs the id of one errand`);
        if (deed === "stop") await service.ask({ method: "POST", path: "/letters/errand", query: { id } });
        const { body, errand } = await followed(service, id);
        print(body, [endOf(errand)]);
        return;
      }
      const odd = ids.filter((id) => !letterId.test(id));
      if (odd.length > 0)
        throw new Usage(`no letter has such an id: ${odd.join(", ")}; list prints them at the end of its lines`);
      const chosen = { ...filter, id: ids };
      if (deed === "list") {
        const letters = await listed(service, chosen);
        print({ letters }, letters.length === 0 ? ["no such letter"] : letters.map(lineOf));
        if (letters.length > 0) process.exitCode = exits.attention;
        return;
      }
      if (ids.length === 0 && Object.keys(filter).length === 0 && all !== true)
        throw new Usage(`say which letters are meant: their ids, --reason and the like, or --all`);
      const query = { ...chosen, do: deed, ...(all === true ? { all: 1 } : {}) };
      if (dryRun === true) {
        const body = await service.ask({ method: "POST", path: "/letters", query: { ...query, dryRun: 1 } });
        print(body, rehearsalOf(deed, service.read(rehearsalSchema, body)));
        return;
      }
      const begun = service.read(errandSchema, await service.ask({ method: "POST", path: "/letters", query }));
      if (!wait) {
        print(begun, [`${begun.total} letters, errand ${begun.errandId}`]);
        return;
      }
      const { body, errand } = await followed(service, begun.errandId);
      print(body, [endOf(errand)]);
    }),
);

type Chosen = Readonly<Record<string, string | readonly string[] | undefined>>;

async function listed(service: Service, chosen: Chosen): Promise<z.infer<typeof letterSchema>[]> {
  const letters: z.infer<typeof letterSchema>[] = [];
  for (let before: string | undefined; ;) {
    const query = { ...chosen, limit: pageSize, before };
    const page = service.read(listSchema, await service.ask({ method: "GET", path: "/letters", query }));
    letters.push(...page.letters);
    if (page.next === undefined) return letters;
    before = page.next;
  }
}

/** Watches an errand to its end, and says now and then how far it has come. */
async function followed(service: Service, id: string): Promise<{ readonly body: unknown; readonly errand: Errand }> {
  const interrupted = (): void => {
    console.error(`The service goes on by itself: npm run letters -- follow ${id}, or stop ${id}`);
    process.exit(130);
  };
  process.once("SIGINT", interrupted);
  for (let saidAt = Date.now(); ;) {
    const body = await service.ask({ method: "GET", path: "/letters/errand", query: { id } });
    const errand = service.read(errandSchema, body);
    if (errand.status !== "running") {
      process.off("SIGINT", interrupted);
      return { body, errand };
    }
    if (Date.now() - saidAt >= saidMs) {
      saidAt = Date.now();
      console.error(`… ${errand.done + errand.left} of ${errand.total}`);
    }
    await pause(askedMs);
  }
}

function endOf({ errandId, deed, total, done, left, status, stillThere }: Errand): string {
  return [
    `${status === "stopped" ? `stopped after ${done} of ${total}` : done} ${deed === "retry" ? "tried again" : "taken away"}`,
    ...(left === 0 ? [] : [`${left} left alone: nobody is configured for them`]),
    ...(stillThere === undefined ? [] : [`${stillThere} such letters are there now`]),
    errandId,
  ].join(", ");
}

function rehearsalOf(
  deed: "retry" | "dismiss",
  { total, notConfigured, counts, would }: z.infer<typeof rehearsalSchema>,
): string[] {
  return [
    `${total} letters would be ${deed === "retry" ? "tried again" : "taken away"}`,
    ...counts.map(({ letters, about, adapter, kind, reason }) =>
      [`  ${letters}`, `${about}s`, adapter, kind, reason].join("  "),
    ),
    ...(deed === "dismiss" || notConfigured === 0
      ? []
      : [`${notConfigured} of them would be left alone: nobody is configured for them`]),
    ...(would.length === 0 ? [] : ["", `what looks at the newest ${would.length} would come to`]),
    ...would.map(({ orderId, paymentId, outcome, facts }) =>
      [`  ${orderId}`, paymentId, outcome, ...Object.entries(facts).map(([k, v]) => `${k}=${JSON.stringify(v)}`)].join(
        "  ",
      ),
    ),
  ];
}

function lineOf({ id, about, at, kind, reason, event, ...of }: z.infer<typeof letterSchema>): string {
  const { merchant, channel, adapter, orderId, paymentId } = of;
  const ids = [orderId, paymentId].filter((one) => one !== undefined);
  return [
    at,
    about,
    kind,
    reason,
    `${merchant}/${channel}`,
    adapter,
    ...ids,
    ...(event === undefined ? [] : [event]),
    id,
  ].join("  ");
}
