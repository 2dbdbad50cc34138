import { expect, it } from "vitest";
import { type Finding, type Report, reportOf } from "../../doctor/report.ts";
import { Html } from "../../lib/html.ts";
import { doctorScreen } from "./doctor.ts";
import type { View } from "./shell.ts";
import type { Sent } from "./visit.ts";

const sent = { query: new URLSearchParams(), form: new URLSearchParams(), session: { formToken: "token" } } as Sent;
const asked: Finding = { check: "clock", is: "fine", says: "it agrees" };
const wrong: Finding = {
  check: "credentials",
  merchant: "acme",
  channel: "se",
  adapter: "mollie",
  is: "attention",
  says: "<b>no</b>",
  todo: "put the right one in",
};

function textOf({ content }: View): string {
  return [content]
    .flat()
    .map((one) => (one instanceof Html ? one.text : String(one)))
    .join("");
}

it("asks when somebody says so, and shows what needs a person first, as text", async () => {
  let examined = 0;
  const examine = async (): Promise<Report> => {
    examined += 1;
    return reportOf([asked, wrong]);
  };
  const screen = doctorScreen({ examine, now: () => 0 });
  const before = textOf((await screen.get?.(sent)) as View);
  expect(before).toContain("Ask everybody");
  expect(examined).toBe(0);
  const after = textOf((await screen.post?.(sent)) as View);
  expect(examined).toBe(1);
  expect(after.indexOf("put the right one in")).toBeLessThan(after.indexOf("it agrees"));
  expect(after).toContain("acme/se mollie");
  expect(after).toContain("&#60;b&#62;no");
  expect(textOf((await screen.get?.(sent)) as View)).toContain("1970-01-01");
});

it("asks once for all who ask meanwhile, says so while it lasts, and asks again after it failed", async () => {
  const runs: PromiseWithResolvers<Report>[] = [];
  const examine = async (): Promise<Report> => {
    const run = Promise.withResolvers<Report>();
    runs.push(run);
    return await run.promise;
  };
  const screen = doctorScreen({ examine, now: () => 0 });
  const [one, other] = [screen.post?.(sent), screen.post?.(sent)];
  const meanwhile = (await screen.get?.(sent)) as View;
  expect(textOf(meanwhile)).toContain("Everybody is being asked");
  expect(meanwhile.againSeconds).toBe(3);
  runs[0]?.reject(new Error("a bug"));
  await expect(one).rejects.toThrow("a bug");
  await expect(other).rejects.toThrow("a bug");
  const again = screen.post?.(sent);
  runs[1]?.resolve(reportOf([asked]));
  expect(textOf((await again) as View)).toContain("it agrees");
  expect(runs).toHaveLength(2);
});
