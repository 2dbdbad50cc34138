import { expect, test } from "vitest";
import { byAdmin } from "./admin-token.ts";

const config = { adminTokens: ["an-admin-token-of-ours", "a-second-admin-token"] };

test.each([
  ["Bearer an-admin-token-of-ours", true],
  ["bearer a-second-admin-token", true],
  ["Bearer an-admin-token-of-our", false],
  ["Bearer an-admin-token-of-ours,a-second-admin-token", false],
  ["Bearer ", false],
  ["an-admin-token-of-ours", false],
  ["", false],
  [undefined, false],
])("%j is an admin: %s", (authorization, admitted) => {
  expect(byAdmin(config, authorization)).toBe(admitted);
  expect(byAdmin({ adminTokens: [] }, authorization)).toBe(false);
});
