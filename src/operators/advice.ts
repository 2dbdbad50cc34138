/**
 * What a person does first, by the name of what was found, as a command or the page says it: the tables of `docs/operate.md`, Dead letters and
 * Bad news, which a test holds against this, and what stands in its other sections.
 */
export const firstMinutes: Readonly<Record<string, string>> = {
  "other-adapter": "check adapterId in the configuration, and to which service the callback URL was given",
  "other-order": "check what the session's creator puts into the merchant reference, and the setting merchantReference",
  "other-answer": "ask Norce's support, with the ids and the support id in the letter",
  "other-reference": "look at both ids in the PSP's portal",
  "backwards-without-reason": "compare the payment's transaction log with the PSP's portal",
  "reference-not-bound": "compare both; if they belong together, correct the amount or set reference in Norce",
  "reference-taken":
    "both are named in the log line: find out which order was paid, and take the reference, or the payment, away from the other one",
  "paid-twice": "cancel or refund one of them in the PSP's portal; the letter names both ids",
  underpaid:
    "ask the PSP whether the issuer authorised a part; then cancel, or lower Norce's amount to what was authorised: the next look accepts it",
  "gone-at-psp": "look in the PSP's portal whether the account is the right one; settle the order by hand",
  "currency-differs": "correct whoever is wrong; usually the session was made for another cart",
  "above-upper-limit": "decide in the PSP's portal: reduce, cancel, or raise the limit in Norce",
  "paid-on-removed": "cancel or refund at the PSP, then look again; or settle the order by hand",
  "operation-overdue": "look in the PSP's portal; then ask again, or settle the order by hand",
  unresolved: "look at the PSP's portal; settle or remove it by hand",
  "not-configured": "restore the configuration, or settle it by hand",
  stalled:
    "look for what killed it (memory, the host) in the log around job.stalled, then look at the payment again; an operation may have been carried out: see the PSP's portal",
  "never-proven": "look at the payment in the PSP's portal, or look again; then dismiss the letter",
  "client-certificate": "put it right in the settings",
  "malformed-url": "put it right in the settings",
  "malformed-id": "find out who sent it; the payment cannot exist under it",
  "capture-failed":
    "see in the PSP's portal why, and whether it tries again by itself; else capture again while the authorisation lives",
  "refund-failed": "refund again, or pay back by other means; the order may say credited no longer",
  "refund-reversed": "ask the shopper for another way",
  chargeback: "see the PSP's portal for the reason; deliver nothing more",
  dispute: "answer at the PSP before the deadline that the finding names",
  "authorization-at-risk": "capture now, or ask the shopper to pay again",
  "payout-held": "see the PSP's portal",
  "live-mode-differs": "check the credentials and apiUrl of this channel",
  "outcome-unknown":
    "do not have the shopper pay again, nor refund again, before the PSP or the bank has said what happened",
  "credential-expires": "have the bank issue a new one and replace it in the configuration before the deadline",
  "norce-down":
    "nothing for the payments: each is tried again for three days; see Norce's status page, and whether a proxy of yours is in between",
  "psp-down":
    "nothing for the payments: each is tried again for three days; see the PSP's status page, and whether a proxy of yours is in between",
  "credentials-refused":
    "put the right ones in place, which is read without a restart; each payment is tried again until then",
  "webhooks-silent":
    "look for webhook.refused in the log since then, and whether the webhook is still registered at the PSP; the sweep repairs meanwhile",
  "paid-without-order":
    "find out who made the PSP's session without an order, or for another one; pay back what nobody ordered",
  "payment-good-order-not-accepted":
    "see why Norce, or who accepts its orders, has not accepted it; the money is there",
  "two-live-payments": "cancel or refund the one that the shopper does not mean",
  "body-too-large": "raise BODY_LIMIT above what the PSP sends: it may hold back everything else until then",
  "payment-unknown": "look for the PSP's id in its portal; it may belong to another system of the merchant's",
  "could-not-be-sent": "see why the PSP could not be asked for days, then ask for the operation again",
  "not-in-norce":
    "see whether the order exists in this environment of Norce's; else find out who made the PSP's session",
  "no-reference":
    "set the payment's reference in Norce, or look for it at the PSP; without it there is nothing to ask for",
  "not-at-psp": "see in the PSP's portal whether the reference belongs to this account",
  Unreachable: "see that whoever did not answer does so now, then try the letters again",
  Unmapped: "a newer version may know the answer; else report it, with what the letter says",
  Refused: "npm run explain says for an order who refused what, with the id that their support asks for",
};
