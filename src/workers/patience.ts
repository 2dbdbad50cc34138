/** The numbers of the retry policy (`retry.ts`), in milliseconds. Nothing else in `workers/` has any. */

/** In milliseconds. */
export const second = 1_000;
/** 60 seconds. */
export const minute = 60 * second;
/** 60 minutes. */
export const hour = 60 * minute;
/** 24 hours. */
export const day = 24 * hour;

/** A kind of waiting: pauses double from `firstMs` to `longestMs`, until `limitMs` have passed or `limitTries` were made. */
export interface Patience {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly limitMs?: number;
  readonly limitTries?: number;
}

/** How long each kind of trouble is borne. */
export const patience = {
  /** The order, the payment or its reference is not there yet: seconds at first, minutes later, hours in all. */
  notYet: { firstMs: 2 * second, longestMs: 15 * minute, limitMs: 24 * hour },
  /** Network, timeout, 5xx, 429. */
  unreachable: { firstMs: second, longestMs: hour, limitMs: 72 * hour },
  /** Our credentials are wrong: a person has to act, and no payment may be lost until then. Its limit is the payment's horizon. */
  unauthorized: { firstMs: minute, longestMs: hour },
  /** Norce changed under us. */
  conflict: { firstMs: second, longestMs: minute, limitTries: 10 },
  /** An answer that cannot be read is asked for once more before anybody is called. */
  unmapped: { firstMs: 5 * second, longestMs: 5 * second, limitTries: 1 },
  /** An operation whose PSP stumbles: about three days in all. */
  operation: { firstMs: second, longestMs: hour, limitTries: 90 },
  /** A bug of ours. */
  bug: { firstMs: 5 * second, longestMs: 5 * minute, limitTries: 5 },
} as const satisfies Record<string, Patience>;

/** All other times that anything waits or may take. */
export const pauses = {
  /** Two looks have to be this far apart before a move backwards is believed: PSP reads lag. */
  suspicionMs: minute,
  /** A write to Norce that timed out may still be carried out: nothing is written for so long, and looked at once more after `afterLateMs`. */
  lateWriteMs: 30 * second,
  afterLateMs: minute,
  /** What is given back because its process stops is taken up by the next one. */
  givenBackMs: 500,
  /** A job sends nothing more after this time; its last request ends within five seconds, and so does the job: 30 s in all. */
  longestJobMs: 25 * second,
  /** How long an event or an operation waits for another one that has its turn. */
  turnMs: second,
  /** How long a copy of an event has its payment's log for itself: longer than a write that timed out may still be carried out. */
  eventLockMs: 40 * second,
  /** What a look does not show this long after an operation was sent was not carried out: PSP reads lag. */
  settledMs: minute,
  /** What nobody asks about while the queue's engine is away is written down as soon as it is back. */
  engineFirstMs: 100,
  engineLongestMs: 5 * second,
  /** For how long a PSP is asked whose an event is that names something of somebody's: on a shared account it is often another shop's. */
  youngMs: minute,
} as const;

/** How the gate of a PSP account behaves. */
export const gatePauses = {
  /** So many failures in a row and the PSP is taken to be down. */
  failuresToClose: 5,
  /** Answers that are not the PSP's own count once so many payments have met them. */
  paymentsToBelieve: 3,
  firstMs: 5 * second,
  longestMs: minute,
  /** Whatever a PSP asks for, or another process's clock says. */
  longestClosureMs: hour,
  /** How long the others wait while one job probes. */
  probeMs: second,
  crowdedMs: second / 2,
  /** How often a process asks what the others found out. */
  askMs: second,
} as const;

/** How many events of one account, which nobody vouches for, may lead nowhere before others of that kind wait. */
export const nowherePatience = { burst: 60, refillMs: second } as const;

/** What the sweep waits for. */
export const sweepPauses = {
  /** A good payment's order should be accepted after this time. */
  acceptedMs: 15 * minute,
} as const;

/** How fast letters are tried again. */
export const errandPauses = {
  betweenMs: second / 4,
  /** While as many looks wait as may: one letter at a time, so that an errand ends in a busy hour, too. */
  crowdedMs: second,
} as const;

/** When what is told of is handed over, and when a peer is said to be down. */
export const tellPauses = {
  flushMs: 5 * second,
  /** How long the end of a process waits for the queue to take what is still held. */
  closeMs: 2 * second,
  /** What was kept is kept again only after this time: another process may have found it gone meanwhile. */
  knownMs: hour,
  /** So many failures in a row, or so long without an answer, and a peer is said to be down. */
  failuresToTell: 3,
  downMs: 30 * second,
} as const;

/** When an account's webhooks are said to be silent. */
export const silencePatience = {
  /** So many payments moved without a webhook since the last one came: one alone may have been captured in a portal, which sends nothing. */
  leastMissed: 2,
  /** A webhook may come this late after its repair. */
  leastMs: 15 * minute,
  /** So many usually come in the time in which none came. */
  leastExpected: 10,
  /** Where none ever came. */
  neverMs: hour,
  /** How much a day changes what is usual, and how many days without a webhook are learned from. */
  newShare: 0.2,
  learnedDays: 14,
} as const;

/** So many payments of an account in a row that its PSP does not know, and the account is looked at: abandoned sessions come among others. */
export const unknownPatience = { payments: 20 } as const;

/** How long the PSP's truth is waited for before a person hears of it. */
export const truthPauses = {
  /** How long a session without money has to be at rest before one that is gone has ended. */
  forgottenMs: day,
  /** Two looks this far apart have to agree before a person is called. */
  confirmMs: minute,
  /** How long parts (a gift card, and a card for the rest) may be short. */
  partsMs: hour,
} as const;
