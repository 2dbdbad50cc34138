/** How many different texts are remembered. */
const mostSeen = 1_000;

/** Says whether nothing like a text was said before: ids and times make of one trouble many. Past a thousand nothing is new. */
export function createIsNew(): (text: string) => boolean {
  const seen = new Set<string>();
  return (text) => {
    const words = text.replaceAll(/[\w-]{20,}|\d+/g, "#");
    if (seen.has(words) || seen.size >= mostSeen) return false;
    seen.add(words);
    return true;
  };
}
