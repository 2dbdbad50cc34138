import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { listenOnLoopback } from "../sandbox/loopback.ts";
import { compileCache } from "./support/tree.ts";

const root = join(import.meta.dirname, "..");
/** What stands in src/cli/ and is called by a person. */
const commands = Object.entries(packageJson.scripts).flatMap(([name, script]) =>
  script.startsWith("node src/cli/") ? [{ name, file: script.slice("node ".length) }] : [],
);
const environment = {
  PATH: process.env["PATH"],
  NODE_COMPILE_CACHE: compileCache,
  URL_SIGNING_KEYS: "a-master-key-of-ours-long-enough-for-all",
  ADMIN_TOKEN: "an-admin-token-of-ours",
  CONFIG_FILE: "no-such-file.yaml",
  PORT: "1",
};

async function call(file: string, parameters: readonly string[], more: Readonly<Record<string, string>> = {}) {
  return await new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [file, ...parameters],
      { cwd: root, env: { ...environment, ...more } },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

test("every command is called by a script, and every script's command is there", () => {
  const shared = ["command.ts", "report-lines.ts", "service.ts", "explanation.ts"];
  const there = readdirSync(join(root, "src/cli"), { recursive: true, encoding: "utf8" })
    .filter((file) => /^[^/]+\.ts$/.test(file) && !file.endsWith(".test.ts") && !shared.includes(file))
    .map((file) => `src/cli/${file}`);
  expect(commands.map(({ file }) => file).toSorted()).toEqual(there.toSorted());
});

test.each(commands)("$name explains itself, and says where it is called wrongly", async ({ name, file }) => {
  const [help, nonsense] = await Promise.all([call(file, ["--help"]), call(file, ["--no-such-option"])]);
  expect(help.out).toContain(`Usage: npm run ${name} --`);
  expect(help.out).toContain("Exit codes: 0 fine");
  // What prints one text, to be put somewhere, is read by machines as it is.
  if (!["callback-key", "callback-url", "new-key"].includes(name)) expect(help.out).toContain("--json");
  expect(help.code).toBe(0);
  expect(nonsense.err).toContain("unknown option '--no-such-option'");
  expect(nonsense.err).not.toContain("    at ");
  expect(nonsense.code).toBe(2);
});

/** What developers call. */
const developers = Object.entries(packageJson.scripts).flatMap(([name, script]) => {
  const [, file] = /^node ((?:scripts|simulate|prove|bench)\/\S+)$/.exec(script) ?? [];
  return file === undefined ? [] : [{ name, file }];
});

test.each(developers)("$name explains itself, too", async ({ name, file }) => {
  const [help, nonsense] = await Promise.all([call(file, ["--help"]), call(file, ["--no-such-option"])]);
  expect([help.code, help.out]).toEqual([0, expect.stringContaining(`npm run ${name} --`)]);
  expect(nonsense.err).toMatch(/unknown option '--no-such-option'/i);
  expect(nonsense.err).not.toContain("    at ");
  expect(nonsense.code).toBeGreaterThan(0);
});

test("where no service answers, its address is told", async () => {
  const { code, err } = await call("src/cli/report.ts", []);
  expect(err).toMatch(/^http:\/\/localhost:1 did not answer: nobody listens there \(ECONNREFUSED\)/);
  expect(code).toBe(3);
});

test.each([["report"], ["explain", "acme", "se", "o_1"], ["letters", "list"]])(
  "who asks somebody else than the service with %s is told so",
  async (name, ...parameters) => {
    const other = await listenOnLoopback((_request, response) => void response.end("null"));
    onTestFinished(async () => await other.close());
    const { code, err } = await call(`src/cli/${name}.ts`, parameters, { PUBLIC_URL: other.url });
    expect(err).toMatch(new RegExp(`^${other.url} answered what this command does not understand`));
    expect(err).not.toContain("    at ");
    expect(code).toBe(3);
  },
);

test("a letter's id that cannot be one is told before anybody is asked", async () => {
  const { code, err } = await call("src/cli/letters.ts", ["dismiss", "nope"]);
  expect([code, err]).toEqual([2, expect.stringContaining("no letter has such an id: nope")]);
});

test.each([
  [401, "does not take this ADMIN_TOKEN", 2],
  [400, "in its own words", 2],
  [404, "in its own words", 2],
  [503, "answered 503: in its own words", 3],
])("an answer %i of the service is told: %s", async (status, told, wanted) => {
  const service = await listenOnLoopback((_request, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ code: "a-code", message: "in its own words" }));
  });
  onTestFinished(async () => await service.close());
  const { code, err } = await call("src/cli/report.ts", [], { PUBLIC_URL: service.url });
  expect(err).toContain(service.url);
  expect(err).toContain(told);
  expect(code).toBe(wanted);
});
