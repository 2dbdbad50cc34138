import { WorkerError } from "../lib/errors.ts";

/** A PSP is told within a second that the queue is away, also by a process that is busy. */
const answerMs = 750;

/** The promise's result, or a rejection after `ms`. The work itself is not stopped. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * For the ack path: the queue says yes within a second, or it is unavailable. What came too late is a duplicate, which is normal.
 * @throws WorkerError `QueueUnavailable`
 */
export async function promptly<T>(work: Promise<T>): Promise<T> {
  return await orUnavailable(within(answerMs, work));
}

/** What is read for people may take so long, and no longer. @throws WorkerError `QueueUnavailable` */
export async function answeredWithin<T>(ms: number, work: Promise<T>): Promise<T> {
  return await orUnavailable(within(ms, work), "the queue does not answer now");
}

/** @throws WorkerError `QueueUnavailable` whatever the work fails with. */
export async function orUnavailable<T>(work: Promise<T>, message = "the queue does not take it now"): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new WorkerError("QueueUnavailable", message, { cause });
  }
}
