/** What Norce says of a payment, read without any of the service's own code. */
import type { Document } from "../sandbox/norce.ts";
import { isObject } from "../sandbox/norce-rules.ts";
import type { Sums } from "./payments.ts";

/** Which state the PSP's sums lead to; several where its phase decides. */
export function isStateOf(document: Document, { authorized, captured, refunded, released }: Sums): boolean {
  if (authorized === 0) return true;
  const open = authorized - captured - released;
  if (open > 0) return ["reserved", "pending", "processing"].includes(stateIn(document));
  // What was refused after it had been promised was never there.
  if (captured === 0) return ["removed", "declined", "failed"].includes(stateIn(document));
  // Money that is promised, and money on its way back, may not be there yet.
  return captured > refunded ? ["captured", "pending"].includes(stateIn(document)) : stateIn(document) === "credited";
}

function recordIn({ attributes }: Document): Document | undefined {
  const record = isObject(attributes) ? attributes["norcePspWorker"] : undefined;
  return isObject(record) ? record : undefined;
}

/** The sums as the service noted them; `undefined` before it did. */
export function recordSums(document: Document): Sums | undefined {
  const record = recordIn(document);
  if (record === undefined) return undefined;
  const of = (sum: keyof Sums): number => Number(record[sum] ?? 0);
  return {
    authorized: of("authorized"),
    captured: of("captured"),
    refunded: of("refunded"),
    released: of("released"),
  };
}

/** Which of the PSP's ids the payment is bound to. */
export function boundIn(document: Document): unknown {
  return recordIn(document)?.["bound"];
}

/** By which a line of the log is known. */
export function eventKeyOf({ responseJson }: Document): string | undefined {
  if (typeof responseJson !== "string") return undefined;
  try {
    const { eventKey } = JSON.parse(responseJson) as { eventKey?: unknown };
    return typeof eventKey === "string" ? eventKey : undefined;
  } catch {
    return undefined;
  }
}

/** The payment's state; empty where it has none. */
export function stateIn({ state }: Document): string {
  return typeof state === "string" ? state : "";
}
