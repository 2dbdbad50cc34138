import { createServer as createPlainServer } from "node:net";
import { createServer, TLSSocket } from "node:tls";
import type { AddressInfo, Server } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { authority, serverCertificate, serverKey } from "../../test/support/certificates.ts";
import type { Config } from "../config.ts";
import { certificateAt } from "./certificate.ts";
import { certificateChecks } from "./checks/certificates.ts";
import type { Tools } from "./parts.ts";
import { runAll } from "./checks.ts";

const tls = { key: serverKey, cert: serverCertificate };
const signal = new AbortController().signal;
const ended = Date.parse("2120-01-01T00:00:00.000Z");

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => await new Promise((resolve) => server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

function toolsOf(config: Partial<Config>, now = Date.now()): Tools {
  const usual = { publicUrl: "http://localhost", queueTls: { ca: undefined, insecure: false } };
  return { config: { ...usual, ...config }, now: () => now } as unknown as Tools;
}

it("is read whether it is trusted or not", async () => {
  const port = await listening(createServer(tls));
  const trusted = await certificateAt({ host: "localhost", port, ca: authority }, signal);
  expect(trusted).toEqual({ ends: ended });
  expect(await certificateAt({ host: "localhost", port }, signal)).toMatchObject({
    ends: ended,
    distrusted: expect.any(String),
  });
});

it("is asked for in PostgreSQL's own words, and is none where there is no TLS", async () => {
  const asked = (answer: string): Server =>
    createPlainServer((socket) => {
      onTestFinished(() => void socket.destroy());
      socket.once("data", () => {
        socket.write(answer);
        if (answer === "S") new TLSSocket(socket, { isServer: true, ...tls }).on("error", () => undefined);
      });
    });
  const [port, without] = [await listening(asked("S")), await listening(asked("N"))];
  const address = { host: "localhost", ca: authority, postgres: true };
  expect(await certificateAt({ ...address, port }, signal)).toEqual({ ends: ended });
  await expect(certificateAt({ ...address, port: without }, signal)).rejects.toThrow("it has no TLS");
});

it("is told of in time, where it is of a server of ours", async () => {
  const port = await listening(createServer(tls));
  const queueTls = { ca: authority, insecure: false };
  const redis = { redisUrl: `rediss://localhost:${port}`, queueTls };
  const week = 7 * 24 * 3_600_000;
  expect(await runAll(certificateChecks(toolsOf(redis)))).toMatchObject([
    { check: "certificate of REDIS_URL", is: "fine" },
  ]);
  expect(await runAll(certificateChecks(toolsOf(redis, ended - week)))).toMatchObject([
    { is: "attention", says: "it ends on 2120-01-01" },
  ]);
  expect(await runAll(certificateChecks(toolsOf(redis, ended + week)))).toMatchObject([
    { is: "attention", says: "it ended on 2120-01-01" },
  ]);
  const stranger = await runAll(certificateChecks(toolsOf({ publicUrl: `https://localhost:${port}/in` })));
  expect(stranger).toMatchObject([
    { check: "certificate of PUBLIC_URL", is: "attention", says: expect.stringContaining("not trusted") },
  ]);
  const nobody = await runAll(certificateChecks(toolsOf({ publicUrl: "https://127.0.0.1:9" })));
  expect(nobody).toMatchObject([{ is: "skipped", says: expect.stringContaining("ECONNREFUSED") }]);
  expect(certificateChecks(toolsOf({ redisUrl: "redis://localhost" }))).toEqual([]);
});
