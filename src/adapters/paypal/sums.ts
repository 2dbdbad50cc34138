import { WorkerError } from "../../lib/errors.ts";
import type { Minor, Money } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { type Authorization, type Capture, type Order, parentOf, type Refund } from "./schema.ts";

/** Money that was held: an authorization that was not refused. */
export interface Hold {
  readonly authorization: Authorization;
  /** What was authorised; where PayPal took more (up to 115 %), that. */
  readonly amount: Minor;
  readonly captured: Minor;
  /** Being captured: not taken yet, and no longer to be had. */
  readonly capturing: Minor;
  /** Voided, expired, or given up by a final capture. */
  readonly released: Minor;
  /** What can still be captured or voided. */
  readonly open: Minor;
}

/** Money that was taken: a capture that is settled. */
export interface Taking {
  readonly capture: Capture;
  readonly amount: Minor;
  readonly refunded: Minor;
  /** Taken back although no refund says so: a reversal. */
  readonly reversed: Minor;
  readonly refunding: Minor;
  /** The refunds that are done or under way. */
  readonly refunds: readonly Refund[];
  /** What can still be refunded. */
  readonly left: Minor;
}

/** One order's money, piece by piece, each list in the order of time. */
export interface Ledger {
  readonly currency: string;
  readonly total: Minor;
  readonly authorizations: readonly Authorization[];
  readonly captures: readonly Capture[];
  readonly refunds: readonly Refund[];
  readonly holds: readonly Hold[];
  readonly takings: readonly Taking[];
  /** Being captured, with and without a hold. */
  readonly capturing: Minor;
  readonly money: Money;
}

/** What a capture's status means for the sums. */
export type CaptureMeaning = "settled" | "pending" | "declined" | "failed";

/** PayPal's status of a capture: a refund is money that was taken first. */
export function meaningOf({ status }: Capture): CaptureMeaning {
  switch (status) {
    case "COMPLETED":
    case "PARTIALLY_REFUNDED":
    case "REFUNDED":
      return "settled";
    case "PENDING":
      return "pending";
    case "DECLINED":
    case "DENIED":
      return "declined";
    case "FAILED":
      return "failed";
  }
}

/** True where nothing can be captured from the authorization any more. */
function isOver({ status }: Authorization): boolean {
  switch (status) {
    case "CREATED":
    case "PARTIALLY_CAPTURED":
    case "PENDING":
      return false;
    case "CAPTURED":
    case "VOIDED":
    case "EXPIRED":
    case "DENIED":
      return true;
  }
}

/** True for a hold from which something can be captured now. */
export function isCapturable({ open, authorization }: Hold): boolean {
  return open > 0 && authorization.status !== "PENDING";
}

/**
 * The sums over the life of an order, whatever its own status says.
 * @throws WorkerError `Unmapped` where PayPal contradicts itself: a person has to look.
 */
export function ledgerOf(order: Order): Ledger {
  const [unit, another] = order.purchase_units;
  // Norce's payments are for one purchase; which part of it a second unit would be, nobody can say (docs/psp/paypal.md, e).
  if (unit === undefined || another !== undefined) throw contradiction("the order has several purchase units");
  const { authorizations = [], captures = [], refunds = [] } = unit.payments ?? {};
  const currency = unit.amount.currency_code;
  if ([...authorizations, ...captures, ...refunds].some(({ amount }) => amount.currency_code !== currency))
    throw contradiction("the order has several currencies");
  const inOrder = {
    currency,
    total: minorOf(unit.amount),
    authorizations: inTime(authorizations),
    captures: inTime(captures),
    refunds: inTime(refunds),
  };
  const holds = holdsOf(inOrder);
  const takings = takingsOf(inOrder);
  const captured = sum(takings, ({ amount }) => amount);
  const capturing = sum(
    inOrder.captures.filter((capture) => meaningOf(capture) === "pending"),
    ({ amount }) => minorOf(amount),
  );
  const money = {
    authorized: holds.length === 0 ? captured + capturing : sum(holds, ({ amount }) => amount),
    captured,
    refunded: sum(takings, ({ refunded, reversed }) => refunded + reversed),
    released: sum(holds, ({ released }) => released),
  };
  return { ...inOrder, holds, takings, capturing, money };
}

type Pieces = Pick<Ledger, "total" | "authorizations" | "captures" | "refunds">;

