import type { StatedMoney } from "../src/contract/simulator.ts";
import type { Document, SandboxNorce } from "../sandbox/norce.ts";
import { textOf } from "../sandbox/history.ts";
import { isObject } from "../sandbox/norce-rules.ts";
import type { SandboxPsp } from "../sandbox/psp.ts";
import type { Life, Moved } from "./lives.ts";
import type { Excuse, Verdict } from "./messages.ts";

/** What is judged by: the PSPs' own sums, Norce's own payments. Nothing of the service but what it wrote and what its report says. */
export interface JudgeParts {
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  readonly lives: ReadonlyMap<string, Life>;
  /** What operations moved at the PSPs, by payment. */
  readonly moved: ReadonlyMap<string, Readonly<Record<Moved, number>>>;
}

/** Where the service keeps its sums in a payment (docs/states.md). */
const recordKey = "norcePspWorker";

/** How Norce's payment differs from what the PSP holds; `undefined` where it does not. */
export function differenceOf(
  { norce, psp }: Pick<JudgeParts, "norce" | "psp">,
  { purchase, mostAuthorized }: Life,
): string | undefined {
  const { orderId, paymentId, adapter } = purchase.key;
  const payment = norce.payment(orderId, paymentId) ?? {};
  const money = psp.simulator(adapter).money(purchase.reference);
  const record = recordOf(payment);
  const sums = ["authorized", "captured", "refunded", "released"] as const;
  const wrong = sums.filter((sum) => (record[sum] ?? 0) !== (money?.[sum] ?? 0));
  if (wrong.length > 0)
    return wrong
      .map((sum) => `${sum} ${JSON.stringify(record[sum] ?? 0)}, the PSP says ${money?.[sum] ?? 0}`)
      .join("; ");
  const state = textOf(payment, "state");
  return statesOf(money, mostAuthorized >= purchase.amount).includes(state)
    ? undefined
    : `${state} does not follow from the sums`;
}

/**
 * Which states may follow from what the PSP holds (design: one policy for all PSPs); a review holds back what is open.
 * @param wasWhole the PSP held all that was asked, now or before its authorization was lowered.
 */
function statesOf(money: StatedMoney | null, wasWhole: boolean): readonly string[] {
  const before = ["intent", "processing", "pending", "confirmed", "declined", "failed", "removed"];
  if (money === null || money.authorized === 0) return before;
  const { authorized, captured, refunded, released } = money;
  // Parts of it: gift cards, and the rest by card.
  if (captured === 0 && !wasWhole) return ["processing", "pending", "removed", "failed", "declined"];
  if (authorized - captured - released > 0) return ["reserved", "pending"];
  if (captured > refunded) return ["captured", "pending"];
  if (captured > 0) return ["credited"];
  return ["removed", "declined", "failed"];
}

/** What these tell once, by a webhook that nobody took, no later question finds (docs/psp). All others are asked by any look. */
const tellingOnce = new Set(["adyen-dropin", "avarda-checkout", "qliro-checkout", "swish"]);

/** The judgement of everything, at rest. @param told why the service's report names a payment, by its id. */
export function judge(
  parts: JudgeParts,
  told: ReadonlyMap<string, string>,
  excuses: readonly Excuse[],
): Omit<Verdict, "begun" | "over" | "behind" | "acknowledged" | "faults" | "webhooks" | "looks"> {
  const lives = [...parts.lives.values()];
  const wrong = lives.flatMap((life) => {
    const difference = differenceOf(parts, life);
    const says = parts.psp.simulator(life.purchase.key.adapter).describe(life.purchase.reference);
    return difference === undefined
      ? []
      : [{ life, text: `${nameOf(life)}: ${difference} [${says}]\n  ${life.story.join("\n  ")}` }];
  });
  const named = wrong.filter(({ life }) => told.has(life.purchase.key.paymentId));
  const unnamed = wrong.filter(({ life }) => !told.has(life.purchase.key.paymentId));
  const isUntold = ({ purchase: { key, reference } }: Life): boolean =>
    tellingOnce.has(key.adapter) && parts.psp.simulator(key.adapter).undelivered(reference) > 0;
  const untold = unnamed.filter(({ life }) => isUntold(life));
  const silent = unnamed.filter(({ life }) => !isUntold(life));
  // Where a look finds everything, the last that was acknowledged makes up for all before it.
  const isExcused = ({ announcedAt, purchase: { key } }: Life): boolean =>
    (tellingOnce.has(key.adapter) ? announcedAt : announcedAt.slice(-1)).some((at) =>
      excuses.some(({ from, to }) => at >= from && at <= to),
    );
  const asked = lives.flatMap(({ operations }) => operations);
  return {
    payments: lives.length,
    right: lives.length - wrong.length,
    named: named.map(({ life, text }) => `${told.get(life.purchase.key.paymentId)}: ${text}`),
    untold: untold.map(({ text }) => text),
    promisedAway: silent.filter(({ life }) => isExcused(life)).map(({ text }) => text),
    lost: silent.filter(({ life }) => !isExcused(life)).map(({ text }) => text),
    doubledLines: lives.flatMap((life) => doubledLinesOf(parts.norce, life)),
    operations: {
      asked: asked.length,
      carriedOut: asked.filter(({ status }) => status === "done").length,
      refused: asked.filter(({ status }) => status === "refused").length,
      accepted: asked.filter(({ status }) => status === "accepted").length,
      unknown: asked.filter(({ status }) => !["done", "refused", "accepted"].includes(status)).length,
    },
    doubledMoney: lives.flatMap((life) => doubledMoneyOf(parts, life)),
  };
}

/** Events that stand twice in the log: our key of each travels in `responseJson`. */
function doubledLinesOf(norce: SandboxNorce, life: Life): string[] {
  const { orderId, paymentId } = life.purchase.key;
  const keys = norce.transactions(orderId, paymentId).map(({ responseJson }) => {
    const note: unknown = typeof responseJson === "string" ? JSON.parse(responseJson) : null;
    return typeof note === "object" && note !== null && "eventKey" in note ? String(note.eventKey) : "";
  });
  const twice = keys.filter((key, index) => key !== "" && keys.indexOf(key) !== index);
  return twice.map((key) => `${nameOf(life)}: ${key} stands twice`);
}

/** What operations took, against what was asked of them. */
function doubledMoneyOf({ moved }: JudgeParts, life: Life): string[] {
  const took = moved.get(life.purchase.key.paymentId);
  if (took === undefined) return [];
  return (["captured", "refunded"] as const).flatMap((sum) => {
    const asked = life.operations.filter((one) => one.sum === sum).reduce((all, { amount }) => all + amount, 0);
    return took[sum] > asked ? [`${nameOf(life)}: ${took[sum]} ${sum} by operations, ${asked} asked`] : [];
  });
}

function nameOf({ purchase: { key, reference } }: Life): string {
  return `${key.adapter} ${key.orderId} ${key.paymentId} (${reference})`;
}

function recordOf({ attributes }: Document): Readonly<Record<string, unknown>> {
  const record = isObject(attributes) ? attributes[recordKey] : undefined;
  return isObject(record) ? record : {};
}
