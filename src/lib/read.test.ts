import { expect, test } from "vitest";
import { z } from "zod";
import { WorkerError } from "./errors.ts";
import type { Http } from "./http.ts";
import { isStatus, orNull, readAs, readOrNull } from "./read.ts";

const schema = z.object({ id: z.string(), lines: z.array(z.object({ amount: z.number() })) });
const order = { id: "o", lines: [{ amount: 1 }], more: true };

/** A peer that gives these answers one after the other. */
function peerWith(...answers: unknown[]): { http: Http; asked: () => number } {
  const before = answers.length;
  const http: Http = async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return { status: 200, headers: {}, body: answer };
  };
  return { http, asked: () => before - answers.length };
}

const refusal = (status: number, kind: "Refused" | "Unreachable" = "Refused"): WorkerError =>
  new WorkerError(kind, "no", { context: { status } });

const ask = (http: Http): Promise<unknown> => readOrNull(http, { path: "/o", route: "/o" }, schema, "the order");

test("what has the shape is read, and what has not names its first field and no value", () => {
  expect(readAs(schema, order, "the order")).toEqual({ id: "o", lines: [{ amount: 1 }] });
  const read = (): unknown => readAs(schema, { id: "o", lines: [{ amount: "canary" }] }, "the order");
  expect(read).toThrow(
    new WorkerError("Unmapped", "the order cannot be read: lines.0.amount", {
      context: { field: "lines.0.amount", problem: "invalid_type" },
    }),
  );
  expect(() => readAs(schema, "canary", "the order")).toThrow("the order cannot be read: body");
});

test.each([
  ["the shape", [order], { id: "o", lines: [{ amount: 1 }] }, 1],
  ["another shape, then the shape", [{ error: true }, order], { id: "o", lines: [{ amount: 1 }] }, 2],
  ["nothing, then the shape", [null, order], { id: "o", lines: [{ amount: 1 }] }, 2],
  ["a 404 of its own", [refusal(404)], null, 1],
  ["another shape, then a 404", [{}, refusal(404)], null, 2],
])("%s is answered", async (_, answers, found, times) => {
  const { http, asked } = peerWith(...answers);
  expect(await ask(http)).toEqual(found);
  expect(asked()).toBe(times);
});

test.each([
  ["another shape twice", [{}, {}, order], "Unmapped", 2],
  ["a 403", [refusal(403), order], "Refused", 1],
  ["a 404 of somebody else's", [refusal(404, "Unreachable"), order], "Unreachable", 1],
])("%s is an error", async (_, answers, kind, times) => {
  const { http, asked } = peerWith(...answers);
  await expect(ask(http)).rejects.toMatchObject({ kind });
  expect(asked()).toBe(times);
});

test("only a 404 is nothing", async () => {
  expect([refusal(404), refusal(403), refusal(404, "Unreachable"), "404"].map((error) => isStatus(error, 404))).toEqual(
    [true, false, false, false],
  );
  expect(await orNull(() => Promise.reject(refusal(404)))).toBeNull();
  await expect(orNull(() => Promise.reject(new Error("a bug")))).rejects.toThrow("a bug");
});
