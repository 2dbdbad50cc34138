import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import * as certificates from "../../test/support/certificates.ts";
import { createTransport, type Outgoing } from "./transport.ts";

const opened: Server[] = [];

afterEach(async () => {
  await Promise.all(
    opened.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    }),
  );
});

async function listen(server: Server): Promise<number> {
  opened.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

async function served(listener: RequestListener): Promise<URL> {
  return new URL(`http://127.0.0.1:${await listen(createServer(listener))}/`);
}

const transport = createTransport();

function get(url: URL, more: Partial<Outgoing> = {}): Outgoing {
  return { method: "GET", url, headers: {}, timeoutMs: 10_000, ...more };
}

describe("a body", () => {
  const text = JSON.stringify({ city: "Malmö", said: "hej ".repeat(500) });
  const bytes = Buffer.from(text);

  test.each([
    ["as it is", undefined, bytes],
    ["in gzip", "gzip", gzipSync(bytes)],
    ["in gzip by its old name", "X-GZIP", gzipSync(bytes)],
    ["in brotli", "br", brotliCompressSync(bytes)],
    ["in deflate, which is zlib's", "deflate", deflateSync(bytes)],
    ["in deflate, weakly compressed", "deflate", deflateSync(bytes, { level: 1 })],
    ["in deflate, bare", "deflate", deflateRawSync(bytes)],
    ["in one coding within another", "deflate, gzip", gzipSync(deflateSync(bytes))],
    ["in what is no coding", "utf-8", bytes],
    ["behind a byte order mark", undefined, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])],
  ])("%s is read", async (_, coding, sent) => {
    const url = await served((_request, response) => {
      if (coding !== undefined) response.setHeader("content-encoding", coding);
      response.end(sent);
    });
    expect(await transport(get(url))).toMatchObject({ status: 200, text });
  });

  test.each([
    ["gzip", gzipSync(bytes)],
    ["br", brotliCompressSync(bytes)],
    ["deflate", deflateSync(bytes)],
    ["deflate", deflateRawSync(bytes)],
  ])("that ends too early in %s is no answer", async (coding, whole) => {
    const url = await served((_request, response) => {
      response.setHeader("content-encoding", coding).end(whole.subarray(0, whole.length - 9));
    });
    expect(await transport(get(url))).toMatchObject({ code: "Z_BUF_ERROR", sent: true });
  });

  test("that says its length and is cut off is no answer", async () => {
    const url = await served((_request, response) => {
      response.setHeader("content-length", "100");
      response.write("{}", () => response.destroy());
    });
    expect(await transport(get(url))).toEqual({ code: "ECONNRESET", sent: true });
  });

  test.each([
    ["plain", undefined, Buffer.alloc(11_000_000, 32)],
    ["a bomb of gzip", "gzip", gzipSync(Buffer.alloc(100_000_000))],
    ["a bomb of brotli", "br", brotliCompressSync(Buffer.alloc(100_000_000))],
    ["a bomb of deflate in gzip", "deflate, gzip", gzipSync(deflateSync(Buffer.alloc(100_000_000)))],
  ])("that is too large is no answer: %s", async (_, coding, sent) => {
    const url = await served((_request, response) => {
      if (coding !== undefined) response.setHeader("content-encoding", coding);
      response.end(sent);
    });
    expect(await transport(get(url))).toEqual({ code: "too-large", sent: true });
  });
});

describe("what is not answered", () => {
  test("had not left where nobody listens", async () => {
    const url = await served(() => {});
    await new Promise((closed) => opened.pop()?.close(closed));
    expect(await transport(get(url))).toEqual({ code: "ECONNREFUSED", sent: false });
  });

  test("had not left where HTTP has no such header", async () => {
    const url = await served(() => {});
    expect(await transport(get(url, { headers: { authorization: "a\nb" } }))).toEqual({
      code: "ERR_INVALID_CHAR",
      sent: false,
    });
  });

  test("ends at the deadline, also where a byte comes now and then", async () => {
    let dripping: NodeJS.Timeout | undefined;
    const url = await served((_request, response) => {
      dripping = setInterval(() => response.write(" "), 10);
    });
    expect(await transport(get(url, { timeoutMs: 100 }))).toEqual({ code: "timeout", sent: true });
    clearInterval(dripping);
  });

  test("had left where the connection ends before the answer", async () => {
    const url = await served((request) => request.socket.destroy());
    expect(await transport(get(url))).toEqual({ code: "ECONNRESET", sent: true });
  });
});

