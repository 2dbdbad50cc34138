/** Which secrets prove webhooks, and which older ones may be retired. Pure. */
import type { Config } from "../config.ts";
import type { KeyUse, PeerRecord } from "../queue/peers.ts";
import { type KnownKey, knownSecrets, knownUrlKeys, urlKeys } from "../signatures/known-keys.ts";
import { isoOf } from "../lib/time.ts";

/** One secret and the webhooks that it proved. Times are ISO 8601. */
export interface ListedKey {
  /** `URL_SIGNING_KEYS`, or the name of an adapter's setting. */
  readonly setting: string;
  /** Of an adapter's setting: whose. */
  readonly adapter?: string;
  readonly merchant?: string;
  readonly channel?: string;
  /** Its fingerprint. */
  readonly key: string;
  /** `gone`: it stands in no setting any more. */
  readonly age: "newest" | "older" | "gone";
  readonly webhooks: number;
  readonly since?: string;
  readonly last?: string;
  /** A newer one proves webhooks, and this one proved none for long enough. */
  readonly safeToRetire: boolean;
}

const day = 24 * 3_600_000;
/** How many days without a webhook of its are enough: operation URLs live for 60, and some PSPs push to old URLs for months. */
const quietDays = { urls: 90, secrets: 30 } as const;

/**
 * Keys that prove webhooks: the master keys of signed URLs, secrets that have proven some, and the older ones of their settings. A secret that
 * is for something else, such as asking the PSP, proves none and is not among them.
 */
export function listedKeys(
  { targets, signingKeys }: Pick<Config, "targets" | "signingKeys">,
  peers: readonly PeerRecord[],
  now: number,
): readonly ListedKey[] {
  const urls = knownUrlKeys(signingKeys);
  const masters = listed(urls, peers, quietDays.urls, now);
  const others = targets.flatMap(({ adapter, merchant, channel, settings }) => {
    const record = peers.find((one) => one.peer === adapter.id && one.merchant === merchant && one.channel === channel);
    if (record === undefined) return [];
    const whose = { adapter: adapter.id, merchant, channel };
    const known = knownSecrets(adapter, settings);
    const bySetting = Map.groupBy(known, ({ setting }) => setting);
    const proving = [...bySetting.values()].filter((keys) => keys.some(({ key }) => record.keys[key] !== undefined));
    const gone = Object.entries(record.keys)
      .filter(([key]) => ![...urls, ...known].some((one) => one.key === key))
      .map(([key, use]) => ({ setting: "", ...whose, key, age: "gone" as const, ...told(use), safeToRetire: false }));
    return [
      ...proving.flatMap((keys) => listed(keys, [record], quietDays.secrets, now)).map((key) => ({ ...key, ...whose })),
      ...gone,
    ];
  });
  return [...masters, ...others];
}

function listed(
  keys: readonly KnownKey[],
  peers: readonly PeerRecord[],
  days: number,
  now: number,
): readonly ListedKey[] {
  const uses = keys.map(({ key }) => sumOf(peers.flatMap((peer) => peer.keys[key] ?? [])));
  // What began to be counted only lately says nothing of the time before.
  const counted = Math.min(...peers.map(({ since }) => since), now) <= now - days * day;
  return keys.map(({ key, setting, place }, index): ListedKey => {
    const use = uses[index];
    const newerProves = keys.some((one, other) => one.place < place && uses[other] !== undefined);
    const quiet = use === undefined || use.last <= now - days * day;
    const age = place === 0 ? "newest" : "older";
    return { setting, key, age, ...told(use), safeToRetire: age === "older" && newerProves && quiet && counted };
  });
}

function told(use: KeyUse | undefined): Pick<ListedKey, "webhooks" | "since" | "last"> {
  if (use === undefined) return { webhooks: 0 };
  return {
    webhooks: use.webhooks,
    since: isoOf(use.since),
    last: isoOf(use.last),
  };
}

function sumOf(uses: readonly KeyUse[]): KeyUse | undefined {
  if (uses.length === 0) return undefined;
  return {
    webhooks: uses.reduce((sum, { webhooks }) => sum + webhooks, 0),
    since: Math.min(...uses.map(({ since }) => since)),
    last: Math.max(...uses.map(({ last }) => last)),
  };
}

/** Whether a key is one of the whole service, and not an account's. */
export function isUrlKey({ setting }: Pick<ListedKey, "setting">): boolean {
  return setting === urlKeys;
}
