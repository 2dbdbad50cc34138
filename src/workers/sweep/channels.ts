import type { AnyAdapter } from "../../contract/adapter.ts";
import type { AdapterSettings, Config } from "../../config.ts";
import { type Horizon, reachOf } from "./due.ts";

/** One merchant's channel and the adapters that are configured for it. */
export interface Channel {
  readonly merchant: string;
  readonly channel: string;
  readonly byAdapterId: ReadonlyMap<string, AdapterSettings>;
  /** How many days old an order may be whose payments are looked at. */
  readonly reachDays: number;
}

const defaultHorizon: Horizon = { unsettled: 30, refund: 180 };

/** Until when an adapter's payments are looked at. */
export function horizonOf({ horizonDays }: AnyAdapter): Horizon {
  const { unsettled = defaultHorizon.unsettled, refund = defaultHorizon.refund } = horizonDays ?? {};
  return { unsettled, refund };
}

/** The channels that the configuration has targets in. */
export function channelsOf({ targets }: Config): Channel[] {
  const groups = Map.groupBy(targets, ({ merchant, channel }) => JSON.stringify([merchant, channel]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const reaches = group.map(({ adapter }) => reachOf(horizonOf(adapter)));
    return [
      {
        merchant: first.merchant,
        channel: first.channel,
        byAdapterId: new Map(group.map((target) => [target.settings.adapterId, target])),
        reachDays: Math.max(...reaches),
      },
    ];
  });
}
