/** What the views of an order read, and what their buttons do. */
import { WorkerError } from "../../lib/errors.ts";
import { orUnavailable, within } from "../../queue/within.ts";
import type { OperatorLooks, Operations } from "../../webhooks/operations.ts";
import { explain, type ExplainParts } from "../explain.ts";
import { previewsOf } from "../preview.ts";
import { find, type FindParts } from "./find.ts";
import { orderView } from "./order.ts";
import { link } from "./parts.ts";
import { searchView } from "./search.ts";
import type { Screen, Sent, Visit } from "./visit.ts";

/** What orders are found and explained by. */
export interface OrderScreenParts extends ExplainParts, FindParts {
  readonly config: ExplainParts["config"] & FindParts["config"];
  readonly looks: Pick<OperatorLooks, "ask">;
  readonly operations: Operations;
}

/** A search goes through letters and the ledger. */
const longestMs = 20_000;

/** The views that lead to an order and show it. */
export function orderScreens(parts: OrderScreenParts): Readonly<Record<"search" | "order", Screen>> {
  return {
    search: {
      async get({ query }) {
        const [q, merchant, channel] = ["q", "merchant", "channel"].map((name) => query.get(name)?.trim() || undefined);
        const asked = { q, merchant, channel };
        const found =
          q === undefined || q.length > 200 ? undefined : await orUnavailable(within(longestMs, find(q, asked, parts)));
        const { targets } = parts.config;
        return searchView(asked, distinct(targets, "merchant"), distinct(targets, "channel"), found);
      },
    },
    order: { get: async (visit) => await showOrder(visit, parts), post: async (sent) => await act(sent, parts) },
  };
}

async function showOrder({ query, session }: Visit, parts: OrderScreenParts, note?: string) {
  const [merchant, channel, order] = ["merchant", "channel", "order"].map((name) => query.get(name) ?? "");
  if (!merchant || !channel || !order) throw new WorkerError("MalformedWebhook", "say merchant, channel and order");
  const said = note ?? (query.has("asked") ? "A look was asked for. What it comes to stands below soon." : undefined);
  return orderView(await explain({ merchant, channel, order }, parts), session.formToken, said);
}

/** Asks for a look, or for what one would write. */
async function act({ form, query, session }: Sent, parts: OrderScreenParts) {
  const said = (name: string): string => form.get(name) ?? "";
  const [adapter, merchant, channel] = [said("adapter"), said("merchant"), said("channel")];
  const key = { adapter, merchant, channel, orderId: said("order"), paymentId: said("payment") };
  if (parts.config.find(key) === undefined)
    throw new WorkerError("UnknownTarget", "nobody is configured for this payment");
  const place = { merchant, channel, order: key.orderId };
  if (said("do") === "look") {
    await parts.looks.ask(key);
    return { to: link("order", { ...place, asked: "1" }) };
  }
  const [would] = await previewsOf([{ id: "", key }], parts.operations);
  const facts = Object.entries(would?.facts ?? {}).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const note = [`A look at ${key.paymentId} would come to: ${would?.outcome ?? "nothing"}`, ...facts].join(", ");
  return await showOrder({ query: new URLSearchParams([...query, ...Object.entries(place)]), session }, parts, note);
}

function distinct(targets: OrderScreenParts["config"]["targets"], name: "merchant" | "channel"): readonly string[] {
  return [...new Set(targets.map((target) => target[name]))].toSorted();
}
