import { expect, test } from "vitest";
import { createAdds } from "./adds.ts";

const refuse = async (): Promise<never> => {
  throw new Error("NOPERM");
};

test("three refused adds in a row say that the queue takes nothing, until one is taken or some time has passed", async () => {
  let now = 0;
  const adds = createAdds(() => now);
  for (const times of [2, 1]) {
    for (let time = 0; time < times; time += 1) await expect(adds.counted(refuse())).rejects.toThrow("NOPERM");
    if (times === 2) adds.insist();
  }
  expect(() => adds.insist()).toThrow("refuses what is added");
  expect(await adds.counted(Promise.resolve("taken"))).toBe("taken");
  adds.insist();
  for (let time = 0; time < 3; time += 1) await expect(adds.counted(refuse())).rejects.toThrow("NOPERM");
  now += 9_999;
  expect(() => adds.insist()).toThrow();
  now += 1;
  adds.insist();
});
