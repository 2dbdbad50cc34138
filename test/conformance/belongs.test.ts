import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readmeOf } from "../../scripts/adapter-table.ts";
import { commonConfig } from "../../src/contract/adapter.ts";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();

const headings = ["Webhooks", "Trust", "Status to state", "Settings", "Sources"];
/** A setting with such a name is a secret until its adapter finds another name for it. */
const secretive = /secret|password|passphrase|token|key|hmac|signature|credential|private/i;

test("there are adapters to judge", () => {
  expect(subjects).not.toHaveLength(0);
});

describe.each(subjects)("$folder", ({ folder, path, adapter, settings }) => {
  const readme = existsSync(join(path, "README.md")) ? readFileSync(join(path, "README.md"), "utf8") : "";
  const shape = adapter.config instanceof z.ZodObject ? adapter.config.shape : {};
  // Where nobody calls us and nobody is asked, there is nothing to be let in with.
  const talks = "fetch" in adapter || Object.keys(adapter.webhooks).length > 0;
  const own = Object.keys(shape).filter((name) => !(name in commonConfig.shape));
  const hears = readme.split("\n## Webhooks\n")[1]?.split("\n## ")[0] ?? "";

  test("says its folder's name as its id, and a title for people", () => {
    expect(adapter.id).toBe(folder);
    expect(adapter.title.trim()).not.toBe("");
  });

  test.each(headings)("has a README with the heading %s", (heading) => {
    expect(readme, `write ## ${heading} into ${folder}/README.md`).toContain(`\n## ${heading}\n`);
  });

  test("has a README whose table is what the fixtures say", () => {
    const { current, generated } = readmeOf(adapter);
    expect(generated, "put <!-- table:begin --> and <!-- table:end --> under Status to state").toBeDefined();
    expect(current, `run node scripts/adapter-table.ts ${folder}`).toBe(generated);
  });

  test("has a README that names every setting and every webhook", () => {
    // What every adapter has is explained once, in the README of the service.
    for (const name of [...own, ...Object.keys(adapter.webhooks)])
      expect(readme, `explain ${name}`).toContain(`\`${name}\``);
  });

  test.each(Object.keys(adapter.webhooks))("has a README that says what %s is answered, to the byte", (name) => {
    const { status = 0, body = "" } = adapter.webhooks[name]?.ack ?? {};
    const row = hears.split("\n").find((line) => line.startsWith(`| \`${name}\` |`) && !line.includes("the same"));
    const answer = body === "" ? `${status}, empty` : `\`${body}\``;
    expect(row ?? hears, `say under ## Webhooks of ${folder}/README.md that ${name} is answered`).toContain(answer);
    expect(row ?? hears, `say under ## Webhooks with which status ${name} is answered`).toContain(`${status}, `);
  });

  test("extends the settings that every adapter has", () => {
    expect(Object.keys(shape), "config has to be commonConfig.extend({…})").toEqual(
      expect.arrayContaining(Object.keys(commonConfig.shape)),
    );
  });

  test("refuses to be configured with nothing, and with nothing but what every adapter has", () => {
    expect(adapter.config.safeParse({}).success).toBe(false);
    const common = { adapterId: "a", apiUrl: "https://psp.invalid" };
    expect(adapter.config.safeParse(common).success, "without a single credential").toBe(!talks);
  });

  test("lists its secrets, and nothing else, in `secrets`", () => {
    const listed = adapter.secrets.map(String).toSorted();
    for (const secret of listed) expect(own, `${secret} is a setting`).toContain(secret);
    const secretives = own.filter((name) => isSecretive(name, shape[name] as z.ZodType));
    const unlisted = secretives.filter((name) => !listed.includes(name));
    expect(unlisted, `settings that are called like secrets: put them into secrets in ${folder}/index.ts`).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
    if (talks) expect(listed, "an adapter without any credential can be asked by anybody").not.toHaveLength(0);
  });

  test.each(adapter.secrets.map(String))("gives its secret %s no default, and takes no empty one", (secret) => {
    const setting = (shape as Record<string, z.ZodType>)[secret];
    const left = setting?.safeParse(undefined);
    if (left?.success === true) expect(left.data).toBeUndefined();
    expect(setting?.safeParse("").success).toBe(false);
  });

  test("has a simulator, whose settings it takes", async () => {
    const given = await settings("http://psp.invalid");
    expect(adapter.config.safeParse(given).error?.issues ?? []).toEqual([]);
    expect(given["apiUrl"]).toBe("http://psp.invalid");
  });
});

/** Whether a setting, or anything inside it, is called like a secret: what is not listed is printed. */
function isSecretive(name: string, setting: z.ZodType): boolean {
  if (secretive.test(name)) return true;
  const {
    shape = {},
    innerType,
    element,
    in: input,
  } = setting.def as {
    readonly shape?: Readonly<Record<string, z.ZodType>>;
    readonly innerType?: z.ZodType;
    readonly element?: z.ZodType;
    readonly in?: z.ZodType;
  };
  const inside = [innerType, element, input].flatMap((inner) => (inner instanceof z.ZodType ? [inner] : []));
  return (
    Object.entries(shape).some(([field, inner]) => isSecretive(field, inner)) ||
    inside.some((inner) => isSecretive(name, inner))
  );
}
