/** The configuration that counts now: it can be read anew while the process runs, and what is faulty changes nothing. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Config, ConfigError } from "./config.ts";
import type { Logger } from "./lib/log.ts";
import type { Meters } from "./lib/meters.ts";

/** A process's configuration. */
export interface CurrentConfig {
  /** Says at each question what counts now: for whoever lives as long as the process. */
  readonly config: Config;
  /** What counts now, and does not change any more: for whoever has to end with what it began with. */
  current(): Config;
  /** Calls back after each change. */
  changed(listener: () => void): void;
  /** Reads it anew. What is faulty is told with all its faults, and changes nothing. Never rejects. */
  reload(): Promise<void>;
}

interface CurrentParts {
  /** Reads environment and file. @throws ConfigError */
  readonly read: () => Promise<Config>;
  readonly log: Logger;
  readonly meters: Pick<Meters, "config" | "reload">;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * What a process has made itself from: it stays until the next start. Everything else follows: the keys of signed URLs, admin tokens, where alerts
 * go, Norce, merchants and their adapters.
 */
const lasting = [
  "port",
  "host",
  "publicUrl",
  "redisUrl",
  "queueUrl",
  "engine",
  "queueTls",
  "workerPort",
  "journalBytes",
  "logLevel",
  "workerConcurrency",
  "bodyLimitBytes",
  "sweepIntervalSeconds",
  "proxies",
  "traced",
] as const satisfies readonly (keyof Config)[];

/** Holds a configuration. @param first what the process starts with. */
export function keepConfig(first: Config, { read, log, meters, now = Date.now }: CurrentParts): CurrentConfig {
  let counts = first;
  const listeners: (() => void)[] = [];
  let last: Promise<void> = Promise.resolve();
  meters.config(first.fingerprint, now());

  const readAnew = async (): Promise<void> => {
    let next: Config;
    try {
      next = await read();
    } catch (error) {
      meters.reload("refused");
      const faults = error instanceof ConfigError ? { faults: error.faults } : { error };
      log.error({ ...faults, stays: counts.fingerprint }, "config.refused");
      return;
    }
    const restart = lasting.filter((name) => JSON.stringify(next[name]) !== JSON.stringify(counts[name]));
    const kept = Object.fromEntries(lasting.map((name) => [name, counts[name]])) as Partial<Config>;
    const before = counts.fingerprint;
    counts = { ...next, ...kept };
    meters.reload("reloaded");
    meters.config(counts.fingerprint, now());
    // What only a restart changes is named, for its value may be a secret.
    log.info(
      { fingerprint: counts.fingerprint, before, ...(restart.length === 0 ? {} : { restart }) },
      "config.reloaded",
    );
    for (const warning of counts.warnings) log.warn({ warning }, "config.doubtful");
    for (const listener of listeners) listener();
  };

  return {
    config: live(first, () => counts),
    current: () => counts,
    changed: (listener) => void listeners.push(listener),
    // One after the other: what was asked for last counts last.
    reload: () => (last = last.then(readAnew)),
  };
}

/** An object that has at each question what counts now. */
function live(first: Config, current: () => Config): Config {
  const names = new Set([...Object.keys(first), ...lasting]) as ReadonlySet<keyof Config>;
  return Object.defineProperties(
    {},
    Object.fromEntries([...names].map((name) => [name, { enumerable: true, get: () => current()[name] }])),
  ) as Config;
}

/** How often files are read. What has changed is taken up once it has stayed the same from one time to the next: an editor may still write. */
const lookMs = 2_000;

/**
 * Has the configuration read anew on SIGHUP, and when one of the files changes: by what stands in them, since a mounted file is exchanged behind
 * its name. @returns what ends it.
 */
export function watchConfig(
  files: () => readonly string[],
  reload: () => Promise<void>,
  { everyMs = lookMs, onSignal = true }: { readonly everyMs?: number; readonly onSignal?: boolean } = {},
): () => void {
  let taken = contentsOf(files());
  let seen = taken;
  const look = (): void => {
    const now = contentsOf(files());
    if (now !== taken && now === seen) {
      taken = now;
      void reload();
    }
    seen = now;
  };
  const timer = setInterval(look, everyMs).unref();
  const asked = (): void => {
    taken = contentsOf(files());
    seen = taken;
    void reload();
  };
  if (onSignal) process.on("SIGHUP", asked);
  return () => {
    clearInterval(timer);
    process.off("SIGHUP", asked);
  };
}

/** What stands in the files, in a short text; a file that is not there is a content, too. */
function contentsOf(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) {
    try {
      hash.update(`${file}\n`).update(readFileSync(file));
    } catch {
      hash.update("is not there\n");
    }
  }
  return hash.digest("base64");
}
