import { EventEmitter } from "node:events";
import type { Client, Notification } from "pg";

/** How often the connection is asked whether it is still there, and still one that may write. */
const beatMs = 10_000;

/** One connection for everybody in the process who waits for notifications: each listener wakes up the server at each add. */
export interface Listening {
  /** A client as BullMQ wants one of its own; it hears all notifications, and `error` when the connection is lost. */
  connect(): Promise<EventEmitter>;
  /** Ends the connection; who listens makes it anew. */
  drop(why: Error): void;
  end(): Promise<void>;
}

/** @param open connects a client. */
export function createListening(open: () => Promise<Client>): Listening {
  const clients = new Set<EventEmitter>();
  /** The connection that is in use. */
  const active = new Set<Client>();
  let opening: Promise<Client> | undefined;
  let ended = false;

  const lost = (client: Client, error: Error): void => {
    void client.end().catch(() => undefined);
    // Each of them connects again, and listens again.
    for (const listener of clients) if (listener.listenerCount("error") > 0) listener.emit("error", error);
  };
  const current = async (): Promise<Client> => {
    opening ??= openAnew();
    return await opening;
  };
  const openAnew = async (): Promise<Client> => {
    try {
      const client = await open();
      client.on("notification", (message: Notification) => {
        for (const listener of clients) listener.emit("notification", message);
      });
      const forget = (error: Error): void => {
        if (opening === undefined || !active.has(client)) return;
        active.delete(client);
        opening = undefined;
        lost(client, error);
      };
      active.add(client);
      client.on("error", forget).on("end", () => forget(new Error("the connection ended")));
      return client;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  const drop = (why: Error): void => {
    for (const client of active) client.emit("error", why);
  };
  const check = async (client: Client): Promise<void> => {
    try {
      const { rows } = await client.query<{ only: string }>("SELECT current_setting('transaction_read_only') AS only");
      if (rows[0]?.only === "on") throw new Error("the database has become read-only");
    } catch (error) {
      client.emit("error", error instanceof Error ? error : new Error(String(error)));
    }
  };
  const beat = setInterval(() => {
    for (const client of active) void check(client);
  }, beatMs).unref();

  return {
    async connect() {
      if (ended) throw new Error("the engine is closed");
      await current();
      const listener = new EventEmitter().setMaxListeners(0);
      clients.add(listener);
      const query = async (text: string, parameters?: unknown[]) => await (await current()).query(text, parameters);
      return Object.assign(listener, { query, release: () => clients.delete(listener) });
    },
    drop,
    async end() {
      ended = true;
      clearInterval(beat);
      const closing = [...active];
      active.clear();
      await Promise.all(closing.map((client) => client.end()));
    },
  };
}
