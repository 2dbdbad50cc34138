import nock from "nock";
import { afterAll, afterEach, beforeAll } from "vitest";

/**
 * In this test file every request is answered by nock or fails, and nothing that one test says is left for the next one. Afterwards
 * requests go over the network again: the files beside the source share one process.
 * @param reachable a host that may be asked all the same
 */
export function answerByNock(reachable?: string): void {
  beforeAll(() => {
    if (!nock.isActive()) nock.activate();
    nock.disableNetConnect();
    if (reachable !== undefined) nock.enableNetConnect(reachable);
  });
  afterEach(() => nock.cleanAll());
  afterAll(() => {
    nock.enableNetConnect();
    nock.restore();
  });
}