/**
 * What each authorization holds, in the order of time. A renewed one (`reauthorize`) replaces the one before: the holds of a purchase never
 * come to more than what it asked, the newest counts, and one that no longer fits counts by its captures alone, however PayPal goes on
 * showing it (docs/psp/paypal.md, Changes of 2025-2026).
 */
function holdsOf({ total, authorizations, captures }: Pieces): readonly Hold[] {
  const granted = authorizations.filter(({ status }) => status !== "DENIED");
  if (granted.length === 0) return [];
  const mine = grouped(captures, granted, (capture) => holderOf(capture));
  const holds: Hold[] = [];
  // What the captures of the older ones have spent is not the newest one's to hold.
  let room = total - sum(granted.slice(0, -1), ({ id }) => spentBy(mine.get(id) ?? []));
  for (const authorization of granted.toReversed()) {
    const own = mine.get(authorization.id) ?? [];
    const isNewest = authorization === granted.at(-1);
    const back = isNewest ? 0 : spentBy(own);
    const hold = holdOf(authorization, own, Math.max(0, room + back), isNewest);
    if (hold === undefined) continue;
    holds.unshift(hold);
    room -= hold.amount - back;
  }
  return holds;
}

/**
 * `undefined` where nothing of the authorization counts: all that was to be captured of it was refused, or it has been replaced.
 * @param room what it may come to; the newest authorization takes what there is, an older one fits or has been replaced.
 */
function holdOf(
  authorization: Authorization,
  captures: readonly Capture[],
  room: Minor,
  isNewest: boolean,
): Hold | undefined {
  const of = (wanted: CaptureMeaning): readonly Capture[] =>
    captures.filter((capture) => meaningOf(capture) === wanted);
  const captured = amountsOf(of("settled"));
  const capturing = amountsOf(of("pending"));
  const spent = captured + capturing;
  const granted = minorOf(authorization.amount);
  if (!isNewest && Math.max(granted, spent) > room)
    return spent === 0 ? undefined : { authorization, amount: spent, captured, capturing, released: 0, open: 0 };
  if (authorization.status === "CAPTURED" && spent === 0) {
    if (captures.length > 0) return undefined;
    // Would read as "all of it released" and remove a payment that PayPal calls captured.
    throw contradiction("a captured authorization has no capture");
  }
  const final = [...of("settled"), ...of("pending")].some(({ final_capture }) => final_capture === true);
  const amount = Math.max(Math.min(granted, room), spent);
  const rest = amount - spent;
  const over = final || isOver(authorization);
  return { authorization, amount, captured, capturing, released: over ? rest : 0, open: over ? 0 : rest };
}

/** What was taken or is being taken. */
function spentBy(captures: readonly Capture[]): Minor {
  return amountsOf(captures.filter((capture) => ["settled", "pending"].includes(meaningOf(capture))));
}

function amountsOf(pieces: readonly { readonly amount: Authorization["amount"] }[]): Minor {
  return sum(pieces, ({ amount }) => minorOf(amount));
}

/**
 * What had been authorised once each of the authorizations was there, by its id: a running total that a later renewal, capture or void does
 * not change.
 */
export function authorizedSoFar({ total, authorizations, captures }: Pieces): ReadonlyMap<string, Minor> {
  return new Map(
    authorizations.map(({ id }, index) => {
      const until = authorizations.slice(0, index + 1).map((authorization, at) =>
        // What became of the newest one came later.
        at === index && authorization.status !== "DENIED"
          ? { ...authorization, status: "CREATED" as const }
          : authorization,
      );
      const older = new Set(until.slice(0, -1).map((authorization) => authorization.id));
      const own = captures.filter((capture) => older.has(holderOf(capture) ?? ""));
      return [id, sum(holdsOf({ total, authorizations: until, captures: own, refunds: [] }), ({ amount }) => amount)];
    }),
  );
}

/** The authorization that a capture names as its own, where it names one. */
function holderOf({ links, supplementary_data }: Capture): string | undefined {
  return parentOf("authorizations", links) ?? supplementary_data?.related_ids?.authorization_id ?? undefined;
}

