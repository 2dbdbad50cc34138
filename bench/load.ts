import autocannon from "autocannon";

/** What a run of requests came to. */
export interface Load {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly answered: number;
  /** Answers other than 200, errors and time-outs. */
  readonly failed: number;
}

export interface LoadOptions {
  readonly base: string;
  readonly paths: readonly string[];
  readonly connections: number;
  /** Either a time in seconds or a number of requests. */
  readonly seconds?: number;
  readonly amount?: number;
}

/**
 * Sends POSTs without a body, as many at once as there are connections. Every connection has its own share of the paths, so that an
 * amount of requests that is a multiple of the connections sends each path once.
 */
export async function load({ base, paths, connections, seconds, amount }: LoadOptions): Promise<Load> {
  const times: number[] = [];
  let failed = 0;
  let next = 0;
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    const run = autocannon(
      {
        url: base,
        connections,
        ...(seconds === undefined ? {} : { duration: seconds }),
        ...(amount === undefined ? {} : { amount }),
        setupClient: (client) => {
          const share = next;
          next += 1;
          client.setRequests(
            paths.filter((_, index) => index % connections === share).map((path) => ({ method: "POST", path })),
          );
        },
        timeout: 10,
      },
      (error: unknown) => (error instanceof Error ? reject(error) : resolve()),
    );
    run.on("response", (_client, status, _bytes, ms) => {
      times.push(ms);
      if (status !== 200) failed += 1;
    });
    run.on("reqError", () => {
      failed += 1;
    });
  });
  const perSecond = times.length / ((performance.now() - started) / 1_000);
  return { perSecond, p50: percentile(times, 0.5), p99: percentile(times, 0.99), answered: times.length, failed };
}

/** The value below which the part lies. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
