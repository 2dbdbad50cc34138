import type { Json, OperationName, PaymentKey } from "../../contract/adapter.ts";
import { bareOperationUrl, operationUrl, type UrlMaker } from "../../signatures/urls.ts";

/** How a merchant's adapter publishes what can be done with a payment (docs/http.md, Operations). */
export type PublishActions = "off" | "signed" | "bearer";

/** What the published actions depend on. */
export interface Publishing {
  readonly mode: PublishActions;
  readonly key: PaymentKey;
  /** `payment.adapterId`: actions of others are left alone. */
  readonly adapterId: string;
  /** What the adapter can tell the PSP; of that, what can be asked for now. */
  readonly offered: readonly OperationName[];
  readonly maker: UrlMaker;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const daySeconds = 24 * 3_600;
/** How long a signed URL lives. */
const lifeSeconds = 60 * daySeconds;
/** A URL that dies sooner is published anew: reserved payments are looked at daily, so that none is found dead. */
const renewSeconds = 30 * daySeconds;

/**
 * The payment's `actions` as they should be; `undefined` where they are so already, or are not published.
 * @param current `actions` as Norce has them.
 */
export function actionsToPublish(current: Json | undefined, publishing: Publishing): Json[] | undefined {
  const { mode, adapterId, offered } = publishing;
  const standing = Array.isArray(current) ? (current as readonly Json[]) : [];
  const isOwn = (action: Json): boolean => isOurs(action, publishing);
  const others = standing.filter((action) => !isOwn(action));
  const ours = standing.filter(isOwn);
  // Withdrawn, should they have been published before.
  if (mode === "off") return ours.length === 0 ? undefined : others;
  const wanted = offered.map((type) => {
    const alive = ours.find(
      (action) => textOf(action, "type") === type && isAlive(textOf(action, "url"), type, publishing),
    );
    return alive ?? { adapterId, type, url: urlFor(type, publishing) };
  });
  const same = wanted.length === ours.length && wanted.every((action) => ours.includes(action));
  return same ? undefined : [...others, ...wanted];
}

function urlFor(type: OperationName, { mode, key, maker, now }: Publishing): string {
  if (mode === "bearer") return bareOperationUrl(maker.publicUrl, key, type);
  return operationUrl(maker, key, type, Math.floor(now / 1_000) + lifeSeconds);
}

/** True for a URL that we would publish so today: our address, the newest key, and a while left to live. */
function isAlive(url: string, type: OperationName, { mode, key, maker, now }: Publishing): boolean {
  if (mode === "bearer") return url === bareOperationUrl(maker.publicUrl, key, type);
  const exp = Number(URL.canParse(url) ? new URL(url).searchParams.get("exp") : "");
  return exp * 1_000 > now + renewSeconds * 1_000 && url === operationUrl(maker, key, type, exp);
}

/** Published by us: the adapter's id may stand on actions of a shop's own, too. */
function isOurs(action: Json, { adapterId, key }: Publishing): boolean {
  const type = textOf(action, "type");
  return (
    textOf(action, "adapterId") === adapterId &&
    ["capture", "cancel", "refund"].includes(type) &&
    textOf(action, "url").includes(`/${key.adapter}/api/order/v1/orders/`)
  );
}

function textOf(action: Json, name: string): string {
  const value =
    typeof action === "object" && action !== null && name in action ? (action as Record<string, Json>)[name] : "";
  return typeof value === "string" ? value : "";
}
