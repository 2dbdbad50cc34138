import express from "express";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { loadAdapters } from "../../src/adapters/registry.ts";
import { listenOnLoopback, type Loopback } from "../../sandbox/loopback.ts";
import { type Sandbox, startSandbox } from "../../sandbox/sandbox.ts";
import {
  chromiumBinary,
  findingsByDayAndNight,
  findingsOf,
  openBrowser,
  overflowOf,
  readable,
  widths,
} from "../support/browser.ts";
import { until } from "../support/until.ts";

/** As tall as a page of forty cards may be on a phone, in CSS pixels. */
const tallest = 8_000;

describe.skipIf(chromiumBinary === undefined)("the sandbox's page in Chromium", () => {
  let sandbox: Sandbox;
  let server: Loopback;
  let browser: Browser;

  beforeAll(async () => {
    const app = express().set("query parser", false);
    server = await listenOnLoopback((request, response) => app(request, response));
    const adapters = await loadAdapters(["klarna-checkout", "mollie", "stripe"]);
    const terminal = { colour: false, write: () => undefined };
    const adminToken = "an-admin-token-of-ours";
    const urlSigningKeys = ["signing-key-0001"];
    sandbox = await startSandbox({ callbackBase: server.url, urlSigningKeys, adminToken, adapters, terminal });
    app.use("/", sandbox.page);
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await sandbox.close();
    await server.close();
  });

  async function open(width: number, query = ""): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height: 800 } });
    onTestFinished(async () => await context.close());
    const page = await context.newPage();
    await page.goto(`${server.url}/${query}`);
    return page;
  }

  test.each(widths)("forty purchases are readable at %i pixels, by day and by night", async (width) => {
    for (let count = 0; count < 40; count += 1) sandbox.startPurchase("home", { adapter: "mollie" });
    const page = await open(width, "?psp=mollie");
    await page.locator("summary.top").first().click();
    expect(await findingsByDayAndNight(page)).toEqual(readable);
    expect(await page.locator(".purchase").count()).toBe(40);
    expect(await page.evaluate("document.documentElement.scrollHeight")).toBeLessThan(tallest);
  });

  test("somebody buys with a PSP of their choice, presses its buttons, and keeps the place", async () => {
    const page = await open(1280);
    await page.locator("#buy-psp").selectOption({ label: "Stripe" });
    await page.locator("#buy-home").click();
    const card = page.locator(".purchase").first();
    await card.getByText("Stripe", { exact: true }).waitFor();
    await card.locator("summary.top").click();
    const pay = card.getByRole("button", { name: "Pay", exact: true });
    await pay.focus();
    await page.keyboard.press("Enter");
    await card.locator(".request").first().waitFor();
    await until(
      async () => (await page.evaluate("document.activeElement.closest('.purchase') !== null")) === true,
      "the focus to stay in the card",
    );
    expect(await card.evaluate((element) => "open" in element && element.open)).toBe(true);
    await card.locator(".request summary").first().click();
    await card
      .getByText(/^POST http[^]*payment_intent/)
      .first()
      .waitFor();
  });

  test("what went wrong stands beside the button that was pressed", async () => {
    const { key } = sandbox.startPurchase("home", { adapter: "mollie" });
    const page = await open(1280);
    const card = page.locator(`[id="${key.paymentId}"]`);
    await card.locator("summary.top").click();
    // No service stands behind this page: a look is asked of nobody.
    await card.getByRole("button", { name: "Look now" }).click();
    await card.locator(".problem").getByText(/\S/).waitFor();
    expect(await findingsOf(page)).toEqual([]);
  });

  test("a PSP that is broken says so until it is mended", async () => {
    const page = await open(360);
    await page.locator("#break-psp").selectOption({ label: "Mollie" });
    await page.locator("#psp-loses").click();
    await page.getByText("Mollie: Loses webhooks").waitFor();
    expect(await overflowOf(page)).toBe(0);
    await page.locator("#psp-well").click();
    await page.getByText("All PSPs are well").waitFor();
  });
});
