/** (a) The least that can be done: `node:http` and one `XADD` a request. */
import { createServer } from "node:http";
import { Redis } from "ioredis";

const redis = new Redis(process.env["REDIS_URL"] ?? "");

createServer((request, response) => {
  request.resume().on("end", () => {
    redis.xadd("bare", "*", "url", request.url ?? "").then(
      () => response.end(),
      () => response.writeHead(503).end(),
    );
  });
}).listen(Number(process.env["PORT"]), () => console.log("ready"));
