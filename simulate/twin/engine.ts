import { type BackendFactory, type IQueueBackend, Queue, Worker } from "bullmq";
import type { Logger } from "../../src/lib/log.ts";
import type { Engine } from "../../src/queue/engine.ts";
import { engineOn } from "../../src/queue/engines/bull.ts";
import { workerDefaults } from "../../src/queue/engines/defaults.ts";
import { grantsOn } from "../../src/queue/engines/grants.ts";
import { TwinBackend, type TwinConnection } from "./backend.ts";
import { createTwinNotes } from "./notes.ts";
import { createTwinStore } from "./records.ts";

const createBackend: BackendFactory<IQueueBackend, TwinConnection> = (name, options) =>
  // What it does not have throws by name.
  new TwinBackend(name, options, options.connection) as unknown as IQueueBackend;

/**
 * The service's engine on the twin of a server, as one process has it: BullMQ as it is, and the state store beside it.
 * @param kind what the service takes it for.
 */
export function openTwin(connection: TwinConnection, log: Logger, kind: Engine["kind"] = "redis"): Engine {
  const { server, link } = connection;
  const store = createTwinStore(server, link);
  const notes = createTwinNotes(server, link);
  return engineOn(
    {
      kind,
      stores: { prompt: store, patient: store },
      notes: { prompt: notes, patient: notes },
      makeQueue: (name) => new Queue(name, { connection }, createBackend),
      makeWorker(name, processor, options) {
        const { grants, make } = grantsOn(createBackend);
        const settings = { ...workerDefaults, ...options, connection };
        return { worker: new Worker(name, processor as () => Promise<void>, settings, make), grants };
      },
      guarantee: async () => ({ level: "power-loss", text: "a memory that forgets nothing" }),
      faults: async () => [],
      async ping() {
        await store.put("probe", "probe", true, 60_000);
      },
      close: async () => undefined,
    },
    log,
  );
}
