/**
 * Who judges. Nothing here depends on what it judges: that a webhook was acknowledged is what the PSP saw, the truth is what the simulator states,
 * money calls are counted where they arrive.
 */
import type { Json, OperationName } from "../src/contract/adapter.ts";
import type { Document, SandboxNorce } from "../sandbox/norce.ts";
import { boundIn, eventKeyOf, isStateOf, recordSums, stateIn } from "./norce-says.ts";
import { areSame, type AskedFor, nothing, type Payment, type Sums } from "./payments.ts";
import { hosts, type Request } from "./network.ts";
import type { TwinServer } from "./twin/server.ts";

/** Something that must not happen, and did. */
export interface Violation {
  /** Which promise: by it a smaller story is known to be the same. */
  readonly oracle: string;
  readonly what: string;
  /** Whose. */
  readonly payment?: number;
  /** Milliseconds since the world began. */
  readonly at: number;
}

/** What the oracles look at. */
export interface OracleParts {
  readonly payments: readonly Payment[];
  readonly norce: SandboxNorce;
  readonly server: TwinServer;
  readonly now: () => number;
  readonly violated: (violation: Violation) => void;
}

/** A fall that the PSP's truth did not have for so long must not be written: two looks a minute apart have to agree. */
const suspicionMs = 60_000;

/** Whose patience is longer than a world lasts. */
const tooEarly: readonly string[] = ["Bug", "Unreachable", "QueueUnavailable", "Later"];
/** A PSP that says "not now" is asked again after so long at most, for days: an operation that waits for it has no end yet. */
const longestPauseMs = 65 * 60_000;
const hourMs = 3_600_000;
/** A job is given up when its holders have died more often. */
const mostStalls = 5;

/** The oracles of one world. */
export class Oracles {
  readonly #parts: OracleParts;
  readonly #keys = new Map<string, Set<string>>();
  /** What Norce's documents say, and records as text: neither is ever changed, another one takes its place. */
  readonly #said = new WeakMap<Document, Sums>();
  readonly #texts = new WeakMap<object, string>();

  constructor(parts: OracleParts) {
    this.#parts = parts;
    parts.norce.onChange(({ what, paymentId, before, after }) => {
      const payment = parts.payments.find(({ key }) => key.paymentId === paymentId);
      if (payment === undefined) return;
      if (what === "transaction") this.#uniqueLine(payment, after);
      if (what === "payment" && before !== undefined) this.#neverBackwards(payment, before, after);
    });
  }

