/**
 * Prints what happened to an order and why, what stands now, and what can be done: `npm run explain -- <merchant> <channel> <orderId>
 * [paymentId]`, or `<merchant> <channel> --reference <psp id>`. Asks the running service over HTTP; exits with 1 where a person is needed.
 */
import { z } from "zod";
import { commandNamed, exits, run, Usage } from "./command.ts";
import { linesOf } from "./explanation.ts";
import { openService } from "./service.ts";

const time = z.iso.datetime();
const letter = z.object({ id: z.string(), says: z.string(), since: time, of: z.string().optional() });
const explanationSchema = z.object({
  at: time,
  known: z.boolean(),
  rememberedSince: time,
  troubles: z.array(
    z.object({ says: z.string(), since: time.optional(), todo: z.string(), command: z.string().optional() }),
  ),
  payments: z.array(
    z.object({
      adapter: z.string(),
      paymentId: z.string(),
      says: z.string(),
      reference: z.string().optional(),
      letter: letter.optional(),
      operations: z.array(z.object({ id: z.string(), says: z.string() })),
    }),
  ),
  letters: z.array(letter),
  events: z.array(
    z.object({ adapter: z.string(), webhook: z.string(), type: z.string(), receivedAt: time, says: z.string() }),
  ),
  timeline: z.array(
    z.object({
      at: time,
      last: time.optional(),
      count: z.number().optional(),
      paymentId: z.string(),
      kind: z.string(),
      says: z.string(),
      until: time.optional(),
    }),
  ),
  next: z.array(z.object({ says: z.string(), command: z.string().optional() })),
  truncated: z.boolean(),
  needsAttention: z.boolean(),
});

await run(
  commandNamed("explain", "Prints what happened to an order and why, what stands now, and what can be done.")
    .argument("<merchant>")
    .argument("<channel>")
    .argument("[orderId]", "Norce's id of the order; without it, --reference")
    .argument("[paymentId]", "one payment; default: all of the order that the service knows")
    .option("--reference <id>", "the PSP's id of a payment, in place of the order")
    .option("--json", "prints the service's whole answer")
    .action(async (merchant, channel, order, payment, { reference, json }) => {
      if ((order === undefined) === (reference === undefined)) throw new Usage("either an orderId, or --reference");
      const service = openService();
      const query = { merchant, channel, order, payment, reference };
      const body = await service.ask({ method: "GET", path: "/explain", query });
      const explanation = service.read(explanationSchema, body);
      const asked = reference === undefined ? `order ${order}` : `reference ${reference}`;
      const lines =
        json === true ? [JSON.stringify(body, undefined, 2)] : linesOf(`${merchant}/${channel}  ${asked}`, explanation);
      for (const line of lines) console.log(line);
      if (explanation.needsAttention) process.exitCode = exits.attention;
    }),
);
