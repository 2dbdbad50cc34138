import { existsSync, writeFileSync } from "node:fs";

/** Debian's, by architecture. */
const libraries = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`);

/** The clock of the day of one process, by libfaketime. Clocks that only run on are left alone, as they are where a machine's time is set. */
interface Clock {
  readonly environment: Readonly<Record<string, string>>;
  jump(seconds: number): void;
}

/** A clock that is right until it jumps; `undefined` where libfaketime is not installed. */
export function openClock(file: string): Clock | undefined {
  const library = libraries.find((installed) => existsSync(installed));
  if (library === undefined) return undefined;
  const jump = (seconds: number): void => writeFileSync(file, seconds < 0 ? String(seconds) : `+${seconds}`);
  jump(0);
  return {
    environment: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    jump,
  };
}
