import type { BackendFactory } from "bullmq";
import { expect, test } from "vitest";
import { grantsOn } from "../../src/queue/engines/grants.ts";

type Move = (...parameters: readonly unknown[]) => Promise<unknown>;

/** A job that was done and whose completion the engine refused once was completed, and buried all the same: as one whose workers had died. */
test("a job that is completed at the second try has no end as one that failed", async () => {
  const moved: string[] = [];
  const failed: Move = async () => moved.push("failed");
  const completed: Move = async () => {
    moved.push("completed");
    if (moved.length === 1) throw new Error("the connection was lost");
    return { result: ["the next job"], finishedOn: 5 };
  };
  const backend = { moveToActive: failed, moveToDelayed: failed, moveToFailed: failed, moveToCompleted: completed };
  const factory = (() => backend) as unknown as BackendFactory;
  const { grants, make } = grantsOn(factory);
  const measured = make("lane", { connection: {} }) as unknown as typeof backend;
  grants.done("token", "1");
  await expect(measured.moveToCompleted({ id: "1" }, undefined, true, "token", true)).rejects.toThrow("lost");
  // BullMQ takes what its completion threw for a failure of the job, and one with an end for one that has failed for good.
  expect(await measured.moveToFailed({ id: "1" }, "lost", false, "token", true)).toEqual({ result: ["the next job"] });
  expect(moved).toEqual(["completed", "completed"]);
});
