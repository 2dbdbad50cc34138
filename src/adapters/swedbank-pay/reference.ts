import { createHash } from "node:crypto";
import type { OperationCall } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";

const guid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const shape = new RegExp(`^(?:/psp/paymentorders/)?(${guid})$`, "i");
const hrefShape = new RegExp(`^/psp/paymentorders/(${guid})/[a-z]+$`, "i");

/**
 * A payment order's id as it is kept: the relative URL by which Swedbank Pay calls it. Whoever created it may have stored the GUID alone.
 * `undefined` for anything else: nothing else is ever asked for.
 */
export function orderIdFrom(text: string): string | undefined {
  const own = shape.exec(text)?.[1];
  return own === undefined ? undefined : `/psp/paymentorders/${own.toLowerCase()}`;
}

/** Whether two texts name the same payment order. */
export function isSameOrder(asked: string, answered: string): boolean {
  const id = orderIdFrom(asked);
  return id !== undefined && id === orderIdFrom(answered);
}

/**
 * The path of an operation, below the configured address: of this payment order, on that host. `undefined` for a link that leads elsewhere:
 * the access token never goes there.
 */
export function operationPath(href: string, orderId: string, apiUrl: string): string | undefined {
  const path = pathBelow(href, apiUrl);
  const of = hrefShape.exec(path ?? "")?.[1];
  return of !== undefined && orderIdFrom(of) === orderId ? path : undefined;
}

function pathBelow(href: string, apiUrl: string): string | undefined {
  if (href.startsWith("/") && !href.startsWith("//")) return href;
  const [url, base] = [URL.parse(href), URL.parse(apiUrl)];
  if (url === null || base === null || url.origin !== base.origin || url.username !== "" || url.password !== "")
    return undefined;
  const below = base.pathname.replace(/\/+$/, "");
  return url.search === "" && url.hash === "" && url.pathname.startsWith(`${below}/`)
    ? url.pathname.slice(below.length)
    : undefined;
}

/**
 * `payeeReference`: what Swedbank Pay takes exactly once. It follows from the operation, so that a repeat says the same and no other
 * operation does (docs/psp/swedbank-pay.md, g).
 */
export function payeeReferenceOf({ id, name }: Pick<OperationCall, "id" | "name">, config: Config): string {
  const digest = BigInt(`0x${createHash("sha256").update(`${id}\n${name}`, "utf8").digest("hex")}`);
  if (config.operationReferences === "digits") return (digest % 10n ** 12n).toString().padStart(12, "0");
  return digest.toString(36).padStart(30, "0").slice(-30);
}
