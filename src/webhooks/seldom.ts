/** A line that strangers can cause. @param untold how many of its kind were not told since the last one; absent: none. */
type SeldomLine = (untold: { readonly untold?: number }) => void;

/** Tells lines that anybody can cause as often as they like. */
export type TellSeldom = (kind: string, line: SeldomLine) => void;

/** So many of one kind are told one by one within a while; of the others how many there were. */
const most = 50;
const whileMs = 10_000;

/** A kind that is told now. */
interface Kind {
  told: number;
  untold: number;
  last: SeldomLine;
}

/**
 * Bounds what a flood leaves in the log: the counters know each of them, and who reads the log learns no more from the thousandth line than from
 * the first. Kinds are names of ours, so that there are few.
 */
export function createTellSeldom(): TellSeldom {
  const kinds = new Map<string, Kind>();
  const end = (name: string): void => {
    const kind = kinds.get(name);
    kinds.delete(name);
    if (kind !== undefined && kind.untold > 0) kind.last({ untold: kind.untold });
  };
  return (name, line) => {
    const kind = kinds.get(name) ?? { told: 0, untold: 0, last: line };
    if (!kinds.has(name)) {
      kinds.set(name, kind);
      setTimeout(() => end(name), whileMs).unref();
    }
    kind.last = line;
    if (kind.told >= most) kind.untold += 1;
    else {
      kind.told += 1;
      line({});
    }
  };
}
