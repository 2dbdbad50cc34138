import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { filesBehind } from "../support/forgeries.ts";
import { openStage, type Stage } from "../support/stage.ts";
import { loadSubjects } from "../support/subjects.ts";

// Who is never called has nothing to prove.
const subjects = (await loadSubjects()).filter(({ adapter }) => Object.keys(adapter.webhooks).length > 0);

describe.each(subjects)("$folder", (subject) => {
  let stage: Stage;
  beforeAll(async () => {
    // The fixtures' proofs were made for the settings that the simulator gives there.
    const usual = await subject.settings("http://psp.invalid");
    stage = await openStage(subject, { settings: () => usual, files: await filesBehind(subject) });
  });
  let began = 0;
  beforeEach(() => (began = Date.now()));
  afterEach(() => void vi.setSystemTime(began));
  afterAll(() => stage.close());

  test.each(subject.requests)(
    "fixture $name is answered as the PSP wants it, a duplicate too",
    async ({ request: { webhook, at, ...sent } }) => {
      if (at !== undefined) vi.setSystemTime(Date.parse(at));
      const wanted = subject.adapter.webhooks[webhook]?.ack;
      for (const delivery of ["the first", "a duplicate"]) {
        const answer = await stage.deliver(sent);
        expect(answer.status, delivery).toBe(wanted?.status);
        expect(answer.headers.get("content-type"), delivery).toBe(wanted?.type ?? null);
        expect(Buffer.from(await answer.arrayBuffer()), delivery).toEqual(Buffer.from(wanted?.body ?? "", "utf8"));
      }
    },
  );

  test.each(subject.requests)("fixture $name is refused with another method", async ({ request }) => {
    const { status } = await stage.deliver({ ...request, method: request.method === "POST" ? "GET" : "POST" });
    expect(status).toBe(subject.adapter.webhooks[request.webhook]?.refusals?.[405] ?? 405);
  });
});
