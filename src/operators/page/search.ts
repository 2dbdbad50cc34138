/** The views that lead to an order, to an operation, and to the queues. */
import { type Html, html } from "../../lib/html.ts";
import type { QueueCount } from "../../queue/jobs.ts";
import type { OperationStatus } from "../../webhooks/operations.ts";
import type { ListedLetter } from "../letters.ts";
import { chip, choice, code, facts, field, link, orderLink, section, table, time } from "./parts.ts";
import type { View } from "./shell.ts";

/** A payment that was found. */
export interface Found {
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly orderId: string;
  readonly paymentId?: string;
  readonly says: string;
}

/** Looks for an order by its id, a payment's, or the PSP's. @param found absent: nothing was asked for yet. */
export function searchView(
  asked: {
    readonly q?: string | undefined;
    readonly merchant?: string | undefined;
    readonly channel?: string | undefined;
  },
  merchants: readonly string[],
  channels: readonly string[],
  found: readonly Found[] | undefined,
): View {
  return {
    title: "Search",
    at: "search",
    content: [
      html`<form method="get" action="search" class="filter" role="search">
        ${field("q", "Order, payment or the PSP's reference", asked.q, html`required autofocus class="wide"`)}
        ${choice("merchant", "Merchant", merchants, asked.merchant)}
        ${choice("channel", "Channel", channels, asked.channel)}
        <button class="main">Search</button>
      </form>`,
      found === undefined
        ? undefined
        : table(
            `Found for ${asked.q ?? ""}`,
            ["Order", "Payment", "Where", "What"],
            found.map((one) => [
              orderLink(one),
              code(one.paymentId),
              html`${one.adapter} <span class="soft">${one.merchant}/${one.channel}</span>`,
              one.says,
            ]),
            "Nothing is remembered of that here: no journal, no reference, no letter.",
          ),
    ].filter((one) => one !== undefined),
  };
}

/** An operation that is under way, as it is told. */
export interface RunningOperation {
  readonly id: string;
  readonly name: string;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly orderId: string;
  readonly paymentId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly tries: number;
  readonly sent: boolean;
}

/** An operation that came to its end, as it is told. */
export interface EndedOperation extends Omit<RunningOperation, "tries" | "sent"> {
  readonly status: string;
  readonly reason?: string | undefined;
  /** In major units; absent: all that was left. */
  readonly amount?: number | undefined;
}

/** Operations: those under way, those of which nobody knows what came, and any by its id. */
export function operationsView(given: {
  readonly id?: string | undefined;
  readonly one?: OperationStatus | undefined;
  readonly of?: Html | undefined;
  readonly running: readonly RunningOperation[];
  readonly ended: readonly EndedOperation[];
  readonly letters: readonly ListedLetter[];
}): View {
  const { id, one, of, running, ended, letters } = given;
  return {
    title: "Operations",
    at: "operations",
    content: [
      html`<form method="get" action="operations" class="filter" role="search">
        ${field("id", "An operation's id", id, html`class="wide"`)}
        <button class="main">Show</button>
      </form>`,
      one === undefined
        ? undefined
        : html`<section class="card">
            <h2>${code(one.operationId)}</h2>
            <p>${chip(one.status, toneOf(one.status))} ${of}</p>
            ${facts((one.outcome ?? {}) as Record<string, unknown>)}
          </section>`,
      section(
        "Under way",
        table(
          "Captures, cancellations and refunds that have not come to their end",
          ["Asked", "What", "Order", "Where", "Tries", "Sent", "Id"],
          running.map((operation) => [
            time(operation.at),
            operation.name,
            html`${orderLink(operation)} <span class="soft">${operation.paymentId}</span>`,
            html`${operation.adapter} <span class="soft">${operation.merchant}/${operation.channel}</span>`,
            operation.tries,
            operation.sent ? "yes" : "no",
            html`<a href="${link("operations", { id: operation.id })}">${operation.id}</a>`,
          ]),
        ),
      ),
      section(
        "Nobody knows what came of them",
        table(
          "Look in the PSP's portal, then take the letter away",
          ["Given up", "What", "Order", "Where", "Why", "Id"],
          letters.map((letter) => [
            time(letter.at),
            letter.event ?? "–",
            html`${orderLink(letter)} <span class="soft">${letter.paymentId ?? ""}</span>`,
            html`${letter.adapter} <span class="soft">${letter.merchant}/${letter.channel}</span>`,
            letter.reason,
            letter.operationId === undefined
              ? "–"
              : html`<a href="${link("operations", { id: letter.operationId })}">${letter.operationId}</a>`,
          ]),
        ),
      ),
      section(
        "What came to its end",
        table(
          `The last ${ended.length} within a month`,
          ["Asked", "What", "Order", "Where", "Came to", "Id"],
          ended.map((operation) => [
            time(operation.at),
            operation.amount === undefined ? operation.name : `${operation.name} of ${operation.amount}`,
            html`${orderLink(operation)} <span class="soft">${operation.paymentId}</span>`,
            html`${operation.adapter} <span class="soft">${operation.merchant}/${operation.channel}</span>`,
            html`${chip(operation.status, toneOf(operation.status))} ${operation.reason}`,
            html`<a href="${link("operations", { id: operation.id })}">${operation.id}</a>`,
          ]),
        ),
      ),
    ].filter((part) => part !== undefined),
  };
}

function toneOf(status: string): "good" | "bad" | "warn" {
  if (status === "done") return "good";
  return status === "unknown" ? "bad" : "warn";
}

/** What waits where, who is there to work on it, and which PSPs are left alone. */
export function queuesView(given: {
  readonly counts: readonly QueueCount[];
  readonly workers: readonly {
    readonly id: string;
    readonly at: number;
    readonly facts: Readonly<Record<string, unknown>>;
  }[];
  readonly closures: readonly {
    readonly adapter: string;
    readonly account: string;
    readonly why: string;
    readonly until: number;
  }[];
}): View {
  const { counts, workers, closures } = given;
  const states = ["waiting", "active", "delayed", "failed"];
  const queues = [...Map.groupBy(counts, ({ queue }) => queue)];
  const full = queues.filter(([, some]) => some.some(({ jobs }) => jobs > 0));
  return {
    title: "Queues",
    at: "queues",
    againSeconds: 10,
    content: [
      html`<p role="status">
        ${
          workers.length === 0
            ? chip("no worker is there: nobody looks at payments", "bad")
            : chip(`${workers.length} ${workers.length === 1 ? "worker" : "workers"}`, "good")
        }
      </p>`,
      section(
        "Jobs",
        table(
          "By queue and state; dead are the letters",
          ["Queue", ...states],
          full.map(([queue, some]) => [
            queue,
            ...states.map((state) => some.find((one) => one.state === state)?.jobs ?? "–"),
          ]),
          "Nothing waits anywhere.",
        ),
        html`<p class="soft">${queues.length - full.length} of ${queues.length} queues are empty.</p>`,
      ),
      section(
        "PSPs that are left alone now",
        table(
          "Closed gates",
          ["PSP", "Account", "Why", "Until"],
          closures.map(({ adapter, account, why, until }) => [adapter, account, why, time(until)]),
        ),
      ),
      section(
        "Workers",
        table(
          "Heard of within the last 20 seconds",
          ["Worker", "Last heard", "Facts"],
          workers.map(({ id, at, facts: of }) => [code(id.slice(0, 8)), time(at), facts(of)]),
        ),
      ),
    ],
  };
}
