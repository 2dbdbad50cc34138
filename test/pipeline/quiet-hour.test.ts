import { Redis } from "ioredis";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { embeddedEngine, serverEngines, type TestEngine } from "../support/engines.ts";
import { startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/** No webhook comes and nobody asks for anything: what is wrong has to be found by the sweep, and be told. */
async function quietWorld(engine: TestEngine): Promise<World> {
  await engine.start();
  onTestFinished(() => engine.stop());
  const world = await startWorld({ engine: engine.settings(), environment: { SWEEP_INTERVAL_SECONDS: "1" } });
  onTestFinished(() => world.stop());
  return world;
}

const said = ({ logged }: World, message: string): Record<string, unknown>[] =>
  logged.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);

async function report({ url }: World): Promise<{ needsAttention: boolean; drift: readonly { name: string }[] }> {
  const headers = { authorization: "Bearer an-admin-token-of-ours" };
  return (await (await fetch(`${url}/report`, { headers })).json()) as Awaited<ReturnType<typeof report>>;
}

test("a token that Norce refuses is found in a quiet hour, told once, and over when it is taken again", async () => {
  const world = await quietWorld(embeddedEngine());
  const gauge = async (): Promise<string | undefined> =>
    /norce_psp_credential_refused\{peer="norce",merchant="",channel=""\} (\d)/.exec(await world.meters.text())?.[1];
  await until(() => said(world, "sweep.finished").length > 0, "a pass");
  expect(await report(world)).toMatchObject({ needsAttention: false });
  const refused = world.norce.fault({ status: 401 });
  await until(async () => (await gauge()) === "1", "the gauge");
  await until(async () => (await report(world)).needsAttention, "the report");
  const { drift } = await report(world);
  expect(drift).toEqual([expect.objectContaining({ name: "credentials-refused", attention: true })]);
  const later = said(world, "sweep.later").length;
  await until(() => said(world, "sweep.later").length > later + 2, "further passes to be refused");
  expect(said(world, "credential.refused").filter(({ since }) => since !== undefined)).toHaveLength(1);
  refused.clear();
  await until(async () => (await gauge()) === "0", "it to be over");
  expect(said(world, "credential.accepted")).toMatchObject([{ peer: "norce" }]);
}, 300_000);

describe.each(serverEngines().filter(({ name }) => name === "redis"))("on $name", (engine) => {
  let redis: Redis;
  afterEach(() => redis.disconnect());

  test("a queue that comes back empty is swept again within its period, and that is said", async () => {
    const world = await quietWorld(engine);
    redis = new Redis(engine.settings().redisUrl ?? "");
    await until(() => said(world, "sweep.finished").length > 0, "a pass");
    expect(said(world, "sweep.restored")).toEqual([]);
    await redis.flushall();
    const [purchase, passes] = [world.purchase(), said(world, "sweep.finished").length];
    purchase.act("pay");
    await until(() => said(world, "sweep.restored").length === 1, "it to be said");
    await until(() => said(world, "sweep.finished").length > passes, "another pass");
    await purchase.reaches("reserved");
  }, 300_000);
});
