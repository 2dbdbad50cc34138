import type { Check } from "../checks.ts";
import type { ServiceSelf, Tools } from "../parts.ts";
import type { Found } from "../report.ts";

/** How the queue's server is set up, whether workers are there, and whether the service that runs has our keys: only it can tell. */
export function engineCheck({ service, config }: Tools): Check {
  return {
    check: "queue",
    peer: "this service",
    async run() {
      const self = await service.self();
      return [...queueOf(self), ...workersOf(self), ...keysOf(self, config.signingKeys.masters)];
    },
  };
}

function queueOf({ engine: { kind, level, says, faults } }: ServiceSelf): readonly Found[] {
  if (faults.length > 0)
    return faults.map((fault) => ({
      is: "attention" as const,
      says: fault,
      todo: "set it so before webhooks are lost",
    }));
  if (level === "power-loss") return [{ is: "fine", says }];
  if (level === "unknown") return [{ is: "skipped", says }];
  if (kind === "embedded")
    return [{ is: "attention", says, todo: "set REDIS_URL or QUEUE_URL where real money is moved (docs/deploy.md)" }];
  return [
    { is: "attention", says, todo: "change the server's setting (docs/deploy.md), or know what an outage may cost" },
  ];
}

function workersOf({ workers }: ServiceSelf): readonly Found[] {
  if (workers > 0) return [];
  return [{ is: "attention", says: "no worker process says that it is there", todo: "start `worker` of the Procfile" }];
}

function keysOf({ masters }: ServiceSelf, ours: readonly string[]): readonly Found[] {
  if (masters.join() === ours.join()) return [];
  return [
    {
      is: "attention",
      says: "the service that runs has other URL_SIGNING_KEYS than this command",
      todo: "restart the service, or give this command its environment",
    },
  ];
}
