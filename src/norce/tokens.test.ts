import { expect, test } from "vitest";
import { WorkerError } from "../lib/errors.ts";
import type { Http } from "../lib/http.ts";
import { withTokens } from "./tokens.ts";

const request = { method: "GET", path: "/", route: "/" } as const;

/** Norce, which takes some tokens and refuses the others. */
function norceThatTakes(taken: Set<string>) {
  const given: string[] = [];
  const http: Http = async ({ headers }) => {
    const token = (headers?.["authorization"] ?? "").replace("Bearer ", "");
    given.push(token);
    if (!taken.has(token)) throw new WorkerError("Unauthorized", "401");
    return { status: 200, headers: {}, body: null };
  };
  return { http, given };
}

test("a token that is refused gives way to the next, and the one that was taken is kept", async () => {
  const taken = new Set(["secondary"]);
  const { http, given } = norceThatTakes(taken);
  const send = withTokens(["primary", "secondary"], http);
  await send(request);
  await send(request);
  expect(given).toEqual(["primary", "secondary", "secondary"]);
  taken.clear();
  taken.add("primary");
  await send(request);
  expect(given.slice(3)).toEqual(["secondary", "primary"]);
});

test("once each was refused, that is told; requests side by side do not skip one", async () => {
  const taken = new Set<string>();
  const { http, given } = norceThatTakes(taken);
  const send = withTokens(["primary", "secondary"], http);
  await expect(send(request)).rejects.toMatchObject({ kind: "Unauthorized" });
  expect(given).toEqual(["primary", "secondary"]);
  taken.add("secondary");
  await Promise.all([send(request), send(request), send(request)]);
  await expect(withTokens("alone", http)(request)).rejects.toMatchObject({ kind: "Unauthorized" });
});

test("what failed otherwise is not sent again", async () => {
  let sent = 0;
  const http: Http = async () => {
    sent += 1;
    throw new WorkerError("Unreachable", "503");
  };
  await expect(withTokens(["primary", "secondary"], http)(request)).rejects.toMatchObject({ kind: "Unreachable" });
  expect(sent).toBe(1);
});
