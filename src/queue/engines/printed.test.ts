import { expect, onTestFinished, test, vi } from "vitest";
import { createLog } from "../../lib/log.ts";
import { takePrinted } from "./printed.ts";

test("what the drivers print as plain text becomes lines of the log, everything else stays, and it has an end", () => {
  const printed: unknown[][] = [];
  for (const level of ["warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => void printed.push([level, ...parts]));
  onTestFinished(() => void vi.restoreAllMocks());
  const lines: string[] = [];
  const end = takePrinted(createLog("info", { write: (line: string) => void lines.push(line) }));
  console.error("[ioredis] Unhandled error event:", "connect ECONNREFUSED");
  console.warn("It is highly recommended to use a minimum Redis version of %s", "6.2.0");
  console.warn("(node:1) of nobody's");
  end();
  console.error("[ioredis] later");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 50, msg: "queue.printed", text: "[ioredis] Unhandled error event: connect ECONNREFUSED" },
    { level: 40, msg: "queue.printed", text: "It is highly recommended to use a minimum Redis version of 6.2.0" },
  ]);
  expect(printed).toEqual([
    ["warn", "(node:1) of nobody's"],
    ["error", "[ioredis] later"],
  ]);
});
