import { expect, test } from "vitest";
import { createSigningKeys } from "./signing-keys.ts";

test("an echo is known by whoever holds one of the keys, and by nobody else", () => {
  const nonce = "a-nonce-of-somebody-who-asks";
  const [before, after] = [
    createSigningKeys(["old-master-key-01"]),
    createSigningKeys(["new-master-key-01", "old-master-key-01"]),
  ];
  const echo = before.echo(nonce);
  expect(echo).toMatch(/^[\w-]{43}$/);
  expect(after.isEcho(nonce, echo)).toBe(true);
  expect(before.isEcho(nonce, after.echo(nonce))).toBe(false);
  expect(after.isEcho("another-nonce-of-somebody", echo)).toBe(false);
  expect(after.isEcho(nonce, "")).toBe(false);
});

test("an echo says nothing of any other key", () => {
  const keys = createSigningKeys(["old-master-key-01"]);
  const tenant = { merchant: "acme", channel: "se" };
  for (const purpose of ["callback", "operation"] as const)
    expect(keys.of(purpose, tenant).map(({ text }) => text)).not.toContain(keys.echo(`${purpose}-acme-se-acme-se`));
});
