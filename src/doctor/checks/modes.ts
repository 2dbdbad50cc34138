import type { Check } from "../checks.ts";
import { type Account, type ConfiguredTarget, settingsOf, type Tools } from "../parts.ts";
import type { Found } from "../report.ts";

/**
 * Whether real money and test money are kept apart: in one account, in one channel, and between a channel and Norce's environment
 * (docs/norce.md, 1.1). Goes after the credentials: they tell which is which.
 */
export function modeChecks(tools: Tools, targets: readonly ConfiguredTarget[]): Check[] {
  const channels = Map.groupBy(targets, ({ merchant, channel }) => JSON.stringify([merchant, channel]));
  return [...channels.values()].flatMap(([first]): Check[] => {
    if (first === undefined) return [];
    const { merchant, channel } = first;
    return [
      {
        check: "live and test",
        merchant,
        channel,
        peer: "this machine",
        run: async () => {
          const told = tools.notes.modes.filter(
            ({ account }) => account.merchant === merchant && account.channel === channel,
          );
          return judged(told, norceIsLive(tools.config.norce.orderApi));
        },
      },
    ];
  });
}

interface Told {
  readonly account: Account;
  readonly live: boolean;
}

function judged(told: readonly Told[], norce: boolean | undefined): Found | readonly Found[] {
  if (told.length === 0) return { is: "skipped", says: "nobody says which of them this is" };
  const accounts = Map.groupBy(told, ({ account }) => settingsOf(account));
  const torn = [...accounts]
    .filter(([, some]) => new Set(some.map(({ live }) => live)).size > 1)
    .map(([place]) => place);
  if (torn.length > 0)
    return torn.map((place) => ({
      is: "attention" as const,
      says: `${place} has addresses or keys of both`,
      todo: "take all of them from the same environment of the PSP's",
    }));
  const names = (wanted: boolean): string =>
    [...new Set(told.filter(({ live }) => live === wanted).map(({ account }) => account.adapter))].join(", ");
  const [live, test] = [names(true), names(false)];
  if (live !== "" && test !== "")
    return {
      is: "attention",
      says: `real money by ${live}, test money by ${test} in one channel`,
      todo: "configure the tests in a channel of their own: a test purchase would pay a real order",
    };
  const isLive = live !== "";
  if (norce !== undefined && norce !== isLive)
    return {
      is: "attention",
      says: `${isLive ? `real money by ${live}` : `test money by ${test}`}, but Norce is ${norce ? "its production" : "no production"}`,
      todo: "let norce.orderApi and the PSPs' settings be of one kind",
    };
  return { is: "fine", says: isLive ? "real money, by everybody who says so" : "tests, by everybody who says so" };
}

/** The production host has no environment in its name; `undefined` for a host that is none of Norce's. */
function norceIsLive(orderApi: string): boolean | undefined {
  const hostname = URL.parse(orderApi)?.hostname ?? "";
  const [, environment] = /\.api-\w+(?:\.(\w+))?\.norce\.tech$/.exec(hostname) ?? [undefined, null];
  return environment === null ? undefined : environment === undefined;
}
