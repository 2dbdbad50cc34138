import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { createMeters } from "../src/lib/meters.ts";

const read = (file: string): string => readFileSync(file, "utf8");
const dockerfile = read("Dockerfile");

/** Names of series as Prometheus has them: a histogram has three. */
async function seriesNames(): Promise<ReadonlySet<string>> {
  const types = [...(await createMeters().text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return new Set(
    types.flatMap(([, name = "", type]) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
}

function seriesIn(text: string): string[] {
  return [...text.matchAll(/\b(?:norce_psp|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);
}

test.each(["deploy/alerts.yaml", "deploy/grafana.json"])("%s asks for series that exist", async (file) => {
  const asked = seriesIn(read(file));
  expect(asked.length).toBeGreaterThan(5);
  const there = await seriesNames();
  expect([...new Set(asked)].filter((name) => !there.has(name))).toEqual([]);
});

test("labels that alerts and dashboard ask for are labels that are written", () => {
  const meters = read("src/lib/meters.ts") + read("src/lib/gauges.ts");
  const written = new Set(
    [...meters.matchAll(/labelNames: \[([^\]]*)\]/g)].flatMap(([, names = ""]) => names.match(/\w+/g)),
  );
  // Prometheus's own, and the one that its configuration sets.
  const others = new Set(["le", "instance", "process", "job"]);
  const asked = ["deploy/alerts.yaml", "deploy/grafana.json"]
    .map(read)
    .flatMap((text) => [...text.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = ""]) => names.match(/\w+/g) ?? []));
  expect(asked.filter((label) => !written.has(label) && !others.has(label))).toEqual([]);
});

test("every alert says what is wrong and where to read on", () => {
  const { groups } = parse(read("deploy/alerts.yaml")) as {
    groups: { rules: { alert: string; expr: string; annotations: { summary: string; runbook: string } }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(5);
  for (const { alert, expr, annotations } of rules) {
    expect(expr, alert).not.toBe("");
    expect(annotations.summary, alert).toMatch(/\.$|\)\.?$/);
    expect(existsSync(annotations.runbook), alert).toBe(true);
  }
});

test("the image runs what there is, as nobody in particular, on the Node that the service wants", () => {
  const { engines, scripts } = JSON.parse(read("package.json")) as {
    engines: { node: string };
    scripts: Record<string, string>;
  };
  const wanted = /\d+/.exec(engines.node)?.[0];
  expect([...dockerfile.matchAll(/^FROM node:(\d+)/gm)].map(([, major]) => major)).toEqual([wanted, wanted]);
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toContain("npm ci --omit=dev");
  expect(dockerfile).toMatch(/^HEALTHCHECK .*\/health\/live/m);
  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
  expect(command.join(" ")).toBe(scripts["web"]);
  for (const [, sources = ""] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
    for (const source of sources.split(" ")) expect(existsSync(source), source).toBe(true);
});

test("what is copied into the image is not kept out of it", () => {
  const letIn = read(".dockerignore")
    .split("\n")
    .filter((line) => line.startsWith("!"));
  for (const [, sources = ""] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
    for (const source of sources.split(" ")) expect(letIn).toContain(`!${source}`);
});

test("the manifests start the Procfile's processes and ask for their health where they tell it", () => {
  const commands = read("Procfile")
    .trim()
    .split("\n")
    .map((line) => line.replace(/^\w+: /, ""));
  const compose = parse(read("compose.yaml"), { merge: true }) as {
    services: Record<string, { command?: string[]; environment?: Record<string, string> }>;
  };
  const { web, worker, redis } = compose.services;
  expect([web?.command?.join(" "), worker?.command?.join(" ")]).toEqual(commands);
  // What an acknowledgement rests on (docs/deploy.md).
  expect(redis?.command?.join(" ")).toBe(
    "redis-server --appendonly yes --appendfsync always --maxmemory-policy noeviction",
  );
  const manifests = parseAllDocuments(read("deploy/kubernetes.yaml")).map((document) => document.toJSON() as Manifest);
  const containers = manifests.flatMap(({ spec }) => spec.template?.spec.containers ?? []);
  expect(containers.map(({ command }) => command.join(" "))).toEqual(commands);
  for (const { readinessProbe, livenessProbe } of containers) {
    expect(readinessProbe.httpGet.path).toBe("/health/ready");
    expect(livenessProbe.httpGet.path).toBe("/health/live");
  }
});

interface Probe {
  readonly httpGet: { readonly path: string };
}

interface Manifest {
  readonly spec: {
    readonly template?: {
      readonly spec: {
        readonly containers: readonly {
          readonly command: readonly string[];
          readonly readinessProbe: Probe;
          readonly livenessProbe: Probe;
        }[];
      };
    };
  };
}
