import { EventEmitter } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "./log.ts";
import { takeWarnings } from "./warnings.ts";

test("a warning of Node's is a line of the log, once, and printed by nobody else", async () => {
  const lines: string[] = [];
  const before = process.listeners("warning");
  const end = takeWarnings(createLog("info", { write: (line: string) => void lines.push(line) }));
  onTestFinished(() => {
    end();
    expect(process.listeners("warning")).toEqual(before);
  });
  for (const _ of ["one emitter", "another"]) {
    const emitter = new EventEmitter().setMaxListeners(1);
    for (const listener of [() => 1, () => 2]) emitter.on("close", listener);
  }
  // Told in a turn of its own.
  await new Promise((turn) => void setImmediate(turn));
  expect(process.listenerCount("warning")).toBe(1);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      level: 40,
      msg: "process.warned",
      name: "MaxListenersExceededWarning",
      warning: expect.stringContaining("2 close listeners"),
    }),
  ]);
});
