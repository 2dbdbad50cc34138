import type { PublicFiles, WantedFile } from "../contract/adapter.ts";
import { isWorkerError } from "../lib/errors.ts";
import { createHttp } from "../lib/http.ts";
import { createTransport, type Transport } from "../lib/transport.ts";

/** Short: the PSP waits for our answer meanwhile. */
const patienceMs = 1_500;
const failureMs = 5_000;
/** What cannot be had anew serves for so long. */
const longestStaleMs = 24 * 3_600_000;
/** How many of one place are fetched at once, and how many are kept of those that were had and of those that could not be. */
const mostAtOnce = 16;
const mostKept = 64;
const longestFile = 100_000;

/** `null`: its owner says that there is none. `undefined`: it cannot be had now. */
type Found = string | null | undefined;

/** What files are fetched with. */
export interface PublicFileParts {
  /** What carries requests: the process's. */
  readonly transport?: Transport | undefined;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
}

/**
 * Fetches and keeps files, for one process. Whoever sends many addresses that lead nowhere neither makes us ask for all of them at once nor
 * pushes out what was found: where there is no room to ask, the file cannot be had now, which says nothing against what it would prove.
 */
export function createPublicFiles({
  transport = createTransport(),
  now = Date.now,
}: PublicFileParts = {}): PublicFiles {
  const kept = new Map<string, { readonly text: string; readonly at: number }>();
  /** What could not be had is not asked for again at once, so that a burst does not wait for each. */
  const failed = new Map<string, { readonly found: Found; readonly until: number }>();
  const underWay = new Map<string, Promise<Found>>();

  const fetchOnce = async (url: string, is: WantedFile["is"]): Promise<Found> => {
    const found = await fetched(url, is, transport);
    underWay.delete(url);
    if (typeof found === "string") putBounded(kept, url, { text: found, at: now() });
    else putBounded(failed, url, { found, until: now() + failureMs });
    return found;
  };

  const newest = async (url: string, is: WantedFile["is"]): Promise<Found> => {
    const failure = failed.get(url);
    if (failure !== undefined && failure.until > now()) return failure.found;
    const running = underWay.get(url);
    if (running !== undefined) return await running;
    const { origin } = new URL(url);
    if ([...underWay.keys()].filter((other) => new URL(other).origin === origin).length >= mostAtOnce) return undefined;
    const attempt = fetchOnce(url, is);
    underWay.set(url, attempt);
    return await attempt;
  };

  return {
    async at(url, { is, freshMs = Infinity }) {
      const standing = kept.get(url);
      const ageMs = standing === undefined ? Infinity : Math.abs(now() - standing.at);
      if (standing !== undefined && ageMs <= freshMs) return standing.text;
      const found = await newest(url, is);
      return standing === undefined || typeof found === "string" || ageMs > longestStaleMs ? found : standing.text;
    },
  };
}

/** The oldest gives way. */
function putBounded<Value>(values: Map<string, Value>, key: string, value: Value): void {
  const [oldest] = values.keys();
  values.delete(key);
  if (values.size >= mostKept && oldest !== undefined) values.delete(oldest);
  values.set(key, value);
}

/** Never rejects. */
async function fetched(url: string, is: WantedFile["is"], transport: Transport): Promise<Found> {
  const { origin, pathname, search } = new URL(url);
  const headers = { accept: "application/x-pem-file, application/json, text/plain, */*" };
  const http = createHttp({
    peer: "public-file",
    baseUrl: origin,
    headers,
    answers: "text",
    timeoutMs: patienceMs,
    transport,
  });
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const { body } = await http({ method: "GET", path: pathname + search, route: "/{file}", signal });
    return typeof body === "string" && body.length <= longestFile && is(body) ? body : undefined;
  } catch (error) {
    const status = isWorkerError(error) ? error.context["status"] : undefined;
    return status === 404 || status === 410 ? null : undefined;
  }
}
