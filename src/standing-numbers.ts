/** How things stand, as numbers for `/metrics` and in a few words for `/health/ready`: the same from every process. */
import type { Config } from "./config.ts";
import type { PeerNumbers, StandingNumbers } from "./lib/gauges.ts";
import type { Seam, Standing, SweptChannel } from "./queue/seam.ts";
import { promptly } from "./queue/within.ts";

interface StandingParts {
  readonly config: Pick<Config, "targets" | "find">;
  readonly queue: Pick<Seam, "standing">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What `/health/ready` says besides. It changes no status: webhooks are received whoever is away. */
export interface ReadyDetail {
  readonly workers: number;
  /** Nobody looks at payments: since then, ISO 8601; `null` where nobody ever did. */
  readonly noWorkerSince?: string | null;
  /** Who is down or refuses our credentials, by PSP. */
  readonly peers?: readonly { readonly peer: string; readonly is: "down" | "refused"; readonly since: string }[];
}

/** The channels that the configuration has. */
export function sweptChannels({ targets }: Pick<Config, "targets">): readonly SweptChannel[] {
  const channels = targets.map(({ merchant, channel }) => [JSON.stringify([merchant, channel]), { merchant, channel }]);
  return [...new Map(channels as [string, SweptChannel][]).values()];
}

/** How things stand as numbers, of those that are configured: nobody else becomes a label. @throws WorkerError `QueueUnavailable` */
export async function readNumbers({ config, queue, now: clock }: StandingParts): Promise<StandingNumbers> {
  const standing = await promptly(queue.standing(sweptChannels(config)));
  const adapters = new Set(config.targets.map(({ adapter }) => adapter.id));
  const now = clock();
  return {
    now,
    waiting: standing.waiting.filter(({ adapter }) => adapters.has(adapter)),
    peers: peersOf(standing, config),
    letters: standing.letters.map((one) => (adapters.has(one.adapter) ? one : { ...one, adapter: "" })),
    sweeps: standing.sweeps.flatMap(({ progress, ...of }) =>
      Object.entries(progress).flatMap(([window, { swept }]) =>
        swept === undefined ? [] : [{ ...of, window, swept }],
      ),
    ),
    workers: standing.workers,
    workerAt: standing.workerAt,
    inboxSince: standing.inboxSince,
  };
}

/** The same in a few words; nothing where it cannot be read now. */
export async function readDetail({ config, queue }: StandingParts): Promise<ReadyDetail | undefined> {
  const standing = await promptly(queue.standing(sweptChannels(config))).catch(() => undefined);
  if (standing === undefined) return undefined;
  const { workers, workerAt } = standing;
  const since = new Map<string, { peer: string; is: "down" | "refused"; since: number }>();
  for (const record of standing.peers)
    for (const is of ["down", "refused"] as const) {
      const trouble = isOurs(record, config) ? record[is] : undefined;
      if (trouble === undefined) continue;
      const id = `${record.peer} ${is}`;
      const first = Math.min(since.get(id)?.since ?? Infinity, trouble.since);
      since.set(id, { peer: record.peer, is, since: first });
    }
  const peers = [...since.values()].map((one) => ({ ...one, since: new Date(one.since).toISOString() }));
  return {
    workers,
    ...(workers > 0 ? {} : { noWorkerSince: workerAt === undefined ? null : new Date(workerAt).toISOString() }),
    ...(peers.length === 0 ? {} : { peers }),
  };
}

function peersOf({ peers, closures }: Standing, config: Pick<Config, "find">): readonly PeerNumbers[] {
  const closed = new Set(closures.map(({ adapter, account }) => `${adapter} ${account}`));
  return peers
    .filter((record) => isOurs(record, config))
    .map(({ peer, merchant, channel, down, refused, silent, heardAt }) => ({
      peer,
      merchant,
      channel,
      down: down !== undefined,
      refused: refused !== undefined,
      gateClosed: closed.has(`${peer} ${JSON.stringify([merchant, channel])}`),
      silent: silent !== undefined,
      heardAt,
    }));
}

function isOurs({ peer, merchant, channel }: Standing["peers"][number], { find }: Pick<Config, "find">): boolean {
  return peer === "norce" || find({ adapter: peer, merchant, channel }) !== undefined;
}
