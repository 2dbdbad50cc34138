import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { turnByTurn } from "./log.ts";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("lines that nobody reads are dropped and counted, and later ones are written again", async () => {
  const written: string[] = [];
  const output = { writableLength: 0, write: (lines: string) => written.push(lines), on: () => undefined };
  let dropped = 0;
  const log = turnByTurn(output, (lines) => (dropped += lines));
  log.write("a\n");
  log.write("b\n");
  await nextTurn();
  output.writableLength = 5 * 1024 * 1024;
  log.write("c\n");
  log.write("d\n");
  await nextTurn();
  output.writableLength = 0;
  log.write("e\n");
  await nextTurn();
  expect([written, dropped]).toEqual([["a\nb\n", "e\n"], 2]);
});

const source = join(import.meta.dirname, "log.ts");
const script = `
  const { createLog } = await import(${JSON.stringify(source)});
  let dropped = 0;
  const log = createLog("info", undefined, (lines) => (dropped += lines));
  for (let turn = 0; turn < 2_000; turn += 1) {
    for (let line = 0; line < 10; line += 1) log.info({ text: "x".repeat(1_000) }, "a.line");
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.stderr.write(String(dropped));
  process.exit(0);
`;

test("a reader of stdout that stands still holds up nobody, nor the end of the process", async () => {
  const program = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  program.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
  // Nobody reads what it writes to stdout.
  expect(await once(program, "exit")).toEqual([0, null]);
  program.stdout.destroy();
  expect(Number(told)).toBeGreaterThan(1_000);
});

test("a reader that reads gets every line, also those of the last turn", () => {
  const last = `const { createLog } = await import(${JSON.stringify(source)}); const log = createLog("info"); log.info("one.line"); log.info("last.line"); process.exit(0);`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "-e", last], { encoding: "utf8" });
  expect(
    printed
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { msg: string }).msg),
  ).toEqual(["one.line", "last.line"]);
});
