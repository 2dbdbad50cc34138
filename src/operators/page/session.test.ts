import { expect, test } from "vitest";
import { createSessions } from "./session.ts";

const minute = 60_000;
const [first, second] = ["the-first-admin-token", "the-second-admin-token"];

function sessionsOf(adminTokens: readonly string[], publicUrl = "https://psp.example.com", at = () => 1_000_000) {
  return createSessions({ config: { adminTokens, publicUrl }, now: at });
}

/** What a browser sends of a `set-cookie`. */
const sent = (cookie = ""): string => `other=1; ${cookie.split(";")[0]}`;

test("who has an admin token is known by the cookie, of whichever token", () => {
  const sessions = sessionsOf([first, second]);
  for (const token of [first, second]) expect(sessions.read(sent(sessions.open(token)))?.id).toHaveLength(22);
  expect(sessions.open("another-admin-token")).toBeUndefined();
  expect(sessions.open("")).toBeUndefined();
});

test("the cookie is for this page alone, and for no script", () => {
  const cookie = sessionsOf([first]).open(first) ?? "";
  expect(cookie.split("; ").slice(1)).toEqual(["Max-Age=1800", "Path=/ops", "HttpOnly", "SameSite=Strict", "Secure"]);
  expect(cookie).not.toContain(first);
  expect(sessionsOf([first], "http://localhost:3000").open(first)).not.toContain("Secure");
  expect(sessionsOf([first], "https://shop.example.com/psp/").open(first)).toContain("Path=/psp/ops;");
});

test("a token that is taken away ends its sessions, and no other's", () => {
  const cookie = sent(sessionsOf([first, second]).open(first));
  expect(sessionsOf([second]).read(cookie)).toBeUndefined();
  expect(sessionsOf([second, first]).read(cookie)).toBeDefined();
  expect(sessionsOf([]).read(cookie)).toBeUndefined();
});

test("whatever is changed in a cookie ends it", () => {
  const sessions = sessionsOf([first]);
  const value = sent(sessions.open(first)).slice("other=1; norce_psp_ops=".length);
  for (let at = 0; at < value.length; at += 1) {
    const other = value.charAt(at) === "A" ? "B" : "A";
    const changed = value.slice(0, at) + other + value.slice(at + 1);
    // The last character of base64url has bits that mean nothing: another spelling of the same bytes is another text all the same.
    expect(sessions.read(`norce_psp_ops=${changed}`), `${at}`).toBeUndefined();
  }
  for (const nonsense of ["", "norce_psp_ops=", "norce_psp_ops=.", "norce_psp_ops=a.b.c", "norce_psp_ops"])
    expect(sessions.read(nonsense)).toBeUndefined();
});

test("a session ends half an hour after the last page, and after a working day in any case", () => {
  let at = 1_000_000;
  const sessions = sessionsOf([first], undefined, () => at);
  let cookie = sent(sessions.open(first));
  const began = at;
  at += 29 * minute;
  expect(sessions.read(cookie)?.renewed).toContain("Max-Age=1800");
  at += minute;
  expect(sessions.read(cookie)).toBeUndefined();
  at = began;
  for (;;) {
    at += 20 * minute;
    const session = sessions.read(cookie);
    if (session === undefined) break;
    cookie = session.renewed === undefined ? cookie : sent(session.renewed);
  }
  expect((at - began) / minute).toBeGreaterThanOrEqual(600);
  expect((at - began) / minute).toBeLessThan(640);
});

test("each session has a form token of its own", () => {
  const sessions = sessionsOf([first]);
  const tokens = [1, 2].map(() => sessions.read(sent(sessions.open(first)))?.formToken);
  expect(new Set(tokens).size).toBe(2);
});
