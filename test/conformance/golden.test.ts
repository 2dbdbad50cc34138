import { describe, expect, test } from "vitest";
import { loadSubjects } from "../support/subjects.ts";

const subjects = await loadSubjects();

describe.each(subjects)("$folder", ({ folder, fixtures, say }) => {
  test("has fixtures", () => {
    expect(
      fixtures,
      `add fixtures/<case>/{snapshot.json or kept.json,desired.json,source.md} to ${folder}`,
    ).not.toHaveLength(0);
  });

  test.each(fixtures)("$name maps to its desired.json", async (fixture) => {
    expect(await say(fixture)).toEqual(fixture.desired);
  });

  test.each(fixtures)("$name says in source.md where it comes from, and when", ({ source }) => {
    expect(source, "give a URL, or a page of docs/ and its section").toMatch(
      /https?:\/\/\S+|docs\/(?:norce\.md, \d|psp\/[\w-]+\.md, \([a-j])/,
    );
    expect(source, "begin with what it is: Composed by us, Recorded from the PSP's own, Live from an account").toMatch(
      /^(?:Composed|Recorded|Live)\b/,
    );
    expect(source, "give a date").toMatch(/\b20\d\d-\d\d-\d\d\b/);
  });
});