describe("the last word before the bytes leave", () => {
  test.each(["on a connection that is new", "on a connection that was kept"])("is the proof's, %s", async (which) => {
    const url = await served((_request, response) => response.end("{}"));
    const kept = createTransport();
    if (which.endsWith("kept")) await kept(get(url));
    const happened: string[] = [];
    const sent = (): void => void happened.push("sent");
    subscribe("http.client.request.start", sent);
    const prove = async (): Promise<void> => {
      await new Promise((later) => setTimeout(later, 20));
      happened.push("proven");
      process.nextTick(() => happened.push("next turn"));
    };
    expect(await kept(get(url, { prove }))).toMatchObject({ status: 200 });
    unsubscribe("http.client.request.start", sent);
    expect(happened).toEqual(["proven", "sent", "next turn"]);
  });

  test("keeps them here where the proof fails, or comes after the deadline", async () => {
    let arrived = 0;
    const url = await served((_request, response) => {
      arrived += 1;
      response.end();
    });
    const lost = new Error("the lock is lost");
    await expect(transport(get(url, { prove: () => Promise.reject(lost) }))).rejects.toBe(lost);
    const late = Promise.withResolvers<undefined>();
    const proof = late.promise;
    expect(await transport(get(url, { prove: () => proof, timeoutMs: 50 }))).toEqual({ code: "timeout", sent: false });
    late.resolve(undefined);
    await proof;
    expect(await transport(get(url))).toMatchObject({ status: 200 });
    expect(arrived).toBe(1);
  });

  test("is the caller's, who may give up until then and no longer", async () => {
    const giveUp = new AbortController();
    const url = await served((_request, response) => {
      giveUp.abort();
      response.end("{}");
    });
    const early = new AbortController();
    const prove = async (): Promise<void> => early.abort();
    expect(await transport(get(url, { signal: early.signal, prove }))).toEqual({ code: "given-up", sent: false });
    expect(await transport(get(url, { signal: giveUp.signal }))).toMatchObject({ status: 200, text: "{}" });
  });
});

describe("a client certificate", () => {
  const { authority, serverCertificate: cert, serverKey: key, clientCertificate, clientKey } = certificates;
  const trusting = createTransport({ trusted: authority });

  async function servedWith(): Promise<URL> {
    const options = { cert, key, ca: authority, requestCert: true, rejectUnauthorized: true };
    const port = await listen(
      createSecureServer(options, ({ socket }, response) => {
        const shown = (socket as Socket & { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate();
        response.end(shown.subject.CN);
      }),
    );
    return new URL(`https://localhost:${port}/`);
  }

  test("is shown, as PEM and as PKCS#12, and to nobody for whom it is not meant", async () => {
    const url = await servedWith();
    const pem = { certificate: clientCertificate, key: clientKey };
    const pkcs12 = { pkcs12: certificates.clientPkcs12, passphrase: certificates.clientPassphrase };
    for (const identity of [pem, { ...pem }, pkcs12])
      expect(await trusting(get(url, { identity }))).toMatchObject({ status: 200, text: "merchant-1" });
    const foreign = { certificate: certificates.foreignCertificate, key: certificates.foreignKey };
    // Which of the two depends on whether the alert or the end of the connection is seen first.
    const code = expect.stringMatching(/^(ERR_SSL_\w*ALERT\w*|ECONNRESET|EPIPE)$/);
    expect(await trusting(get(url))).toMatchObject({ code });
    expect(await trusting(get(url, { identity: foreign }))).toMatchObject({ code });
  });

  test.each([
    ["a key that is another's", { certificate: clientCertificate, key: certificates.foreignKey }],
    ["a text that is no certificate", { certificate: "canary", key: clientKey }],
    ["a wrong passphrase", { pkcs12: certificates.clientPkcs12, passphrase: "canary" }],
    ["bytes that are no file", { pkcs12: Buffer.from("canary") }],
  ])("that cannot be used is a wrong credential: %s", async (_, identity) => {
    const error: unknown = await trusting(get(new URL("https://psp.test/"), { identity })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ kind: "Unauthorized", context: { reason: "client-certificate" } });
    expect(JSON.stringify([error, String(error)])).not.toContain("canary");
  });

  test("of the other side is checked", async () => {
    const identity = { certificate: clientCertificate, key: clientKey };
    expect(await createTransport()(get(await servedWith(), { identity }))).toMatchObject({
      code: expect.stringMatching(/CERT|SIGNATURE|ISSUER/),
      sent: false,
    });
  });
});

describe("a proxy", () => {
  /** Carries everything to one place and remembers what it was asked for. */
  async function proxyTo(target: URL): Promise<{ proxies: Record<string, string>; asked: string[] }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end("from the proxy");
    });
    server.on("connect", (request, socket: Socket) => {
      asked.push(`CONNECT ${request.url}`);
      const onward = connect(Number(target.port), target.hostname, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      for (const end of [socket, onward]) end.on("error", () => {});
    });
    const address = `http://127.0.0.1:${await listen(server)}`;
    return { proxies: { HTTP_PROXY: address, HTTPS_PROXY: address, no_proxy: "inside.test" }, asked };
  }

  test("carries what leaves this machine, and never what stays", async () => {
    const { authority, serverCertificate: cert, serverKey: key } = certificates;
    const port = await listen(createSecureServer({ cert, key }, (_request, response) => response.end("itself")));
    const url = await served((_request, response) => response.end("itself"));
    const { proxies, asked } = await proxyTo(new URL(`http://127.0.0.1:${port}`));
    const proxied = createTransport({ proxies, trusted: authority });
    expect(await proxied(get(new URL("http://psp.test/a")))).toMatchObject({ text: "from the proxy" });
    let proofs = 0;
    const prove = async (): Promise<void> => void (proofs += 1);
    expect(await proxied(get(new URL("https://psp.test/b"), { prove }))).toMatchObject({ text: "itself" });
    expect(proofs).toBe(1);
    expect(await proxied(get(url))).toMatchObject({ text: "itself" });
    expect(await proxied(get(new URL(`http://localhost:${url.port}/`)))).toMatchObject({ text: "itself" });
    expect(await proxied(get(new URL(`https://localhost:${port}/`)))).toMatchObject({ text: "itself" });
    expect(await proxied(get(new URL("http://inside.test/"), { timeoutMs: 1_000 }))).toHaveProperty("code");
    expect(asked).toEqual(["GET http://psp.test/a", "CONNECT psp.test:443"]);
  });
});