  #violated(oracle: string, what: string, payment?: Payment): void {
    const { now, violated } = this.#parts;
    violated({ oracle, what, at: now(), ...(payment === undefined ? {} : { payment: payment.index }) });
  }

  /** Somebody else saw something that must not be. */
  tell(oracle: string, what: string, payment?: Payment): void {
    this.#violated(oracle, what, payment);
  }

  #uniqueLine(payment: Payment, line: Document): void {
    const key = eventKeyOf(line);
    if (key === undefined) return;
    const known = this.#keys.get(payment.name) ?? new Set();
    if (known.has(key)) this.#violated("log keys are unique", `${key} stands twice in the log`, payment);
    known.add(key);
    this.#keys.set(payment.name, known);
  }

  /** Fetched truth moves backwards only when two looks a minute apart agree. */
  #neverBackwards(payment: Payment, before: Document, after: Document): void {
    const [was, is] = [recordSums(before), recordSums(after)];
    if (was === undefined || is === undefined || payment.account.folds) return;
    const fell = (["captured", "refunded", "released"] as const).filter((sum) => is[sum] < was[sum]);
    if (fell.length === 0) return;
    // With another attempt's id come other sums.
    if (boundIn(before) !== boundIn(after)) return;
    const sinceMs = this.#parts.now() - payment.fellAt;
    // Where the PSP says by name that money went back, its word counts at once.
    const leastMs = payment.account.simulator.namesReversals === true ? 0 : suspicionMs;
    if (payment.fellAt < 0 || sinceMs < leastMs)
      this.#violated(
        "money moves backwards only on a second look",
        `${fell.join(", ")} fell in Norce ${payment.fellAt < 0 ? "though it never fell at the PSP" : `${Math.round(sinceMs)} ms after it fell at the PSP`}`,
        payment,
      );
  }

  /** A write leaves only while its process holds a lock for it. */
  left(request: Request, payment: Payment | undefined): void {
    const { method, url, from } = request;
    if (url.host === hosts.psp && payment === undefined) return;
    const holder = `${from.name}.${from.life}`;
    if (this.#holds(holder, payment)) return;
    this.#violated(
      "no write without its lock",
      `${from.name} sends ${method} ${url.host}${url.pathname} and holds no lock for it`,
      payment,
    );
  }

  #holds(holder: string, payment: Payment | undefined): boolean {
    for (const queue of this.#parts.server.queues.values()) {
      const isLane = queue.name.startsWith("payments-");
      for (const id of queue.active) {
        if (queue.lockOf(id)?.holder !== holder) continue;
        const names = queue.jobs.get(id)?.data.includes(`"${payment?.name ?? ""}"`) === true;
        if (!isLane || payment === undefined || names) return true;
      }
    }
    return false;
  }

  /** A call of the service moved money at the PSP. */
  moved(payment: Payment, by: Sums): void {
    // What was captured between a cancellation's look and its call may be taken back by it, where nothing is settled yet.
    const isCancelled = payment.moved.cancel.times < payment.asked.filter(({ name }) => name === "cancel").length;
    for (const name of ["capture", "cancel", "refund"] as const) {
      const amount = amountOf(name, by, isCancelled);
      if (amount <= 0) continue;
      const moved = payment.moved[name];
      moved.times += 1;
      moved.sum += amount;
      const asked = payment.asked.filter((one) => one.name === name);
      if (moved.times > asked.length * payment.callsOf(name))
        this.#violated(
          "at most one money call per operation",
          `${name} moved money ${moved.times} times (${moved.sum} in all), it was asked for ${asked.length} times`,
          payment,
        );
      const most = asked.reduce((sum, { amount: part = Infinity }) => sum + part, 0);
      if (moved.sum > most)
        this.#violated("no more money than was asked for", `${name} moved ${moved.sum}, asked was ${most}`, payment);
    }
  }

  /** What was asked for, and what waits, is looked at: somebody will come to it by himself. */
  #woken(wakes: ReadonlySet<string>): void {
    const { server, now } = this.#parts;
    const at = server.clock.now();
    for (const [id, { note, wait, endsAt }] of server.notes) {
      if ((note.version === undefined && wait === undefined) || endsAt <= at) continue;
      if (wakes.has(id) || server.kind("letter").has(id)) continue;
      const payment = this.#parts.payments.find(({ laneId }) => laneId === id);
      this.#violated(
        "what was asked for is looked at",
        `it is noted that the payment ${wait === undefined ? "was asked for" : "waits"}, and no job and no timer leads to it at ${Math.round(now())} ms`,
        payment,
      );
    }
  }

  /** What is owed to somebody who was told so is named somewhere. */
  named(): void {
    const { payments, server, now } = this.#parts;
    const wakes = wokenIn(server);
    this.#woken(wakes);
    this.#bounded();
    const letters = server.kind("letter");
    const owed = payments.filter(
      (payment) =>
        payment.excuse === undefined &&
        !payment.lagged &&
        payment.isOwed &&
        now() - payment.ackedAt > 1 &&
        // Most are named by these, which costs least to see.
        !wakes.has(payment.laneId) &&
        !letters.has(payment.laneId) &&
        !payment.isUntold &&
        // What its PSP has yet to tell, it cannot be asked.
        !(payment.account.folds && payment.hasNews) &&
        !this.#agrees(payment),
    );
    if (owed.length === 0) return;
    const text = this.#textsIn();
    for (const payment of owed) {
      if (isNamedIn(text, payment)) continue;
      if (payment.account.folds && [...payment.webhooks.values()].includes(false)) continue;
      this.#violated(
        "what was acknowledged is named somewhere",
        `Norce does not say what the PSP says, it was acknowledged ${Math.round(now() - payment.ackedAt)} ms ago, and no job, timer or letter names it`,
        payment,
      );
    }
  }

  #agrees(payment: Payment): boolean {
    const { orderId, paymentId } = payment.key;
    const document = this.#parts.norce.payment(orderId, paymentId);
    if (document === undefined) return true;
    let said = this.#said.get(document);
    if (said === undefined) {
      said = recordSums(document) ?? nothing;
      this.#said.set(document, said);
    }
    return areSame(said, payment.stated) && isStateOf(document, said);
  }

  /** Everything that waits, as text: jobs, what follows them, letters, and operations that have not ended. */
  #textsIn(): string {
    const { server } = this.#parts;
    const texts: string[] = [];
    for (const queue of server.queues.values()) {
      for (const { data } of queue.jobs.values()) texts.push(data);
      for (const { data } of queue.successors.values()) texts.push(data);
    }
    for (const { stored } of server.kind("letter").values()) texts.push(this.#textOf(stored.value));
    for (const { stored } of server.kind("operation").values())
      // One that ended owes nobody anything.
      if (!isEnded(stored.value)) texts.push(this.#textOf(stored.value));
    return texts.join("\n");
  }

  #textOf(value: Json): string {
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    let text = this.#texts.get(value);
    if (text === undefined) {
      text = JSON.stringify(value);
      this.#texts.set(value, text);
    }
    return text;
  }

  /**
   * At rest: Norce says what the PSP says, or a letter names the difference; and nothing waits without an end.
   * @param isCalm no clock was so wrong that patience may have ended early.
   */
  atRest(isCalm: boolean): { readonly judged: number; readonly letters: Readonly<Record<string, number>> } {
    const { payments, server } = this.#parts;
    const letters = new Map<string, number>();
    const stalls = Math.max(...[...server.queues.values()].map((queue) => queue.mostStalls));
    for (const { stored } of server.kind("letter").values()) {
      const { kind, context } = stored.value as { kind: string; context?: { reason?: string } };
      const reason = `${kind} ${context?.reason ?? ""}`.trim();
      letters.set(reason, (letters.get(reason) ?? 0) + 1);
      if ((isCalm && tooEarly.includes(kind)) || (kind === "Stalled" && stalls <= mostStalls))
        this.#violated("nobody is called for what passes by itself", JSON.stringify(stored.value));
    }
    let judged = 0;
    for (const payment of payments) {
      if (payment.reference === "" || payment.excuse !== undefined || payment.lagged || !payment.isOwed) continue;
      if (payment.isUntold) continue;
      if (payment.account.folds && [...payment.webhooks.values()].includes(false)) continue;
      judged += 1;
      if (!this.#agrees(payment) && !this.#hasLetter(payment)) this.#differs(payment);
    }
    for (const payment of payments) this.#operationsEnded(payment, isCalm);
    for (const queue of server.queues.values()) {
      const stuck = [...queue.waiting, ...queue.active, ...queue.failed];
      if (stuck.length > 0)
        this.#violated("nothing waits without an end", `${queue.name} holds ${stuck.length} jobs at rest`);
    }
    return { judged, letters: Object.fromEntries(letters) };
  }

  #differs(payment: Payment): void {
    const document = this.#parts.norce.payment(payment.key.orderId, payment.key.paymentId) ?? {};
    const said = recordSums(document) ?? nothing;
    this.#violated(
      "at rest Norce says what the PSP says",
      `Norce says ${stateIn(document)} ${JSON.stringify(said)}, the PSP states ${JSON.stringify(payment.stated)}`,
      payment,
    );
  }

  #hasLetter(payment: Payment): boolean {
    const letters = [...this.#parts.server.kind("letter").values()];
    return letters.some(({ stored }) => isNamedIn(JSON.stringify(stored.value), payment));
  }

  /** Every operation that was taken came to an end that is true. */
  #operationsEnded(payment: Payment, isCalm: boolean): void {
    for (const name of ["capture", "cancel", "refund"] as const) {
      const asked = payment.asked.filter((one) => one.name === name && one.id !== undefined);
      const statuses = asked.map((one) => this.#statusOf(one));
      const isTried = this.#parts.now() - payment.refusedAt < longestPauseMs;
      // Whoever gave its job back by a clock that was a month ahead gave it back for a month.
      if (payment.excuse === undefined && statuses.includes("open") && !isTried && isCalm)
        this.#violated("every operation comes to an end", `${name} was taken and never ended`, payment);
      this.#trueEnds(payment, name, statuses);
    }
  }

  /** Who was told that it was refused may do it some other way: then it must not have happened. */
  #trueEnds(payment: Payment, name: OperationName, statuses: readonly string[]): void {
    const unknown = payment.asked.filter((one) => one.name === name).length - statuses.length;
    const may = (statuses.filter((status) => status !== "refused").length + unknown) * payment.callsOf(name);
    if (payment.excuse === undefined && payment.moved[name].times > may)
      this.#violated(
        "what was refused did not happen",
        `${name} moved money ${payment.moved[name].times} times; its ends are ${statuses.join(", ")}`,
        payment,
      );
  }

  #statusOf({ id }: AskedFor): string {
    const record = this.#parts.server.kind("operation").get(id ?? "")?.stored.value as
      | { outcome?: { status: string } }
      | undefined;
    return record === undefined ? "forgotten" : (record.outcome?.status ?? "open");
  }

  #bounded(): void {
    const { payments, server, now } = this.#parts;
    // Tallies are kept by the hour.
    const most = 60 + payments.length * 40 + (now() / hourMs) * 2;
    if (server.size() > most)
      this.#violated("what is stored is bounded", `${server.size()} entries for ${payments.length} payments`);
  }
}

