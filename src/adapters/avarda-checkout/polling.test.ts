import { describe, expect, it } from "vitest";
import type { Phase } from "../../contract/adapter.ts";
import { lookAgainOf } from "./polling.ts";

const createdUtc = "2026-02-03T10:00:00.0000000Z";
const expiredUtc = "2026-02-04T10:00:00.0000000Z";

function at(phase: Phase, readAt: string, times = {}) {
  return lookAgainOf(phase, { createdUtc, expiredUtc, ...times }, Date.parse(readAt));
}

describe("a session", () => {
  it.each([
    ["2026-02-03T10:00:01.000Z", "2026-02-03T10:02:00.000Z"],
    ["2026-02-03T10:02:00.000Z", "2026-02-03T10:10:00.000Z"],
    ["2026-02-03T10:10:30.000Z", "2026-02-03T10:30:00.000Z"],
    ["2026-02-03T10:30:00.000Z", "2026-02-03T11:30:00.000Z"],
    ["2026-02-04T09:45:00.000Z", "2026-02-04T10:45:00.000Z"],
    ["2026-02-04T10:45:00.000Z", "2026-02-04T11:00:00.000Z"],
  ])("read at %s is read again at %s", (readAt, next) => {
    for (const phase of ["created", "paying", "failed"] as const) expect(at(phase, readAt)).toEqual({ at: next });
  });

  it("is left alone an hour after its end", () => {
    expect(at("created", "2026-02-04T11:00:00.000Z")).toBeUndefined();
  });

  it("is read every hour where Avarda says no times", () => {
    const readAt = "2026-02-03T10:00:01.000Z";
    expect(at("created", readAt, { createdUtc: undefined })).toEqual({ afterSeconds: 3600 });
    expect(at("paying", "2026-02-13T10:00:00.000Z", { expiredUtc: undefined })).toEqual({
      at: "2026-02-13T11:00:00.000Z",
    });
  });
});

it.each(["confirmed", "declined"] as const)("what is %s is looked at no more", (phase) => {
  expect(at(phase, "2026-02-03T10:00:01.000Z")).toBeUndefined();
});
