/** A line that strangers can cause. @param untold how many of its kind were not told since the last one; absent: none. */
type SeldomLine = (untold: { readonly untold?: number }) => void;

/** Tells lines that anybody can cause as often as they like. */
export type TellSeldom = (kind: string, line: SeldomLine) => void;

/** So many of one kind are told one by one within a while; of the others how many there were. */
const most = 50;
const whileMs = 10_000;

/** A kind of which a line was told a while ago at most. */
interface Kind {
  readonly since: number;
  told: number;
  untold: number;
  last: SeldomLine;
}

/**
 * Bounds what a flood leaves in the log: the counters know each of them, and who reads the log learns no more from the thousandth line than from
 * the first. Kinds are names of ours, so that there are few.
 * @param now milliseconds.
 */
export function createTellSeldom(now: () => number): TellSeldom {
  const kinds = new Map<string, Kind>();
  const end = (name: string, kind: Kind | undefined): void => {
    if (kind === undefined || kinds.get(name) !== kind) return;
    kinds.delete(name);
    if (kind.untold > 0) kind.last({ untold: kind.untold });
  };
  return (name, line) => {
    const standing = kinds.get(name);
    if (standing !== undefined && now() - standing.since >= whileMs) end(name, standing);
    const kind = kinds.get(name) ?? { since: now(), told: 0, untold: 0, last: line };
    if (kinds.get(name) !== kind) {
      kinds.set(name, kind);
      setTimeout(() => end(name, kind), whileMs).unref();
    }
    kind.last = line;
    if (kind.told >= most) kind.untold += 1;
    else {
      kind.told += 1;
      line({});
    }
  };
}
