import type { Check } from "../checks.ts";
import type { Tools } from "../parts.ts";

/** What start-up would warn of. */
export function configurationCheck({ config }: Tools): Check {
  return {
    check: "configuration",
    peer: "this machine",
    async run() {
      const { warnings, targets } = config;
      if (warnings.length === 0)
        return { is: "fine", says: `it can be read, with ${counted(targets.length, "account")}` };
      return warnings.map((says) => ({ is: "attention" as const, says }));
    },
  };
}

/** `1 account`, `2 accounts`. */
function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
