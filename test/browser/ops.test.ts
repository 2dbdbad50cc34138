import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { DeadLetter } from "../../src/queue/jobs.ts";
import {
  chromiumBinary,
  findingsByDayAndNight,
  findingsOf,
  openBrowser,
  readable,
  widths,
} from "../support/browser.ts";
import { embeddedEngine } from "../support/engines.ts";
import { startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

const adminToken = "an-admin-token-of-ours";
if (chromiumBinary === undefined)
  console.warn("no chromium here: nobody looks at the operators' page in a browser (.ci/run installs it)");

describe.skipIf(chromiumBinary === undefined)("the operators' page in Chromium", () => {
  const engine = embeddedEngine();
  let world: World;
  let browser: Browser;
  /** What browsers complained about: refused styles and scripts, errors of the script. */
  const complaints: string[] = [];

  beforeAll(async () => {
    await engine.start();
    world = await startWorld({ engine: engine.settings() });
    browser = await openBrowser();
    for (let count = 0; count < 12; count += 1)
      await bury(count === 3 ? longId : `p_${count}`, { reason: "paid-on-removed" });
    await bury("p_odd", { reason: `<script>document.title = "broken"</script>` });
    await bury("p_op", { reason: "outcome-unknown", operationId: "5f0c3a1e-0000-4000-8000-000000000000" }, "Operation");
    const found = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
    await world.queue.ledger.once(["two"], { ...found, name: "two-live-payments", at: Date.now() });
    await world.queue.ledger.repaired(found, {
      ...found,
      name: "missed-event",
      at: Date.now(),
      from: "intent",
      to: "reserved",
    });
  });
  afterAll(async () => {
    await browser?.close();
    await world.stop();
    await engine.stop();
  });

  async function bury(paymentId: string, context: NonNullable<DeadLetter["context"]>, kind = "Refused"): Promise<void> {
    const key = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: `o_${paymentId}`, paymentId };
    const event = kind === "Operation" ? { event: { key: `end of ${paymentId}`, type: "capture" } } : {};
    const letter = { key, kind, reason: "in a sentence", since: world.now(), at: world.now(), context, ...event };
    await world.queue.letters.put(letter);
  }

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    onTestFinished(async () => await context.close());
    const page = await context.newPage();
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("401")) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    return page;
  }

  async function signedIn(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await open(options);
    await page.goto(`${world.url}/ops`);
    await page.getByLabel("Admin token").fill(adminToken);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Today" }).waitFor();
    return page;
  }

  /** As wide as a phone, and without a place to break. */
  const longId = "p_3".padEnd(60, "x");
  const views = ["today", "search", "letters", "operations", "queues", "doctor"];

  test.each(widths)("every view is readable at %i pixels, by day and by night", async (width) => {
    const page = await signedIn({ viewport: { width, height: 800 } });
    const isReadable = async (what: string): Promise<void> => {
      expect(await findingsByDayAndNight(page), what).toEqual(readable);
      expect(await page.content()).not.toContain(adminToken);
    };
    for (const view of views) {
      await page.goto(`${world.url}/ops/${view}`);
      await isReadable(view);
    }
    await page.getByRole("button", { name: /^Ask (?:everybody|again)/ }).click();
    await page.getByRole("heading", { name: "What to do" }).waitFor();
    await isReadable("what the doctor found");
    await page.goto(`${world.url}/ops/search?q=o_${longId}`);
    await isReadable("what was found");
    await page.getByRole("link", { name: `o_${longId}` }).click();
    await page.getByRole("heading", { name: `Order o_${longId}` }).waitFor();
    await isReadable("an order");
    await page.goto(`${world.url}/ops/letters`);
    await page.getByRole("button", { name: /^Dismiss all/ }).click();
    await page.getByRole("heading", { name: /^Dismiss \d+ letters\?/ }).waitFor();
    await isReadable("what would be done");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Admin token").waitFor();
    await isReadable("signing in");
  });

  test("a wrong token is told beside the field, and the way back leads to what was asked for", async () => {
    const page = await open();
    await page.goto(`${world.url}/ops/letters?reason=outcome-unknown`);
    await page.getByLabel("Admin token").fill("not-the-admin-token");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toContain("no admin token");
    expect(await findingsOf(page)).toEqual([]);
    await page.goto(`${world.url}/ops/letters?reason=outcome-unknown`);
    await page.getByLabel("Admin token").fill(adminToken);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Letters" }).waitFor();
    expect(page.url()).toBe(`${world.url}/ops/letters?reason=outcome-unknown`);
  });

  test("what a letter says is text, whatever it says", async () => {
    const page = await signedIn();
    await page.goto(`${world.url}/ops/letters`);
    await page.getByRole("cell").getByText('<script>document.title = "broken"</script>').waitFor();
    expect(await page.title()).toContain("Letters");
  });

  test("letters are found, selected and dismissed by keyboard alone", async () => {
    await bury("p_one", { reason: "by-keyboard" });
    await bury("p_two", { reason: "by-keyboard" });
    const page = await signedIn();
    await page.goto(`${world.url}/ops/letters?reason=by-keyboard`);
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("To the content");
    await page.keyboard.press("Enter");
    const boxes = page.getByRole("checkbox");
    expect(await boxes.count()).toBe(2);
    await tabTo(page, "Letter of o_p_two");
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: /^Dismiss selected/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Dismiss 1 letter?" }).waitFor();
    await page.getByRole("button", { name: "Dismiss: 1 letter" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("finished").waitFor();
    const left = (await world.queue.letters.list(1_000)).filter(({ context }) => context?.["reason"] === "by-keyboard");
    expect(left.map(({ key }) => key.paymentId)).toEqual(["p_one"]);
  });

  /** Presses Tab until that has the focus. */
  async function tabTo(page: Page, name: string): Promise<void> {
    await until(async () => {
      await page.keyboard.press("Tab");
      return (await page.evaluate("document.activeElement.getAttribute('aria-label')")) === name;
    }, `${name} to have the focus`);
  }

  test("without a script all of one reason are tried again, after it was said what looks would write", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const now = world.now();
    const letter = { kind: "Refused", reason: "in a sentence", since: now, at: now, context: { reason: "no-script" } };
    await world.queue.letters.put({ key: purchase.key, ...letter });
    const page = await signedIn({ javaScriptEnabled: false, viewport: { width: 360, height: 800 } });
    await page.goto(`${world.url}/ops/letters?reason=no-script`);
    await page.getByRole("button", { name: /^Try all 1 again/ }).click();
    await page.getByText("would-write").waitFor();
    expect(purchase.state()).toBe("intent");
    await page.getByRole("button", { name: "Try again: 1 letter" }).click();
    await page.getByText("finished").waitFor();
    await purchase.reaches("reserved");
  });

  test("an order is found by the PSP's id, its timeline tells what happened, and a look is asked for", async () => {
    const purchase = world.purchase({ referenced: false });
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    await world.idle();
    const page = await signedIn();
    await page.goto(`${world.url}/ops/search`);
    await page.getByLabel("Order, payment or the PSP's reference").fill(purchase.reference);
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: purchase.key.orderId }).click();
    await page.getByText("webhook push received").first().waitFor();
    expect(await page.locator(".timeline li.written").count()).toBeGreaterThan(0);
    purchase.act("capture");
    await page.getByRole("button", { name: "What would a look write?" }).click();
    await page.getByText("would come to: would-write").waitFor();
    expect(purchase.state()).toBe("reserved");
    await page.getByRole("button", { name: "Look now" }).click();
    await page.getByText("A look was asked for").waitFor();
    await purchase.reaches("captured");
  });

  test("nothing that was shown made the browser complain", () => {
    expect(complaints).toEqual([]);
  });
});
