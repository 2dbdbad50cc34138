/** A fault that somebody could make, and who has to find it. */
export interface Fault {
  /** What goes wrong, in words. */
  readonly name: string;
  /** The one file that it is made in, from the root of the tree. */
  readonly file: string;
  /** A text that stands there exactly once, and what stands there instead. */
  readonly find: string;
  readonly replace: string;
  /** The test file that finds it: a law, or the tests beside the code. */
  readonly foundBy: string;
  /** Whose laws are run: an adapter's folder. */
  readonly folder?: string;
}
