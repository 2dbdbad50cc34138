import type { RequestHandler } from "express";
import { z } from "zod";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { Account, Arrivals } from "../queue/arrivals.ts";
import type { Engine } from "../queue/engine.ts";
import type { Heartbeats } from "../queue/heartbeats.ts";
import { answeredWithin } from "../queue/within.ts";
import { insistOnAdmin } from "../signatures/admin-token.ts";
import { sendJson } from "../webhooks/answers.ts";
import { queryOf } from "../webhooks/request.ts";

/** What the running service says of itself. */
export interface SelfParts {
  readonly config: Pick<Config, "adminTokens" | "signingKeys">;
  readonly engine: Pick<Engine, "kind" | "guarantee" | "faults">;
  readonly heartbeats: Pick<Heartbeats, "list">;
  readonly arrivals: Pick<Arrivals, "list">;
}

/** What is told of the queue's server, of the workers and of the keys. */
interface Self {
  readonly engine: {
    readonly kind: string;
    readonly level: string;
    readonly says: string;
    readonly faults: readonly string[];
  };
  /** How many worker processes said lately that they are there. */
  readonly workers: number;
  /** The fingerprints of the master keys that this service has, newest first. */
  readonly masters: readonly string[];
}

const name = z.string().min(1).max(200);
const accountSchema = z.strictObject({ adapter: name, merchant: name, channel: name });

/** The queue's server may take its time to say how it is set up. */
const longestMs = 5_000;

/** What the running service is, as far as only it can tell. @throws WorkerError `QueueUnavailable` where its queue does not answer. */
export async function selfOf({ engine, heartbeats, config }: SelfParts): Promise<Self> {
  const [{ level, text }, faults, workers] = await answeredWithin(
    longestMs,
    Promise.all([engine.guarantee(), engine.faults(), heartbeats.list()]),
  );
  return {
    engine: { kind: engine.kind, level, says: text, faults },
    workers: workers.length,
    masters: config.signingKeys.masters,
  };
}

/**
 * Answers what `npm run doctor` cannot see from outside: how the queue's server is set up, whether workers are there; with `adapter`,
 * `merchant` and `channel` in the query, when the account's webhooks last came, and which key proved them. For operators only.
 */
export function answerSelf(parts: SelfParts): RequestHandler {
  return async (request, response) => {
    insistOnAdmin(parts.config, request.get("authorization"));
    const query = Object.fromEntries(queryOf(request.originalUrl));
    if (Object.keys(query).length === 0) return sendJson(response, 200, await selfOf(parts));
    const account = accountSchema.safeParse(query);
    if (!account.success)
      throw new WorkerError(
        "MalformedWebhook",
        "adapter, merchant and channel have to be given together, or none of them",
      );
    return sendJson(response, 200, { arrivals: await arrivalsOf(account.data, parts) });
  };
}

/** When the account's own webhooks last came. @throws WorkerError `QueueUnavailable` */
async function arrivalsOf(account: Account, { arrivals }: SelfParts): Promise<readonly object[]> {
  return await answeredWithin(longestMs, arrivals.list(account));
}
