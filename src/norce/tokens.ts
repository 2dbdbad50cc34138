import { isWorkerError } from "../lib/errors.ts";
import type { Http } from "../lib/http.ts";

/**
 * The client with one of several tokens: Norce has a primary and a secondary, and while they are rotated one of them is refused. Then the next
 * one takes its place, and stays. What was refused at the door was not carried out, so that writes may be sent again.
 * @param tokens the likeliest first.
 * @param refused told of each token that gave way, by its place, once until it is taken again.
 */
export function withTokens(http: Http, tokens: readonly string[], refused: (place: number) => void): Http {
  let place = 0;
  const told = new Set<number>();
  return async (request) => {
    for (let tries = 1; ; tries += 1) {
      const tried = place;
      try {
        const authorization = `Bearer ${tokens[tried] ?? ""}`;
        const answer = await http({ ...request, headers: { ...request.headers, authorization } });
        told.delete(tried);
        return answer;
      } catch (error) {
        if (!isWorkerError(error, "Unauthorized") || tries >= tokens.length) throw error;
        // Many calls meet the same dead token: the first one passes it over, the others share its successor.
        if (place === tried) place = (tried + 1) % tokens.length;
        if (!told.has(tried)) refused(tried);
        told.add(tried);
      }
    }
  };
}
