import { expect, test } from "vitest";
import { hidden, html } from "./html.ts";

test("whatever stands in a template is text, unless it is HTML itself", () => {
  const evil = `"><script>alert('1')</script>&amp;`;
  const text = html`<a title="${evil}">${evil}</a>`.text;
  expect(text).not.toMatch(/<script|"></);
  expect(text).toContain("&#38;amp;");
  expect(html`<b>${html`<i>${evil}</i>`}</b>`.text).toMatch(/^<b><i>&#34;&#62;&#60;script/);
  expect(html`${[html`<i>1</i>`, undefined, html`<i>2</i>`]}${3}${undefined}`.text).toBe("<i>1</i><i>2</i>3");
});

test("hidden fields are escaped, too", () => {
  expect(html`${hidden({ [`a"b`]: `c"d` })}`.text).toBe(`<input type="hidden" name="a&#34;b" value="c&#34;d" />`);
});
