import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parsed } from "../_klarna/schema.ts";
import type { KeptEvent } from "../../contract/adapter.ts";
import { map } from "./map.ts";
import { orderSchema, type Snapshot } from "./schema.ts";

function snapshotOf(name: string): Snapshot {
  return JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/${name}/snapshot.json`, "utf8")) as Snapshot;
}

function tokenAt(at: string | null, token: string): KeptEvent {
  const type = "payment.request.state-change.completed";
  const line = { event: "confirm", pspStatus: "COMPLETED", amount: 0, currency: "XXX", success: true } as const;
  return { key: `network:${token}`, type, at, ...line, recurring: { token } };
}

describe("fixtures", () => {
  it.each(readdirSync(`${import.meta.dirname}/fixtures`))("%s is what the schema makes of an answer", (name) => {
    const { order } = snapshotOf(name);
    expect(parsed(orderSchema, order)).toEqual(order);
  });
});

describe("kept events", () => {
  const [older, newer] = [tokenAt("2026-02-03T10:00:00.000Z", "older"), tokenAt("2026-02-03T11:00:00.000Z", "newer")];

  it("bring the newest token, in whatever order they came", () => {
    for (const kept of [
      [older, newer],
      [newer, older],
      [newer, tokenAt(null, "undated"), older],
    ])
      expect(map(snapshotOf("authorized"), { kept }).recurring?.token).toBe("newer");
  });

  it("bring no token to a refused payment, and blank none", () => {
    expect(map(snapshotOf("rejected"), { kept: [newer] })).not.toHaveProperty("recurring");
    expect(map(snapshotOf("authorized"), { kept: [] })).not.toHaveProperty("recurring");
  });

  it("never decide about money", () => {
    const line = { pspStatus: "ANY", amount: 10000, currency: "SEK", success: true };
    const kept = (["capture", "refund", "cancel"] as const).map((event): KeptEvent => ({
      key: event,
      type: event,
      at: null,
      event,
      ...line,
    }));
    for (const name of ["authorized", "captured", "rejected", "pending"])
      expect(map(snapshotOf(name), { kept })).toEqual(map(snapshotOf(name), { kept: [] }));
  });
});
