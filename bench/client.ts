import { Agent, request as httpRequest } from "node:http";
import axios from "axios";
import { createHttp, type Json } from "../src/lib/http.ts";
import { createTransport } from "../src/lib/transport.ts";
import { type Child, start } from "./children.ts";

/** One request, a read or a write, whose answer has been parsed. */
type Ask = (method: "GET" | "PUT", path: string, body?: Json) => Promise<unknown>;

const requests = 20_000;
const atOnce = 16;
const headers = { authorization: "Bearer token", "x-merchant": "acme", "x-channel": "se" };

/** Prints what one request costs in this process: with our client, with axios as it comes, and with nothing but `node:http`. */
export async function benchClient({ rounds, folder }: { rounds: number; folder: string }): Promise<void> {
  const peer = await start("bench/servers/answers.ts", {}, folder);
  const base = `http://127.0.0.1:${await portOf(peer)}`;
  const clients = { "our client": ours(base), axios: plainAxios(base), "node:http": bare(base) };
  console.log("\n### Processor time of one request, client alone\n");
  console.log(`| client | µs, best of ${rounds} rounds | of axios |\n| --- | ---: | ---: |`);
  const best: Record<string, number> = {};
  for (let round = -1; round < rounds; round += 1)
    for (const [name, ask] of Object.entries(clients)) {
      const micros = await measure(ask);
      // The first round warms up.
      if (round >= 0) best[name] = Math.min(best[name] ?? Infinity, micros);
    }
  for (const [name, micros] of Object.entries(best))
    console.log(`| ${name} | ${micros.toFixed(0)} | ${(micros / (best["axios"] ?? Number.NaN)).toFixed(2)} |`);
  await peer.stop();
}

/** Microseconds of this process's processor time per request. */
async function measure(ask: Ask): Promise<number> {
  let left = requests;
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; left > 0;) {
        left -= 1;
        if (left % 4 === 0) await ask("PUT", "/orders/o_1/payments/p_1", { state: "reserved", amount: 100 });
        else await ask("GET", "/orders/o_1/payments/p_1");
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

function ours(baseUrl: string): Ask {
  const http = createHttp({ peer: "peer", baseUrl, headers, transport: createTransport() });
  return (method, path, body) => http({ method, path, route: path, body });
}

/** What the client was before it had a transport of its own. */
function plainAxios(baseURL: string): Ask {
  const client = axios.create({
    baseURL,
    httpAgent: new Agent({ keepAlive: true, maxSockets: 128 }),
    timeout: 5_000,
    maxRedirects: 0,
    maxContentLength: 10 * 1024 * 1024,
    responseType: "text",
    transformResponse: (text: unknown) => text,
    validateStatus: () => true,
    headers: { accept: "application/json", ...headers },
  });
  return async (method, url, body) => {
    const { data } = await client.request<string>({
      method,
      url,
      signal: AbortSignal.timeout(5_000),
      ...(body === undefined
        ? {}
        : { data: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } }),
    });
    return JSON.parse(data);
  };
}

function bare(base: string): Ask {
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(base + path, { method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString("utf8"))));
      });
      request.once("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
}

async function portOf(peer: Child): Promise<number> {
  return (await peer.ask<{ port: number }>({})).port;
}
