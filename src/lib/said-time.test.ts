import { expect, it } from "vitest";
import { saidTime } from "./said-time.ts";

it.each([
  ["2026-02-03T10:15:30Z", "2026-02-03T10:15:30Z"],
  ["2026-02-03T10:15:30.1234567+01:00", "2026-02-03T10:15:30.1234567+01:00"],
  ["2026-02-03T10:15:30+0100", "2026-02-03T09:15:30.000Z"],
  ["2026-02-03T10:15:30", "2026-02-03T10:15:30.000Z"],
  ["2026-02-03", "2026-02-03T00:00:00.000Z"],
  ["2026-02-33", undefined],
  ["soon", undefined],
  [1_770_000_000, undefined],
])("%s is %s", (said, time) => {
  expect(saidTime.safeParse(said).data).toBe(time);
});
