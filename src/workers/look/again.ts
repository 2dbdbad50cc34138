import type { DesiredPayment } from "../../contract/adapter.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { growingPauseMs } from "../retry.ts";
import { timeOf } from "./record.ts";

/**
 * In how many milliseconds the payment is looked at again although nobody calls, where its adapter says so; `undefined`: not by itself. Pure.
 * @param horizonMs how long the adapter looks at a payment that comes to no end. What holds no money and has stood where it is for so long is
 *   left to the sweep, whose last look gives it its name: every wait has an end.
 */
export function lookAgainMs(
  { lookAgain, phase, money }: DesiredPayment,
  { record }: CurrentPayment,
  horizonMs: number,
  now: number,
): number | undefined {
  if (lookAgain === undefined) return undefined;
  const since = record?.["phase"] === phase ? timeOf(record["since"]) : undefined;
  if (money.authorized === 0 && since !== undefined && now - since >= horizonMs) return undefined;
  if ("afterSeconds" in lookAgain) return lookAgain.afterSeconds * 1_000;
  if ("growing" in lookAgain) return growingPauseMs(now - Date.parse(lookAgain.growing));
  const inMs = Date.parse(lookAgain.at) - now;
  // A time that has passed was looked at just now; a PSP that does not move on is the sweep's, not a busy loop's.
  return Number.isNaN(inMs) || inMs <= 0 ? undefined : inMs;
}
