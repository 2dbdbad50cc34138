/** Chance by name: a draw is a hash of the seed and of what it is about, so that what is left out of a story changes nothing else in it. */

/** From 0 to 1, the same for the same words. */
export type Draw = (...words: readonly (string | number)[]) => number;

/** The draws of one seed. */
export function drawsOf(seed: number): Draw {
  return (...words) => {
    let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ 0x811c9dc5;
    for (const word of words) {
      const text = String(word);
      for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
      hash = Math.imul(hash ^ 0x1f, 0x01000193);
    }
    return mixed(hash);
  };
}

/** One of the items, by a draw. */
export function oneOf<Item>(items: readonly Item[], drawn: number): Item | undefined {
  return items[Math.min(items.length - 1, Math.floor(drawn * items.length))];
}

/** Numbers after one another that look like chance, and begin the same way every time. */
export function streamOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    return mixed(state);
  };
}

function mixed(hash: number): number {
  let bits = hash ^ (hash >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  bits ^= bits >>> 16;
  return (bits >>> 0) / 2 ** 32;
}
