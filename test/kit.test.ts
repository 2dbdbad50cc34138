import { createHmac } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { z } from "zod";
import { type Facts, plain, verdictsOf } from "../scripts/adapter-check/laws.ts";
import type { FileReport, TestReport } from "../scripts/adapter-check/reporter.ts";
import { folderFrom } from "../scripts/adapter-check/folder.ts";
import { faultsOf, filesFor } from "../scripts/adapter-new.ts";
import { commonConfig } from "../src/contract/adapter.ts";
import { misfitsOf } from "../src/adapters/outside.ts";
import { loadAdapters } from "../src/adapters/registry.ts";
import { callbackUrl } from "../src/signatures/urls.ts";
import { signingKeysOf } from "./support/signing.ts";
import { openPlace, type Place } from "./support/processes.ts";
import { copyTree, type Tree } from "./support/tree.ts";
import { until } from "./support/until.ts";

const adapters = await loadAdapters();
const answers = {
  folder: "example-pay",
  title: "Example Pay",
  truth: "fetch",
  scope: "payment",
  proof: "signed-url",
  webhook: "push",
} as const;

describe("adapter:new", () => {
  test.each([
    [{ folder: "Example Pay" }, "kebab-case"],
    [{ folder: "../example" }, "kebab-case"],
    [{ folder: "_example" }, "kebab-case"],
    [{ folder: "" }, "kebab-case"],
    [{ folder: "a".repeat(61) }, "kebab-case"],
    [{ folder: "klarna-checkout" }, "is there already"],
    [{ webhook: "a push" }, "is no name for a webhook"],
    [{ truth: "fold" }, "has to be proven"],
    [{ truth: "fold", proof: "shared-secret" }, "has to be proven"],
  ] as const)("refuses %j: %s", (given, why) => {
    expect(faultsOf({ ...answers, ...given })).toEqual([expect.stringContaining(why)]);
  });

  test("takes what makes sense", () => {
    expect(faultsOf(answers)).toEqual([]);
    expect(faultsOf({ ...answers, truth: "fold", scope: "account", proof: "hmac-body" })).toEqual([]);
  });

  test("a title with quotes in it stays a title", () => {
    const files = filesFor({ ...answers, title: 'The "Best" `${Pay}`' });
    expect(files["index.ts"]).toContain('title: "The Best {Pay}"');
    expect(Object.values(files).join("\n")).not.toMatch(/\{\{/);
  });

  test("a title of several lines is one line, and a webhook called like a word of the language is another constant", () => {
    const files = filesFor({ ...answers, title: "Example\n  Pay", webhook: "return" });
    expect(files["index.ts"]).toContain('title: "Example Pay"');
    expect(files["index.ts"]).toContain('webhooks: { "return": returnWebhook }');
    const signed = filesFor({ ...answers, proof: "hmac-body", webhook: "return" });
    expect(signed["forgery.ts"]).toContain('= { "return": body };');
    expect(filesFor({ ...answers, webhook: "config" })["webhooks.ts"]).toContain("export const configWebhook:");
    expect(filesFor({ ...answers, webhook: "await" })["webhooks.ts"]).toContain("export const awaitWebhook:");
  });

  describe("in a copy of the tree", () => {
    const kinds = (["fetch", "fold"] as const).flatMap((truth) =>
      (["payment", "account"] as const).flatMap((scope) =>
        (["signed-url", "shared-secret", "hmac-body", "hmac-fields", "hmac-headers", "rsa-certificate"] as const)
          .filter((proof) => truth === "fetch" || /^hmac|^rsa/.test(proof))
          .map((proof) => ({ folder: `new-${truth}-${scope}-${proof}`, truth, scope, proof })),
      ),
    );
    const isTold = ({ truth, scope, proof }: (typeof kinds)[number]): boolean =>
      truth === "fetch" ? scope === "payment" && proof === "signed-url" : scope === "account" && proof === "hmac-body";
    let tree: Tree;
    beforeAll(async () => {
      tree = copyTree();
      // The command does it for one of each truth; what it would write of the others is the same function's.
      const [told, written] = [kinds.filter(isTold), kinds.filter((kind) => !isTold(kind))];
      for (const kind of written) {
        const path = join(tree.path, "src/adapters", kind.folder);
        mkdirSync(path);
        const files = Object.entries(filesFor({ ...answers, ...kind, title: kind.folder }));
        for (const [file, content] of files) writeFileSync(join(path, file), content);
      }
      const formatted = tree.run(`oxfmt ${written.map(({ folder }) => `src/adapters/${folder}`).join(" ")}`);
      const all = await Promise.all(
        told.map(({ folder, truth, scope, proof }) =>
          tree.run(`node scripts/adapter-new.ts ${folder} --truth ${truth} --scope ${scope} --proof ${proof}`),
        ),
      );
      for (const made of all) {
        expect(made).toMatchObject({ status: 0 });
        expect(made.printed.match(/^ {2}\d\. /gm), "the next three steps").toHaveLength(3);
      }
      expect(await formatted).toMatchObject({ status: 0 });
    });
    afterAll(() => tree.remove());

    test("every kind of folder type-checks, lints and is formatted", async () => {
      const paths = kinds.map(({ folder }) => `src/adapters/${folder}`).join(" ");
      const checks = [`oxlint --type-aware --type-check ${paths}`, `oxfmt --check ${paths}`];
      for (const check of await Promise.all(checks.map((line) => tree.run(line))))
        expect(check).toMatchObject({ status: 0 });
    });

    test("none of the laws about what has to be written is fulfilled by a folder in which nothing is written yet, and each says what to write", async () => {
      const { status, printed } = await tree.run("node scripts/adapter-check.ts new-fold-account-hmac-fields");
      expect(status).toBe(1);
      // What is the core's holds already: authority, and strangers that cost little.
      expect(printed).toMatch(/^2 of 15 laws, 4 do not apply$/m);
      for (const words of [
        "run node scripts/adapter-table.ts new-fold-account-hmac-fields",
        "add a fixtures/<case>/request.json of push",
        "      say in new-fold-account-hmac-fields/forgery.ts what is signed",
        "it has no actions",
        "write src/adapters/new-fold-account-hmac-fields/fold.ts (CONTRIBUTING.md, step 4)",
      ])
        expect(printed).toContain(words);
      expect(printed, "no stack").not.toMatch(/^\s+at /m);
    });

    test.each([
      ["new-fetch-payment-hmac-body", (body: string) => ({ "x-signature": hmacOf("simulated-secret", body) })],
      ["new-fetch-payment-shared-secret", () => ({ authorization: "simulated-secret" })],
    ])(
      "how the webhook of %s could be forged is written: the first one that is shown fulfils the law",
      async (folder, sign) => {
        const shown = join(tree.path, "src/adapters", folder, "fixtures/first");
        const body = JSON.stringify({ id: "paid-1", status: "PAID" });
        const url = `/${folder}/api/checkout/v1/callback/orders/o_1/payments/p_1/push?merchant=acme&channel=se`;
        mkdirSync(shown, { recursive: true });
        writeFileSync(
          join(shown, "request.json"),
          JSON.stringify({ webhook: "push", method: "POST", url, headers: sign(body), body }),
        );
        const { status, printed } = await tree.run(`node scripts/adapter-check.ts ${folder} --law proof`);
        expect(printed).toMatch(/^ {2}✓ proof +8 checks$/m);
        expect(status).toBe(0);
      },
    );

    test("what is there is left alone, and what is not said is asked for", async () => {
      const before = readdirSync(join(tree.path, "src/adapters"));
      const refused = {
        "nonpsp --truth fold --proof hmac-body": "src/adapters/nonpsp is there already",
        "another-pay": "--truth has to be one of fetch, fold\n",
        "another-pay --truth maybe": '--truth has to be one of fetch, fold, not "maybe"',
        "": "which folder?",
        "another-pay one-more --truth fetch": "one folder at a time",
      };
      await Promise.all(
        Object.entries(refused).map(async ([given, why]) => {
          const { status, printed } = await tree.run(`node scripts/adapter-new.ts ${given}`);
          expect(status, given).toBe(1);
          expect(printed).toContain(`adapter:new: ${why}`);
          expect(printed, "what it wants").toContain("npm run adapter:new -- <folder>");
        }),
      );
      const unknown = await tree.run("node scripts/adapter-new.ts --trust all another-pay");
      expect([unknown.status, unknown.printed]).toEqual([2, expect.stringContaining("Unknown option '--trust'")]);
      expect(readdirSync(join(tree.path, "src/adapters"))).toEqual(before);
    });
  });
});

function hmacOf(secret: string, body: string): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

describe("adapter:check", () => {
  test.each([
    [[], "which folder?"],
    [["nothing-here"], "there is no adapter folder nothing-here."],
    [["../../test"], "there is no adapter folder"],
    [["_klarna"], "there is no adapter folder"],
    [["--all"], "there is no adapter folder --all"],
    [["paypal", "nonpsp"], "which folder?"],
  ] as const)("asked for %j says which there are: %s", async (given, why) => {
    await expect(folderFrom(given)).rejects.toThrow(why);
    await expect(folderFrom(given)).rejects.toThrow("klarna-checkout");
  });

  test("takes a folder's path for its name", async () => {
    expect(await folderFrom(["src/adapters/paypal/"])).toBe("paypal");
    expect(await folderFrom(["./src/adapters/paypal"])).toBe("paypal");
  });

  const [adapter] = [...adapters.values()].filter(({ id }) => id === "klarna-checkout");
  const invoice = adapters.get("nonpsp");
  if (adapter === undefined || invoice === undefined) throw new Error("the models are gone");
  const facts: Facts = { adapter, fixtures: 1, requests: 1, actions: 1 };
  const report = (name: string, tests: readonly TestReport[], errors: readonly string[] = []): FileReport => {
    return { file: `test/conformance/${name}.test.ts`, name, errors, tests };
  };
  const passed: TestReport = { path: ["it holds"], state: "passed", errors: [] };
  const failed = (words: string, title = "it holds"): TestReport => ({
    path: [title],
    state: "failed",
    errors: [words],
  });
  const of = (law: string, reports: readonly FileReport[], more: Partial<Facts> = {}) =>
    verdictsOf({ ...facts, ...more }, reports).find((verdict) => verdict.law === law);

  test("a law is fulfilled when something was checked and nothing failed", () => {
    expect(of("golden", [report("golden", [passed, passed])])).toMatchObject({ mark: "✓", note: "2 checks" });
    expect(of("golden", [report("golden", [])])).toMatchObject({ mark: "✗" });
    expect(of("golden", [])).toMatchObject({ mark: "✗", missing: ["nothing was there to be checked"] });
    const skipped: TestReport = { ...passed, state: "skipped" };
    expect(of("ack", [report("ack", [skipped])])).toMatchObject({ mark: "✗" });
  });

  test("what could not begin is missing, whatever else passed", () => {
    const verdict = of("convergence", [report("convergence", [passed], ["add x/simulator.ts, the PSP with a memory"])]);
    expect(verdict).toMatchObject({ mark: "✗", missing: ["add x/simulator.ts, the PSP with a memory"] });
  });

  test("what there is nothing to judge by is not fulfilled", () => {
    expect(of("parsing is total", [report("parsing", [passed])], { requests: 0 })).toMatchObject({ mark: "✗" });
    expect(of("convergence", [report("convergence", [passed])], { actions: 0 })).toMatchObject({ mark: "✗" });
  });

  test("keys and parsing are two laws of one file", () => {
    const keys = failed("two keys", "has the same keys however often it is delivered");
    const reports = [report("parsing", [passed, keys])];
    expect(of("parsing is total", reports)).toMatchObject({ mark: "✓" });
    expect(of("keys", reports)).toMatchObject({ mark: "✗" });
  });

  test("what does not apply says why, unless it failed", () => {
    const more = { adapter: invoice, requests: 0 };
    expect(of("proof", [], more)).toMatchObject({ mark: "–", note: "nobody calls: there is no webhook" });
    expect(of("failures are classified", [], more)).toMatchObject({ mark: "–" });
    expect(of("operations", [report("operations", [failed("no")])], more)).toMatchObject({ mark: "✗" });
  });

  test("a law that is added one day is told by its file's name", () => {
    expect(of("patience", [report("patience", [passed])])).toMatchObject({ mark: "✓" });
  });

  test("the same words of many tests are told once", () => {
    const verdict = of("ack", [report("ack", [failed("expected 1 to be 2", "a"), failed("expected 1 to be 2", "b")])]);
    expect(verdict?.missing).toEqual(["a (and 1 more): expected 1 to be 2"]);
  });

  test.each([
    ["add fixtures to x: expected [] to not have a length of +0", "add fixtures to x"],
    ["with another id: expected true to be false // Object.is equality", "with another id: expected true to be false"],
    ["expected 1 to be 2 // Object.is equality\n\n- Expected\n+ Received", "expected 1 to be 2"],
    [
      'after pay: the look ended\n{"error":{"message":"nobody asks yet: write client.ts"}}',
      "nobody asks yet: write client.ts",
    ],
    ["after pay: the look ended\n{cut off", "after pay: the look ended"],
  ])("%j is told as %j", (message, told) => {
    expect(plain(message)).toBe(told);
  });
});

describe("an adapter from elsewhere", () => {
  const klarna = adapters.get("klarna-checkout");
  const others = new Map([...adapters].filter(([folder]) => folder !== "klarna-checkout"));
  const push = klarna?.webhooks["push"];

  test("fits where a folder of the tree would", () => {
    for (const [folder, adapter] of adapters) {
      const rest = new Map([...adapters].filter(([other]) => other !== folder));
      expect(misfitsOf(adapter, rest), folder).toEqual([]);
    }
  });

  test.each([
    ["id", { id: "Klarna" }],
    ["id", { id: "nonpsp" }],
    ["title", { title: " " }],
    ["config", { config: {} }],
    ["config", { config: undefined }],
    ["secrets", { secrets: ["nothing"] }],
    ["secrets", { secrets: [] }],
    ["secrets", { secrets: "password" }],
    ["secrets", { config: commonConfig.extend({ password: z.string().default("open") }), secrets: ["password"] }],
    ["webhooks.push.scope", { webhooks: { push: { ...push, scope: "shop" } } }],
    ["webhooks.push.method", { webhooks: { push: { ...push, method: "PATCH" } } }],
    ["webhooks.push.verify", { webhooks: { push: { ...push, verify: undefined } } }],
    ["webhooks.push.verify.trust", { webhooks: { push: { ...push, verify: { ...push?.verify, trust: "sure" } } } }],
    ["webhooks.push.ack.status", { webhooks: { push: { ...push, ack: { status: 500 } } } }],
    ["webhooks.push.ack", { webhooks: { push: { ...push, ack: { status: 204, body: "OK" } } } }],
    ["webhooks.push.ack.type", { webhooks: { push: { ...push, ack: { status: 200, type: "text/plain\n" } } } }],
    ["webhooks.push.parse", { webhooks: { push: { ...push, parse: undefined } } }],
    ["webhooks.a push", { webhooks: { "a push": push } }],
    ["has to have fetch and map, or fold", { map: undefined }],
    ["fold", { fold: () => null }],
    ["webhooks.push.signed", { webhooks: { push: { ...push, signed: "some" } } }],
    ["webhooks.push.bodyLimitBytes", { webhooks: { push: { ...push, bodyLimitBytes: "1mb" } } }],
    ["webhooks.push.urlLimit", { webhooks: { push: { ...push, urlLimit: 0 } } }],
    ["rounding", { rounding: 0.5 }],
    ["echoLength", { echoLength: "20" }],
    ["decides", { decides: "amount" }],
    ["sameId", { sameId: true }],
    ["resolve", { resolve: {} }],
    ["probe", { probe: {} }],
    ["registrations.list", { registrations: { webhooks: [] } }],
    ["operations.repeat", { operations: { repeat: "often" } }],
    ["operations", { operations: { repeat: "never", reverse: () => undefined } }],
  ])("is told about its %s when it does not fit", (about, wrong) => {
    const told = misfitsOf({ ...klarna, ...wrong }, others);
    expect(told).not.toEqual([]);
    for (const misfit of told) expect(misfit.startsWith(about) || about === "fold").toBe(true);
  });

  test("that folds has to prove every webhook", () => {
    const { fetch: _fetch, map: _map, afterWrite: _after, ...rest } = { ...klarna } as Record<string, unknown>;
    expect(misfitsOf({ ...rest, fold: () => null }, others)).toEqual([
      "webhooks.push.verify: is a hint; where events are folded each has to be proven",
      "webhooks.notification.verify: is a hint; where events are folded each has to be proven",
      "webhooks.webhook.verify: is a hint; where events are folded each has to be proven",
    ]);
  });

  const stone = `
import { commonConfig, type DesiredPayment, type FetchAdapter } from "norce-psp-worker/adapter";
import { WorkerError } from "norce-psp-worker/lib/errors";
import { minorFromMajor } from "norce-psp-worker/lib/money";
import { signedUrl } from "norce-psp-worker/signatures/signed-url";

interface Snapshot { readonly amount: number }

export default {
  id: "stone-pay",
  title: "Stone Pay",
  config: commonConfig,
  secrets: [],
  webhooks: {
    push: { scope: "payment", method: "POST", verify: signedUrl, ack: { status: 200 }, parse: () => [{ key: "k", type: "t", at: null }] },
  },
  async fetch(reference) {
    if (reference === "unknown") throw new WorkerError("Refused", "there is no such payment", { context: { reason: "no-such-payment" } });
    return { amount: 100 };
  },
  map({ amount }): DesiredPayment {
    const sum = minorFromMajor(amount, "SEK");
    return {
      phase: "confirmed",
      money: { authorized: sum, captured: sum, refunded: 0, released: 0 },
      total: sum, currency: "SEK", reference: "stone-1", transactions: [], possible: [], echoes: ["p_1"],
    };
  },
} satisfies FetchAdapter<import("norce-psp-worker/adapter").CommonConfig, Snapshot>;
`;

  /** Lets the place's configuration name modules, and use `stone-pay`. */
  function configure({ folder }: Place, modules: readonly string[]): void {
    const file = join(folder, "config.yaml");
    const { norce } = parseYaml(readFileSync(file, "utf8")) as { norce: unknown };
    const stonePay = { adapterId: "acme_stone_adapter", apiUrl: "https://stone-pay.invalid" };
    writeFileSync(
      file,
      JSON.stringify({ norce, adapters: modules, merchants: { acme: { se: { "stone-pay": stonePay } } } }),
    );
  }

  test("receives webhooks and keeps payments true, like any other", async () => {
    const place = await openPlace(onTestFinished, true);
    mkdirSync(join(place.folder, "stone"));
    writeFileSync(join(place.folder, "stone/index.ts"), stone);
    configure(place, ["./stone"]);
    const order = { currency: "SEK", country: "SE", culture: "sv-SE" };
    const payment = { adapterId: "acme_stone_adapter", name: "Stone", type: "default", currency: "SEK", amount: 100 };
    const references = { p_1: "stone-1", p_2: "unknown" };
    place.norce.createOrder({ merchant: "acme", channel: "se", id: "o_1", order });
    for (const [id, reference] of Object.entries(references))
      place.norce.addPayment("o_1", { ...payment, id, reference, state: "intent" });

    const { program, url } = await place.serve("start.ts");
    const printed = place.run("cli/callback-url.ts", {
      parameters: ["stone-pay", "acme", "se", "o_1", "p_1"],
      environment: { PUBLIC_URL: url },
    });
    await printed.exited;
    const [, callback = ""] = printed.output().trim().split(/\s+/);
    expect((await fetch(callback, { method: "POST" })).status).toBe(200);
    await until(() => place.norce.payment("o_1", "p_1")?.["state"] === "captured", "the payment to be captured");
    // The class of errors that it throws is ours: what is refused is no bug.
    const [signingKey = ""] = place.secrets();
    const key = { adapter: "stone-pay", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_2" };
    const adapter = { ...klarna, id: "stone-pay" } as NonNullable<typeof klarna>;
    const other = callbackUrl({ publicUrl: url, keys: signingKeysOf(signingKey) }, adapter, key, "push").replace(
      /&klarna_order_id=.*/,
      "",
    );
    expect((await fetch(other, { method: "POST" })).status).toBe(200);
    expect(await program.says("payment.dead")).toMatchObject({ kind: "Refused", reason: "no-such-payment" });
  });

  test("that does not fit stops every process and command, with all its faults at once, each with its module", async () => {
    const place = await openPlace(onTestFinished);
    const write = (file: string, text: string): void => writeFileSync(join(place.folder, file), text);
    mkdirSync(join(place.folder, "node_modules/typed-pay"), { recursive: true });
    write(
      "bad.js",
      'export default { id: "Bad", title: "Bad", secrets: [], webhooks: {}, operations: { repeat: "often" } };',
    );
    write("two.js", 'export const adapters = [{ id: "klarna-checkout" }, 1];');
    write("empty.js", "export const nothing = 1;");
    write("none.js", "export const adapters = [];");
    write("shy.js", 'export default { get id() { throw new Error("not yet"); } };');
    mkdirSync(join(place.folder, "folder"));
    write("node_modules/typed-pay/index.ts", "export default {} as object;");
    write("broken.js", "export default {");
    configure(place, [
      "./bad.js",
      "./two.js",
      "./empty.js",
      "./node_modules/typed-pay",
      "./broken.js",
      "no-such-package-here",
      "./none.js",
      "./shy.js",
      "./folder",
      "none.js",
    ]);
    const wanted = [
      "adapters.0 (./bad.js): id: ",
      "adapters.0 (./bad.js): config: ",
      "adapters.0 (./bad.js): operations.repeat: ",
      "adapters.0 (./bad.js): has to have fetch and map, or fold",
      "adapters.1 (./two.js), adapter 1: id: klarna-checkout is taken by another adapter",
      "adapters.1 (./two.js), adapter 2: an adapter has to be an object",
      "adapters.2 (./empty.js): exports no adapter",
      "adapters.3 (./node_modules/typed-pay): is TypeScript below node_modules",
      "adapters.4 (./broken.js): cannot be loaded: ",
      "adapters.5 (no-such-package-here): cannot be loaded: ",
      "adapters.6 (./none.js): exports an empty list",
      "adapters.7 (./shy.js): cannot be read: not yet",
      "adapters.8 (./folder): cannot be loaded: the folder has neither an index.ts nor an index.js",
      "adapters.9 (none.js): cannot be loaded: there is no such package: a path begins with ./",
    ];
    const programs = [
      ["web.ts"],
      ["worker.ts"],
      ["start.ts"],
      ["cli/reconcile.ts", "acme", "se", "o_1"],
      ["cli/callback-url.ts", "klarna-checkout", "acme", "se", "o_1", "p_1"],
    ] as const;
    await Promise.all(
      programs.map(async ([script, ...parameters]) => {
        const program = place.run(script, { parameters });
        expect(await program.exited, script).toMatchObject({ code: script.startsWith("cli/") ? 2 : 1 });
        for (const fault of wanted) expect(program.output(), script).toContain(fault);
      }),
    );
  });
});