/** How much a call did of an operation. @param isCancelled a cancellation that was asked for has not moved anything yet */
function amountOf(name: OperationName, { captured, refunded, released }: Sums, isCancelled: boolean): number {
  switch (name) {
    case "capture":
      return captured;
    case "refund":
      // What is not settled yet is taken back instead.
      return Math.max(refunded, 0) + (isCancelled ? 0 : Math.max(-captured, 0));
    case "cancel":
      if (captured < 0) return isCancelled ? -captured : 0;
      // Some PSPs release what a capture leaves.
      return captured === 0 ? released : 0;
  }
}

/** The names of the payments to which a job, what follows it, or a timer leads. */
function wokenIn(server: TwinServer): ReadonlySet<string> {
  const wakes = new Set<string>();
  const add = (id: string): void => void wakes.add(id.endsWith("-sweep") ? id.slice(0, -"-sweep".length) : id);
  for (const { name, jobs, successors } of server.queues.values()) {
    if (!name.startsWith("payments-") && name !== "timers") continue;
    for (const { deduplicationId = "" } of jobs.values()) add(deduplicationId);
    for (const id of successors.keys()) add(id);
  }
  return wakes;
}

function isEnded(operation: Json): boolean {
  return (operation as { readonly outcome?: unknown }).outcome !== undefined;
}

function isNamedIn(text: string, { key: { paymentId, orderId }, reference }: Payment): boolean {
  return [paymentId, orderId, reference].some((id) => text.includes(id));
}
