import { expect, test } from "vitest";
import { WorkerError } from "../lib/errors.ts";
import type { Http, HttpRequest } from "../lib/http.ts";
import { withTokens } from "./tokens.ts";

const request: HttpRequest = { method: "PUT", path: "/", route: "/", headers: { "x-merchant": "acme" } };
const valid = new Set<string>();
let sent: unknown[] = [];
const http: Http = async ({ headers }) => {
  sent.push(headers);
  if (!valid.has(headers?.["authorization"] ?? "")) throw new WorkerError("Unauthorized", "no");
  return { status: 200, headers: {}, body: null };
};
const start = (...takes: readonly string[]) => {
  const refused: number[] = [];
  sent = [];
  valid.clear();
  for (const token of takes) valid.add(`Bearer ${token}`);
  return { refused, ask: withTokens(http, ["one", "two"], (place) => refused.push(place)) };
};
const used = (): unknown[] => sent.map((headers) => (headers as Record<string, string>)["authorization"]);

test("the first token is used as long as it is taken", async () => {
  const { ask, refused } = start("one", "two");
  await ask(request);
  expect(sent).toEqual([{ "x-merchant": "acme", authorization: "Bearer one" }]);
  expect(refused).toEqual([]);
});

test("a refused one gives way to the next, which stays; it is told once", async () => {
  const { ask, refused } = start("two");
  await Promise.all([ask(request), ask(request)]);
  await ask(request);
  expect(used()).toEqual(["Bearer one", "Bearer one", "Bearer two", "Bearer two", "Bearer two"]);
  expect(refused).toEqual([0]);
});

test("where none is taken the error says so, each was tried once, and the first that is taken again is found", async () => {
  const { ask } = start();
  await expect(ask(request)).rejects.toMatchObject({ kind: "Unauthorized" });
  expect(used()).toHaveLength(2);
  valid.add("Bearer one");
  await expect(ask(request)).resolves.toMatchObject({ status: 200 });
});

test("no other error makes a token give way", async () => {
  const refused: number[] = [];
  let asked = 0;
  const ask = withTokens(
    async () => {
      asked += 1;
      throw new WorkerError("Refused", "no", { context: { status: 403 } });
    },
    ["one", "two"],
    (place) => refused.push(place),
  );
  await expect(ask(request)).rejects.toMatchObject({ kind: "Refused" });
  expect([asked, refused]).toEqual([1, []]);
});
