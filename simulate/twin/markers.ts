/** Who waits for a job, and what tells them that there may be one: BullMQ's marker, which whoever takes it has for himself. */
/** What somebody who waits for a job is told: `0` look now, or when the next one is due. */
type Waiter = (score: number) => void;

/** The markers of one queue. */
export class Markers {
  #marked = false;
  #due: number | undefined;
  readonly #waiters: Waiter[] = [];

  /** There is a job. */
  mark(): void {
    this.#marked = true;
    this.#serve();
  }

  /** @param due when the next job that waits for its time is due, in milliseconds since the epoch */
  markDue(due: number | undefined): void {
    if (due === undefined) return;
    this.#due = due;
    this.#serve();
  }

  /** Nothing is told any more; whoever waits still waits. */
  clear(): void {
    this.#marked = false;
    this.#due = undefined;
  }

  /** Waits until there may be a job. @returns what ends the wait. */
  wait(told: Waiter): () => void {
    this.#waiters.push(told);
    this.#serve();
    return () => {
      const at = this.#waiters.indexOf(told);
      if (at !== -1) this.#waiters.splice(at, 1);
    };
  }

  /** Whoever waits longest takes the lowest marker. */
  #serve(): void {
    while (this.#waiters.length > 0 && (this.#marked || this.#due !== undefined)) {
      const score = this.#marked ? 0 : (this.#due ?? 0);
      if (this.#marked) this.#marked = false;
      else this.#due = undefined;
      this.#waiters.shift()?.(score);
    }
  }
}
