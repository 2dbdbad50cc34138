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

/** What axe finds on a page, each in a line. */
export async function findingsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe: there } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    const { violations } = await there.run();
    return violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 200))] as const);
  });
  return found.map(([id, nodes]) => `${id}: ${nodes.join(" | ")}`);
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** How many pixels of a page stand outside on its right. */
export async function overflowOf(page: Page): Promise<number> {
  return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
