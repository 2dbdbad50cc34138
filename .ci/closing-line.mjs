// Says in one plain line what the test runner counted: its own closing line is coloured and indented.
import { readFileSync } from "node:fs";

const text = readFileSync(0, "utf8").replaceAll(/\u001b\[[\d;]*m/g, "");
const line = text.split("\n").findLast((candidate) => /^\s*Tests\s+\d/.test(candidate)) ?? "";
const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
const passed = count("passed");
console.log(`tests: ${passed} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
if (passed === 0) process.exit(1);
