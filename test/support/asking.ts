import type { Json, LookContext } from "../../src/contract/adapter.ts";

/** What a look's context has besides settings, payment and client: the process's clock, no chance, nothing remembered, nothing kept. */
export function asking(
  memory: Readonly<Record<string, Json>> = {},
): Pick<LookContext<unknown>, "now" | "random" | "memory" | "kept" | "callbackUrl"> {
  return {
    now: Date.now(),
    random: () => 0.5,
    memory,
    kept: async () => [],
    callbackUrl: (webhook) => `https://worker.example.invalid/${webhook}`,
  };
}
