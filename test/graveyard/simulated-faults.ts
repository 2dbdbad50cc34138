import type { Fault } from "./fault.ts";

/** A fault of the core that somebody could make: `npm run simulate -- --graveyard` plants it, and the simulation has to find it. */
export interface SimulatedFault extends Omit<Fault, "foundBy" | "folder"> {
  /** The promise that is seen to be broken first, in the simulation's words. */
  readonly breaks: string;
  /** Whose worlds show it soonest: an adapter's folder. */
  readonly adapter?: string;
  /** What has to go wrong for it to be seen: the only kinds of faults in the worlds that look for it. */
  readonly kinds?: readonly string[];
}

const job = "src/workers/job.ts";
const looks = "src/workers/look/looks.ts";
const attempt = "src/workers/operate/attempt.ts";
const operate = "src/workers/operate/operate.ts";
const operations = "src/queue/operations.ts";
const inbox = "src/workers/events/inbox.ts";
const events = "src/workers/events/events.ts";
const patience = "src/workers/patience.ts";

const rest = "at rest Norce says what the PSP says";
const looked = "what was asked for is looked at";
const named = "what was acknowledged is named somewhere";
const lock = "no write without its lock";
const once = "at most one money call per operation";
const unique = "log keys are unique";
const ends = "every operation comes to an end";
const calm = "nobody is called for what passes by itself";

