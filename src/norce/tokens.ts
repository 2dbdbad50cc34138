import { isWorkerError } from "../lib/errors.ts";
import type { Http } from "../lib/http.ts";

/**
 * Sends with one of Norce's tokens, of which there may be a primary and a secondary: the first until Norce refuses it, then the next, round and
 * round. What was refused has not been carried out, so that sending it again is safe.
 * @throws WorkerError `Unauthorized` once each of them was refused.
 */
export function withTokens(tokens: string | readonly string[], http: Http): Http {
  const all = typeof tokens === "string" ? [tokens] : tokens;
  let current = 0;
  return async (request) => {
    for (let tries = 1; ; tries += 1) {
      const used = current;
      try {
        return await http({ ...request, headers: { ...request.headers, authorization: `Bearer ${all[used] ?? ""}` } });
      } catch (error) {
        if (!isWorkerError(error, "Unauthorized") || tries >= all.length) throw error;
        // Another request may have gone on to the next already.
        if (current === used) current = (used + 1) % all.length;
      }
    }
  };
}
