import type { PaymentKey } from "../contract/adapter.ts";
import type { Engine } from "./engine.ts";
import type { DeadLetter } from "./jobs.ts";

/** Where payments wait that need a person. */
export const deadName = "dead";

/** How long the letter of an event or an operation is kept: no look takes it away. */
const keptMs = 90 * 24 * 3_600_000;
/** How often the old ones are looked for, and how many letters are gone through for it. */
const pruneMs = 3_600_000;
const mostPruned = 10_000;

/** The letters. */
export interface Dead {
  put(letter: DeadLetter): Promise<void>;
  /** The payment, or the event, needs nobody any more. Where there is no letter at all this costs next to nothing. */
  clear(of: PaymentKey | Pick<DeadLetter, "key" | "event">): Promise<void>;
  /** Whether a person is needed already. */
  has(key: PaymentKey): Promise<boolean>;
  list(limit: number): Promise<(DeadLetter & { readonly id: string })[]>;
  read(id: string): Promise<DeadLetter | undefined>;
  /** A person has dealt with it. */
  remove(id: string): Promise<void>;
}

/** How long "there is no letter at all" is believed. */
const emptyMs = 1_000;

/**
 * Dead letters: one per payment, never worked. Nearly every look ends well and has none to clear, so that an empty queue is asked about
 * once a second and not once per look; what should have been cleared meanwhile is cleared then.
 * @param idOf the job id of a letter, and of the letter that a payment may have.
 */
export function createDead(engine: Engine, idOf: (of: Pick<DeadLetter, "key" | "event"> | PaymentKey) => string): Dead {
  const queue = () => engine.queue<DeadLetter>(deadName, "patient");
  /** Payments that came to rest while the queue was taken to be empty, and when. */
  const owed = new Map<string, number>();
  let empty = false;
  let prunedAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const ask = async (): Promise<void> => {
    timer = undefined;
    const due = [...owed];
    try {
      empty = (await queue().getJobCounts("waiting"))["waiting"] === 0;
      for (const [id, restedAt] of empty ? [] : due) {
        const letter = await queue().getJob(id);
        // A letter that is younger than the rest is another trouble.
        if (letter !== undefined && letter.data.at <= restedAt) await queue().remove(id);
      }
      for (const [id, restedAt] of due) if (owed.get(id) === restedAt) owed.delete(id);
    } catch {
      // The queue is away: asked again.
      empty = false;
      if (owed.size > 0) askSoon();
    }
  };
  const askSoon = (): void => {
    timer ??= setTimeout(() => void ask(), emptyMs).unref();
  };

  /** Letters without a payment of their own would be there for ever. */
  const prune = async (now: number): Promise<void> => {
    if (now < prunedAt + pruneMs) return;
    prunedAt = now;
    for (const { id, data } of await queue().getJobs(["waiting"], 0, mostPruned - 1))
      if (data.event !== undefined && data.at < now - keptMs) await queue().remove(id ?? "");
  };

  return {
    async put(letter) {
      const jobId = idOf(letter);
      empty = false;
      owed.delete(jobId);
      await prune(letter.at);
      const known = await queue().getJob(jobId);
      if (known === undefined) await queue().add("letter", letter, { jobId });
      else await known.updateData(letter);
    },
    async clear(of) {
      askSoon();
      if (empty) owed.set(idOf(of), Date.now());
      else await queue().remove(idOf(of));
    },
    has: async (key) => (await queue().getJob(idOf(key))) !== undefined,
    async list(limit) {
      const jobs = await queue().getJobs(["waiting"], 0, limit - 1);
      return jobs.map(({ id = "", data }) => ({ ...data, id }));
    },
    async read(id) {
      return (await queue().getJob(id))?.data;
    },
    async remove(id) {
      await queue().remove(id);
    },
  };
}
