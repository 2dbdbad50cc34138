import { expect, test } from "vitest";
import { until } from "../../test/support/until.ts";
import type { Engine } from "./engine.ts";
import { keepSchedule } from "./sweeps.ts";

test("a schedule that an engine is slow to make is not one that it has lost", async () => {
  const answer = Promise.withResolvers<undefined>();
  let [asked, stands, restored] = [0, false, 0];
  const scheduler = {
    async getJobScheduler(): Promise<object | undefined> {
      asked += 1;
      const found = stands ? {} : undefined;
      await answer.promise;
      return found;
    },
    async upsertJobScheduler(): Promise<void> {
      stands = true;
    },
  };
  const engine = { queue: () => scheduler } as unknown as Engine;
  const kept = keepSchedule(engine, 1, () => (restored += 1));
  await until(() => asked >= 3, "it to be asked again before it has answered");
  answer.resolve(undefined);
  const end = await kept;
  const before = asked;
  await until(() => asked > before, "it to be asked again");
  expect(restored).toBe(0);
  stands = false;
  await until(() => restored > 0, "what is gone to be made again");
  end();
});
