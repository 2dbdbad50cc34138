import { isWorkerError } from "./errors.ts";
import type { Http } from "./http.ts";

/** An access token as a header value, and how long it lives. */
export interface Granted {
  readonly authorization: string;
  readonly expiresInSeconds: number;
}

interface Held {
  readonly granted: Promise<Granted>;
  renewAt: number;
}

/** The share of a token's life after which it is renewed, so that none expires on its way. */
const renewAfter = 0.9;
/** A token that dies within a minute of this is renewed earlier, whatever its life. */
const marginMs = 60_000;

/**
 * The client with an access token in `Authorization`: fetched once for all calls that wait for it, renewed before it expires, and
 * fetched anew, once, after a 401 (a token can be revoked).
 * @param authorize asks for a token; its errors are those of the call that needed one, and the next call asks again.
 * @param now milliseconds since the epoch.
 */
export function withToken(http: Http, authorize: () => Promise<Granted>, now: () => number): Http {
  let current: Held | undefined;

  const fetched = (): Promise<Granted> => {
    if (current !== undefined && now() < current.renewAt) return current.granted;
    const asked = now();
    const made = { granted: authorize(), renewAt: Infinity };
    current = made;
    void keep(made, asked);
    return made.granted;
  };

  const keep = async (made: Held, asked: number): Promise<void> => {
    try {
      const lifeMs = (await made.granted).expiresInSeconds * 1_000;
      made.renewAt = asked + Math.max(lifeMs / 2, Math.min(lifeMs * renewAfter, lifeMs - marginMs));
    } catch {
      // Whoever waits for it is told; the next call asks again.
      forget(made.granted);
    }
  };

  const forget = (granted: Promise<Granted>): void => {
    if (current?.granted === granted) current = undefined;
  };

  return async (request) => {
    const send = async (granted: Promise<Granted>) => {
      const { authorization } = await granted;
      return await http({ ...request, headers: { ...request.headers, authorization } });
    };
    const granted = fetched();
    await granted;
    try {
      return await send(granted);
    } catch (error) {
      if (!isWorkerError(error, "Unauthorized")) throw error;
      // Many calls meet the same dead token: the first one forgets it, the others share its successor.
      forget(granted);
      return await send(fetched());
    }
  };
}
