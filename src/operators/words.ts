/** What names of the service mean, for people at night: each a part of a sentence. */

/** Who asked for a look. */
export const askers: Readonly<Record<string, string>> = {
  webhook: "a webhook",
  sweep: "the sweep",
  operator: "an operator",
  operation: "an operation",
  timer: "its timer",
};

/** How an event was found to be a payment's. */
export const placings: Readonly<Record<string, string>> = {
  url: "its URL names the payment",
  echo: "the PSP echoes our id",
  remembered: "the PSP's id was remembered",
  psp: "the PSP was asked whose it is",
};

/** Why a look waits, where no peer's answer says it. The names of the note's clocks are among them. */
export const waits: Readonly<Record<string, string>> = {
  "not-in-norce": "Norce does not have the payment yet",
  "no-reference": "the payment has no reference yet, so that there is nothing to ask the PSP for",
  "not-at-psp": "the PSP does not know the payment yet",
  suspect: "it would be a step backwards, which two looks a minute apart have to agree about",
  Unreachable: "somebody does not answer",
  unreachable: "somebody does not answer",
  QueueUnavailable: "the queue does not answer",
  Unauthorized: "our credentials are refused",
  unauthorized: "our credentials are refused",
  Conflict: "Norce was changed meanwhile, or refuses the move",
  conflict: "Norce was changed meanwhile, or refuses the move",
  Unmapped: "an answer cannot be read, and is asked for once more",
  unmapped: "an answer cannot be read, and is asked for once more",
  Bug: "there is an error of ours: see the log",
  bug: "there is an error of ours: see the log",
  "psp-down": "the PSP is down, and nobody asks it now",
  "psp-busy": "the PSP asked to be left alone",
  crowded: "many others of this account are being looked at",
  stopping: "the worker was stopped",
};

/** What was found, by its name in the ledger: `docs/operate.md`, Bad news and What the report names. */
export const finds: Readonly<Record<string, string>> = {
  "capture-failed": "a capture that had been accepted failed later",
  "refund-failed": "a refund that had been accepted failed later",
  "refund-reversed": "a refund came back",
  chargeback: "the issuer took the money back",
  dispute: "a shopper disputes a payment",
  "authorization-at-risk": "the PSP will not guarantee an authorisation any longer",
  "payout-held": "the PSP holds the money until the merchant does something",
  "live-mode-differs": "a test payment met a live configuration, or the other way round",
  "outcome-unknown": "the PSP itself does not know whether money moved",
  "credential-expires": "a client certificate is about to end",
  "paid-without-order": "a webhook named a payment that Norce did not have within a day",
  "payment-good-order-not-accepted": "a payment is good, and its order is neither accepted nor completed",
  "two-live-payments": "an order has two payments that are alive",
  "body-too-large": "a webhook was longer than is taken",
};

/** Why a person is needed: the reasons of `docs/operate.md`, Dead letters. */
export const needs: Readonly<Record<string, string>> = {
  "other-adapter": "the payment belongs to another adapter",
  "other-order": "the PSP's payment names another order, or none",
  "other-answer": "Norce answered about something else than it was asked about",
  "other-reference": "the PSP answered about another payment than it was asked about",
  "backwards-without-reason": "the events come to less than Norce says, and none says why",
  "reference-not-bound": "the PSP's payment has another amount than the payment in Norce",
  "reference-taken": "two payments in Norce name the same payment at the PSP",
  "paid-twice": "the shopper paid with two sessions, and both hold money",
  underpaid: "less was authorised than Norce asks",
  "gone-at-psp": "the PSP has forgotten a payment that held money",
  "currency-differs": "the PSP's payment has another currency",
  "above-upper-limit": "more was authorised than the payment's upper limit",
  "paid-on-removed": "the PSP holds or took money on a payment that was removed",
  "operation-overdue": "the PSP accepted an operation and has not carried it out in time",
  "outcome-unknown": "nobody knows whether the operation was carried out",
  "could-not-be-sent": "the operation could not be sent for days",
  "never-proven": "a webhook could not be proven, although that was tried for as long as it may take",
  "payment-unknown": "the payment of an event was never found",
  unresolved: "the payment came to no end within its horizon",
  "not-configured": "no such adapter is configured for this merchant and channel",
  stalled: "the worker died again and again while it looked at this",
  "client-certificate": "the client certificate of the settings cannot be used",
  "malformed-url": "the address in the settings is none",
  "malformed-id": "an id cannot be part of a URL",
  "not-in-norce": "Norce did not have the payment for a day",
  "no-reference": "the payment had no reference for a day",
  "not-at-psp": "the PSP did not know the payment for a day",
  Unreachable: "somebody did not answer for days",
  Unmapped: "an answer cannot be read",
  "an error of ours": "an error of ours: see the log",
};
