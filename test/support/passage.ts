import { connect, createServer, type Socket } from "node:net";

/** A way to a server that can fall silent, as one does whose host vanished: the connections stay open and nothing comes through. */
export interface Passage {
  readonly port: number;
  /** Every connection that is open now is silent from here on; new ones work. */
  silence(): void;
  close(): Promise<void>;
}

/** Opens a passage to a port of the loopback interface. */
export async function openPassage(to: number): Promise<Passage> {
  const open = new Set<Socket>();
  const heard = new Set<Socket>();
  const forward = (from: Socket, into: Socket): void => {
    open.add(from);
    heard.add(from);
    from.on("data", (bytes) => heard.has(from) && into.write(bytes));
    from.on("error", () => undefined);
    from.on("close", () => {
      open.delete(from);
      into.destroy();
    });
  };
  const server = createServer((near) => {
    const far = connect(to, "127.0.0.1");
    forward(near, far);
    forward(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    silence: () => heard.clear(),
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