function takingsOf({ captures, refunds }: Pieces): readonly Taking[] {
  const settled = captures.filter((capture) => meaningOf(capture) === "settled");
  const moving = refunds.filter(({ status }) => status === "COMPLETED" || status === "PENDING");
  const named = moving.filter(({ links }) => parentOf("captures", links) !== undefined);
  const mine = grouped(named, settled, ({ links }) => parentOf("captures", links));
  const others = moving.filter((refund) => !named.includes(refund));
  const all = others.reduce((groups, refund) => withUnnamed(groups, refund, settled), mine);
  return settled.map((capture) => takingOf(capture, all.get(capture.id) ?? []));
}

/**
 * A refund that somebody made in PayPal's dashboard may name no capture (https://github.com/paypal/PayPal-Python-SDK/issues/91). What was given
 * back is the same whichever of them it was: the one whose status it explains best, else the first that has as much left.
 * @throws WorkerError `Unmapped` where none has
 */
function withUnnamed(
  groups: ReadonlyMap<string, readonly Refund[]>,
  refund: Refund,
  settled: readonly Capture[],
): ReadonlyMap<string, readonly Refund[]> {
  const refundsOf = ({ id }: Capture): readonly Refund[] => groups.get(id) ?? [];
  const hasRoom = (capture: Capture): boolean =>
    amountsOf([...refundsOf(capture), refund]) <= minorOf(capture.amount) || settled.length === 1;
  const fits = (capture: Capture): boolean => amountsOf([...refundsOf(capture), refund]) === minorOf(capture.amount);
  const rankOf = (capture: Capture): number => {
    if (capture.status === "REFUNDED") return fits(capture) ? 0 : 2;
    return capture.status === "PARTIALLY_REFUNDED" ? 1 : 3;
  };
  const [capture] = settled.filter((one) => hasRoom(one)).toSorted((one, other) => rankOf(one) - rankOf(other));
  if (capture === undefined) throw contradiction("a part of the order belongs to nothing that is there");
  return new Map([...groups, [capture.id, [...refundsOf(capture), refund]]]);
}

function takingOf(capture: Capture, refunds: readonly Refund[]): Taking {
  const of = (wanted: Refund["status"]): Minor =>
    sum(
      refunds.filter(({ status }) => status === wanted),
      ({ amount: refunded }) => minorOf(refunded),
    );
  const amount = minorOf(capture.amount);
  const [completed, refunding] = [of("COMPLETED"), of("PENDING")];
  // "An amount greater than or equal to this captured payment's amount was refunded": what no refund tells of was taken back by PayPal.
  const whole = capture.status === "REFUNDED";
  const refunded = whole ? Math.min(completed, amount) : completed;
  const reversed = whole ? Math.max(0, amount - refunded - refunding) : 0;
  if (refunded + refunding > amount && !whole) throw contradiction("more was refunded than was captured");
  const left = Math.max(0, amount - refunded - reversed - refunding);
  return { capture, amount, refunded, reversed, refunding, refunds, left };
}

/** The parts by the whole they belong to. One that names none belongs to the only one there is. */
function grouped<Part extends { readonly id: string }>(
  parts: readonly Part[],
  wholes: readonly { readonly id: string }[],
  parent: (part: Part) => string | undefined,
): ReadonlyMap<string, readonly Part[]> {
  const groups = new Map<string, Part[]>(wholes.map(({ id }) => [id, []]));
  const [only, another] = wholes;
  for (const part of parts) {
    const named = groups.get(parent(part) ?? "");
    const group = named ?? (another === undefined && only !== undefined ? groups.get(only.id) : undefined);
    if (group === undefined) throw contradiction("a part of the order belongs to nothing that is there");
    group.push(part);
  }
  return groups;
}

/** PayPal promises no order of its lists: by time, then by id, so that running totals are always the same. */
function inTime<Item extends { readonly id: string; readonly create_time?: string | undefined }>(
  items: readonly Item[],
): readonly Item[] {
  const at = ({ create_time }: Item): number => (create_time === undefined ? 0 : Date.parse(create_time));
  return items.toSorted(
    (left, right) => at(left) - at(right) || (left.id < right.id ? -1 : Number(left.id > right.id)),
  );
}

function sum<Item>(items: readonly Item[], of: (item: Item) => Minor): Minor {
  return items.reduce((total, item) => total + of(item), 0);
}

function contradiction(problem: string): WorkerError {
  return new WorkerError("Unmapped", `paypal contradicts itself: ${problem}`);
}
