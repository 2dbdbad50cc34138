import { expect, test } from "vitest";
import { formFrom, formOf } from "./form.ts";

test("a form is written and read", () => {
  const fields = { grant_type: "client_credentials", scope: "a b&c=å", amount: 5, more: undefined };
  const { type, text } = formOf(fields);
  expect(type).toBe("application/x-www-form-urlencoded");
  expect(text).toBe("grant_type=client_credentials&scope=a+b%26c%3D%C3%A5&amount=5");
  expect(formFrom(Buffer.from(text))).toEqual({ grant_type: "client_credentials", scope: "a b&c=å", amount: "5" });
  expect(formFrom("a=1&b=&a=2&c")).toEqual({ a: "1", b: "", c: "" });
});

test.each(["", "{}", "<html>", '{"a":"b=c"}', "a=1\nb=2", "a=1&".repeat(1_001)])("%j is no form", (text) => {
  expect(() => formFrom(text)).toThrow("the webhook is not a form");
});
