import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { findBinary } from "./binaries.ts";

/** Debian's Chromium; `.ci/run` installs it. */
export const chromiumBinary = findBinary("chromium");

/** What a phone, a tablet and a desk are wide, in CSS pixels. */
export const widths = [360, 800, 1280] as const;

/** Opens the browser. */
export async function openBrowser(): Promise<Browser> {
  // Its own sandbox needs rights that a container's root has not.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
  return await chromium.launch({ executablePath: chromiumBinary ?? "", args });
}

/** What axe finds on a page, each in a line. @param what all there is, or only what colours can do wrong. */
export async function findingsOf(page: Page, what: "everything" | "colours" = "everything"): Promise<string[]> {
  // Once for each document: to read it is half of what axe costs.
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe.source);
  const found = await page.evaluate(async (colours) => {
    const { axe: there } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: Violation[] }> };
    };
    const { violations } = await there.run({
      resultTypes: ["violations"],
      ...(colours ? { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } } : {}),
    });
    return violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 200))] as const);
  }, what === "colours");
  return found.map(([id, nodes]) => `${id}: ${nodes.join(" | ")}`);
}

/** What axe finds by day, and what the colours of the night change of it; how many pixels stand outside on the right. */
export async function findingsByDayAndNight(page: Page): Promise<[string, string[], number][]> {
  const findings: [string, string[], number][] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const found = await findingsOf(page, colorScheme === "light" ? "everything" : "colours");
    findings.push([colorScheme, found, await overflowOf(page)]);
  }
  return findings;
}

/** What `findingsByDayAndNight` finds where there is nothing to find. */
export const readable = [
  ["light", [], 0],
  ["dark", [], 0],
];

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** How many pixels of a page stand outside on its right. */
export async function overflowOf(page: Page): Promise<number> {
  return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
