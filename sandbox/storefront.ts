import { textOf } from "./history.ts";
import type { SandboxNorce } from "./norce.ts";
import { isObject } from "./norce-rules.ts";

/** Where a payment's state takes its order, step by step (docs/norce.md, 3.2: suggested effects). */
const steps: Readonly<Record<string, readonly string[]>> = {
  processing: ["processing"],
  pending: ["processing", "accepted"],
  confirmed: ["processing", "accepted"],
  reserved: ["processing", "accepted", "completed"],
  captured: ["processing", "accepted", "completed"],
  declined: ["declined"],
};
const ranks = ["checkout", "processing", "accepted", "completed"];

/**
 * The part that is not ours in real life: a storefront that moves the order on when its payment moves. Orders only go forward, and
 * one that is completed or declined stays so. @returns a function that ends it.
 */
export function followPayments(norce: SandboxNorce): () => void {
  return norce.onChange(({ what, orderId, after }) => {
    if (what !== "payment") return;
    for (const state of steps[textOf(after, "state")] ?? [])
      if (mayMove(orderState(norce, orderId), state)) norce.setOrderState(orderId, state);
  });
}

function mayMove(from: string, to: string): boolean {
  if (from === "declined" || from === "completed" || from === "removed") return false;
  return to === "declined" || ranks.indexOf(to) > ranks.indexOf(from);
}

function orderState(norce: SandboxNorce, orderId: string): string {
  const state = norce.order(orderId)?.["state"];
  return isObject(state) ? textOf(state, "currentStatus") : "";
}
