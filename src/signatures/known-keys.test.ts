import { expect, test } from "vitest";
import { fingerprintOf } from "./fingerprint.ts";
import { ageOf, knownSecrets } from "./known-keys.ts";

test("a list is one secret that is being changed, newest first; what is no secret is not named", () => {
  const adapter = { secrets: ["webhookSecret", "apiKey", "byId", "absent"] };
  const settings = { adapterId: "mine", webhookSecret: ["new", "old"], apiKey: "key", byId: { a: "one", b: "two" } };
  const known = knownSecrets(adapter, settings as never);
  expect(known).toEqual([
    { key: fingerprintOf("new"), setting: "webhookSecret", place: 0 },
    { key: fingerprintOf("old"), setting: "webhookSecret", place: 1 },
    { key: fingerprintOf("key"), setting: "apiKey", place: 0 },
    { key: fingerprintOf("one"), setting: "byId", place: 0 },
    { key: fingerprintOf("two"), setting: "byId", place: 0 },
  ]);
  expect(["new", "old", "gone"].map((secret) => ageOf(fingerprintOf(secret), known))).toEqual([
    "newest",
    "older",
    "unknown",
  ]);
});
