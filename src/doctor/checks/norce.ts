import { isWorkerError } from "../../lib/errors.ts";
import { listOf } from "../../lib/secrets.ts";
import { createNorceClient } from "../../norce/client.ts";
import type { Check } from "../checks.ts";
import type { Tools } from "../parts.ts";
import type { Found } from "../report.ts";

const dayMs = 24 * 3_600_000;

/** Asks Norce for an order of each channel with each of the tokens: whether they are taken, and whether `orderApi` leads to the Order API. */
export function norceChecks(
  tools: Tools,
  channels: readonly { readonly merchant: string; readonly channel: string }[],
): Check[] {
  const tokens = listOf(tools.config.norce.token);
  return channels.flatMap(({ merchant, channel }) =>
    tokens.map((token, index): Check => {
      const name = tokens.length === 1 ? "norce.token" : `norce.token, number ${index + 1}`;
      return {
        check: "Norce",
        merchant,
        channel,
        peer: "norce",
        run: async (signal) => await asked(tools, { merchant, channel, token, name, signal }),
      };
    }),
  );
}

async function asked(
  { config, transport, now }: Tools,
  {
    merchant,
    channel,
    token,
    name,
    signal,
  }: {
    readonly merchant: string;
    readonly channel: string;
    readonly token: string;
    readonly name: string;
    readonly signal: AbortSignal;
  },
): Promise<Found> {
  const client = createNorceClient({ ...config.norce, token, adapterIdOf: ({ adapter }) => adapter, transport, now });
  const { orderApi } = config.norce;
  try {
    await client.page({ merchant, channel }, { offset: 0, limit: 1, from: now() - dayMs }, { signal });
    return { is: "fine", says: `it takes ${name} and shows the channel's orders` };
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    const status = error.context["status"];
    if (error.kind === "Unauthorized")
      return {
        is: "attention",
        says: `it does not take ${name}`,
        todo: `ask Norce for a token of this environment and put it into ${name}`,
      };
    if (error.kind === "Unmapped" || error.context["notItsOwn"] === true || status === 404)
      return {
        is: "attention",
        says: `what answers at ${orderApi} is not the Order API${status === undefined ? "" : ` (${String(status)})`}`,
        todo: "put the Order API's base URL into norce.orderApi: it ends in /checkout/order",
      };
    if (error.kind === "Refused")
      return {
        is: "attention",
        says: `it takes ${name}, but shows no orders of this channel (${String(status)})`,
        todo: "see whether Norce knows this merchant and channel, and whether the token is for them",
      };
    return {
      is: "unreachable",
      says: `nobody answered at ${orderApi} (${String(error.context["code"] ?? status)})`,
      todo: "see whether norce.orderApi is right, and whether this machine may call it",
    };
  }
}
