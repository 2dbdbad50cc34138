/** A peer that answers every request with the same order, as quickly as Node can: what is measured against it is the client. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const order = JSON.stringify({
  id: "o_1",
  status: "AUTHORIZED",
  lines: Array.from({ length: 10 }, (_, at) => ({ reference: `sku-${at}`, name: "a thing", quantity: 1, amount: 100 })),
});

const server = createServer((request, response) => {
  request.resume().once("end", () => {
    response
      .writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(order) })
      .end(order);
  });
});
server.listen(0, "127.0.0.1", () => {
  process.on("message", () => process.send?.({ port: (server.address() as AddressInfo).port }));
  console.log("ready");
});
