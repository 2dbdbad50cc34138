import type { CommonConfig } from "../../contract/adapter.ts";
import type { Forgery } from "../../contract/simulator.ts";

type Config = CommonConfig & { readonly webhookPassword: string };

/** Basic credentials alone, as the simulator's settings have them: they say who calls, and cover nothing of what is said. */
const webhook: Forgery = {
  forged: (proof) => ({
    scheme: withAuthorization(proof, (value) => value.replace("Basic", "Bearer")),
    credentials: withAuthorization(proof, (value) =>
      value.replace(/.(?=.{8}$)/, (digit) => (digit === "A" ? "B" : "A")),
    ),
  }),
  signed: withAuthorization,
  secrets({ request, context }, secrets) {
    const config = context.config as Config;
    return {
      request,
      context: { ...context, config: { ...config, webhookPassword: secrets(config.webhookPassword) } },
    };
  },
};

/** What proves Walley's store-level webhook, for the law "proof". */
export const forgeries = { webhook } satisfies Readonly<Record<string, Forgery>>;

function withAuthorization(
  { request, context }: Parameters<Forgery["signed"]>[0],
  change: (value: string) => string | undefined,
): ReturnType<Forgery["signed"]> {
  const { authorization = "", ...headers } = request.headers;
  const changed = change(authorization);
  return {
    request: { ...request, headers: changed === undefined ? headers : { ...headers, authorization: changed } },
    context,
  };
}
