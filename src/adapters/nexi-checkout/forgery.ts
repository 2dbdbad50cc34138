import type { Forgery, ProvenRequest } from "../../contract/simulator.ts";
import type { Config } from "./config.ts";

const header = "authorization";

/** The value is made for one merchant's channel and order; of what is said nothing is covered. */
const derived: Forgery = {
  forged(proof) {
    const { target } = proof.context;
    const other = (part: "merchant" | "channel" | "orderId"): ProvenRequest => ({
      ...proof,
      context: { ...proof.context, target: { ...target, [part]: `${target[part] ?? ""}0` } },
    });
    return { merchant: other("merchant"), channel: other("channel"), order: other("orderId") };
  },
  signed(proof, change) {
    const { [header]: given = "", ...others } = proof.request.headers;
    const changed = change(given);
    const headers = changed === undefined ? others : { ...others, [header]: changed };
    return { ...proof, request: { ...proof.request, headers } };
  },
  secrets({ request, context }, secrets) {
    const config = context.config as Config;
    const own = [config.webhookSecret].flat()[0] ?? "";
    return { request, context: { ...context, config: { ...config, webhookSecret: [...secrets(own)] } } };
  },
};

/** How the webhooks that are proven by more than their URL could be forged. */
export const forgeries: Readonly<Record<string, Forgery>> = { event: derived, account: derived };