/** Every planted fault of the core. */
export const simulatedFaults: readonly SimulatedFault[] = [
  {
    name: "a webhook is acknowledged before it is stored",
    file: "src/webhooks/receive.ts",
    find: "  await store(events);",
    replace: "  void store(events).catch(() => undefined);",
    breaks: rest,
    kinds: ["engine-down", "engine-refuses"],
  },
  {
    name: "a group of events is acknowledged when it leaves",
    file: "src/webhooks/store-together.ts",
    find: "    underWay += 1;\n    add(group.events)",
    replace: "    underWay += 1;\n    group.stored.resolve();\n    add(group.events)",
    breaks: rest,
    kinds: ["engine-down", "engine-refuses"],
  },
  {
    name: "an engine that refuses is taken for one that is late",
    file: "src/queue/within.ts",
    find: '    throw new WorkerError("QueueUnavailable", message, { cause });',
    replace: "    return cause as T;",
    breaks: rest,
    kinds: ["engine-down", "engine-refuses"],
  },
  {
    name: "the lock is not asked for before bytes leave",
    file: job,
    find: '      if (!(await job.isMine())) throw givenUp("its lock was lost");\n',
    replace: "",
    breaks: lock,
    kinds: ["freezes-given", "freezes", "slow"],
  },
  {
    name: "a lock counts from when its holder began",
    file: job,
    find: "      if (!(await job.isMine()))",
    replace: "      if (Date.now() - job.grantedAt > 5_000 && !(await job.isMine()))",
    breaks: lock,
    kinds: ["engine-empties", "slow"],
  },
  {
    name: "a lock that cannot be asked about is taken for ours",
    file: "src/queue/locks.ts",
    find: "  } catch {\n    return false;\n  }",
    replace: "  } catch {\n    return true;\n  }",
    breaks: lock,
    kinds: ["freezes-given", "freezes-proven", "engine-deaf", "slow"],
  },
  {
    name: "a lock's proof may be as old as it likes",
    file: "src/queue/locks.ts",
    find: "  return Math.max(Date.now() - before.wall, performance.now() - before.steady) < lockMs / 2;",
    replace: "  return before.wall > 0;",
    breaks: lock,
    kinds: ["freezes-proven"],
  },
  {
    name: "what an engine did not answer is not asked again",
    file: job,
    find: "      await pause(pauseMs);",
    replace: "      throw error;",
    breaks: calm,
    kinds: ["engine-refuses", "engine-down"],
  },
  {
    name: "whoever was let in never leaves the gate",
    file: job,
    find: "  if (door !== undefined && entry !== undefined) entry.leave(",
    replace: "  if (door === undefined && entry !== undefined) entry.leave(",
    breaks: ends,
    kinds: ["error", "timeout-before"],
  },
  {
    name: "a look that has to wait sets no timer",
    file: looks,
    find: '  if (step.at !== undefined && ends.includes("timer")) await queue.timers.set(key, step.at);\n',
    replace: "",
    breaks: named,
    kinds: ["error", "timeout-before"],
  },
  {
    name: "a timer is set once the note is settled",
    file: looks,
    find: '  if (step.at !== undefined && ends.includes("timer")) await queue.timers.set(key, step.at);\n  const letter',
    replace:
      '  if (step.at !== undefined && ends.includes("timer")) setTimeout(() => void queue.timers.set(key, step.at ?? 0).catch(() => undefined), 50);\n  const letter',
    breaks: named,
    kinds: ["error", "dies-after"],
  },
  {
    name: "a look that waits is taken for one that rests",
    file: looks,
    find: "  if (step.at !== undefined && step.at !== standing) ends.push",
    replace: '  if (step.at !== undefined && standing === undefined && step.do !== "wait") ends.push',
    breaks: named,
    kinds: ["error", "timeout-before"],
  },
  {
    name: "a timer swallows its successor",
    file: "src/queue/timers.ts",
    find: "{ id, replace: true, keepLastIfActive: true }",
    replace: "{ id, replace: true }",
    breaks: looked,
    kinds: ["engine-slow-end", "error", "timeout-before"],
  },
  {
    name: "a timer that another one's clock has fired is taken for one that stands",
    file: looks,
    find: 'timerAt > now && timerFor !== (asked?.version ?? "") ? timerAt',
    replace: "timerAt > now && timerFor !== undefined ? timerAt",
    breaks: looked,
    kinds: ["clock-leaps", "error", "timeout-before"],
  },
  {
    name: "a timer that is due asks for nothing",
    file: "src/queue/timers.ts",
    find: "      await wake(data, name);",
    replace: "      if (name === sweepTimer) await wake(data, name);",
    breaks: named,
    kinds: ["error", "timeout-before"],
  },
  {
    name: "what is asked while a look runs is dropped",
    file: "src/queue/note.ts",
    find: "    deduplication: { id, keepLastIfActive: true },",
    replace: "    deduplication: { id },",
    breaks: rest,
    kinds: ["slow", "repeated"],
  },
  {
    name: "a job is given up at its first stall",
    file: "src/queue/engines/defaults.ts",
    find: "export const mostStalls = 5;",
    replace: "export const mostStalls = 0;",
    breaks: calm,
    kinds: ["dies-after", "freezes"],
  },
  {
    name: "how often a job ran is taken for what it did",
    file: looks,
    find: "    async begin(job) {\n",
    replace: "    async begin(job) {\n      if (job.stalls > 0) return undefined;\n",
    breaks: named,
    kinds: ["dies-after", "freezes-given"],
  },
  {
    name: "the inbox's job ends before its looks are asked for",
    file: inbox,
    find: '  await queue.looks.ask(looksOf(plain), "patient");',
    replace: '  void queue.looks.ask(looksOf(plain), "patient").catch(() => undefined);',
    breaks: rest,
    kinds: ["engine-refuses", "engine-silent"],
  },
  {
    name: "the inbox's job ends before its events are handed on",
    file: inbox,
    find: "  await Promise.all(others.map((event) => queue.events.add(`${job.id}-${events.indexOf(event)}`, event)));",
    replace:
      "  for (const event of others) void queue.events.add(`${job.id}-${events.indexOf(event)}`, event).catch(() => undefined);",
    breaks: rest,
    kinds: ["engine-refuses", "engine-silent"],
    adapter: "mollie",
  },
  {
    name: "of events that arrived together the first one counts",
    file: inbox,
    find: '  await queue.looks.ask(looksOf(plain), "patient");',
    replace: '  await queue.looks.ask(looksOf(plain).slice(0, 1), "patient");',
    breaks: named,
    kinds: ["slow"],
    adapter: "svea-checkout",
  },
  {
    name: "a hint is not noted",
    file: "src/queue/note.ts",
    find: "      ...(hint === undefined ? {} : { hint }),",
    replace: "      ...(hint === undefined ? {} : {}),",
    breaks: rest,
  },
  {
    name: "an event whose payment is not there yet is dropped",
    file: events,
    find: '    case "crowded":\n    case "nowhere":',
    replace: '    case "nowhere":\n      return undefined;\n    case "crowded":',
    breaks: rest,
  },
  {
    name: "an event that met an error is dropped",
    file: events,
    find: '  if ("error" in came) return await later(stored, job, kindOf(came.error), parts, came.error);',
    replace: '  if ("error" in came) return undefined;',
    breaks: rest,
    kinds: ["error", "timeout-before"],
  },
  {
    name: "a kept line asks for no look",
    file: events,
    find: '      if (looks) await queue.looks.ask([ask], "patient");',
    replace: '      if (looks && event.line === undefined) await queue.looks.ask([ask], "patient");',
    breaks: rest,
    adapter: "adyen-dropin",
  },
  {
    name: "two copies of an event append together",
    file: "src/workers/events/once.ts",
    find: '  if (lock === undefined) return "busy";',
    replace: "  if (lock === undefined) return await work(held);",
    breaks: unique,
    adapter: "adyen-dropin",
    kinds: ["repeated", "slow"],
  },
  {
    name: "what an operation's answer told is left to whoever has its lock",
    file: attempt,
    find: '    if (kept === "busy") throw givenUp(',
    replace: '    if (kept === "busy" && event.key === "") throw givenUp(',
    breaks: rest,
    adapter: "avarda-checkout",
    kinds: ["freezes", "freezes-proven", "freezes-given"],
  },
  {
    name: "a line that a running look has missed rests",
    file: "src/workers/events/keep.ts",
    find: '  return (await isFoundMeanwhile(key, held, parts)) ? "looks" : "rests";',
    replace: '  return (await isFoundMeanwhile(key, held, parts)) && key.orderId === "" ? "looks" : "rests";',
    breaks: named,
    adapter: "swish",
    kinds: ["slow", "delayed"],
  },
  {
    name: "a refund that lowered an unsettled capture is not found",
    file: "src/workers/operate/decide.ts",
    find: 'name === "refund" ? Math.max(0, before.captured - sums.captured) : 0;',
    replace: 'name === "refund" ? Math.min(0, before.captured - sums.captured) : 0;',
    breaks: "what was refused did not happen",
    adapter: "svea-checkout",
    kinds: ["timeout-after", "reset-after", "dies-after"],
  },
  {
    name: "an operation keeps what it was told of beside the webhook that tells of it",
    file: attempt,
    find: "      if (!read.keys.has(event.key)) await norce.appendEvent(key, event, proven);\n    });",
    replace:
      "      await Promise.resolve(read);\n    });\n    if (!(await norce.log(key, held)).keys.has(event.key)) await norce.appendEvent(key, event, writing);",
    breaks: unique,
    adapter: "swish",
  },
  {
    name: "a repeated event is kept twice",
    file: "src/workers/events/keep.ts",
    find: "  if (!keys.has(event.key)) {",
    replace: "  if (keys.size >= 0) {",
    breaks: unique,
    adapter: "adyen-dropin",
    kinds: ["repeated"],
  },
  {
    name: "a line that stands in the log is appended again",
    file: "src/workers/look/diff.ts",
    find: "filter((transaction) => !logged.has(transaction.key));",
    replace: 'filter((transaction) => !logged.has(transaction.key) || transaction.event === "refund");',
    breaks: unique,
  },
  {
    name: "a write that timed out is not waited for",
    file: patience,
    find: "  lateWriteMs: 30 * second,",
    replace: "  lateWriteMs: second,",
    breaks: unique,
    kinds: ["late"],
  },
  {
    name: "a look does not care that nothing may be written yet",
    file: looks,
    find: "      if (until === undefined) return { key, note,",
    replace: "      if (until === undefined || startedAt > 0) return { key, note,",
    breaks: unique,
    kinds: ["late"],
  },
  {
    name: "a look does not note that it writes",
    file: looks,
    find: "  if (notBefore === undefined) return;\n",
    replace: "  if (notBefore !== undefined || notBefore === undefined) return;\n",
    breaks: unique,
  },
  {
    name: "an operation does not note that it writes to the log",
    file: operate,
    find: "      if (notBefore !== undefined) await work.note({ notBefore });\n",
    replace: "      if (notBefore === 0) await work.note({ notBefore });\n",
    breaks: unique,
  },
  {
    name: "money moves backwards at the first look",
    file: "src/workers/retry.ts",
    find: "agrees: now - is.at >= pauses.suspicionMs };",
    replace: "agrees: now - is.at >= 0 };",
    breaks: "money moves backwards only on a second look",
    adapter: "mollie",
  },
  {
    name: "that it is being sent is not written down",
    file: attempt,
    find: "  await work.note({ valid: true, sent: next });",
    replace: "  await work.note({ valid: true });",
    breaks: once,
    adapter: "avarda-checkout",
    kinds: ["dies-after", "reset-after"],
  },
  {
    name: "that it was sent is written down after it was",
    file: attempt,
    find: "  await work.note({ valid: true, sent: next });\n  // What was found just now, not what was noted before.\n  const memory = desired.memory ?? context.memory;\n  const result = await tellPsp(work, sent === undefined, () => tell(call, truth as never, { ...context, memory }));",
    replace:
      "  const memory = desired.memory ?? context.memory;\n  const result = await tellPsp(work, sent === undefined, () => tell(call, truth as never, { ...context, memory }));\n  await work.note({ valid: true, sent: next });",
    breaks: once,
    adapter: "avarda-checkout",
    kinds: ["dies-after", "reset-after"],
  },
  {
    name: "what was sent is sent again without a look",
    file: "src/workers/operate/decide.ts",
    find: '  if (isShown(name, sent, sums)) return "done";\n',
    replace: "",
    breaks: once,
    adapter: "avarda-checkout",
    kinds: ["dies-after", "reset-after", "timeout-after"],
  },
  {
    name: "a lagging PSP is believed at once",
    file: "src/workers/operate/decide.ts",
    find: '  return now - sent.at < settledMs ? "wait" : "send";',
    replace: '  return now < sent.at ? "wait" : "send";',
    breaks: once,
    adapter: "avarda-checkout",
    kinds: ["lags", "reset-after", "timeout-after"],
  },
  {
    name: "a repeat that is refused is taken at its word",
    file: attempt,
    find: '  if (result.is !== "refused" || sent === undefined) return result;',
    replace: '  if (result.is !== "refused" || result.is === "refused") return result;',
    breaks: "what was refused did not happen",
    adapter: "avarda-checkout",
    kinds: ["lags", "reset-after", "timeout-after"],
  },
  {
    name: "an idempotency key counts only while the operation is under way",
    file: operations,
    find: "idempotencyKey === undefined ? same(asked) : storeAndStart(uuidOf(named), asked)",
    replace: "named.length > 0 ? same(asked) : storeAndStart(uuidOf(named), asked)",
    breaks: once,
    kinds: ["engine-silent", "web-dies"],
  },
  {
    name: "a record that stands already starts no job",
    file: operations,
    find: '    const { stored } = await store.putIfAbsent<Written>("operation", id, state, monthMs);\n    await start(id, stored.value);',
    replace:
      '    const { mine, stored } = await store.putIfAbsent<Written>("operation", id, state, monthMs);\n    if (mine) await start(id, stored.value);',
    breaks: ends,
    kinds: ["engine-refuses"],
  },
  {
    name: "an operation's job is added before its record",
    file: operations,
    find: "    if (state.outcome !== undefined) return;\n",
    replace: "    if (state.outcome !== undefined || Math.abs(Date.now() - state.at) > 2_000) return;\n",
    breaks: ends,
  },
  {
    name: "an operation that waits for its turn is forgotten",
    file: operate,
    find: "  if (turn === undefined) return { againMs: pauses.turnMs };",
    replace: '  if (turn === undefined) return { end: { status: "refused", reason: "busy" } };',
    breaks: once,
  },
  {
    name: "whoever has lost an operation's record writes it all the same",
    file: operate,
    find: '    if (written === undefined) throw givenUp("somebody else has the operation by now");\n    begun.version = written;',
    replace: "    begun.version = written ?? begun.version;",
    breaks: once,
    adapter: "avarda-checkout",
    kinds: ["freezes-given", "freezes"],
  },
  {
    name: "an operation that ended asks for no look",
    file: attempt,
    find: '  await queue.looks.ask([{ key, by: "operation", journal',
    replace: '  if (endKey(id) === "") await queue.looks.ask([{ key, by: "operation", journal',
    breaks: rest,
  },
  {
    name: "an unreachable PSP is given up after three tries",
    file: patience,
    find: "  unreachable: { firstMs: second, longestMs: hour, limitMs: 72 * hour },",
    replace: "  unreachable: { firstMs: second, longestMs: hour, limitTries: 3 },",
    breaks: calm,
    kinds: ["psp-down", "error"],
  },
  {
    name: "an access token is fetched by the job that needed the first one",
    file: "src/adapters/contexts.ts",
    find: "      const made = authorized(bare(options), authority, bare, now);",
    replace: "      const made = authorized(bare(options), authority, (at) => sending(bare(at), via), now);",
    breaks: ends,
    adapter: "walley-checkout",
  },
];
