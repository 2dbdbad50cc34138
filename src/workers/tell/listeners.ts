import type { Logger } from "../../lib/log.ts";
import type { Meters } from "../../lib/meters.ts";
import { kindOf } from "../retry.ts";
import type { Listener, LookFacts, Looked, OperationTold } from "./told.ts";

/** One wide line per thing done. */
export function tellLog(log: Logger): Listener {
  return {
    looked: (looked, facts) => log[levelOf(looked, facts)](lineOf(looked, facts), `payment.${facts.outcome}`),
    event({ target, is, ...facts }) {
      log.warn({ ...target, ...facts }, is === "disproved" ? "webhook.disproved" : "event.later");
    },
    operated: (told) => log[levelOfOperation(told)](operationLine(told), operationMessages[told.is]),
    found(of, { name, ...facts }) {
      // What is found of an account has a line of its own.
      if (of.orderId !== undefined) log.warn({ ...of, ...facts, reason: name }, "payment.odd");
    },
    buried({ key, event, reason, context }) {
      if (event !== undefined)
        log.error({ ...key, event: event.key, type: event.type, ...context, says: reason }, "event.dead");
    },
  };
}

/** Counts what happens. */
export function tellMeters(meters: Meters): Listener {
  return {
    looked({ key, came, startedAt, now }, { outcome }) {
      meters.look(key.adapter, outcome, (now - startedAt) / 1_000);
      // Storefronts and hooks write beside us: how often they and we meet is for people to see.
      if ("error" in came && kindOf(came.error) === "Conflict") meters.oddity(key.adapter, "conflict");
    },
    found: ({ adapter }, { name }) => meters.oddity(adapter, name),
  };
}

const operationMessages = {
  finished: "operation.finished",
  later: "operation.later",
  unlogged: "operation.unlogged",
} as const satisfies Record<OperationTold["is"], string>;

function levelOf({ came }: Looked, { outcome }: LookFacts): "error" | "info" {
  return outcome === "dead" || ("error" in came && kindOf(came.error) === "Bug") ? "error" : "info";
}

function lineOf({ key, by, came, startedAt, now }: Looked, facts: LookFacts): object {
  return { ...key, ...facts, by, ms: now - startedAt, ...("error" in came ? { error: came.error } : {}) };
}

function levelOfOperation({ is, facts }: OperationTold): "error" | "warn" | "info" {
  if (is !== "finished") return "warn";
  return facts?.["status"] === "unknown" ? "error" : "info";
}

function operationLine({ key, operation, operationId, error, facts }: OperationTold): object {
  return { ...key, operation, operationId, ...facts, ...(error === undefined ? {} : { error }) };
}
