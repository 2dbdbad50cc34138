import { connect, createServer, type Socket } from "node:net";

/** A way to a server that can fall silent, as one does whose host vanished: the connections stay open and nothing comes through. */
export interface Passage {
  readonly port: number;
  /** Every connection that is open now is silent from here on; new ones work. */
  silence(): void;
  /** New connections lead to another port; those that are open stay where they are. */
  lead(to: number): void;
  /**
   * Holds back the first answer that holds this text, and all that is said on either side from then on, as where whoever asked stands still before
   * reading it.
   * @returns `held`: resolves once it is; `release` lets everything through, in its order.
   */
  holdFrom(text: string): { readonly held: Promise<void>; readonly release: () => void };
  close(): Promise<void>;
}

/** Opens a passage to a port of the loopback interface. */
export async function openPassage(first: number): Promise<Passage> {
  let to = first;
  const open = new Set<Socket>();
  const heard = new Set<Socket>();
  let awaited: { readonly text: string; readonly found: () => void } | undefined;
  let held: (() => void)[] | undefined;
  const forward = (from: Socket, into: Socket, answers: boolean): void => {
    open.add(from);
    heard.add(from);
    from.on("data", (bytes) => {
      if (!heard.has(from)) return;
      if (answers && awaited !== undefined && bytes.includes(awaited.text)) {
        held = [];
        awaited.found();
        awaited = undefined;
      }
      if (held === undefined) into.write(bytes);
      else held.push(() => void into.write(bytes));
    });
    from.on("error", () => undefined);
    from.on("close", () => {
      open.delete(from);
      into.destroy();
    });
  };
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    forward(near, far, false);
    forward(far, near, true);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    silence: () => heard.clear(),
    lead(other) {
      to = other;
    },
    holdFrom(text) {
      const found = Promise.withResolvers<void>();
      awaited = { text, found: found.resolve };
      return {
        held: found.promise,
        release() {
          const kept = held ?? [];
          held = undefined;
          for (const send of kept) send();
        },
      };
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
