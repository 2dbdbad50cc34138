import { expect, test } from "vitest";
import { embeddedEngine } from "../support/engines.ts";
import type { Purchase, World } from "../support/service.ts";
import { openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

/** What decides is the process's own: one engine shows it. */
const engine = embeddedEngine();
let world: World;
openWorldFor(engine, (opened) => (world = opened));

const turnedAway = (why: string): number =>
  world.logged.filter((line) => line.includes('"payment.later"') && line.includes(`"why":"${why}"`)).length;

test("a PSP that is down is left alone, and afterwards everything ends right without a dead letter", async () => {
  const outage = world.psp.fault({ status: 503 });
  const purchases = Array.from({ length: 30 }, () => world.purchase());
  for (const purchase of purchases) {
    purchase.act("pay");
    await purchase.push();
  }
  await until(() => turnedAway("psp-down") > 0, "looks to be turned away");
  const asked = outage.struck;
  const away = turnedAway("psp-down");
  for (const purchase of purchases) await purchase.refresh();
  await until(() => turnedAway("psp-down") >= away + purchases.length / 2, "more of them to be turned away");
  // Looks that were under way when it closed may still end; nobody else asks.
  expect(outage.struck - asked).toBeLessThan(purchases.length);
  world.psp.clearFaults();
  await Promise.all(
    purchases.map(({ state }) => until(() => state() === "reserved", "every payment to be reserved", 80_000)),
  );
  expect(await world.queue.letters.list(10)).toEqual([]);
});

test("a PSP that asks to be left alone is, whichever payment comes next", async () => {
  const [first, second] = [world.purchase(), world.purchase()];
  first.act("pay");
  second.act("pay");
  const busy = world.psp.fault({ times: 1, status: 429, retryAfterSeconds: 3 });
  await first.push();
  await until(() => busy.struck === 1, "the PSP to be asked");
  await world.idle();
  await second.push();
  await until(() => turnedAway("psp-busy") > 0, "the second one to be turned away");
  await Promise.all([first, second].map(({ state }) => until(() => state() === "reserved", "both to be reserved")));
}, 300_000);

test("a page that a firewall puts before one path closes nothing; three payments that meet it do", async () => {
  const purchases = Array.from({ length: 4 }, () => world.purchase());
  for (const purchase of purchases) purchase.act("pay");
  const [one, other, well, third] = purchases as [Purchase, Purchase, Purchase, Purchase];
  const blocked = ({ reference }: Purchase) =>
    world.psp.fault({ match: ({ path }) => path.includes(reference), status: 403, html: "<h1>Forbidden</h1>" });
  const faults = [blocked(one), blocked(other)];
  const struck = (): number => faults.reduce((sum, fault) => sum + fault.struck, 0);
  const away = turnedAway("psp-down");
  while (struck() < 12) {
    const before = struck();
    await Promise.all([one.push(), other.push()]);
    await until(() => struck() > before, "them to be looked at");
  }
  await well.push();
  await well.reaches("reserved");
  expect(turnedAway("psp-down")).toBe(away);
  faults.push(blocked(third));
  await until(async () => {
    await Promise.all([one, other, third].map((purchase) => purchase.push()));
    return turnedAway("psp-down") > away;
  }, "the account to be left alone");
  world.psp.clearFaults();
  await Promise.all([one, other, third].map(({ state }) => until(() => state() === "reserved", "its end")));
  expect(await world.queue.letters.list(10)).toEqual([]);
});
