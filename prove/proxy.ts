import { createServer, type Server, type Socket, connect } from "node:net";

/** From who connected to where it leads, or back. */
export type Way = "up" | "down";

/** A TCP proxy on the loopback interface: what goes through it can be cut, slowed and held up. */
export interface Proxy {
  readonly port: number;
  /** Where new connections go: the first of these that answers, each in turn. */
  lead(ports: readonly number[]): void;
  /** Ends every connection at once. How many there were. */
  cut(): number;
  /** Every piece waits so long from now on, in milliseconds; `Infinity`: nothing passes until it is set again. */
  slow(ms: number): void;
  close(): Promise<void>;
}

/** Opens a proxy. @param sees is called with each piece, before it goes on. */
export async function openProxy(
  ports: readonly number[] = [],
  sees: (piece: Buffer, way: Way) => void = () => undefined,
): Promise<Proxy> {
  let targets = ports;
  let turn = 0;
  let delayMs = 0;
  const pairs = new Set<readonly [Socket, Socket]>();
  const held: (() => void)[] = [];

  const pass = (from: Socket, to: Socket, way: Way): void => {
    // One piece after the other, however long each waits.
    let last: Promise<unknown> = Promise.resolve();
    from.on("data", (piece: Buffer) => {
      sees(piece, way);
      if (delayMs === 0 && held.length === 0) {
        last = last.then(() => void to.write(piece));
        return;
      }
      from.pause();
      const waited = Number.isFinite(delayMs)
        ? new Promise<void>((done) => void setTimeout(done, delayMs))
        : new Promise<void>((done) => void held.push(done));
      last = last
        .then(() => waited)
        .then(() => to.write(piece))
        .finally(() => from.resume());
    });
    from.on("end", () => void last.then(() => to.end()));
  };

  const join = (client: Socket, left: number): void => {
    const port = targets[turn++ % Math.max(targets.length, 1)];
    if (port === undefined || left === 0) {
      client.destroy();
      return;
    }
    const upstream = connect(port, "127.0.0.1");
    let isJoined = false;
    upstream.once("connect", () => {
      isJoined = true;
      const pair = [client, upstream] as const;
      pairs.add(pair);
      for (const one of pair)
        one.once("close", () => {
          pairs.delete(pair);
          client.destroy();
          upstream.destroy();
        });
      pass(client, upstream, "up");
      pass(upstream, client, "down");
      client.resume();
    });
    upstream.on("error", () => {
      if (isJoined) client.destroy();
      else join(client, left - 1);
    });
  };

  const server: Server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
    client.on("error", () => client.destroy());
    join(client, Math.max(targets.length, 1));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");

  const cut = (): number => {
    const count = pairs.size;
    for (const [client, upstream] of pairs) {
      client.destroy();
      upstream.destroy();
    }
    return count;
  };
  return {
    port: address.port,
    lead: (wanted) => void (targets = wanted),
    cut,
    slow(ms) {
      delayMs = ms;
      if (Number.isFinite(ms)) for (const done of held.splice(0)) done();
    },
    async close() {
      cut();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
