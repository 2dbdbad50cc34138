import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readAs } from "../../lib/read.ts";
import type { KeptEvent } from "../../contract/adapter.ts";
import { map as mapOf } from "./map.ts";
import { orderSchema, sessionSchema, type Snapshot } from "./schema.ts";

function snapshotOf(name: string): Snapshot {
  return JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/${name}/snapshot.json`, "utf8")) as Snapshot;
}

function map(snapshot: Snapshot, { kept }: { readonly kept: readonly KeptEvent[] }) {
  return mapOf(snapshot, { kept, now: Date.parse("2026-02-03T12:00:00.000Z") });
}

function tokenAt(at: string | null, token: string): KeptEvent {
  const type = "payment.request.state-change.completed";
  const line = { event: "confirm", pspStatus: "COMPLETED", amount: 0, success: true } as const;
  return { key: `network:${token}`, type, at, ...line, recurring: { token } };
}

describe("fixtures", () => {
  it.each(readdirSync(`${import.meta.dirname}/fixtures`))("%s is what the schema makes of an answer", (name) => {
    const { order, session } = snapshotOf(name);
    if (order !== null) expect(readAs(orderSchema, order, "an order")).toEqual(order);
    else expect({ ...readAs(sessionSchema, session, "a session"), session_id: session.session_id }).toEqual(session);
  });
});

describe("kept events", () => {
  const [older, newer] = [tokenAt("2026-02-03T10:00:00.000Z", "older"), tokenAt("2026-02-03T11:00:00.000Z", "newer")];

  it.each([
    ["that names no id", {}, "INITIATED", "dispute"],
    ["that was lost, in small letters", { disputeOutcome: "lost" }, "CLOSED", "chargeback"],
  ])("a dispute %s is heard of", (_, facts, pspStatus, name) => {
    const type = "payment.dispute.state-change";
    const line = { event: "paymentAction", amount: 0, success: true } as const;
    const kept: KeptEvent[] = [{ key: "network:e1", type, at: null, ...line, pspStatus, facts }];
    expect(map(snapshotOf("captured"), { kept }).findings).toMatchObject([{ name, id: "network:e1" }]);
  });

  it("bring the newest token, in whatever order they came", () => {
    for (const kept of [
      [older, newer],
      [newer, older],
      [newer, tokenAt(null, "undated"), older],
    ])
      expect(map(snapshotOf("authorized"), { kept }).recurring?.token).toBe("newer");
  });

  it("bring no token to a refused payment, and blank none", () => {
    expect(map(snapshotOf("rejected"), { kept: [newer] }).recurring).toBeUndefined();
    expect(map(snapshotOf("authorized"), { kept: [] }).recurring).toBeUndefined();
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
