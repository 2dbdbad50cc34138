import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createConfig } from "../../src/config.ts";
import { createLog } from "../../src/lib/log.ts";
import { createMeters } from "../../src/lib/meters.ts";
import { startWeb } from "../../src/web.ts";
import { createListSeam } from "../support/list-seam.ts";
import { fixtureSigningKey } from "../support/signing.ts";

test("a port that is in use is told in a line", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const norce = { orderApi: "https://norce.example", token: "t" };
  const config = createConfig(
    { URL_SIGNING_KEYS: fixtureSigningKey, PORT: String(port) },
    { norce, merchants: {} },
    new Map(),
  );
  const { engine, seam: queue } = createListSeam();
  const log = createLog("error", { write: () => undefined });
  await expect(startWeb({ config, engine, queue, log, meters: createMeters() })).rejects.toThrow(
    `PORT: ${port} is in use already`,
  );
});
